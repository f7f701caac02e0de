#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "net/http_endpoint.h"
#include "net/http_lane_options.h"
#include "net/tls_session.h"
#include "net/wire.h"

namespace boost::asio {
class io_context;
}

namespace ia {

// Opens connections to a network, or through a proxy: resolves the name, connects to one of its
// addresses, has the proxy open a tunnel, shakes hands. Does its work, and makes its calls back, in
// `io`. Must be destroyed before `io`. One thread.
class Dialer {
 public:
  struct Parts {
    boost::asio::io_context& io;
    const HttpEndpoint& endpoint;
    const HttpLaneOptions& options;
    TlsClients clients;
    const Clock& clock;
  };
  // `trouble`: why the name has no address; it is tried again by itself.
  using OnUnresolved = std::function<void(const std::string& trouble)>;
  // An open wire, or why there is none.
  using OnDialed = std::move_only_function<void(Wire wire, const std::string& trouble)>;
  // A connection that is being opened.
  class Call;

  Dialer(Parts parts, OnUnresolved on_unresolved);
  ~Dialer();

  // Resolves the name if it is time for it.
  void refresh(MonoTime now);
  // False until the name was resolved for the first time, or could not be.
  bool is_ready() const;
  bool has_addresses() const;
  // A connection failed: the addresses may have changed.
  void doubt_addresses();

  std::shared_ptr<Call> dial(OnDialed on_dialed);
  // Ends the call soon, with trouble.
  static void hang_up(Call& call);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ia
