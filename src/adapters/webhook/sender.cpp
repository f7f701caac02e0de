#include "adapters/webhook/sender.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <atomic>
#include <optional>
#include <utility>

#include "adapters/webhook/address.h"
#include "adapters/webhook/signature.h"
#include "adapters/webhook/target.h"
#include "net/curl.h"

namespace ia {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kReplyBytesMax = 64 * 1024;

struct Transfer {
  std::uint64_t key;
  Webhook webhook;
  bool allow_private;
  std::optional<HttpProxy> proxy{};
  curl::Easy easy{curl_easy_init()};
  curl::HeaderList headers{};
  Steady::time_point began = Steady::now();
  std::size_t reply_bytes = 0;
  std::optional<std::string> refused_address{};
  bool has_socket = false;
  bool has_head = false;  // of the answer: the status and all fields
  char error[CURL_ERROR_SIZE] = "";
};

// Called for each line: interim answers (1xx) have heads of their own.
std::size_t watch_head(char* line, std::size_t, std::size_t size, void* transfer) {
  const std::string_view text(line, size);
  static_cast<Transfer*>(transfer)->has_head = text == "\r\n" || text == "\n";
  return size;
}

// Read, so that the receiver can end properly, and dropped.
std::size_t drop_body(char*, std::size_t, std::size_t size, void* transfer) {
  auto& bytes = static_cast<Transfer*>(transfer)->reply_bytes;
  bytes += size;
  return bytes > kReplyBytesMax ? 0 : size;
}

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  const bool is_checked = !transfer.allow_private && !transfer.proxy;
  if (is_checked && !is_public(address->addr)) {
    transfer.refused_address = shown(address->addr);
    return CURL_SOCKET_BAD;
  }
  transfer.has_socket = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

template <class Value>
void set(const Transfer& transfer, CURLoption option, Value value) {
  curl_easy_setopt(transfer.easy.get(), option, value);
}

std::vector<std::string> header_lines(const Webhook& webhook, WallTime now) {
  const auto timestamp =
      std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  std::vector<std::string> lines = {"Content-Type: application/json",
                                    "Expect:", "webhook-id: " + webhook.id,
                                    "webhook-timestamp: " + timestamp};
  const auto key = webhook_key(webhook.target.secret);
  if (key.empty()) return lines;
  lines.push_back("webhook-signature: " +
                  webhook_signature(key, webhook.id, timestamp, webhook.body));
  lines.push_back("X-IA-Signature: " + plain_signature(key, timestamp, webhook.body));
  return lines;
}

void prepare(Transfer& transfer, const WebhookOptions& options) {
  const auto& webhook = transfer.webhook;
  set(transfer, CURLOPT_URL, webhook.target.url.c_str());
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
  curl::set_proxy(transfer.easy.get(), transfer.proxy);
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_FORBID_REUSE, 1L);
  set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  set(transfer, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl::set_tls(transfer.easy.get(), options.ca_file);
  set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(webhook.body.size()));
  set(transfer, CURLOPT_POSTFIELDS, webhook.body.c_str());
  set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
  set(transfer, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(transfer, CURLOPT_OPENSOCKETDATA, &transfer);
  set(transfer, CURLOPT_HEADERFUNCTION, watch_head);
  set(transfer, CURLOPT_HEADERDATA, &transfer);
  set(transfer, CURLOPT_WRITEFUNCTION, drop_body);
  set(transfer, CURLOPT_WRITEDATA, &transfer);
  set(transfer, CURLOPT_ERRORBUFFER, transfer.error);
  set(transfer, CURLOPT_PRIVATE, &transfer);
}

std::string detail_of(int status) {
  if (status >= 300 && status < 400) {
    return fmt::format("HTTP {}: redirects are not followed, the rule needs the new address",
                       status);
  }
  return with_proxy_advice(fmt::format("HTTP {}", status), static_cast<unsigned>(status));
}

WebhookReply reply_with(const Transfer& transfer, int status, WallTime now) {
  using Kind = WebhookReply::Kind;
  if (status >= 200 && status < 300) return {.kind = Kind::kDelivered, .status = status};
  WebhookReply reply{.kind = status == 410 ? Kind::kGone : Kind::kFailed,
                     .status = status,
                     .detail = detail_of(status)};
  reply.retry_after = curl::retry_after(transfer.easy.get(), now);
  return reply;
}

WebhookReply refusal(const std::string& url, const std::string& why) {
  return {.kind = WebhookReply::Kind::kRefused,
          .detail = fmt::format("{} {}", shown_target(url), why)};
}

WebhookReply reply_of(const Transfer& transfer, CURLcode code, WallTime now) {
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  // A body that is too long does not matter, nor one that ends early or never.
  const bool has_answer = status >= 200 && transfer.has_head;
  if (has_answer) return reply_with(transfer, static_cast<int>(status), now);
  if (transfer.refused_address && !transfer.has_socket) {
    return refusal(transfer.webhook.target.url,
                   fmt::format("is {}, not an address of the public internet: such ones need "
                               "--alert-allow-private on",
                               *transfer.refused_address));
  }
  return {.detail = curl::failure_text(transfer.easy.get(), code, transfer.error)};
}

class CurlWebhookSender final : public WebhookSender {
 public:
  CurlWebhookSender(WebhookOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  ~CurlWebhookSender() override {
    for (const auto& transfer : active_) {
      curl_multi_remove_handle(multi_.get(), transfer->easy.get());
    }
  }

  void start(std::uint64_t key, Webhook webhook) override {
    const auto& url = webhook.target.url;
    auto proxy = options_.proxies.find(url);
    if (!proxy) return ended_.push_back({key, {.detail = proxy.error().message}});
    if (*proxy && !options_.allow_private) {
      if (const auto why = private_target(url)) {
        return ended_.push_back({key, refusal(url, *why)});
      }
    }
    auto transfer = std::make_unique<Transfer>(Transfer{.key = key,
                                                        .webhook = std::move(webhook),
                                                        .allow_private = options_.allow_private,
                                                        .proxy = *std::move(proxy)});
    transfer->headers = curl::header_list(header_lines(transfer->webhook, clock_.wall()));
    prepare(*transfer, options_);
    curl_multi_add_handle(multi_.get(), transfer->easy.get());
    active_.push_back(std::move(transfer));
  }

  std::vector<Done> poll(milliseconds wait) override {
    const auto end = Steady::now() + wait;
    while (true) {
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      auto done = collect();
      const auto left = std::chrono::ceil<milliseconds>(end - Steady::now());
      if (!done.empty() || left.count() <= 0 || is_woken_.exchange(false)) return done;
      curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(left.count()), nullptr);
    }
  }

  void wake() override {
    is_woken_ = true;
    curl_multi_wakeup(multi_.get());
  }

 private:
  std::vector<Done> collect() {
    auto done = std::exchange(ended_, {});
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = message->data.result;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      auto reply = reply_of(*transfer, code, clock_.wall());
      reply.took = std::chrono::duration_cast<milliseconds>(Steady::now() - transfer->began);
      done.push_back({transfer->key, std::move(reply)});
      curl_multi_remove_handle(multi_.get(), transfer->easy.get());
      std::erase_if(active_, [&](const auto& one) { return one.get() == transfer; });
    }
    return done;
  }

  const WebhookOptions options_;
  const Clock& clock_;
  std::atomic<bool> is_woken_ = false;
  curl::Multi multi_{curl_multi_init()};
  std::vector<std::unique_ptr<Transfer>> active_;
  std::vector<Done> ended_;  // before anything was sent
};

}  // namespace

std::unique_ptr<WebhookSender> make_webhook_sender(WebhookOptions options, const Clock& clock) {
  curl::initialise();
  return std::make_unique<CurlWebhookSender>(std::move(options), clock);
}

}  // namespace ia
