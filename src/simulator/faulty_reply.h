#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "simulator/faults.h"
#include "simulator/reply.h"

namespace ia {

// One answer as a connection has to give it.
struct Reply {
  enum class After : std::uint8_t {
    kKeep,
    kClose,
    kHang,  // gives nothing more, and reads on without effect
  };
  int status = 0;  // 0: there is no answer
  std::string bytes{};
  std::chrono::microseconds delay{0};
  std::chrono::milliseconds drip{0};  // between bytes; 0: all at once
  After after = After::kKeep;
};

// A good answer in the parts that faults change: before + key + value + after is its JSON.
struct AnswerParts {
  std::string before{};  // {"pk":1000001,"username":"influencer-1000001"
  std::string key{};     // ,"followerCount":
  std::string value{};   // 57166
  std::string after{};   // ,"followingCount":1328}
  PageForm form{};
};

// What an answer is made with: the settings of the faults, and bits that decide the details.
struct FaultSetting {
  const Faults& faults;
  std::uint64_t random;
};

// The answer as `kind` spoils it. kWrongId is for the caller to do, in the parts.
Reply spoiled_reply(FaultKind kind, const AnswerParts& parts, const FaultSetting& setting,
                    const ReplyFrame& frame);

Reply reply_of(const Page& page, PageForm form, const ReplyFrame& frame);
Reply limited_reply(const Faults& faults, PageForm form, const ReplyFrame& frame);
Reply plain_error_reply(PageForm form, const ReplyFrame& frame);

}  // namespace ia
