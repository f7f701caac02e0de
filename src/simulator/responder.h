#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "simulator/answer_log.h"
#include "simulator/faulty_reply.h"
#include "simulator/options.h"
#include "simulator/population.h"
#include "simulator/request.h"
#include "simulator/tally.h"

namespace ia {

// Mockstagram behind its connections: what is answered to which request, and after how long.
// Express's ways are kept where a client can meet them: paths in any case and with a slash behind,
// pks as JavaScript reads numbers (1e6, 0xF4241), an error object with 500 for an unknown pk and
// for a body that is not JSON, 404 as text/html, OPTIONS, If-None-Match: *.
// Beyond the real API, for tests and benches: GET /simulator/stats, the counters as JSON, and
// GET /simulator/answers?pk=N, what was answered (answer_log.h). Faults do not touch these two.
// One thread, but for the counters and the log.
class Responder {
 public:
  explicit Responder(const SimulatorOptions& options);

  // The time of what follows: call it before each batch of requests.
  void set_time(WallTime wall, MonoTime mono);
  // From now on; their outages count from now.
  void set_faults(Faults faults, MonoTime now);

  // Appends the answer to a plain GET when that is all there is to it; false: nothing was done,
  // use answer_influencer. 150 ns.
  bool answer_at_once(std::uint64_t pk, std::string& out);
  Reply answer_influencer(std::uint64_t pk);
  Reply answer(const Request& request);
  // To bytes that are not a request; closes the connection.
  Reply refuse(RequestReader::State state);
  Reply timed_out();

  const Faults& faults() const { return faults_; }
  const AnswerLog& answers() const { return answers_; }
  Tally& tally() { return tally_; }
  const Tally& tally() const { return tally_; }

 private:
  struct Occasion {
    PageForm form{};
    bool accepts_any_etag = false;
  };
  Reply influencer_reply(InfluencerId id, const Occasion& occasion);
  Reply verdict_reply(const std::string& pk, bool suspicious, PageForm form);
  Reply route(const Request& request, PageForm form);
  Reply route_influencer(const Request& request, std::string_view segment, PageForm form);
  Reply simulator_reply(const Request& request, PageForm form);
  Reply answers_reply(std::string_view query, PageForm form);
  Reply error_reply(std::string_view error_json, PageForm form);
  Reply not_found_reply(const Request& request, PageForm form);
  std::optional<Reply> turned_away(PageForm form);
  bool take_token();
  double burst() const;
  void counted(const Reply& reply) { tally_.answer(reply.status); }
  std::chrono::microseconds verdict_wait(std::uint64_t random) const;
  void record(InfluencerId id, Counts counts, std::chrono::microseconds delay);

  std::uint64_t seed_;
  std::chrono::milliseconds verdict_mean_;
  std::chrono::milliseconds verdict_deviation_;
  Population population_;
  Faults faults_;
  bool calm_ = true;  // no faults
  MonoTime faults_since_{};
  AnswerLog answers_;
  Tally tally_;

  ReplyFrame frame_;
  std::chrono::sys_seconds date_{};
  WallTime wall_{};
  MonoTime mono_{};
  std::uint64_t posts_ = 0;
  double tokens_ = 0;
  MonoTime tokens_at_{};
};

}  // namespace ia
