#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/point.h"

namespace ia {

// What all answers of a moment have in common.
struct ReplyFrame {
  std::string date;        // "Mon, 23 Nov 2026 17:14:41 GMT"
  std::string keep_alive;  // the header lines that follow the date, and the empty line
};

// Any answer, as Express writes it. Header lines of the page's own end with CR LF.
struct Page {
  int status = 200;
  std::string_view content_type = "application/json; charset=utf-8";
  std::string body{};
  std::string extra_headers{};  // behind X-Powered-By
  bool has_etag = true;
};

struct PageForm {
  bool head = false;  // no body, but its length
  bool keep_alive = true;
};

void append_page(std::string& out, const Page& page, PageForm form, const ReplyFrame& frame);

// {"pk":1000001,"username":"influencer-1000001","followerCount":57166,"followingCount":1328}
std::string influencer_json(InfluencerId id, Counts counts);

// The same answer as a page of that JSON gives, in 80 ns.
void append_influencer(std::string& out, InfluencerId id, Counts counts, const ReplyFrame& frame);

std::string_view reason_of(int status);

}  // namespace ia
