#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "adapters/sqs/body.h"
#include "adapters/sqs/calls.h"
#include "base/json_object.h"

namespace ia {
namespace {

using Json = simdjson::dom::object;

SqsFailure damaged() {
  return {.error = {Errc::kUnavailable, "SQS: a message arrived there other than it was sent"},
          .passes = true};
}

SqsFailure no_word() {
  return {.error = {Errc::kUnavailable, "SQS: the reply says nothing of an entry"}, .passes = true};
}

// The Ids are positions in the request.
std::optional<std::size_t> position_in(const Json& json, std::size_t count) {
  std::string_view id;
  std::size_t position = 0;
  if (json["Id"].get(id) != simdjson::SUCCESS) return std::nullopt;
  const auto parsed = std::from_chars(id.data(), id.data() + id.size(), position);
  if (parsed.ec != std::errc{} || parsed.ptr != id.data() + id.size()) return std::nullopt;
  return position < count ? std::optional(position) : std::nullopt;
}

SqsFailure failure_in(const Json& json) {
  std::string_view code;
  std::string_view message;
  bool sender_fault = false;
  if (json["Code"].get(code) != simdjson::SUCCESS) code = "no code";
  if (json["Message"].get(message) != simdjson::SUCCESS) message = "";
  if (json["SenderFault"].get(sender_fault) != simdjson::SUCCESS) sender_fault = false;
  return sqs_entry_failure(code, sender_fault, message);
}

bool is_as_sent(const Json& reply, const SqsEntry& entry) {
  std::string_view md5;
  if (reply["MD5OfMessageBody"].get(md5) != simdjson::SUCCESS) return true;
  return is_md5_of(md5, entry.text);
}

// One batch action over all its entries.
class Batch {
 public:
  Batch(SqsClient& client, SqsAction action, const std::string& queue_url)
      : client_(client), action_(action), queue_url_(queue_url) {}

  std::vector<SqsEntryFailure> run(std::vector<SqsEntry> entries) {
    auto attempts = client_.begin_attempts();
    while (!entries.empty()) {
      auto unfinished = round(std::move(entries));
      if (unfinished.empty()) {
        attempts.succeeded();
        break;
      }
      if (!attempts.again(worst_)) {
        for (auto& one : unfinished) {
          failed_.push_back({one.entry.index, std::move(one.failure)});
        }
        break;
      }
      entries.clear();
      for (auto& one : unfinished) entries.push_back(std::move(one.entry));
    }
    std::ranges::sort(failed_, {}, &SqsEntryFailure::index);
    return std::move(failed_);
  }

 private:
  struct Unfinished {
    SqsEntry entry;
    SqsFailure failure;
  };

  // Returns what is worth another try.
  std::vector<Unfinished> round(std::vector<SqsEntry> entries) {
    const auto groups = grouped(std::move(entries));
    std::vector<SqsRequest> requests;
    for (const auto& group : groups) requests.push_back(request_of(group));
    const auto replies = client_.call_once(requests);
    std::vector<Unfinished> unfinished;
    worst_ = Errc::kUnavailable;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      judge(groups[i], replies[i], unfinished);
    }
    return unfinished;
  }

  void judge(const std::vector<SqsEntry>& group, const SqsReply& reply,
             std::vector<Unfinished>& unfinished) {
    auto all = sqs_outcomes(reply, group);
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (!all[i]) continue;
      // A queue that takes less than 256 KiB: then one by one.
      if (all[i]->type == "BatchRequestTooLong" && group.size() > 1) {
        entries_max_ = 1;
        all[i]->passes = true;
      }
      if (all[i]->error.code == Errc::kOverloaded) worst_ = Errc::kOverloaded;
      if (all[i]->passes) {
        unfinished.push_back({group[i], std::move(*all[i])});
      } else {
        failed_.push_back({group[i].index, std::move(*all[i])});
      }
    }
  }

  std::vector<std::vector<SqsEntry>> grouped(std::vector<SqsEntry> entries) const {
    std::vector<std::vector<SqsEntry>> groups;
    std::size_t bytes = 0;
    for (auto& entry : entries) {
      if (groups.empty() || groups.back().size() == entries_max_ ||
          bytes + entry.bytes > kSqsBatchBytesMax) {
        groups.emplace_back();
        bytes = 0;
      }
      bytes += entry.bytes;
      groups.back().push_back(std::move(entry));
    }
    return groups;
  }

  SqsRequest request_of(const std::vector<SqsEntry>& group) const {
    SqsRequest request{.action = action_};
    std::string list = "[";
    for (std::size_t i = 0; i < group.size(); ++i) {
      list += fmt::format(R"({}{{"Id":"{}",{}}})", i == 0 ? "" : ",", i, group[i].members);
      request.message_bytes += group[i].bytes;
    }
    request.body = JsonObject().text("QueueUrl", queue_url_).json("Entries", list + "]").str();
    return request;
  }

  SqsClient& client_;
  const SqsAction action_;
  const std::string& queue_url_;
  std::size_t entries_max_ = kSqsBatchEntriesMax;
  Errc worst_ = Errc::kUnavailable;
  std::vector<SqsEntryFailure> failed_;
};

}  // namespace

std::vector<std::optional<SqsFailure>> sqs_outcomes(const SqsReply& reply,
                                                    std::span<const SqsEntry> sent) {
  const auto count = sent.size();
  if (!reply) return {count, reply.error()};
  std::vector<std::optional<SqsFailure>> all(count, no_word());
  simdjson::dom::parser parser;
  Json json;
  if (!read_json_object(parser, *reply, json)) return all;
  simdjson::dom::array entries;
  if (json["Successful"].get(entries) == simdjson::SUCCESS) {
    for (const auto element : entries) {
      Json entry;
      if (element.get(entry) != simdjson::SUCCESS) continue;
      const auto position = position_in(entry, count);
      if (!position) continue;
      all[*position].reset();
      if (!is_as_sent(entry, sent[*position])) all[*position] = damaged();
    }
  }
  if (json["Failed"].get(entries) == simdjson::SUCCESS) {
    for (const auto element : entries) {
      Json entry;
      if (element.get(entry) != simdjson::SUCCESS) continue;
      if (const auto position = position_in(entry, count)) all[*position] = failure_in(entry);
    }
  }
  return all;
}

std::vector<SqsEntryFailure> sqs_batch(SqsClient& client, SqsAction action,
                                       const std::string& queue_url,
                                       std::vector<SqsEntry> entries) {
  return Batch(client, action, queue_url).run(std::move(entries));
}

}  // namespace ia
