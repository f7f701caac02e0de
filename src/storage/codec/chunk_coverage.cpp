#include "storage/codec/chunk_coverage.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/varint.h"

namespace ia {
namespace {

// How the covered minutes are written: the first byte.
enum Coverage : std::uint8_t { kFull = 0, kRuns = 1, kBitmap = 2 };

// What is known of a minute; kMissed + n is missed for reason n.
enum Mark : std::uint8_t { kOpen = 0, kPresent = 1, kMissed = 2 };
constexpr std::uint8_t kMarkEnd = kMissed + kMissReasonCount;

using Marks = std::array<std::uint8_t, kChunkSpanMax>;

void put_runs(std::string& out, std::span<const std::uint8_t> marks) {
  for (std::size_t begin = 0; begin < marks.size();) {
    std::size_t end = begin + 1;
    while (end < marks.size() && marks[end] == marks[begin]) ++end;
    put_varint(out, ((end - begin - 1) << 4) | marks[begin]);
    begin = end;
  }
}

void put_bitmap(std::string& out, std::span<const std::uint8_t> marks) {
  const auto begin = out.size();
  out.resize(begin + (marks.size() + 7) / 8);
  Marks absent;
  std::size_t absent_count = 0;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] == kPresent) {
      auto& byte = out[begin + i / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | (1u << (i % 8)));
    } else {
      absent[absent_count++] = marks[i];
    }
  }
  put_runs(out, std::span(absent).first(absent_count));
}

bool read_runs(ByteReader& in, std::span<std::uint8_t> marks) {
  for (std::size_t begin = 0; begin < marks.size();) {
    const auto run = in.varint();
    const auto mark = static_cast<std::uint8_t>(run & 15);
    const auto length = (run >> 4) + 1;
    if (in.failed() || mark >= kMarkEnd || length > marks.size() - begin) return false;
    std::ranges::fill(marks.subspan(begin, length), mark);
    begin += length;
  }
  return true;
}

bool read_bitmap(ByteReader& in, std::span<std::uint8_t> marks) {
  const auto bitmap = in.bytes((marks.size() + 7) / 8);
  if (in.failed()) return false;
  Marks absent;
  std::size_t absent_count = 0;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const bool set = (static_cast<unsigned char>(bitmap[i / 8]) >> (i % 8)) & 1;
    marks[i] = set ? kPresent : kOpen;
    if (!set) ++absent_count;
  }
  const auto runs = std::span(absent).first(absent_count);
  if (!read_runs(in, runs)) return false;
  auto next = runs.begin();
  for (auto& mark : marks) {
    if (mark != kPresent) mark = *next++;
  }
  return std::ranges::find(runs, std::uint8_t{kPresent}) == runs.end();
}

void take_marks(std::span<const std::uint8_t> marks, std::uint16_t base, Chunk& out) {
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const auto offset = static_cast<std::uint16_t>(base + i);
    if (marks[i] == kPresent) {
      out.offsets.push_back(offset);
    } else if (marks[i] >= kMissed) {
      out.misses.push_back({offset, static_cast<MissReason>(marks[i] - kMissed)});
    }
  }
}

bool read_marks(ByteReader& in, char kind, std::span<std::uint8_t> marks) {
  if (kind == kRuns) return read_runs(in, marks);
  return kind == kBitmap && read_bitmap(in, marks);
}

}  // namespace

void put_coverage(const CoverageView& coverage, std::uint32_t span, std::string& out) {
  if (coverage.offsets.size() == span) {
    out.push_back(kFull);
    return;
  }
  Marks marks;
  const auto used = std::span(marks).first(span);
  std::ranges::fill(used, std::uint8_t{kOpen});
  for (const auto offset : coverage.offsets) used[offset - coverage.base] = kPresent;
  for (const auto& miss : coverage.misses) {
    used[miss.offset - coverage.base] =
        static_cast<std::uint8_t>(kMissed + static_cast<unsigned>(miss.reason));
  }
  std::string runs(1, static_cast<char>(kRuns));
  put_runs(runs, used);
  if (runs.size() > 1 + (span + 7) / 8) {
    std::string bitmap(1, static_cast<char>(kBitmap));
    put_bitmap(bitmap, used);
    if (bitmap.size() < runs.size()) runs.swap(bitmap);
  }
  out += runs;
}

bool read_coverage(ByteReader& in, std::uint32_t span, std::uint16_t base, Chunk& out) {
  const auto kind = in.bytes(1);
  if (in.failed()) return false;
  if (kind[0] == kFull) {
    const auto before = out.offsets.size();
    out.offsets.resize(before + span);
    std::iota(out.offsets.begin() + static_cast<std::ptrdiff_t>(before), out.offsets.end(), base);
    return true;
  }
  Marks marks;
  const auto used = std::span(marks).first(span);
  const bool sound = read_marks(in, kind[0], used);
  if (sound) take_marks(used, base, out);
  return sound;
}

bool read_index(ByteReader& in, std::uint32_t span, std::uint32_t offset, ValueIndex& out) {
  const auto kind = in.bytes(1);
  if (in.failed()) return false;
  if (kind[0] == kFull) {
    out = {.before = offset, .count = span, .is_there = true};
    return true;
  }
  Marks marks;
  const auto used = std::span(marks).first(span);
  if (!read_marks(in, kind[0], used)) return false;
  const auto present = [](std::span<const std::uint8_t> part) {
    return static_cast<std::size_t>(std::ranges::count(part, std::uint8_t{kPresent}));
  };
  out.before = present(used.first(offset));
  out.is_there = used[offset] == kPresent;
  out.count = out.before + present(used.subspan(offset));
  return true;
}

}  // namespace ia
