#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sqs/credentials.h"
#include "adapters/sqs/http.h"

namespace ia {

struct SqsFoundCredentials {
  SqsCredentials credentials{};
  std::string source{};  // for people
};

// Each source of credentials once. Nothing: it is not configured here; an Error: it is, and fails.
using SqsLook = Result<std::optional<SqsFoundCredentials>>;

class SqsCredentialLinks {
 public:
  // `http` must outlive it.
  SqsCredentialLinks(const SqsSurroundings& surroundings, SqsHttp& http)
      : surroundings_(surroundings), http_(http) {}

  SqsLook environment() const;
  SqsLook web_identity() const;
  SqsLook shared_files() const;
  SqsLook container() const;
  SqsLook instance() const;

 private:
  using Profile = std::map<std::string, std::string>;

  std::optional<std::string> variable(const std::string& name) const;
  SqsLook assume_role(const std::string& token_file, const std::string& role,
                      const std::string& session) const;
  SqsLook run_process(const std::string& profile, const std::string& command) const;
  Result<std::vector<std::string>> container_headers() const;
  Result<std::string> fetch(SqsHttpRequest request, const std::string& what) const;

  const SqsSurroundings& surroundings_;
  SqsHttp& http_;
};

// The JSON of containers, instances and credential_process; they name the token differently.
Result<SqsCredentials> parse_sqs_credentials_json(const std::string& json_text);
// The reply of STS.
Result<SqsCredentials> parse_sqs_credentials_xml(const std::string& xml);

// The profile that AWS_PROFILE names (or "default"), of both shared files; keys of the credentials
// file win. Empty when it is in neither. `name` becomes its name.
Result<std::map<std::string, std::string>> sqs_profile(const SqsSurroundings& surroundings,
                                                       std::string& name);

}  // namespace ia
