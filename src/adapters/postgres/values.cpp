#include <endian.h>
#include <libpq-fe.h>

#include <bit>
#include <cstring>

#include "adapters/postgres/connection.h"

// Values in PostgreSQL's binary form: big-endian, times in microseconds since 2000.
namespace ia::postgres {
namespace {

using std::chrono::microseconds;

constexpr std::uint32_t kBool = 16;
constexpr std::uint32_t kBytea = 17;
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kFloat8 = 701;
constexpr std::uint32_t kTimestamptz = 1184;
constexpr std::uint32_t kByteaArray = 1001;
constexpr std::uint32_t kTextArray = 1009;
constexpr std::uint32_t kInt8Array = 1016;
constexpr std::uint32_t kTimestamptzArray = 1185;

constexpr std::size_t kArrayHeader = 20;
constexpr WallTime kEpoch{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};
constexpr std::string_view kCopySignature{"PGCOPY\n\377\r\n\0", 11};

template <class Integer>
void put(char*& to, Integer value) {
  if constexpr (sizeof(Integer) == 8) {
    const auto big = htobe64(static_cast<std::uint64_t>(value));
    std::memcpy(to, &big, 8);
  } else if constexpr (sizeof(Integer) == 4) {
    const auto big = htobe32(static_cast<std::uint32_t>(value));
    std::memcpy(to, &big, 4);
  } else {
    static_assert(sizeof(Integer) == 2);
    const auto big = htobe16(static_cast<std::uint16_t>(value));
    std::memcpy(to, &big, 2);
  }
  to += sizeof(Integer);
}

template <class Integer>
void append(std::string& to, Integer value) {
  char bytes[sizeof(Integer)];
  char* at = bytes;
  put(at, value);
  to.append(bytes, sizeof bytes);
}

std::int64_t load(const char* bytes, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  const auto unused = 64 - 8 * size;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

std::int64_t wire_of(WallTime time) { return microseconds(time - kEpoch).count(); }
WallTime time_of(std::int64_t wire) {
  return kEpoch + std::chrono::floor<std::chrono::milliseconds>(microseconds{wire});
}

std::int64_t wire_of(std::int64_t value) { return value; }
std::int64_t wire_of(InfluencerId id) { return static_cast<std::int64_t>(number_of(id)); }
std::int64_t wire_of(Minute minute) { return wire_of(WallTime{minute}); }

// Dimensions, has-nulls, type of the elements; then of the one dimension its size and lower bound.
void put_array_header(char*& to, std::uint32_t type, std::size_t size) {
  put(to, std::int32_t{size == 0 ? 0 : 1});
  put(to, std::int32_t{0});
  put(to, type);
  if (size == 0) return;
  put(to, static_cast<std::int32_t>(size));
  put(to, std::int32_t{1});
}

template <class T>
std::string fixed_array(std::uint32_t type, std::span<const T> values) {
  std::string bytes(kArrayHeader + 12 * values.size(), '\0');
  char* at = bytes.data();
  put_array_header(at, type, values.size());
  for (const auto& value : values) {
    put(at, std::int32_t{8});
    put(at, wire_of(value));
  }
  bytes.resize(static_cast<std::size_t>(at - bytes.data()));
  return bytes;
}

template <class Texts>
std::string varying_array(std::uint32_t type, const Texts& texts) {
  char header[kArrayHeader];
  char* at = header;
  put_array_header(at, type, texts.size());
  std::string bytes(header, static_cast<std::size_t>(at - header));
  for (const auto& text : texts) {
    append(bytes, static_cast<std::int32_t>(text.size()));
    bytes += text;
  }
  return bytes;
}

std::string fixed(std::int64_t wire) {
  std::string bytes;
  append(bytes, wire);
  return bytes;
}

[[noreturn]] void refuse(const std::string& what) {
  throw UnexpectedValue("a value in the database is not " + what +
                        ": were its tables changed by hand? Restore them from a backup");
}

std::string_view cell(const void* result, std::size_t row, int column) {
  const auto* rows = static_cast<const PGresult*>(result);
  const int number = static_cast<int>(row);
  return {PQgetvalue(rows, number, column),
          static_cast<std::size_t>(PQgetlength(rows, number, column))};
}

}  // namespace

Params& Params::push(std::uint32_t type, std::string bytes) {
  values_.push_back({type, std::move(bytes)});
  return *this;
}

Params& Params::add_boolean(bool value) { return push(kBool, std::string(1, value ? '\1' : '\0')); }
Params& Params::add_real(double value) {
  return push(kFloat8, fixed(std::bit_cast<std::int64_t>(value)));
}
Params& Params::add(std::int64_t value) { return push(kInt8, fixed(value)); }
Params& Params::add(WallTime value) { return push(kTimestamptz, fixed(wire_of(value))); }
Params& Params::add(Minute value) { return push(kTimestamptz, fixed(wire_of(value))); }
Params& Params::add(std::string_view text) { return push(kText, std::string(text)); }
Params& Params::add_bytes(std::string_view bytes) { return push(kBytea, std::string(bytes)); }

Params& Params::add(std::span<const std::int64_t> values) {
  return push(kInt8Array, fixed_array(kInt8, values));
}
Params& Params::add(std::span<const InfluencerId> values) {
  return push(kInt8Array, fixed_array(kInt8, values));
}
Params& Params::add(std::span<const WallTime> values) {
  return push(kTimestamptzArray, fixed_array(kTimestamptz, values));
}
Params& Params::add(std::span<const Minute> values) {
  return push(kTimestamptzArray, fixed_array(kTimestamptz, values));
}
Params& Params::add(std::span<const std::string_view> texts) {
  return push(kTextArray, varying_array(kText, texts));
}
Params& Params::add_bytes(std::span<const std::string> values) {
  return push(kByteaArray, varying_array(kBytea, values));
}

Rows::Rows(void* result) : result_(result) {}
void Rows::Deleter::operator()(void* result) const { PQclear(static_cast<PGresult*>(result)); }

std::size_t Rows::size() const {
  return static_cast<std::size_t>(PQntuples(static_cast<const PGresult*>(result_.get())));
}

bool Rows::is_null(std::size_t row, int column) const {
  return PQgetisnull(static_cast<const PGresult*>(result_.get()), static_cast<int>(row), column) !=
         0;
}

std::int64_t Rows::integer(std::size_t row, int column) const {
  const auto bytes = cell(result_.get(), row, column);
  if (bytes.size() != 2 && bytes.size() != 4 && bytes.size() != 8) refuse("an integer");
  return load(bytes.data(), bytes.size());
}

double Rows::real(std::size_t row, int column) const {
  const auto bytes = cell(result_.get(), row, column);
  if (bytes.size() != 8) refuse("a double");
  return std::bit_cast<double>(load(bytes.data(), 8));
}

bool Rows::boolean(std::size_t row, int column) const {
  const auto bytes = cell(result_.get(), row, column);
  if (bytes.size() != 1) refuse("a boolean");
  return bytes[0] != 0;
}

WallTime Rows::time(std::size_t row, int column) const { return time_of(integer(row, column)); }

Minute Rows::minute(std::size_t row, int column) const { return minute_of(time(row, column)); }

std::string_view Rows::text(std::size_t row, int column) const {
  return cell(result_.get(), row, column);
}

std::vector<std::int64_t> Rows::integers(std::size_t row, int column) const {
  const auto bytes = cell(result_.get(), row, column);
  if (bytes.size() < 12 || load(bytes.data(), 4) > 1) refuse("an array of one dimension");
  std::vector<std::int64_t> values;
  for (std::size_t at = kArrayHeader; at < bytes.size();) {
    if (bytes.size() - at < 4) refuse("an array");
    const auto size = load(bytes.data() + at, 4);
    if (size != 4 && size != 8) refuse("an array of integers");
    if (bytes.size() - at - 4 < static_cast<std::size_t>(size)) refuse("an array");
    values.push_back(load(bytes.data() + at + 4, static_cast<std::size_t>(size)));
    at += 4 + static_cast<std::size_t>(size);
  }
  return values;
}

std::vector<std::string> Rows::column_names() const {
  const auto* rows = static_cast<const PGresult*>(result_.get());
  std::vector<std::string> names;
  for (int column = 0; column < PQnfields(rows); ++column)
    names.emplace_back(PQfname(rows, column));
  return names;
}

CopyRows::CopyRows() : bytes_(kCopySignature) { bytes_.append(8, '\0'); }

CopyRows& CopyRows::row(std::int16_t columns) {
  append(bytes_, columns);
  return *this;
}

CopyRows& CopyRows::add(std::int64_t value) {
  append(bytes_, std::int32_t{8});
  append(bytes_, value);
  return *this;
}

CopyRows& CopyRows::add(Minute value) { return add(wire_of(value)); }

std::string CopyRows::finish() && {
  append(bytes_, std::int16_t{-1});
  return std::move(bytes_);
}

std::string_view CopyReader::text() {
  if (rest_.size() < 4) refuse("there");
  const auto size = load(rest_.data(), 4);
  if (size < 0 || rest_.size() - 4 < static_cast<std::size_t>(size)) refuse("there");
  const auto value = rest_.substr(4, static_cast<std::size_t>(size));
  rest_.remove_prefix(4 + value.size());
  return value;
}

std::int64_t CopyReader::integer() {
  const auto bytes = text();
  if (bytes.size() != 2 && bytes.size() != 4 && bytes.size() != 8) refuse("an integer");
  return load(bytes.data(), bytes.size());
}

WallTime CopyReader::time() { return time_of(integer()); }

}  // namespace ia::postgres
