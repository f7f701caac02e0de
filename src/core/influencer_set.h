#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/point.h"

namespace ia {

// The ids first..last, both included.
struct IdRange {
  InfluencerId first;
  InfluencerId last;
  std::size_t size() const { return number_of(last) - number_of(first) + 1; }
  friend bool operator==(const IdRange&, const IdRange&) = default;
};

// A set of ids as ascending, disjoint, non-adjacent ranges: a million in a row cost 24 bytes, a
// million that are scattered 24 MB. Immutable once built, so copies share what they hold and cost
// nothing. An id's index is its position in ascending order.
class InfluencerSet {
 public:
  InfluencerSet() = default;
  // Moves are copies, so that a set that was moved from is still one.
  InfluencerSet(const InfluencerSet&) = default;
  InfluencerSet& operator=(const InfluencerSet&) = default;
  // Any order; overlaps merge.
  explicit InfluencerSet(std::vector<IdRange> ranges);
  static InfluencerSet of(std::span<const InfluencerId> ids);

  // "1000000-1999999,5,7": ranges and single ids, separated by commas, white space or lines;
  // "#" begins a comment that ends with the line. kInvalid names the piece that is wrong.
  static Result<InfluencerSet> parse(std::string_view text);
  std::string to_string() const;

  std::size_t size() const { return content_->size; }
  bool empty() const { return size() == 0; }
  bool contains(InfluencerId id) const { return index_of(id).has_value(); }
  std::optional<std::size_t> index_of(InfluencerId id) const;
  InfluencerId at(std::size_t index) const;
  // The ids with index in [begin, begin + count).
  InfluencerSet slice(std::size_t begin, std::size_t count) const;
  std::vector<InfluencerId> ids() const;
  // Those in both, and in this one alone. Linear in the ranges, but for sorting.
  InfluencerSet common_with(const InfluencerSet& other) const;
  InfluencerSet without(const InfluencerSet& other) const;
  std::span<const IdRange> ranges() const { return content_->ranges; }

  friend bool operator==(const InfluencerSet& a, const InfluencerSet& b) {
    return a.content_ == b.content_ || a.content_->ranges == b.content_->ranges;
  }

 private:
  struct Content {
    std::vector<IdRange> ranges;
    std::vector<std::size_t> offsets;  // index of each range's first id
    std::size_t size = 0;
  };
  static const std::shared_ptr<const Content>& none();

  std::shared_ptr<const Content> content_ = none();  // never null
};

}  // namespace ia
