#include "http/request_copy.h"

#include <array>

namespace ia {
namespace {

constexpr std::array kViews = {
    &HttpRequest::target,           &HttpRequest::if_match,      &HttpRequest::if_none_match,
    &HttpRequest::last_event_id,    &HttpRequest::body,          &HttpRequest::host,
    &HttpRequest::content_type,     &HttpRequest::authorization, &HttpRequest::origin,
    &HttpRequest::content_encoding, &HttpRequest::forwarded_for, &HttpRequest::forwarded,
    &HttpRequest::sec_fetch_site};

}  // namespace

RequestCopy::RequestCopy(const HttpRequest& request) : request_(request) {
  std::size_t size = 0;
  for (const auto view : kViews) size += (request.*view).size();
  bytes_.reserve(size);
  for (const auto view : kViews) {
    const auto begin = bytes_.size();
    bytes_ += request.*view;
    request_.*view = std::string_view(bytes_).substr(begin);
  }
}

}  // namespace ia
