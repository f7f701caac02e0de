#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqs/http.h"
#include "adapters/sqs/test_signature.h"

namespace ia {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// From AWS's published test suite, aws4_testsuite: post-vanilla, post-x-www-form-urlencoded,
// post-header-key-sort, post-sts-header-before, get-header-value-trim.
constexpr auto kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr auto kToken =
    "AQoDYXdzEPT//////////"
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeo"
    "IYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"
    "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5V"
    "SXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
    "scqKmlzm8FDrypNC9Yj"
    "c8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

struct Vector {
  const char* name;
  TestRequest request;
  const char* signed_headers;
  const char* signature;
};

TestRequest example(std::string method, std::vector<std::pair<std::string, std::string>> headers,
                    std::string body = "") {
  headers.emplace_back("Host", "example.amazonaws.com");
  headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  return {.method = std::move(method), .target = "/", .headers = headers, .body = std::move(body)};
}

const Vector kVectors[] = {
    {"post-vanilla", example("POST", {}), "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-x-www-form-urlencoded",
     example("POST", {{"Content-Type", "application/x-www-form-urlencoded"}}, "Param1=value1"),
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-header-key-sort", example("POST", {{"My-Header1", "value1"}}),
     "host;my-header1;x-amz-date",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-sts-header-before", example("POST", {{"X-Amz-Security-Token", kToken}}),
     "host;x-amz-date;x-amz-security-token",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"get-header-value-trim",
     example("GET", {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
};

TEST(SqsTestSigner, AgreesWithTheVectorsThatAwsPublished) {
  const TestSigner signer{kSecret, "us-east-1", "service"};
  for (const auto& vector : kVectors) {
    EXPECT_THAT(signer.signature(vector.request, vector.signed_headers), Eq(vector.signature))
        << vector.name;
  }
}

TEST(SqsTestSigner, SeesEveryChangeOfARequest) {
  const TestSigner signer{kSecret, "us-east-1", "service"};
  auto request = kVectors[1].request;
  request.headers.emplace_back(
      "Authorization",
      std::string("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
                  ", SignedHeaders=") +
          kVectors[1].signed_headers + ", Signature=" + kVectors[1].signature);
  EXPECT_THAT(signature_defect(request, "AKIDEXAMPLE", signer), IsEmpty());

  auto other_body = request;
  other_body.body += " ";
  EXPECT_THAT(signature_defect(other_body, "AKIDEXAMPLE", signer), HasSubstr("does not match"));
  auto more = request;
  more.headers.emplace_back("X-Amz-Target", "AmazonSQS.SendMessage");
  EXPECT_THAT(signature_defect(more, "AKIDEXAMPLE", signer), HasSubstr("is not signed"));
}

class SqsSigning : public ::testing::Test {
 protected:
  // The defect of the request as it arrives.
  std::string defect_of(SqsHttpRequest request, const std::string& secret = kSecret) {
    std::string defect = "never arrived";
    TestServer server([&](const TestRequest& arrived) {
      defect = signature_defect(arrived, "AKIDEXAMPLE", {kSecret, "eu-west-1", "sqs"});
      return TestReply{};
    });
    request.url = server.url() + "/";
    request.signature = credentials(secret);
    const auto reply = SqsHttp::make({}).value()->perform(request);
    EXPECT_TRUE(reply) << reply.error().message;
    return defect;
  }
  static SqsSignature credentials(const std::string& secret) {
    return {.region = "eu-west-1",
            .service = "sqs",
            .access_key_id = "AKIDEXAMPLE",
            .secret_access_key = secret};
  }
  static SqsHttpRequest request(std::string body) {
    return {.headers = {"Content-Type: application/x-amz-json-1.0",
                        "X-Amz-Target: AmazonSQS.SendMessageBatch"},
            .body = std::move(body)};
  }
};

TEST_F(SqsSigning, FitsTheBodyWhateverItsSize) {
  for (const std::size_t size : {0u, 1u, 1'000u, 60'000u, 262'144u}) {
    EXPECT_THAT(defect_of(request(std::string(size, 'x'))), IsEmpty()) << size;
  }
  EXPECT_THAT(defect_of(request("{\"a\":\"\xc3\xa4\"}")), IsEmpty());
}

TEST_F(SqsSigning, CoversASessionToken) {
  auto with_token = request("{}");
  with_token.headers.push_back(std::string("X-Amz-Security-Token: ") + kToken);
  EXPECT_THAT(defect_of(with_token), IsEmpty());
  with_token.headers.back() = "X-Amz-Security-Token: " + std::string(2'000, 't');
  EXPECT_THAT(defect_of(with_token), IsEmpty());
}

TEST_F(SqsSigning, IsWrongWithAnotherSecret) {
  EXPECT_THAT(defect_of(request("{}"), "another"), HasSubstr("does not match"));
}

TEST(SqsSigningDefect, NamesTheVersionThatLeavesHeadersOut) {
  EXPECT_THAT(sqs_signing_defect(0x075500).value(), HasSubstr("libcurl 7.85.0"));
  EXPECT_EQ(sqs_signing_defect(0x075600), std::nullopt);
  EXPECT_EQ(sqs_signing_defect(0x080000), std::nullopt);
}

}  // namespace
}  // namespace ia
