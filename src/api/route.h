#pragma once

#include <expected>
#include <memory>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "core/point.h"
#include "http/message.h"
#include "http/problem.h"

namespace ia {

// One request, as a route sees it.
struct RouteRequest {
  std::string_view id;  // the path's variable part, unescaped; empty when it has none
  std::string_view query;
  const HttpRequest& http;
  // The answer that the client waits for, where it is made aside; none on a thread of the server. A
  // route that answers it by itself returns it as the response's `late`.
  std::shared_ptr<LateAnswer> late{};
  MonoTime asked_at{};  // when it was asked first

  // Whether the route may take its time.
  bool is_aside() const { return late != nullptr; }
};

// The route filled the response, or says what is wrong.
using Answer = std::expected<void, Problem>;

// What a route says that must not go on on a thread of the server: no request may hold one longer
// than 5 ms. The router asks it again aside.
inline constexpr std::string_view kTakesLonger = "takes-longer";
inline Problem takes_longer() { return {.status = 503, .kind = kTakesLonger}; }

inline std::unexpected<Problem> refuse(Problem problem) {
  return std::unexpected(std::move(problem));
}
Problem unknown_influencer(InfluencerId id);

}  // namespace ia
