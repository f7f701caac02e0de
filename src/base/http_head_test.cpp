#include "base/http_head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ia::http1 {
namespace {

TEST(ScanHead, FindsTheEmptyLine) {
  const auto scan = scan_head("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n", 100);
  EXPECT_EQ(scan.state, HeadState::kWhole);
  EXPECT_EQ(scan.size, 27u);
}

TEST(ScanHead, WaitsForAPartOfAHead) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_EQ(scan_head(head.substr(0, size), 100).state, HeadState::kPartial) << size;
  }
}

TEST(ScanHead, RefusesALineFeedAloneAtOnce) {
  EXPECT_EQ(scan_head("GET / HTTP/1.1\n", 100).state, HeadState::kMalformed);
  EXPECT_EQ(scan_head("GET / HTTP/1.1\r\n\n", 100).state, HeadState::kMalformed);
  EXPECT_EQ(scan_head("\n", 100).state, HeadState::kMalformed);
}

TEST(ScanHead, LimitsAHeadToTheByte) {
  const std::string head = "GET / HTTP/1.1\r\n\r\n";
  EXPECT_EQ(scan_head(head, head.size()).state, HeadState::kWhole);
  EXPECT_EQ(scan_head(head, head.size() - 1).state, HeadState::kTooLarge);
  EXPECT_EQ(scan_head(head.substr(0, 10), 10).state, HeadState::kTooLarge);
}

TEST(RequestLine, HasThreeParts) {
  const auto line = parse_request_line("M-SEARCH /a?b=\xc3\xa4 HTTP/1.0");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->method, "M-SEARCH");
  EXPECT_EQ(line->target, "/a?b=\xc3\xa4");
  EXPECT_EQ(line->minor_version, 0);
}

TEST(RequestLine, IsRefusedWhenOdd) {
  for (const std::string_view line : {"",
                                      " ",
                                      "GET",
                                      "GET /",
                                      "GET  HTTP/1.1",
                                      "GET / HTTP/1.1 ",
                                      " GET / HTTP/1.1",
                                      "GET  / HTTP/1.1",
                                      "GET /  HTTP/1.1",
                                      "GET /a b HTTP/1.1",
                                      "GET / HTTP/2.0",
                                      "GET / http/1.1",
                                      "GET / HTTP/1.11",
                                      "GET / HTTP/1.",
                                      "GET / HTTP/1.x",
                                      "G@T / HTTP/1.1",
                                      "GET /\t HTTP/1.1",
                                      "GET /\x7f HTTP/1.1",
                                      "GET\t/\tHTTP/1.1",
                                      "/ HTTP/1.1"}) {
    EXPECT_FALSE(parse_request_line(line)) << line;
  }
}

TEST(RequestLine, MayBeOfALaterMinorVersion) {
  EXPECT_EQ(parse_request_line("GET / HTTP/1.2")->minor_version, 2);
  EXPECT_EQ(parse_request_line("GET / HTTP/1.9")->minor_version, 9);
}

TEST(RequestLine, TellsAnotherMajorVersionFromNonsense) {
  EXPECT_TRUE(has_other_version("PRI * HTTP/2.0"));
  EXPECT_TRUE(has_other_version("GET / HTTP/0.9"));
  for (const std::string_view line : {"", "GET /", "GET / HTTP/1.1", "GET / HTTP/2", "HTTP/2.x",
                                      "GET / http/2.0", "GET / HTTP/2.0 "}) {
    EXPECT_FALSE(has_other_version(line)) << line;
  }
}

TEST(StatusLine, HasAStatusAndMayHaveAPhrase) {
  EXPECT_EQ(parse_status_line("HTTP/1.1 200 OK")->status, 200u);
  EXPECT_EQ(parse_status_line("HTTP/1.0 999 ")->status, 999u);
  EXPECT_EQ(parse_status_line("HTTP/1.0 999 ")->minor_version, 0);
  EXPECT_TRUE(parse_status_line("HTTP/1.1 404 Not\tf\xc3\xbcnd"));
  EXPECT_EQ(parse_status_line("HTTP/1.1 204")->status, 204u);
  EXPECT_EQ(parse_status_line("HTTP/1.9 200 OK")->minor_version, 1);
}

TEST(StatusLine, IsRefusedWhenOdd) {
  for (const std::string_view line :
       {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
        "HTTP/1.1  200 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 099 OK", "HTTP/2.0 200 OK",
        "http/1.1 200 OK", "HTTP/1.1 200 \x01", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK",
        "HTTP/1.x 200 OK", "HTTP/1.1 200OK", "HTTP/1.10 200 OK"}) {
    EXPECT_FALSE(parse_status_line(line)) << line;
  }
}

struct Read {
  std::vector<std::string> fields;
  bool is_sound = true;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read(std::string_view lines) {
  Read read;
  FieldReader fields(lines);
  while (const auto field = fields.next()) {
    read.fields.push_back(std::string(field->name) + "=" + std::string(field->value));
  }
  read.is_sound = fields.is_sound();
  return read;
}

TEST(FieldReader, WalksOverTheFields) {
  const std::string head = "GET / HTTP/1.1\r\nA: b \r\nC:\t d: e\t\r\nF:\r\n\r\n";
  EXPECT_EQ(FieldReader::first_line(head), "GET / HTTP/1.1");
  EXPECT_EQ(read(FieldReader::fields_of(head)), (Read{{"A=b", "C=d: e", "F="}, true}));
  EXPECT_EQ(read(FieldReader::fields_of("GET / HTTP/1.1\r\n\r\n")), (Read{{}, true}));
}

TEST(FieldReader, StopsAtWhatIsNoField) {
  for (const std::string_view lines :
       {"no colon\r\n\r\n", ": v\r\n\r\n", "A : v\r\n\r\n", " A: v\r\n\r\n",
        "A: v\r\n folded\r\n\r\n", "A: \x01\r\n\r\n", "A: a\rb\r\n\r\n", "A\x7f: v\r\n\r\n",
        "\xc3\xa4: v\r\n\r\n"}) {
    EXPECT_FALSE(read(lines).is_sound) << lines;
  }
}

TEST(FieldReader, TellsFoldedFields) {
  EXPECT_TRUE(has_folded_field("A: b\r\n c\r\n\r\n"));
  EXPECT_TRUE(has_folded_field("A: b\r\n\tc\r\n\r\n"));
  EXPECT_FALSE(has_folded_field("A: b\r\nC: d\r\n\r\n"));
}

// The framing of fields "name: value"; none when it refuses one of them.
std::optional<Framing> framing_of(std::initializer_list<Field> fields) {
  Framing framing;
  for (const auto& field : fields) {
    if (!framing.take(field)) return std::nullopt;
  }
  return framing;
}

TEST(Framing, TakesOneLength) {
  EXPECT_FALSE(framing_of({{"Host", "a"}})->length);
  EXPECT_EQ(framing_of({{"Content-Length", "0"}})->length, 0u);
  EXPECT_EQ(framing_of({{"CONTENT-length", "18446744073709551615"}})->length, UINT64_MAX);
  EXPECT_EQ(framing_of({{"Content-Length", "2"}, {"Content-Length", "2"}})->length, 2u);
  EXPECT_EQ(framing_of({{"Content-Length", "2 , 02"}})->length, 2u);
}

TEST(Framing, RefusesLengthsThatAreNoneOrMany) {
  for (const std::string_view value : {"", ",", "2,", ",2", "-2", "+2", "2 2", "0x2", "2,3", "2.0",
                                       "18446744073709551616", "two"}) {
    EXPECT_FALSE(framing_of({{"Content-Length", value}})) << value;
  }
  EXPECT_FALSE(framing_of({{"Content-Length", "2"}, {"Content-Length", "3"}}));
}

TEST(Framing, TakesChunksAsTheLastCodingAndBesideNoLength) {
  EXPECT_TRUE(framing_of({{"Transfer-Encoding", "Chunked"}})->is_chunked);
  EXPECT_TRUE(framing_of({{"Transfer-Encoding", "chunked"}})->is_plain());
  const auto two = framing_of({{"Transfer-Encoding", "gzip, chunked"}});
  EXPECT_TRUE(two->is_chunked);
  EXPECT_FALSE(two->is_plain());
  EXPECT_FALSE(framing_of({{"Transfer-Encoding", "gzip"}})->is_chunked);
  EXPECT_FALSE(framing_of({{"Transfer-Encoding", "chunked, gzip"}}));
  EXPECT_FALSE(framing_of({{"Transfer-Encoding", "chunked, chunked"}}));
  EXPECT_FALSE(framing_of({{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}));
  EXPECT_FALSE(framing_of({{"Transfer-Encoding", "chunked"}, {"Content-Length", "2"}}));
  EXPECT_FALSE(framing_of({{"Content-Length", "2"}, {"Transfer-Encoding", "chunked"}}));
  EXPECT_FALSE(framing_of({{"Content-Length", "2"}, {"Transfer-Encoding", "gzip"}}));
  EXPECT_FALSE(framing_of({{"Transfer-Encoding", "chunked;a"}}));
}

TEST(Framing, KnowsWhetherTheConnectionGoesOn) {
  EXPECT_TRUE(framing_of({})->keeps_connection(1));
  EXPECT_FALSE(framing_of({})->keeps_connection(0));
  EXPECT_FALSE(framing_of({{"Connection", "Close"}})->keeps_connection(1));
  EXPECT_FALSE(framing_of({{"connection", "x , close,"}})->keeps_connection(1));
  EXPECT_TRUE(framing_of({{"Connection", "Keep-Alive"}})->keeps_connection(0));
  EXPECT_FALSE(framing_of({{"Connection", "keep-alive, close"}})->keeps_connection(0));
  EXPECT_FALSE(framing_of({{"Proxy-Connection", "close"}})->keeps_connection(1));
  EXPECT_FALSE(framing_of({{"Connection", "keep-alive"}, {"Transfer-Encoding", "chunked"}})
                   ->keeps_connection(0));
  EXPECT_FALSE(framing_of({{"Connection", "a b"}}));
}

}  // namespace
}  // namespace ia::http1
