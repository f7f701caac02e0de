#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/dialer.h"
#include "net/reply_parser.h"
#include "net/settlement.h"
#include "net/wire.h"

namespace ia {

// One of a lane's connections: parked, being opened, or waiting for the replies to its batch.
struct Connection {
  Wire wire;
  std::shared_ptr<Dialer::Call> call;  // while it is being opened
  bool may_read = false;               // Readiness said so, and no read has emptied it since
  bool is_ending = false;              // by the peer
  std::uint64_t replies = 0;           // on this connection
  bool closes = false;                 // it is not to be used any more
  bool said_so = false;                // the last reply did
  Batch batch;
  std::string out;       // the requests of the batch
  std::size_t sent = 0;  // of `out`
  std::string in;        // what came and is no whole reply yet
  ReplyParser parser;
  MonoTime deadline = MonoTime::max(), progress_by = MonoTime::max();
  bool timed_out = false;
  MonoTime idle_since{};

  bool is_open() const { return wire.is_open(); }
  bool is_idle() const { return is_open() && batch.items.empty(); }
  bool is_exchanging() const { return is_open() && !batch.items.empty(); }

  // Forgets the connection before.
  void renew() {
    may_read = is_ending = closes = said_so = timed_out = false;
    replies = 0;
    in.clear();
    parser.reset();
  }

  // Sends what the socket takes of the requests that are not sent yet.
  Transfer send_rest() {
    Transfer moved;
    while (sent < out.size()) {
      moved = wire.send(std::string_view(out).substr(sent));
      if (moved.bytes == 0) break;
      sent += moved.bytes;
    }
    return moved;
  }
};

}  // namespace ia
