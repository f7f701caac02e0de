#include "net/tunnel.h"

#include <fmt/format.h>

#include "base/http_head.h"
#include "net/excerpt.h"

namespace ia {
namespace {

constexpr std::size_t kHeadBytesMax = 16 * 1024;
constexpr std::size_t kShownBytes = 80;

}  // namespace

std::string connect_request(const HttpEndpoint& endpoint, const HttpProxy& proxy,
                            std::string_view user_agent) {
  const HttpProxy target{.host = endpoint.host, .port = endpoint.port};
  const auto authorization = proxy.authorization();
  return fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nUser-Agent: {1}\r\n{2}{3}{4}\r\n",
                     target.authority(), user_agent,
                     authorization.empty() ? "" : "Proxy-Authorization: ", authorization,
                     authorization.empty() ? "" : "\r\n");
}

std::optional<std::string> tunnel_trouble(std::string_view reply, const HttpProxy& proxy) {
  const auto scan = http1::scan_head(reply, kHeadBytesMax);
  if (scan.state == http1::HeadState::kPartial) return std::nullopt;
  const auto head = reply.substr(0, scan.size);
  const auto line = http1::FieldReader::first_line(head);
  const auto status = http1::parse_status_line(line);
  if (scan.state != http1::HeadState::kWhole || !status) {
    return fmt::format("the proxy {} does not answer CONNECT in HTTP: {}", proxy.authority(),
                       excerpt(reply, kShownBytes));
  }
  if (status->status < 200) return tunnel_trouble(reply.substr(scan.size), proxy);
  if (status->status >= 300) {
    const auto advice = tunnel_advice(status->status);
    return fmt::format("the proxy {} answers CONNECT with \"{}\"{}{}", proxy.authority(),
                       excerpt(line.substr(line.find(' ') + 1), kShownBytes),
                       advice.empty() ? "" : ": ", advice);
  }
  if (scan.size == reply.size()) return "";
  return fmt::format("the proxy {} sends more than its answer to CONNECT", proxy.authority());
}

}  // namespace ia
