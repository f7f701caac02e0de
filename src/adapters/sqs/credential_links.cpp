#include "adapters/sqs/credential_links.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

#include "adapters/sqs/process.h"
#include "adapters/sqs/profile.h"
#include "base/json_object.h"
#include "net/http_endpoint.h"

namespace ia {
namespace {

constexpr std::string_view kSession = "influencer-analytics";
constexpr auto kTokenSeconds = "21600";

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  auto token = trimmed(text.str());
  if (!file || token.empty()) return fail(Errc::kInvalid, path + " cannot be read, or is empty");
  return token;
}

// "2026-11-23T12:04:05Z", with or without a fraction.
std::optional<WallTime> parse_time(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{day}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second};
}

std::string xml_text(const std::string& xml, const std::string& tag) {
  const auto open = xml.find("<" + tag + ">");
  if (open == std::string::npos) return {};
  const auto begin = open + tag.size() + 2;
  const auto end = xml.find("</" + tag + ">", begin);
  return end == std::string::npos ? std::string() : xml.substr(begin, end - begin);
}

std::string form_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

// To hosts that only this machine can be, plain HTTP is fine.
bool may_get_token(const HttpEndpoint& endpoint) {
  constexpr std::array<std::string_view, 6> kHosts = {
      "localhost", "127.0.0.1", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  return endpoint.tls || std::ranges::find(kHosts, endpoint.host) != kHosts.end();
}

Result<std::optional<SqsFoundCredentials>> found(Result<SqsCredentials> credentials,
                                                 std::string source) {
  if (!credentials) return fail(source, credentials.error());
  return SqsFoundCredentials{std::move(*credentials), std::move(source)};
}

std::filesystem::path path_of(const SqsSurroundings& surroundings, const std::string& variable,
                              const std::string& name) {
  const auto given = surroundings.environment(variable);
  if (given && !given->empty()) return *given;
  return surroundings.home / ".aws" / name;
}

}  // namespace

Result<SqsCredentials> parse_sqs_credentials_json(const std::string& json_text) {
  simdjson::dom::parser parser;
  simdjson::dom::object json;
  if (!read_json_object(parser, json_text, json)) {
    return fail(Errc::kUnavailable, "the reply is no JSON object");
  }
  const auto text = [&](std::string_view key) {
    std::string_view value;
    return json[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  };
  SqsCredentials found{.access_key_id = text("AccessKeyId"),
                       .secret_access_key = text("SecretAccessKey"),
                       .session_token = text("Token")};
  if (found.session_token.empty()) found.session_token = text("SessionToken");
  if (found.access_key_id.empty() || found.secret_access_key.empty()) {
    return fail(Errc::kUnavailable, "the reply has no AccessKeyId, or no SecretAccessKey");
  }
  if (const auto expiration = text("Expiration"); !expiration.empty()) {
    found.expires_at = parse_time(expiration);
    if (!found.expires_at) return fail(Errc::kUnavailable, "Expiration is no time");
  }
  return found;
}

Result<SqsCredentials> parse_sqs_credentials_xml(const std::string& xml) {
  SqsCredentials credentials{.access_key_id = xml_text(xml, "AccessKeyId"),
                             .secret_access_key = xml_text(xml, "SecretAccessKey"),
                             .session_token = xml_text(xml, "SessionToken")};
  credentials.expires_at = parse_time(xml_text(xml, "Expiration"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return fail(Errc::kUnavailable, "the reply of STS has no credentials");
  }
  return credentials;
}

Result<std::map<std::string, std::string>> sqs_profile(const SqsSurroundings& surroundings,
                                                       std::string& name) {
  const auto given = surroundings.environment("AWS_PROFILE");
  name = given && !given->empty() ? *given : "default";
  std::map<std::string, std::string> profile;
  bool is_known = false;
  for (const auto& path : {path_of(surroundings, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
                           path_of(surroundings, "AWS_CONFIG_FILE", "config")}) {
    const auto profiles = read_sqs_profiles(path);
    if (!profiles) return std::unexpected(profiles.error());
    const auto section = profiles->find(name);
    if (section == profiles->end()) continue;
    is_known = true;
    profile.insert(section->second.begin(), section->second.end());
  }
  if (!is_known && given && !given->empty()) {
    return fail(Errc::kInvalid, "AWS_PROFILE names " + name + ", which no shared file has");
  }
  return profile;
}

std::optional<std::string> SqsCredentialLinks::variable(const std::string& name) const {
  auto value = surroundings_.environment(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

SqsLook SqsCredentialLinks::environment() const {
  const auto id = variable("AWS_ACCESS_KEY_ID");
  const auto secret = variable("AWS_SECRET_ACCESS_KEY");
  if (!id && !secret) return std::nullopt;
  if (!id || !secret) {
    return fail(Errc::kInvalid, fmt::format("environment: {} is set, {} is not",
                                            id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                                            id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"));
  }
  return SqsFoundCredentials{
      {*id, *secret, variable("AWS_SESSION_TOKEN").value_or(""), std::nullopt}, "environment"};
}

SqsLook SqsCredentialLinks::web_identity() const {
  const auto file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto role = variable("AWS_ROLE_ARN");
  if (!file) return std::nullopt;
  if (!role) {
    return fail(Errc::kInvalid,
                "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not");
  }
  return assume_role(*file, *role,
                     variable("AWS_ROLE_SESSION_NAME").value_or(std::string(kSession)));
}

SqsLook SqsCredentialLinks::assume_role(const std::string& token_file, const std::string& role,
                                        const std::string& session) const {
  const auto source = "web identity, role " + role;
  const auto token = read_token(token_file);
  if (!token) return fail(source, token.error());
  auto endpoint = surroundings_.sts_endpoint;
  if (endpoint.empty()) endpoint = variable("AWS_ENDPOINT_URL_STS").value_or("");
  if (endpoint.empty()) {
    const auto region = sqs_region(surroundings_);
    if (region.empty()) return fail(Errc::kInvalid, source + ": set AWS_REGION");
    endpoint = "https://sts." + region +
               (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  }
  SqsHttpRequest request{
      .url = endpoint + "/",
      .headers = {"Content-Type: application/x-www-form-urlencoded"},
      .body = fmt::format("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}"
                          "&RoleSessionName={}&WebIdentityToken={}",
                          form_encoded(role), form_encoded(session), form_encoded(*token))};
  const auto reply = http_.perform(request);
  if (!reply) return fail(source, reply.error());
  if (reply->status != 200) {
    return fail(reply->status >= 500 ? Errc::kUnavailable : Errc::kInvalid,
                fmt::format("{}: STS says {} {}: {}", source, reply->status,
                            xml_text(reply->body, "Code"), xml_text(reply->body, "Message")));
  }
  return found(parse_sqs_credentials_xml(reply->body), source);
}

SqsLook SqsCredentialLinks::shared_files() const {
  std::string name;
  const auto read = sqs_profile(surroundings_, name);
  if (!read) return fail("shared files", read.error());
  const auto value = [&](const std::string& key) {
    const auto entry = read->find(key);
    return entry == read->end() ? std::string() : entry->second;
  };
  const auto source = "shared files, profile " + name;
  if (!value("aws_access_key_id").empty() && !value("aws_secret_access_key").empty()) {
    return SqsFoundCredentials{{value("aws_access_key_id"), value("aws_secret_access_key"),
                                value("aws_session_token"), std::nullopt},
                               source};
  }
  if (!value("credential_process").empty()) return run_process(name, value("credential_process"));
  if (!value("web_identity_token_file").empty() && !value("role_arn").empty()) {
    const auto session = value("role_session_name");
    return assume_role(value("web_identity_token_file"), value("role_arn"),
                       session.empty() ? std::string(kSession) : session);
  }
  for (const auto* key : {"role_arn", "sso_session", "sso_start_url", "sso_account_id"}) {
    if (value(key).empty()) continue;
    return fail(Errc::kInvalid,
                fmt::format("{}: '{}' is not supported: let another tool do it, as in "
                            "credential_process = aws configure export-credentials --profile {}",
                            source, key, name));
  }
  return std::nullopt;
}

SqsLook SqsCredentialLinks::run_process(const std::string& profile,
                                        const std::string& command) const {
  const auto source = "credential_process of profile " + profile;
  const auto output = output_of_command(command, surroundings_.process_timeout);
  if (!output) return fail(source, output.error());
  return found(parse_sqs_credentials_json(*output), source);
}

Result<std::vector<std::string>> SqsCredentialLinks::container_headers() const {
  std::vector<std::string> headers;
  auto token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const auto file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    const auto read = read_token(*file);
    if (!read) return fail("container", read.error());
    token = *read;
  }
  if (!token) return headers;
  if (token->find_first_of("\r\n") != std::string::npos) {
    return fail(Errc::kInvalid, "container: the authorization token has a line break");
  }
  headers.push_back("Authorization: " + *token);
  return headers;
}

SqsLook SqsCredentialLinks::container() const {
  const auto relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative && !full) return std::nullopt;
  const auto url = relative ? surroundings_.container_endpoint + *relative : *full;
  const auto endpoint = parse_endpoint(url);
  if (!endpoint) return fail("container", endpoint.error());
  if (!relative && !may_get_token(*endpoint)) {
    return fail(Errc::kInvalid,
                "container: AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or this machine: " +
                    endpoint->host);
  }
  auto headers = container_headers();
  if (!headers) return std::unexpected(headers.error());
  const auto source = "container, " + endpoint->authority;
  const auto reply = fetch({.method = "GET", .url = url, .headers = std::move(*headers)}, source);
  if (!reply) return std::unexpected(reply.error());
  return found(parse_sqs_credentials_json(*reply), source);
}

Result<std::string> SqsCredentialLinks::fetch(SqsHttpRequest request,
                                              const std::string& what) const {
  request.timeout = std::max(request.timeout, surroundings_.metadata_timeout);
  auto reply = http_.perform(request);
  if (!reply) return fail(what, reply.error());
  if (reply->status != 200) {
    return fail(reply->status == 404 ? Errc::kNotFound : Errc::kUnavailable,
                fmt::format("{}: HTTP {}", what, reply->status));
  }
  return std::move(reply->body);
}

// A machine without such a service answers nothing at its address: that is no error.
SqsLook SqsCredentialLinks::instance() const {
  if (variable("AWS_EC2_METADATA_DISABLED").value_or("") == "true") return std::nullopt;
  const auto base =
      variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(surroundings_.metadata_endpoint);
  const auto what = std::string("instance metadata");
  const auto token = http_.perform(
      {.method = "PUT",
       .url = base + "/latest/api/token",
       .headers = {std::string("X-aws-ec2-metadata-token-ttl-seconds: ") + kTokenSeconds},
       .timeout = surroundings_.metadata_timeout});
  if (!token) return std::nullopt;
  if (token->status != 200) {
    return fail(Errc::kUnavailable, fmt::format("{}: HTTP {} for a token (in a container, the hop "
                                                "limit must be 2)",
                                                what, token->status));
  }
  const auto get = [&](const std::string& path) {
    return fetch({.method = "GET",
                  .url = base + "/latest/meta-data/iam/security-credentials/" + path,
                  .headers = {"X-aws-ec2-metadata-token: " + token->body}},
                 what);
  };
  const auto roles = get("");
  if (!roles && roles.error().code == Errc::kNotFound) return std::nullopt;
  if (!roles) return std::unexpected(roles.error());
  const auto role = trimmed(roles->substr(0, roles->find('\n')));
  if (role.empty()) return std::nullopt;
  const auto reply = get(role);
  if (!reply) return std::unexpected(reply.error());
  return found(parse_sqs_credentials_json(*reply), what + ", role " + role);
}

}  // namespace ia
