#include "http/connection_table.h"

#include <algorithm>
#include <utility>

#include "http/server_problems.h"

namespace ia {
namespace {

// Those that are in the middle of a request give way only when none is between two.
auto order_of(const ConnectionState& connection) {
  return std::pair(connection.waiting == Waiting::kRequest, connection.waiting_since);
}

}  // namespace

void ConnectionState::forget_late() {
  if (const auto gone = std::exchange(late, nullptr)) gone->close();
}

void ConnectionState::count_as(Tally& streams) {
  counted.emplace(streams);
  share.reset();
}

void ConnectionState::expect_bytes(const HttpServerOptions& options, MonoTime now) {
  waiting_since = now;
  if (reader->is_empty()) {
    request_began.reset();
    waiting = Waiting::kIdle;
    deadline = now + options.idle_timeout;
    return;
  }
  if (!request_began) request_began = now;
  waiting = Waiting::kRequest;
  deadline =
      *request_began + (reader->is_in_body() ? options.request_timeout : options.header_timeout);
}

void ConnectionState::wait_for(Waiting what) {
  waiting = what;
  deadline = MonoTime::max();
}

bool ConnectionState::can_give_way() const {
  return !is_closed && (waiting == Waiting::kIdle || waiting == Waiting::kRequest);
}

ConnectionTable::Listing::Listing(ConnectionTable& table, ConnectionState& connection)
    : table_(table),
      place_(table.all_.insert(table.all_.end(), &connection)) {
  connection.share.emplace(table.clients_, connection.client,
                           ClientTable::Shares{.connections = 1});
}

ConnectionTable::Listing::~Listing() { table_.all_.erase(place_); }

ConnectionTable::Room ConnectionTable::room_for(const ConnectionState& newcomer,
                                                std::size_t total) const {
  const auto threads = std::max<std::size_t>(options_.threads, 1);
  const auto share = std::max<std::size_t>(options_.connections_of_client() / threads, 1);
  ConnectionState* idlest = nullptr;
  if (!newcomer.is_proxy && clients_.of(newcomer.client).connections > share) {
    idlest = idlest_of(newcomer.client);
  } else if (total > options_.connections_max) {
    idlest = idlest_of(clients_.largest());
    if (idlest == nullptr) idlest = idlest_of(newcomer.client);
  } else {
    return {};
  }
  return {.may_stay = idlest != nullptr, .gives_way = idlest};
}

ConnectionState* ConnectionTable::idlest_of(std::uint64_t client) const {
  ConnectionState* idlest = nullptr;
  for (auto* connection : all_) {
    if (connection->client != client || !connection->can_give_way()) continue;
    if (idlest == nullptr || order_of(*connection) < order_of(*idlest)) idlest = connection;
  }
  return idlest;
}

ClientTable::Part ConnectionTable::hold_unsent(const ConnectionState& connection) {
  return {clients_, connection.client, {.unsent_bytes = connection.unsent.capacity()}};
}

std::optional<Problem> ConnectionTable::too_much_unsent(const ConnectionState& connection) const {
  const auto own = clients_.of(connection.client).unsent_bytes;
  if (!connection.is_proxy && own > options_.unsent_bytes_of_client) {
    return too_many_answers_unread();
  }
  if (clients_.unsent_bytes() > options_.unsent_bytes_max) return too_many_answers_waiting();
  return std::nullopt;
}

}  // namespace ia
