#include "adapters/postgres/pool.h"

namespace ia::postgres {
namespace {

constexpr std::chrono::seconds kWait{5};

}  // namespace

Pool::Pool(ConnectionOptions options, std::size_t connections_max)
    : options_(std::move(options)), connections_max_(connections_max) {}

Result<Pool::Lease> Pool::take(bool may_be_kept) {
  {
    std::unique_lock lock(mutex_);
    if (!given_back_.wait_for(lock, kWait, [this] { return in_use_ < connections_max_; })) {
      return fail(Errc::kOverloaded, "postgres: all " + std::to_string(connections_max_) +
                                         " connections of the pool are in use: make it larger");
    }
    ++in_use_;
    if (!may_be_kept) kept_.clear();
    if (!kept_.empty()) {
      Lease lease{std::move(kept_.back()), true};
      kept_.pop_back();
      return lease;
    }
  }
  auto opened = Connection::open(options_);
  if (opened) return Lease{std::move(*opened), false};
  give_back({});
  return std::unexpected(opened.error());
}

void Pool::give_back(Lease lease) {
  auto& connection = lease.connection;
  const bool keep = connection && !connection->is_broken() && !connection->is_in_transaction();
  {
    const std::scoped_lock lock(mutex_);
    --in_use_;
    if (keep) kept_.push_back(std::move(*connection));
  }
  given_back_.notify_one();
}

}  // namespace ia::postgres
