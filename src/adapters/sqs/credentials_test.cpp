#include "adapters/sqs/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>

#include "adapters/sqs/test_server.h"
#include "testing/manual_clock.h"
#include "testing/temp_dir.h"

namespace ia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr auto kSecret = "SECRETSECRET";

std::string json_credentials(const std::string& id, const std::string& expiration = "") {
  return R"({"Code":"Success","AccessKeyId":")" + id + R"(","SecretAccessKey":")" + kSecret +
         R"(","Token":"TOKENTOKEN")" +
         (expiration.empty() ? "" : R"(,"Expiration":")" + expiration + "\"") + "}";
}

// A machine with one server that is its STS, its container's agent and its instance metadata.
class SqsCredentialsTest : public ::testing::Test {
 protected:
  void set(const std::string& name, const std::string& value) { variables_[name] = value; }
  std::string file(const std::string& name, const std::string& text) {
    const auto path = home_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  // What the server says to "METHOD /path".
  void serve(const std::string& request, TestReply reply) {
    const std::scoped_lock lock(mutex_);
    replies_[request] = std::move(reply);
  }
  void serve_instance(const std::string& id, const std::string& expiration = "") {
    const std::string path = "/latest/meta-data/iam/security-credentials/";
    serve("PUT /latest/api/token", {.body = "METADATATOKEN"});
    serve("GET " + path, {.body = "the-role\n"});
    serve("GET " + path + "the-role", {.body = json_credentials(id, expiration)});
  }
  std::vector<TestRequest> requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  SqsCredentialSource& chain() {
    if (!chain_) chain_ = make_sqs_credentials(surroundings(), clock_, log_);
    return *chain_;
  }
  Result<SqsCredentials> get() { return chain().get(); }
  SqsSurroundings surroundings() {
    return {.environment =
                [this](const std::string& name) {
                  const auto found = variables_.find(name);
                  return found == variables_.end() ? std::nullopt : std::optional(found->second);
                },
            .home = home_.path(),
            .sts_endpoint = server_.url(),
            .container_endpoint = server_.url(),
            .metadata_endpoint = server_.url(),
            .process_timeout = std::chrono::milliseconds{2'000}};
  }

  ManualClock clock_;  // 2026-01-01 00:00
  std::vector<std::string> logged_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           [this](std::string_view line) { logged_.emplace_back(line); }};
  TempDir home_;
  std::map<std::string, std::string> variables_;
  std::mutex mutex_;
  std::map<std::string, TestReply> replies_;
  std::vector<TestRequest> requests_;
  TestServer server_{[this](const TestRequest& request) {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(request);
    const auto found = replies_.find(request.method + " " + request.target);
    return found == replies_.end() ? TestReply{.status = 404} : found->second;
  }};
  std::unique_ptr<SqsCredentialSource> chain_;
};

TEST_F(SqsCredentialsTest, TheEnvironmentComesFirst) {
  set("AWS_ACCESS_KEY_ID", "AKENV");
  set("AWS_SECRET_ACCESS_KEY", kSecret);
  set("AWS_SESSION_TOKEN", "TOKENTOKEN");
  file(".aws/credentials", "[default]\naws_access_key_id=AKFILE\naws_secret_access_key=x\n");
  serve_instance("AKINSTANCE");
  const auto found = get().value();
  EXPECT_EQ(found.access_key_id, "AKENV");
  EXPECT_EQ(found.secret_access_key, kSecret);
  EXPECT_EQ(found.session_token, "TOKENTOKEN");
  EXPECT_EQ(found.expires_at, std::nullopt);
  EXPECT_EQ(chain().source(), "environment");
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(SqsCredentialsTest, HalfAnEnvironmentIsAnError) {
  set("AWS_SECRET_ACCESS_KEY", kSecret);
  serve_instance("AKINSTANCE");
  const auto found = get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kInvalid);
  EXPECT_THAT(found.error().message,
              AllOf(HasSubstr("AWS_ACCESS_KEY_ID is not"), Not(HasSubstr(kSecret))));
}

TEST_F(SqsCredentialsTest, TradesAWebIdentityForARole) {
  set("AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "ey.J+/=\n"));
  set("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
  serve("POST /", {.body = "<AssumeRoleWithWebIdentityResponse><Credentials>"
                           "<AccessKeyId>AKROLE</AccessKeyId><SecretAccessKey>SECRETSECRET"
                           "</SecretAccessKey><SessionToken>TOKENTOKEN</SessionToken>"
                           "<Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>"});
  const auto found = get().value();
  EXPECT_EQ(found.access_key_id, "AKROLE");
  EXPECT_EQ(found.session_token, "TOKENTOKEN");
  EXPECT_EQ(found.expires_at, ManualClock::kStart + hours{1});
  EXPECT_EQ(chain().source(), "web identity, role arn:aws:iam::1:role/r");
  EXPECT_EQ(requests().at(0).body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
            "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=influencer-analytics"
            "&WebIdentityToken=ey.J%2B%2F%3D");
  EXPECT_EQ(requests().at(0).header("Authorization"), "") << "unsigned";

  file("token", "renewed");
  clock_.advance(minutes{56});
  ASSERT_TRUE(get());
  EXPECT_THAT(requests().at(1).body, HasSubstr("WebIdentityToken=renewed"));
}

// Another source would be another identity.
TEST_F(SqsCredentialsTest, ASourceThatFailsIsNotReplacedByAnother) {
  set("AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "t"));
  set("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
  serve("POST /", {.status = 403,
                   .body = "<Error><Code>AccessDenied</Code><Message>Not you</Message></Error>"});
  serve_instance("AKINSTANCE");
  const auto found = get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kInvalid);
  EXPECT_THAT(found.error().message, AllOf(HasSubstr("AccessDenied"), HasSubstr("Not you")));
}

TEST_F(SqsCredentialsTest, TakesTheDefaultProfileOfTheSharedFiles) {
  file(".aws/credentials",
       "[default]\naws_access_key_id = AKFILE\naws_secret_access_key = SECRETSECRET\n"
       "[other]\naws_access_key_id = AKOTHER\naws_secret_access_key = x\n");
  EXPECT_EQ(chain().source(), "shared files, profile default") << "looks by itself";
  EXPECT_EQ(get()->access_key_id, "AKFILE");
}

TEST_F(SqsCredentialsTest, TakesTheProfileThatIsAskedForFromAnyOfTheFiles) {
  set("AWS_PROFILE", "work");
  set("AWS_CONFIG_FILE", file("my.config",
                              "[profile work]\naws_access_key_id = AKCONFIG\nregion = eu-north-1\n"
                              "aws_secret_access_key = config\n"));
  set("AWS_SHARED_CREDENTIALS_FILE",
      file("my.credentials", "[work]\naws_access_key_id = AKWORK\n"));
  const auto found = get().value();
  EXPECT_EQ(found.access_key_id, "AKWORK") << "the credentials file wins";
  EXPECT_EQ(found.secret_access_key, "config");
  EXPECT_EQ(sqs_region(surroundings()), "eu-north-1");
}

TEST_F(SqsCredentialsTest, AProfileThatDoesNotExistIsAnError) {
  set("AWS_PROFILE", "wrok");
  serve_instance("AKINSTANCE");
  const auto found = get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kInvalid);
  EXPECT_THAT(found.error().message, HasSubstr("wrok"));
}

TEST_F(SqsCredentialsTest, RunsACredentialProcess) {
  const auto json = R"({"Version":1,"AccessKeyId":"AKPROC","SecretAccessKey":"SECRETSECRET",)"
                    R"("SessionToken":"TOKENTOKEN","Expiration":"2026-01-01T01:00:00.123Z"})";
  file(".aws/config", "[default]\ncredential_process = cat " + file("out.json", json) + "\n");
  const auto found = get().value();
  EXPECT_EQ(found.access_key_id, "AKPROC");
  EXPECT_EQ(found.session_token, "TOKENTOKEN");
  EXPECT_EQ(found.expires_at, ManualClock::kStart + hours{1});
  EXPECT_EQ(chain().source(), "credential_process of profile default");
}

TEST_F(SqsCredentialsTest, NeverShowsWhatACredentialProcessWrote) {
  for (const auto* command : {"echo SECRETSECRET; exit 1", "echo SECRETSECRET", "echo '{}'"}) {
    file(".aws/config", std::string("[default]\ncredential_process = ") + command + "\n");
    chain_.reset();
    const auto found = get();
    ASSERT_FALSE(found);
    EXPECT_THAT(found.error().message,
                AllOf(HasSubstr("credential_process"), Not(HasSubstr(kSecret))));
  }
}

TEST_F(SqsCredentialsTest, SaysHowToUseProfilesThatItDoesNotSupport) {
  for (const auto* line :
       {"role_arn = arn:aws:iam::1:role/r\nsource_profile = x", "sso_session = s"}) {
    file(".aws/config", std::string("[default]\n") + line + "\n");
    chain_.reset();
    const auto found = get();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::kInvalid);
    EXPECT_THAT(found.error().message, HasSubstr("credential_process"));
  }
}

TEST_F(SqsCredentialsTest, AsksTheContainersAgent) {
  set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/some-id");
  serve("GET /v2/credentials/some-id",
        {.body = json_credentials("AKTASK", "2026-01-01T06:00:00Z")});
  const auto found = get().value();
  EXPECT_EQ(found.access_key_id, "AKTASK");
  EXPECT_EQ(found.session_token, "TOKENTOKEN");
  EXPECT_EQ(found.expires_at, ManualClock::kStart + hours{6});
  EXPECT_THAT(chain().source(), AllOf(HasSubstr("container"), Not(HasSubstr("some-id"))));
}

TEST_F(SqsCredentialsTest, ReadsTheContainersTokenAnewEachTime) {
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", server_.url() + "/pod");
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from the variable");
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file("pod-token", "first\n"));
  serve("GET /pod", {.body = json_credentials("AKPOD", "2026-01-01T01:00:00Z")});
  ASSERT_TRUE(get());
  EXPECT_EQ(requests().at(0).header("Authorization"), "first");
  file("pod-token", "second");
  clock_.advance(hours{1});
  ASSERT_TRUE(get());
  EXPECT_EQ(requests().at(1).header("Authorization"), "second");
}

TEST_F(SqsCredentialsTest, GivesNoTokenToAHostOfSomebodyElse) {
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "t");
  for (const auto* url :
       {"http://evil.example/c", "http://127.evil.example/c", "http://10.0.0.1/c"}) {
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    chain_.reset();
    const auto found = get();
    ASSERT_FALSE(found) << url;
    EXPECT_EQ(found.error().code, Errc::kInvalid) << url;
  }
}

TEST_F(SqsCredentialsTest, AsksTheInstanceMetadataLast) {
  serve_instance("AKINSTANCE", "2026-01-01T06:00:00Z");
  EXPECT_EQ(get()->access_key_id, "AKINSTANCE");
  EXPECT_EQ(chain().source(), "instance metadata, role the-role");
  const auto asked = requests();
  ASSERT_THAT(asked, SizeIs(3));
  EXPECT_EQ(asked[0].header("X-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(asked[1].header("X-aws-ec2-metadata-token"), "METADATATOKEN");
  EXPECT_EQ(asked[2].header("X-aws-ec2-metadata-token"), "METADATATOKEN");
}

TEST_F(SqsCredentialsTest, LeavesADisabledInstanceMetadataAlone) {
  serve_instance("AKINSTANCE");
  set("AWS_EC2_METADATA_DISABLED", "true");
  EXPECT_FALSE(get());
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(SqsCredentialsTest, NamesAllThatItLookedAtWhenThereIsNothing) {
  serve("PUT /latest/api/token", {.body = "t"});
  const auto found = get();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kUnavailable);
  EXPECT_THAT(found.error().message,
              AllOf(HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("web identity"),
                    HasSubstr(".aws/credentials"), HasSubstr("container"), HasSubstr("instance")));
  EXPECT_EQ(chain().source(), "none");

  const auto before = requests().size();
  EXPECT_FALSE(get());
  EXPECT_THAT(requests(), SizeIs(before)) << "not again at once";
  serve_instance("AKINSTANCE");
  clock_.advance(seconds{5});
  EXPECT_TRUE(get());
}

TEST_F(SqsCredentialsTest, RenewsFiveMinutesBeforeTheEnd) {
  serve_instance("AK1", "2026-01-01T01:00:00Z");
  EXPECT_EQ(get()->access_key_id, "AK1");
  serve_instance("AK2", "2026-01-01T02:00:00Z");
  clock_.advance(minutes{54});
  EXPECT_EQ(get()->access_key_id, "AK1");
  clock_.advance(minutes{1});
  EXPECT_EQ(get()->access_key_id, "AK2");
}

TEST_F(SqsCredentialsTest, UsesTheOldOnesWhileTheyCannotBeRenewed) {
  serve_instance("AK1", "2026-01-01T01:00:00Z");
  ASSERT_TRUE(get());
  serve("PUT /latest/api/token", {.status = 500});
  clock_.advance(minutes{56});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get()->access_key_id, "AK1");
  EXPECT_THAT(requests(), SizeIs(3 + 1)) << "tried once in 30 s";
  EXPECT_THAT(logged_, ElementsAre(HasSubstr("cannot renew")));

  serve_instance("AK2", "2026-01-01T09:00:00Z");
  clock_.advance(seconds{30});
  EXPECT_EQ(get()->access_key_id, "AK2");
  EXPECT_THAT(logged_, SizeIs(2));
}

TEST_F(SqsCredentialsTest, ForgetsThoseThatWereRefused) {
  serve_instance("AK1", "2026-01-01T06:00:00Z");
  const auto first = get().value();
  serve_instance("AK2", "2026-01-01T06:00:00Z");
  chain().forget({"AK0", "", "", std::nullopt});
  EXPECT_EQ(get()->access_key_id, "AK1") << "others were refused";
  chain().forget(first);
  EXPECT_EQ(get()->access_key_id, "AK2");
}

TEST_F(SqsCredentialsTest, FindsRegionAndEndpointInTheEnvironment) {
  EXPECT_EQ(sqs_region(surroundings()), "");
  EXPECT_EQ(sqs_endpoint(surroundings()), "");
  file(".aws/config", "[default]\nregion = r-file\n");
  EXPECT_EQ(sqs_region(surroundings()), "r-file");
  set("AWS_DEFAULT_REGION", "r-default");
  EXPECT_EQ(sqs_region(surroundings()), "r-default");
  set("AWS_REGION", "r-first");
  EXPECT_EQ(sqs_region(surroundings()), "r-first");
  set("AWS_ENDPOINT_URL", "http://all");
  EXPECT_EQ(sqs_endpoint(surroundings()), "http://all");
  set("AWS_ENDPOINT_URL_SQS", "http://sqs");
  EXPECT_EQ(sqs_endpoint(surroundings()), "http://sqs");
}

}  // namespace
}  // namespace ia
