#include <cstdlib>

#include "core/influencer_set.h"

// What parses, prints as text that parses to the same set.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto set = ia::InfluencerSet::parse(text);
  if (!set) return 0;
  if (ia::InfluencerSet::parse(set->to_string()) != *set) std::abort();
  for (std::size_t i = 0; i < set->size() && i < 100; ++i) {
    if (set->index_of(set->at(i)) != i) std::abort();
  }
  return 0;
}
