#include "adapters/sqs/credentials.h"

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "adapters/sqs/credential_links.h"
#include "adapters/sqs/http.h"

namespace ia {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes kRenewBefore{5};
constexpr seconds kLookEvery{30};  // while there are some to go on with
constexpr seconds kFailEvery{5};   // while there are none

class CredentialChain final : public SqsCredentialSource {
 public:
  CredentialChain(SqsSurroundings surroundings, const Clock& clock, Log& log)
      : surroundings_(std::move(surroundings)), clock_(clock), state_(log, "credentials") {}

  Result<SqsCredentials> get() override {
    std::unique_lock lock(mutex_);
    looked_.wait(lock, [&] { return current_ || !looking_; });
    const auto now = clock_.mono();
    if (current_) {
      const bool in_vain = looked_at_ && now - *looked_at_ < kLookEvery;
      if (!is_due() || looking_ || in_vain) return current_->credentials;
    } else if (looked_at_ && now - *looked_at_ < kFailEvery) {
      return std::unexpected(last_error_);
    }
    looking_ = true;
    looked_at_ = now;
    lock.unlock();
    auto look = first_configured();
    lock.lock();
    looking_ = false;
    looked_.notify_all();
    return conclude(std::move(look));
  }

  void forget(const SqsCredentials& refused) override {
    const std::scoped_lock lock(mutex_);
    if (!current_ || current_->credentials.access_key_id != refused.access_key_id ||
        current_->credentials.session_token != refused.session_token) {
      return;
    }
    current_.reset();
    looked_at_.reset();
  }

  std::string source() override {
    (void)get();
    const std::scoped_lock lock(mutex_);
    return current_ ? current_->source : "none";
  }

 private:
  bool is_due() const {
    const auto& expires_at = current_->credentials.expires_at;
    return expires_at && clock_.wall() + kRenewBefore >= *expires_at;
  }

  Result<SqsCredentials> conclude(Result<SqsFoundCredentials> look) {
    if (look) {
      current_ = std::move(*look);
      state_.recovered("renewed: " + current_->source);
      return current_->credentials;
    }
    last_error_ = look.error();
    if (!current_) return std::unexpected(last_error_);
    state_.failing("cannot renew, the old ones are used on", last_error_.message);
    return current_->credentials;
  }

  // By the one thread that looks.
  Result<SqsFoundCredentials> first_configured() {
    if (!http_) {
      auto made = SqsHttp::make({.connect_timeout = surroundings_.metadata_timeout,
                                 .ca_file = surroundings_.ca_file,
                                 .proxies = surroundings_.proxies,
                                 .asks_plain_directly = true});
      if (!made) return std::unexpected(made.error());
      http_ = std::move(*made);
    }
    const SqsCredentialLinks links(surroundings_, *http_);
    for (const auto link : {&SqsCredentialLinks::environment, &SqsCredentialLinks::web_identity,
                            &SqsCredentialLinks::shared_files, &SqsCredentialLinks::container,
                            &SqsCredentialLinks::instance}) {
      auto look = (links.*link)();
      if (!look) return std::unexpected(look.error());
      if (*look) return std::move(**look);
    }
    return fail(Errc::kUnavailable,
                "none in the environment (AWS_ACCESS_KEY_ID), no web identity, none in the shared "
                "files (~/.aws/credentials), no container's, no instance metadata");
  }

  const SqsSurroundings surroundings_;
  const Clock& clock_;
  StateLog state_;
  std::unique_ptr<SqsHttp> http_;  // of the one that looks

  std::mutex mutex_;
  std::condition_variable looked_;
  bool looking_ = false;
  std::optional<SqsFoundCredentials> current_;
  std::optional<MonoTime> looked_at_;
  Error last_error_{Errc::kUnavailable, ""};
};

std::optional<std::string> process_variable(const std::string& name) {
  const auto* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// The first of the variables that is set.
std::string first_of(const SqsSurroundings& surroundings,
                     std::initializer_list<const char*> variables) {
  for (const auto* name : variables) {
    const auto value = surroundings.environment(name);
    if (value && !value->empty()) return *value;
  }
  return {};
}

}  // namespace

SqsSurroundings SqsSurroundings::of_process() {
  SqsSurroundings surroundings;
  surroundings.environment = process_variable;
  surroundings.home = process_variable("HOME").value_or("/");
  surroundings.proxies = Proxies::of_process();
  return surroundings;
}

std::string sqs_region(const SqsSurroundings& surroundings) {
  const auto region = first_of(surroundings, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (!region.empty()) return region;
  std::string name;
  const auto profile = sqs_profile(surroundings, name);
  if (!profile) return {};
  const auto found = profile->find("region");
  return found == profile->end() ? std::string() : found->second;
}

std::string sqs_endpoint(const SqsSurroundings& surroundings) {
  return first_of(surroundings, {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"});
}

std::unique_ptr<SqsCredentialSource> make_sqs_credentials(SqsSurroundings surroundings,
                                                          const Clock& clock, Log& log) {
  return std::make_unique<CredentialChain>(std::move(surroundings), clock, log);
}

}  // namespace ia
