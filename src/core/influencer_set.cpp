#include "core/influencer_set.h"

#include <algorithm>
#include <charconv>

#include "base/printable.h"

namespace ia {
namespace {

constexpr std::string_view kSeparators = ", \t\r\n";
constexpr std::size_t kQuotedMax = 40;

Result<std::uint64_t> parse_id(std::string_view piece, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > kInfluencerIdMax) {
    return fail(Errc::kInvalid, "influencers: '" + printable(piece.substr(0, kQuotedMax)) +
                                    "' is not an id (0 to 2^63 - 1) or a range like 1000-1999");
  }
  return value;
}

Result<IdRange> parse_piece(std::string_view piece) {
  const auto dash = piece.find('-');
  const auto first = parse_id(piece, piece.substr(0, dash));
  if (!first) return std::unexpected(first.error());
  const auto last = dash == piece.npos ? first : parse_id(piece, piece.substr(dash + 1));
  if (!last) return std::unexpected(last.error());
  if (*last < *first) {
    return fail(Errc::kInvalid, "influencers: the range '" + printable(piece) +
                                    "' ends before it begins: swap its ends");
  }
  return IdRange{InfluencerId{*first}, InfluencerId{*last}};
}

// Puts them in order and makes one of those that overlap or touch, in place.
void unite(std::vector<IdRange>& ranges) {
  if (!std::ranges::is_sorted(ranges, {}, &IdRange::first)) {
    std::ranges::sort(ranges, {}, &IdRange::first);
  }
  std::size_t last = 0;
  for (const auto& range : std::span(ranges).subspan(1)) {
    if (number_of(range.first) <= number_of(ranges[last].last) + 1) {
      ranges[last].last = std::max(ranges[last].last, range.last);
    } else {
      ranges[++last] = range;
    }
  }
  ranges.resize(last + 1);
  ranges.shrink_to_fit();
}

}  // namespace

const std::shared_ptr<const InfluencerSet::Content>& InfluencerSet::none() {
  static const auto empty = std::make_shared<const Content>();
  return empty;
}

InfluencerSet::InfluencerSet(std::vector<IdRange> ranges) {
  if (ranges.empty()) return;
  unite(ranges);
  auto content = std::make_shared<Content>();
  content->offsets.reserve(ranges.size());
  for (const auto& range : ranges) {
    content->offsets.push_back(content->size);
    content->size += range.size();
  }
  content->ranges = std::move(ranges);
  content_ = std::move(content);
}

InfluencerSet InfluencerSet::of(std::span<const InfluencerId> ids) {
  std::vector<IdRange> ranges;
  for (const auto id : ids) {
    if (!ranges.empty() && number_of(id) == number_of(ranges.back().last) + 1) {
      ranges.back().last = id;
    } else {
      ranges.push_back({id, id});
    }
  }
  return InfluencerSet(std::move(ranges));
}

Result<InfluencerSet> InfluencerSet::parse(std::string_view text) {
  std::vector<IdRange> ranges;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kSeparators), text.size()));
    if (text.empty()) break;
    if (text.front() == '#') {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
      continue;
    }
    const auto piece = text.substr(0, text.find_first_of(", \t\r\n#"));
    const auto range = parse_piece(piece);
    if (!range) return std::unexpected(range.error());
    ranges.push_back(*range);
    text.remove_prefix(piece.size());
  }
  return InfluencerSet(std::move(ranges));
}

std::string InfluencerSet::to_string() const {
  std::string out;
  for (const auto& range : ranges()) {
    if (!out.empty()) out += ',';
    out += std::to_string(number_of(range.first));
    if (range.first != range.last) out += '-' + std::to_string(number_of(range.last));
  }
  return out;
}

std::optional<std::size_t> InfluencerSet::index_of(InfluencerId id) const {
  const auto& ranges = content_->ranges;
  const auto after = std::ranges::upper_bound(ranges, id, {}, &IdRange::first);
  if (after == ranges.begin()) return std::nullopt;
  const auto position = static_cast<std::size_t>(after - ranges.begin()) - 1;
  if (id > ranges[position].last) return std::nullopt;
  return content_->offsets[position] + (number_of(id) - number_of(ranges[position].first));
}

InfluencerId InfluencerSet::at(std::size_t index) const {
  const auto& offsets = content_->offsets;
  const auto after = std::ranges::upper_bound(offsets, index);
  const auto position = static_cast<std::size_t>(after - offsets.begin()) - 1;
  return InfluencerId{number_of(content_->ranges[position].first) + (index - offsets[position])};
}

InfluencerSet InfluencerSet::slice(std::size_t begin, std::size_t count) const {
  const auto& offsets = content_->offsets;
  std::vector<IdRange> slice;
  const auto end = std::min(size(), begin + count);
  const auto first_range = std::ranges::upper_bound(offsets, begin);
  auto position = static_cast<std::size_t>(first_range - offsets.begin());
  if (position > 0) --position;
  for (; begin < end && position < ranges().size(); ++position) {
    const auto& range = ranges()[position];
    const auto skip = begin - offsets[position];
    const auto take = std::min(range.size() - skip, end - begin);
    const auto first = number_of(range.first) + skip;
    slice.push_back({InfluencerId{first}, InfluencerId{first + take - 1}});
    begin += take;
  }
  return InfluencerSet(std::move(slice));
}

std::vector<InfluencerId> InfluencerSet::ids() const {
  std::vector<InfluencerId> out;
  out.reserve(size());
  for (const auto& range : ranges()) {
    for (auto id = number_of(range.first); id <= number_of(range.last); ++id) {
      out.push_back(InfluencerId{id});
    }
  }
  return out;
}

InfluencerSet InfluencerSet::common_with(const InfluencerSet& other) const {
  std::vector<IdRange> common;
  const auto others = other.ranges();
  auto theirs = others.begin();
  for (const auto& own : ranges()) {
    while (theirs != others.end() && theirs->last < own.first) ++theirs;
    for (auto at = theirs; at != others.end() && at->first <= own.last; ++at) {
      common.push_back({std::max(own.first, at->first), std::min(own.last, at->last)});
    }
  }
  return InfluencerSet(std::move(common));
}

InfluencerSet InfluencerSet::without(const InfluencerSet& other) const {
  std::vector<IdRange> left;
  const auto others = other.ranges();
  auto theirs = others.begin();
  for (auto own : ranges()) {
    while (theirs != others.end() && theirs->last < own.first) ++theirs;
    bool is_left = true;
    for (auto at = theirs; is_left && at != others.end() && at->first <= own.last; ++at) {
      if (own.first < at->first) {
        left.push_back({own.first, InfluencerId{number_of(at->first) - 1}});
      }
      is_left = at->last < own.last;
      if (is_left) own.first = InfluencerId{number_of(at->last) + 1};
    }
    if (is_left) left.push_back(own);
  }
  return InfluencerSet(std::move(left));
}

}  // namespace ia
