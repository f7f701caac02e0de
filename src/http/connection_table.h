#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "http/client_table.h"
#include "http/late_answer.h"
#include "http/request_reader.h"
#include "http/shared.h"

namespace ia {

enum class Waiting : std::uint8_t { kIdle, kRequest, kTurn, kAnswer, kStream, kWrite, kLinger };

// A connection of the server, without its socket.
struct ConnectionState {
  explicit ConnectionState(const RequestLimits& limits) : reader(std::in_place, limits) {}
  ~ConnectionState() { forget_late(); }
  ConnectionState(const ConnectionState&) = delete;
  ConnectionState& operator=(const ConnectionState&) = delete;

  void forget_late();
  // From now on it is a stream, and no connection.
  void count_as(Tally& streams);
  // Between two requests, or in the middle of one: until the timeouts of the options.
  void expect_bytes(const HttpServerOptions& options, MonoTime now);
  // Without a deadline.
  void wait_for(Waiting what);
  bool can_give_way() const;

  std::optional<HttpRequestReader> reader;  // none in a stream
  std::optional<Tally::Part> counted;
  std::optional<ClientTable::Part> share;  // of its client; none in a stream
  IpAddress peer;
  std::uint64_t client = 0;  // of the peer
  bool is_proxy = false;     // that is trusted: there are many clients behind it
  std::size_t requests = 0;
  std::string unsent;  // when the client takes less than we have, and while others have a turn
  std::size_t unsent_from = 0;
  std::shared_ptr<LateAnswer> late;
  std::optional<MonoTime> request_began;
  Waiting waiting = Waiting::kTurn;
  MonoTime waiting_since{};  // when it is kIdle or kRequest
  MonoTime deadline = MonoTime::max();
  bool timed_out = false;
  bool is_closed = false;
};

// The connections of a server thread, and what their clients have of it. One thread.
class ConnectionTable {
 public:
  explicit ConnectionTable(const HttpServerOptions& options) : options_(options) {}

  // Lists a connection, whose client must be set, as long as it lives, and counts it.
  class Listing {
   public:
    Listing(ConnectionTable& table, ConnectionState& connection);
    ~Listing();
    Listing(const Listing&) = delete;
    Listing& operator=(const Listing&) = delete;

   private:
    ConnectionTable& table_;
    std::list<ConnectionState*>::iterator place_;
  };

  const std::list<ConnectionState*>& all() const { return all_; }

  // Whether a connection that was just listed may stay, and the one that has to be closed for it.
  struct Room {
    bool may_stay = true;
    ConnectionState* gives_way = nullptr;
  };
  // `total`: connections of all threads, this one included. Where there are too many, the idlest
  // gives way: of the client itself when it has more than its share, else of the one with most.
  Room room_for(const ConnectionState& newcomer, std::size_t total) const;

  // Counts the rest of an answer as long as the client has not taken it.
  ClientTable::Part hold_unsent(const ConnectionState& connection);
  // Set when the client, or all together, have more such bytes than they may.
  std::optional<Problem> too_much_unsent(const ConnectionState& connection) const;

 private:
  ConnectionState* idlest_of(std::uint64_t client) const;

  const HttpServerOptions& options_;
  std::list<ConnectionState*> all_;
  ClientTable clients_;
};

}  // namespace ia
