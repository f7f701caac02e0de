#include <cstdlib>

#include "core/influencer_set.h"
#include "core/schedule.h"

namespace {

// A database's text that others may have written: what it says of a minute holds together.
void read_history(const std::string& text) {
  const auto history = ia::WatchHistory::parse(text);
  if (!history) return;
  if (ia::WatchHistory::parse(history->to_string()) != *history) std::abort();
  ia::Registry registry;
  registry.epoch = 1;
  registry.influencers = ia::InfluencerSet({{ia::InfluencerId{5}, ia::InfluencerId{9}}});
  registry.watched = *history;
  for (const auto minute : {ia::Minute{}, history->begin(), history->all_since()}) {
    std::uint64_t due = 0;
    for (const auto id : registry.influencers.ids()) due += minute >= history->since(id);
    if (minute >= history->all_since() && due != 5) std::abort();
    if (registry.due_in(minute) > 5) std::abort();
  }
}

}  // namespace

// What parses, prints as text that parses to the same set.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  read_history(text);
  const auto set = ia::InfluencerSet::parse(text);
  if (!set) return 0;
  if (ia::InfluencerSet::parse(set->to_string()) != *set) std::abort();
  for (std::size_t i = 0; i < set->size() && i < 100; ++i) {
    if (set->index_of(set->at(i)) != i) std::abort();
  }
  return 0;
}
