#pragma once

#include "api/routes/routes.h"

namespace ia {

// /api/v1/alerts: rules, their log, and a test of one. A change waits for the disk, some ms. A rule
// has an ETag: with If-Match it is changed only as it was read, and in any case no change gets lost
// between the reading and the writing of another. Safe from any thread.
class AlertRoutes {
 public:
  explicit AlertRoutes(const ApiContext& context) : context_(context) {}
  Answer all(const RouteRequest& request, HttpResponse& response);   // GET, POST
  Answer one(const RouteRequest& request, HttpResponse& response);   // GET, PUT, DELETE
  Answer test(const RouteRequest& request, HttpResponse& response);  // POST; answers late
  Answer log(const RouteRequest& request, HttpResponse& response);   // GET

 private:
  Answer go_aside(const RouteRequest& request, HttpResponse& response) const;
  Answer list(HttpResponse& response);
  Answer add(const RouteRequest& request, HttpResponse& response);
  Answer replace(AlertRuleId id, const RouteRequest& request, HttpResponse& response);
  Answer remove(AlertRuleId id, const RouteRequest& request, HttpResponse& response);
  std::expected<AlertStore*, Problem> store() const;
  // The rule that a body says, when an alert may go to its address; an address that is known
  // already is not looked at again.
  std::expected<AlertRule, Problem> rule_in(std::string_view body, const AlertRule& before) const;
  // What is accepted, and probably not meant.
  std::vector<std::string> warnings_on(const AlertRule& rule) const;

  const ApiContext& context_;
};

}  // namespace ia
