#include "adapters/sqs/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "net/curl.h"

namespace ia {
namespace {

constexpr std::size_t kReplyBytesMax = 32u << 20;
constexpr std::size_t kLanesKept = 8;
constexpr int kPollMs = 1'000;
constexpr unsigned kSignsRightlyFrom = 0x075600;  // 7.86.0

using curl::Easy;
using curl::HeaderList;

// One exchange under way.
struct Transfer {
  std::size_t index;
  Easy easy;
  HeaderList headers;
  SqsHttpReply reply;
  char error[CURL_ERROR_SIZE] = "";
};

// What one calling thread uses: its connections and its idle handles.
struct Lane {
  curl::Multi multi{curl_multi_init()};
  std::vector<Easy> idle;
};

std::size_t append_body(char* data, std::size_t, std::size_t size, void* transfer) {
  auto& body = static_cast<Transfer*>(transfer)->reply.body;
  if (body.size() + size > kReplyBytesMax) return 0;
  body.append(data, size);
  return size;
}

std::size_t note_header(char* data, std::size_t, std::size_t size, void* transfer) {
  constexpr std::string_view kDate = "date:";
  const std::string_view line(data, size);
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  if (line.size() > kDate.size() && std::equal(kDate.begin(), kDate.end(), line.begin(),
                                               [&](char b, char a) { return same(a, b); })) {
    auto& date = static_cast<Transfer*>(transfer)->reply.date;
    date = line.substr(kDate.size());
    const auto first = date.find_first_not_of(' ');
    date = first == std::string::npos
               ? ""
               : date.substr(first, date.find_last_not_of("\r\n ") - first + 1);
  }
  return size;
}

// Any handle takes these options: libcurl only copies them.
template <class Value>
void set(const Transfer& transfer, CURLoption option, Value value) {
  curl_easy_setopt(transfer.easy.get(), option, value);
}

void sign(const Transfer& transfer, const SqsSignature& signature) {
  const auto scope = "aws:amz:" + signature.region + ":" + signature.service;
  set(transfer, CURLOPT_AWS_SIGV4, scope.c_str());
  set(transfer, CURLOPT_USERNAME, signature.access_key_id.c_str());
  set(transfer, CURLOPT_PASSWORD, signature.secret_access_key.c_str());
}

// The body is not copied: the request must outlive the transfer.
void prepare(Transfer& transfer, const SqsHttpRequest& request, const SqsHttpOptions& options) {
  set(transfer, CURLOPT_URL, request.url.c_str());
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl::set_tls(transfer.easy.get(), options.ca_file);
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  if (request.method == "GET") {
    set(transfer, CURLOPT_HTTPGET, 1L);
  } else {
    set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(transfer, CURLOPT_POSTFIELDS, request.body.c_str());
    if (request.method != "POST") set(transfer, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
  set(transfer, CURLOPT_WRITEFUNCTION, append_body);
  set(transfer, CURLOPT_WRITEDATA, &transfer);
  set(transfer, CURLOPT_HEADERFUNCTION, note_header);
  set(transfer, CURLOPT_HEADERDATA, &transfer);
  set(transfer, CURLOPT_ERRORBUFFER, transfer.error);
  set(transfer, CURLOPT_PRIVATE, &transfer);
  if (request.signature) sign(transfer, *request.signature);
}

Result<SqsHttpReply> outcome(Transfer& transfer, CURLcode code, const SqsHttpRequest& request) {
  if (code != CURLE_OK) {
    const auto why = curl::failure_text(transfer.easy.get(), code, transfer.error);
    return fail(Errc::kUnavailable, fmt::format("{}: {}", request.url, why));
  }
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<int>(status);
  return std::move(transfer.reply);
}

// The requests of one call.
class Exchange {
 public:
  Exchange(Lane& lane, const SqsHttpOptions& options, std::span<const SqsHttpRequest> requests)
      : lane_(lane),
        options_(options),
        requests_(requests),
        results_(requests.size(), fail(Errc::kUnavailable, "not sent")) {}

  std::vector<Result<SqsHttpReply>> run() {
    while (next_ < requests_.size() || !active_.empty()) {
      while (next_ < requests_.size() && active_.size() < options_.parallel_max) start(next_++);
      int running = 0;
      curl_multi_perform(lane_.multi.get(), &running);
      const auto finished = collect();
      if (finished == 0 && !active_.empty()) {
        curl_multi_poll(lane_.multi.get(), nullptr, 0, kPollMs, nullptr);
      }
    }
    return std::move(results_);
  }

 private:
  Result<std::optional<HttpProxy>> proxy_for(const std::string& url) const {
    const bool is_direct = options_.asks_plain_directly && !url.starts_with("https:");
    if (is_direct) return std::nullopt;
    return options_.proxies.find(url);
  }

  void start(std::size_t index) {
    const auto proxy = proxy_for(requests_[index].url);
    if (!proxy) {
      results_[index] = std::unexpected(proxy.error());
      return;
    }
    auto transfer = std::make_unique<Transfer>();
    transfer->index = index;
    if (lane_.idle.empty()) {
      transfer->easy.reset(curl_easy_init());
    } else {
      transfer->easy = std::move(lane_.idle.back());
      lane_.idle.pop_back();
    }
    transfer->headers = curl::header_list(requests_[index].headers);
    prepare(*transfer, requests_[index], options_);
    curl::set_proxy(transfer->easy.get(), *proxy);
    curl_multi_add_handle(lane_.multi.get(), transfer->easy.get());
    active_.push_back(std::move(transfer));
  }

  std::size_t collect() {
    std::size_t finished = 0;
    int left = 0;
    while (const auto* message = curl_multi_info_read(lane_.multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = message->data.result;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      end(*transfer, code);
      ++finished;
    }
    return finished;
  }

  void end(Transfer& transfer, CURLcode code) {
    results_[transfer.index] = outcome(transfer, code, requests_[transfer.index]);
    curl_multi_remove_handle(lane_.multi.get(), transfer.easy.get());
    curl_easy_reset(transfer.easy.get());
    lane_.idle.push_back(std::move(transfer.easy));
    std::erase_if(active_, [&](const auto& one) { return one.get() == &transfer; });
  }

  Lane& lane_;
  const SqsHttpOptions& options_;
  const std::span<const SqsHttpRequest> requests_;
  std::vector<Result<SqsHttpReply>> results_;
  std::vector<std::unique_ptr<Transfer>> active_;
  std::size_t next_ = 0;
};

}  // namespace

struct SqsHttp::State {
  const SqsHttpOptions options;
  std::mutex mutex;
  std::vector<std::unique_ptr<Lane>> idle;

  std::unique_ptr<Lane> take() {
    const std::scoped_lock lock(mutex);
    if (idle.empty()) return std::make_unique<Lane>();
    auto lane = std::move(idle.back());
    idle.pop_back();
    return lane;
  }
  void give_back(std::unique_ptr<Lane> lane) {
    const std::scoped_lock lock(mutex);
    if (idle.size() < kLanesKept) idle.push_back(std::move(lane));
  }
};

std::optional<std::string> sqs_signing_defect(unsigned libcurl_version) {
  if (libcurl_version >= kSignsRightlyFrom) return std::nullopt;
  return fmt::format(
      "libcurl {}.{}.{} leaves headers out of AWS signatures: install libcurl 7.86.0 or newer",
      libcurl_version >> 16, (libcurl_version >> 8) & 0xff, libcurl_version & 0xff);
}

SqsHttp::SqsHttp(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqsHttp::~SqsHttp() = default;

Result<std::unique_ptr<SqsHttp>> SqsHttp::make(const SqsHttpOptions& options) {
  curl::initialise();
  const auto defect = sqs_signing_defect(curl_version_info(CURLVERSION_NOW)->version_num);
  if (defect) return fail(Errc::kInvalid, *defect);
  return std::unique_ptr<SqsHttp>(
      new SqsHttp(std::unique_ptr<State>(new State{.options = options, .mutex = {}, .idle = {}})));
}

std::vector<Result<SqsHttpReply>> SqsHttp::perform(std::span<const SqsHttpRequest> requests) {
  auto lane = state_->take();
  auto results = Exchange(*lane, state_->options, requests).run();
  state_->give_back(std::move(lane));
  return results;
}

Result<SqsHttpReply> SqsHttp::perform(const SqsHttpRequest& request) {
  return std::move(perform(std::span(&request, 1)).front());
}

}  // namespace ia
