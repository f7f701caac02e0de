#include "http/client_table.h"

#include <algorithm>

namespace ia {

ClientTable::Part::Part(ClientTable& table, std::uint64_t client, Shares shares)
    : table_(table), client_(client), shares_(shares) {
  auto& all = table_.clients_[client_];
  all.connections += shares_.connections;
  all.unsent_bytes += shares_.unsent_bytes;
  table_.unsent_bytes_ += shares_.unsent_bytes;
}

ClientTable::Part::~Part() {
  const auto found = table_.clients_.find(client_);
  auto& all = found->second;
  all.connections -= shares_.connections;
  all.unsent_bytes -= shares_.unsent_bytes;
  table_.unsent_bytes_ -= shares_.unsent_bytes;
  if (all.connections == 0 && all.unsent_bytes == 0) table_.clients_.erase(found);
}

ClientTable::Shares ClientTable::of(std::uint64_t client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() ? Shares{} : found->second;
}

std::uint64_t ClientTable::largest() const {
  const auto most = std::ranges::max_element(
      clients_, {}, [](const auto& client) { return client.second.connections; });
  return most == clients_.end() ? 0 : most->first;
}

}  // namespace ia
