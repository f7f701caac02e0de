#include <algorithm>

#include "storage/latest_walk.h"
#include "storage/reader.h"

// The reads that concern everyone's newest state, and the pool of readers.
namespace ia::sqlite_store {
namespace {

constexpr std::size_t kIdleMax = 8;

char folded(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool begins_with(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() &&
         std::ranges::equal(name.substr(0, prefix.size()), prefix, {}, folded, folded);
}

}  // namespace

Status Reader::add_latest_values(Latest& latest) {
  auto walk = LatestWalk::begin(db_, WallTime::max(), &damage_);
  if (!walk) return std::unexpected(walk.error());
  latest.cursor.position = walk->position();
  auto& values = latest.values;
  const auto append = [](const auto& from, auto& to) {
    to.insert(to.end(), from.begin(), from.end());
  };
  while (!walk->at_end()) {
    const auto batch = walk->next();
    if (!batch) return std::unexpected(batch.error());
    append(batch->influencers, values.influencers);
    append(batch->followers, values.followers);
    append(batch->following, values.following);
    values.retrieved_at.resize(values.influencers.size(), batch->retrieved_at);
  }
  return {};
}

Status Reader::add_usernames(Latest& latest) {
  auto select = db_.prepare("SELECT id, name FROM username");
  if (!select) return std::unexpected(select.error());
  while (true) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    latest.usernames.push_back({influencer_at(select->integer(0)), std::string(select->text(1))});
  }
}

Result<std::vector<Username>> Reader::usernames(std::string_view prefix, std::size_t count_max) {
  auto select = db_.prepare(
      "SELECT id, name FROM username WHERE name >= ?1 COLLATE NOCASE "
      "ORDER BY name COLLATE NOCASE, id");
  if (!select) return std::unexpected(select.error());
  select->bind_text(1, prefix);
  std::vector<Username> found;
  while (found.size() < count_max) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row || !begins_with(select->text(1), prefix)) break;
    found.push_back({influencer_at(select->integer(0)), std::string(select->text(1))});
  }
  return found;
}

Result<Minute> Reader::horizon() {
  const auto stored = db_.integer("SELECT horizon FROM state");
  if (!stored) return std::unexpected(stored.error());
  return minute_at(*stored);
}

Result<StoreSize> Reader::size() {
  auto select = db_.prepare(
      "SELECT sum(stored), min(minute) FROM minute WHERE stored > 0 AND minute >= "
      "(SELECT horizon FROM state)");
  if (!select) return std::unexpected(select.error());
  const auto row = select->step();
  if (!row) return std::unexpected(row.error());
  return StoreSize{.bytes = files_.bytes(),
                   .points = static_cast<std::uint64_t>(select->integer(0)),
                   .free_bytes = files_.free_bytes(),
                   .oldest_minute = minute_at(select->integer(1)),
                   .damaged = damage_.places()};
}

Result<std::unique_ptr<Reader>> ReaderPool::take() {
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  return Reader::open(files_, damage_, registry_);
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
  const std::scoped_lock lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(reader));
}

}  // namespace ia::sqlite_store
