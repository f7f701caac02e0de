#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace ia {

// What signs requests. Never print the secret, nor the token.
struct SqsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;           // empty: long-lived
  std::optional<WallTime> expires_at;  // nothing: never
};

// Where credentials come from. Safe to call from any thread.
class SqsCredentialSource {
 public:
  virtual ~SqsCredentialSource() = default;
  // Those to sign with now. Usually from memory.
  virtual Result<SqsCredentials> get() = 0;
  // SQS refused `refused`: the next get looks for others.
  virtual void forget(const SqsCredentials& refused) = 0;
  // Which source it is, for people; no secrets.
  virtual std::string source() const = 0;
};

// Always the same ones, for tests and for endpoints that take any.
class FixedSqsCredentials final : public SqsCredentialSource {
 public:
  explicit FixedSqsCredentials(SqsCredentials credentials) : credentials_(std::move(credentials)) {}
  Result<SqsCredentials> get() override { return credentials_; }
  void forget(const SqsCredentials&) override {}
  std::string source() const override { return "settings"; }

 private:
  const SqsCredentials credentials_;
};

}  // namespace ia
