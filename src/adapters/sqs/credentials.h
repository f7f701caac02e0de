#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "net/proxy.h"

namespace ia {

// What signs requests. Never print the secret, nor the token.
struct SqsCredentials {
  std::string access_key_id{};
  std::string secret_access_key{};
  std::string session_token{};           // empty: long-lived
  std::optional<WallTime> expires_at{};  // nothing: never
};

// Where credentials come from. Safe to call from any thread.
class SqsCredentialSource {
 public:
  virtual ~SqsCredentialSource() = default;
  // Those to sign with now. Usually from memory.
  virtual Result<SqsCredentials> get() = 0;
  // SQS refused `refused`: the next get looks for others.
  virtual void forget(const SqsCredentials& refused) = 0;
  // Which source it is, for people; no secrets. "none" without any. Looks for them when nobody has.
  virtual std::string source() = 0;
};

// Always the same ones, for tests and for endpoints that take any.
class FixedSqsCredentials final : public SqsCredentialSource {
 public:
  explicit FixedSqsCredentials(SqsCredentials credentials) : credentials_(std::move(credentials)) {}
  Result<SqsCredentials> get() override { return credentials_; }
  void forget(const SqsCredentials&) override {}
  std::string source() override { return "settings"; }

 private:
  const SqsCredentials credentials_;
};

// The machine that the program runs on, as far as credentials go. Tests make up another one.
struct SqsSurroundings {
  // The value of an environment variable; one that is empty counts as not set.
  std::function<std::optional<std::string>(const std::string& name)> environment{};
  std::filesystem::path home{};  // ~
  std::string sts_endpoint{};    // empty: AWS_ENDPOINT_URL_STS, else AWS's of the region
  std::string container_endpoint = "http://169.254.170.2";
  std::string metadata_endpoint = "http://169.254.169.254";
  std::chrono::milliseconds metadata_timeout{1'000};
  std::chrono::milliseconds process_timeout{60'000};
  std::string ca_file{};  // PEM; empty: the system's
  Proxies proxies{};      // for STS; machines and containers are always asked directly

  // This process's environment and $HOME.
  static SqsSurroundings of_process();
};

// AWS_REGION, AWS_DEFAULT_REGION, or the profile's; empty without any.
std::string sqs_region(const SqsSurroundings& surroundings);
// AWS_ENDPOINT_URL_SQS or AWS_ENDPOINT_URL; empty without any: AWS itself.
std::string sqs_endpoint(const SqsSurroundings& surroundings);

// Looks in the order of AWS's own libraries and stays with the first source that is configured:
//   1. environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   2. web identity: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, by STS
//   3. shared files: ~/.aws/credentials and ~/.aws/config (AWS_SHARED_CREDENTIALS_FILE,
//      AWS_CONFIG_FILE), profile AWS_PROFILE or default: keys, credential_process, or web identity.
//      Profiles that assume roles or use single sign-on: kInvalid, with what to do.
//   4. container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with
//      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN
//   5. instance metadata, version 2 only, unless AWS_EC2_METADATA_DISABLED is "true"
// A source that is configured and fails ends the look: another one would be another identity.
//
// Credentials are kept, renewed five minutes before they expire, and used on when that fails. A
// get may then take as long as its source: some seconds. The clock and the log must outlive it.
// Errors: kInvalid what is configured wrongly, kUnavailable a source that does not answer, or none,
// naming all that was looked at.
std::unique_ptr<SqsCredentialSource> make_sqs_credentials(SqsSurroundings surroundings,
                                                          const Clock& clock, Log& log);

}  // namespace ia
