#include "core/point_batch.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <span>

#include "base/varint.h"

namespace ia {
namespace {

static_assert(std::endian::native == std::endian::little, "columns are written in place");

constexpr std::string_view kMagic = "IAB1";
constexpr std::size_t kSlack = 8;  // columns are written and read eight bytes at a time

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));  // NOLINT
}

// The smallest value, the width in bytes of the rest (at least 1, so that a count of points is
// never larger than the bytes that carry it), then the rest.
void put_column(std::string& out, const std::vector<std::int64_t>& values) {
  if (values.empty()) return;
  const auto [low, high] = std::ranges::minmax(values);
  const auto span = static_cast<std::uint64_t>(high - low);
  const auto width =
      std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(span)) + 7) / 8);
  put_varint(out, static_cast<std::uint64_t>(low));
  out.push_back(static_cast<char>(width));
  const auto begin = out.size();
  out.resize(begin + values.size() * width + kSlack);
  char* at = out.data() + begin;
  for (const auto value : values) {
    const auto rest = static_cast<std::uint64_t>(value - low);
    std::memcpy(at, &rest, sizeof rest);
    at += width;
  }
  out.resize(begin + values.size() * width);
}

struct IdRun {
  std::uint64_t first;
  std::uint64_t length;
};

template <class Visit>
void for_each_run(std::span<const InfluencerId> ids, Visit visit) {
  for (std::size_t begin = 0; begin < ids.size();) {
    std::size_t end = begin + 1;
    while (end < ids.size() && number_of(ids[end]) == number_of(ids[end - 1]) + 1) ++end;
    visit(IdRun{number_of(ids[begin]), end - begin});
    begin = end;
  }
}

void put_ids(std::string& out, std::span<const InfluencerId> ids) {
  std::size_t runs = 0;
  for_each_run(ids, [&](IdRun) { ++runs; });
  put_varint(out, ids.size());
  put_varint(out, runs);
  const auto begin = out.size();
  out.resize(begin + runs * 2 * kVarintBytesMax);
  char* at = out.data() + begin;
  std::uint64_t expected = 0;
  for_each_run(ids, [&](IdRun run) {
    at = put_varint_at(at, run.first - expected);
    at = put_varint_at(at, run.length - 1);
    expected = run.first + run.length;
  });
  out.resize(static_cast<std::size_t>(at - out.data()));
}

// Reads from front to back; after anything unsound it yields zeros and stays failed.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

  std::uint8_t byte() {
    if (rest_.empty()) return fail();
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  std::uint64_t varint() {
    const auto* at = rest_.data();
    const auto* end = at + std::min(rest_.size(), kVarintBytesMax);
    std::uint64_t value = 0;
    for (unsigned shift = 0; at != end; shift += 7) {
      const std::uint64_t part = static_cast<std::uint8_t>(*at++);
      if (shift == 63 && part > 1) return fail();
      value |= (part & 0x7f) << shift;
      if (part < 0x80) {
        rest_.remove_prefix(static_cast<std::size_t>(at - rest_.data()));
        return value;
      }
    }
    return fail();
  }

  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::uint8_t fail() {
    failed_ = true;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::uint64_t load(const char* at, std::size_t width) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, width);
  return value;
}

struct Column {
  std::int64_t low = 0;
  std::size_t width = 0;
  std::string_view bytes;

  std::int64_t at(std::size_t index) const {
    return low + static_cast<std::int64_t>(load(bytes.data() + index * width, width));
  }
};

Column read_column(Reader& in, std::size_t count) {
  if (count == 0) return {};
  Column column;
  const auto low = in.varint();
  column.width = in.byte();
  if (low > static_cast<std::uint64_t>(kCountMax) || column.width < 1 || column.width > 7 ||
      count > in.left() / column.width) {
    in.fail();
    return {};
  }
  column.low = static_cast<std::int64_t>(low);
  column.bytes = in.bytes(count * column.width);
  return column;
}

bool read_values(Reader& in, std::size_t count, std::vector<std::int64_t>& values) {
  const auto column = read_column(in, count);
  if (in.failed()) return false;
  values.resize(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = column.at(i);
  return std::ranges::all_of(values, [](auto value) { return value <= kCountMax; });
}

// Ids are at most kInfluencerIdMax, so sums of a sound one and a gap cannot wrap unnoticed.
bool advance(std::uint64_t& id, std::uint64_t by) {
  if (by > kInfluencerIdMax || id > kInfluencerIdMax - by) return false;
  id += by;
  return true;
}

bool read_ids(Reader& in, std::vector<InfluencerId>& ids) {
  const auto count = in.varint();
  const auto runs = in.varint();
  if (in.failed() || count > in.left() || runs > count) return false;
  ids.resize(count);
  auto* out = ids.data();
  const auto* end = out + count;
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < runs; ++i) {
    const auto gap = in.varint();
    const auto more = in.varint();
    const auto room = static_cast<std::uint64_t>(end - out);
    if (in.failed() || more >= room || !advance(next, gap)) return false;
    if (i > 0 && gap == 0) return false;
    if (more > kInfluencerIdMax - next) return false;
    for (std::uint64_t k = 0; k <= more; ++k) *out++ = InfluencerId{next + k};
    next += more + 1;
  }
  return out == end;
}

bool read_misses(Reader& in, std::vector<Miss>& misses) {
  const auto count = in.varint();
  if (in.failed() || count > in.left()) return false;
  misses.reserve(count);
  std::uint64_t id = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto gap = in.varint();
    const auto reason = in.byte();
    if (in.failed() || reason >= kMissReasonCount || (i > 0 && gap == 0)) return false;
    if (!advance(id, gap)) return false;
    misses.push_back({InfluencerId{id}, static_cast<MissReason>(reason)});
  }
  return true;
}

bool read_usernames(Reader& in, std::vector<Username>& usernames) {
  const auto count = in.varint();
  if (in.failed() || count > in.left()) return false;
  std::uint64_t id = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto gap = in.varint();
    const auto length = in.varint();
    if (in.failed() || length > kUsernameBytesMax || (i > 0 && gap == 0)) return false;
    if (!advance(id, gap)) return false;
    usernames.push_back({InfluencerId{id}, std::string(in.bytes(length))});
  }
  return !in.failed();
}

bool disjoint(const PointBatch& batch) {
  return std::ranges::none_of(batch.misses, [&](const Miss& miss) {
    return std::ranges::binary_search(batch.influencers, miss.influencer);
  });
}

bool read_head(Reader& in, PointBatch& batch) {
  const auto minute = in.varint();
  const auto offset = static_cast<std::int64_t>(unzigzag(in.varint()));
  constexpr std::uint64_t kMinuteMax = std::uint64_t{1} << 32;  // the year 10136
  if (in.failed() || minute > kMinuteMax || offset < 0 || offset >= 60'000) return false;
  batch.minute = Minute{std::chrono::minutes{static_cast<std::int64_t>(minute)}};
  batch.retrieved_at = batch.minute + std::chrono::milliseconds{offset};
  return true;
}

template <class Item>
void put_gap(std::string& out, std::uint64_t& previous, const Item& item) {
  put_varint(out, number_of(item.influencer) - previous);
  previous = number_of(item.influencer);
}

}  // namespace

std::string encode(const PointBatch& batch) {
  std::string out;
  out.reserve(64 + batch.size() * 10 + batch.misses.size() * 3 + batch.usernames.size() * 24);
  out.append(kMagic);
  put_varint(out, static_cast<std::uint64_t>(batch.minute.time_since_epoch().count()));
  put_varint(out, zigzag((batch.retrieved_at - batch.minute).count()));
  put_ids(out, batch.influencers);
  put_column(out, batch.followers);
  put_column(out, batch.following);
  put_varint(out, batch.misses.size());
  std::uint64_t previous = 0;
  for (const auto& miss : batch.misses) {
    put_gap(out, previous, miss);
    out.push_back(static_cast<char>(miss.reason));
  }
  put_varint(out, batch.usernames.size());
  previous = 0;
  for (const auto& username : batch.usernames) {
    put_gap(out, previous, username);
    put_varint(out, username.name.size());
    out.append(username.name);
  }
  const auto sum = checksum(out);
  out.append(reinterpret_cast<const char*>(&sum), sizeof sum);  // NOLINT
  return out;
}

Result<PointBatch> decode_point_batch(std::string_view bytes) {
  const auto unsound = [](const char* what) {
    return fail(Errc::kInvalid, std::string("point batch: ") + what);
  };
  if (!bytes.starts_with(kMagic)) return unsound("not a batch of a version that is known here");
  if (bytes.size() < kMagic.size() + sizeof(std::uint32_t)) return unsound("cut short");
  const auto body = bytes.substr(0, bytes.size() - sizeof(std::uint32_t));
  if (load(bytes.data() + body.size(), sizeof(std::uint32_t)) != checksum(body)) {
    return unsound("checksum does not match");
  }
  Reader in(body.substr(kMagic.size()));
  PointBatch batch;
  if (!read_head(in, batch)) return unsound("bad time");
  if (!read_ids(in, batch.influencers)) return unsound("bad influencer ids");
  if (!read_values(in, batch.size(), batch.followers)) return unsound("bad followers");
  if (!read_values(in, batch.size(), batch.following)) return unsound("bad following");
  if (!read_misses(in, batch.misses)) return unsound("bad misses");
  if (!read_usernames(in, batch.usernames)) return unsound("bad usernames");
  if (!in.at_end()) return unsound("bytes left over");
  if (!disjoint(batch)) return unsound("an influencer both stored and missed");
  return batch;
}

std::optional<Counts> find_in_encoded(std::string_view bytes, InfluencerId influencer) {
  if (bytes.size() < kMagic.size()) return std::nullopt;
  Reader in(bytes.substr(kMagic.size()));
  in.varint();
  in.varint();
  const auto count = in.varint();
  const auto runs = in.varint();
  std::optional<std::size_t> found;
  std::uint64_t next = 0;
  std::size_t index = 0;
  for (std::uint64_t i = 0; i < runs && !in.failed(); ++i) {
    const auto first = next + in.varint();
    const auto length = in.varint() + 1;
    const auto wanted = number_of(influencer);
    if (wanted >= first && wanted - first < length) found = index + (wanted - first);
    index += length;
    next = first + length;
  }
  if (!found || in.failed() || *found >= count) return std::nullopt;
  const auto followers = read_column(in, count);
  const auto following = read_column(in, count);
  if (in.failed()) return std::nullopt;
  return Counts{followers.at(*found), following.at(*found)};
}

namespace {

// Those of `from` that are at or behind `middle` go to `to`.
template <class Row, class IdOf>
void move_upper(std::vector<Row>& from, std::vector<Row>& to, InfluencerId middle, IdOf id_of) {
  const auto first = std::ranges::lower_bound(from, middle, {}, id_of);
  to.assign(std::make_move_iterator(first), std::make_move_iterator(from.end()));
  from.erase(first, from.end());
}

std::vector<InfluencerId> all_ids(const PointBatch& batch) {
  auto ids = batch.influencers;
  for (const auto& miss : batch.misses) ids.push_back(miss.influencer);
  for (const auto& username : batch.usernames) ids.push_back(username.influencer);
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  return ids;
}

PointBatch take_upper_half(PointBatch& batch, InfluencerId middle) {
  PointBatch upper;
  upper.minute = batch.minute;
  upper.retrieved_at = batch.retrieved_at;
  const auto kept = static_cast<std::ptrdiff_t>(
      std::ranges::lower_bound(batch.influencers, middle) - batch.influencers.begin());
  const auto cut = [kept](auto& from, auto& to) {
    to.assign(from.begin() + kept, from.end());
    from.resize(static_cast<std::size_t>(kept));
  };
  cut(batch.influencers, upper.influencers);
  cut(batch.followers, upper.followers);
  cut(batch.following, upper.following);
  move_upper(batch.misses, upper.misses, middle, &Miss::influencer);
  move_upper(batch.usernames, upper.usernames, middle, &Username::influencer);
  return upper;
}

}  // namespace

std::vector<std::string> encode_in_parts(const PointBatch& batch, std::size_t bytes_max) {
  std::vector<std::string> parts;
  std::vector<PointBatch> rest{batch};
  while (!rest.empty()) {
    auto first = std::move(rest.back());
    rest.pop_back();
    auto bytes = encode(first);
    const auto ids = bytes.size() > bytes_max ? all_ids(first) : std::vector<InfluencerId>{};
    if (ids.size() < 2) {
      parts.push_back(std::move(bytes));
      continue;
    }
    auto upper = take_upper_half(first, ids[ids.size() / 2]);
    rest.push_back(std::move(upper));
    rest.push_back(std::move(first));
  }
  return parts;
}

}  // namespace ia
