#include "adapters/sqs/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/temp_dir.h"

namespace ia {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(SqsProfiles, ReadsBothFilesWaysOfNamingASection) {
  const auto profiles = parse_sqs_profiles(
      "# a comment\n"
      "lost = no section\n"
      "[default]\r\n"
      "aws_access_key_id=AKID\r\n"
      "aws_secret_access_key = a/b+c=#;=  ; not of it\n"
      "[profile  other ]\n"
      "region\t=\teu-west-1 # here\n"
      "s3 =\n"
      "  max_concurrent_requests = 20\n"
      "nonsense\n");
  EXPECT_THAT(
      profiles,
      UnorderedElementsAre(
          Pair("default", UnorderedElementsAre(Pair("aws_access_key_id", "AKID"),
                                               Pair("aws_secret_access_key", "a/b+c=#;="))),
          Pair("other", UnorderedElementsAre(Pair("region", "eu-west-1"), Pair("s3", "")))));
}

// What botocore reads from the same text, with Python's configparser.
TEST(SqsProfiles, SettingsMayBeIndentedAndNestOnlyBelowAnother) {
  const auto profiles = parse_sqs_profiles(
      "\xef\xbb\xbf[default]\n"
      "  aws_access_key_id = AKID\n"
      "\n"
      "  # between\n"
      "  aws_secret_access_key = secret\n"
      "  s3 =\n"
      "      aws_access_key_id = of s3\n"
      "\tregion = eu-west-1\n"
      "[profile other]\n"
      "region = eu-west-2\n"
      "services = mine\n"
      "   sqs =\n"
      "     endpoint_url = http://h\n"
      "output = json\n"
      "  [third]\n"
      "[fourth]\n"
      "  region = eu-west-4\n");
  EXPECT_THAT(
      profiles,
      UnorderedElementsAre(
          Pair("default", UnorderedElementsAre(Pair("aws_access_key_id", "AKID"),
                                               Pair("aws_secret_access_key", "secret"),
                                               Pair("s3", ""), Pair("region", "eu-west-1"))),
          Pair("other", UnorderedElementsAre(Pair("region", "eu-west-2"), Pair("services", "mine"),
                                             Pair("output", "json"))),
          Pair("fourth", UnorderedElementsAre(Pair("region", "eu-west-4")))));
}

TEST(SqsProfiles, SurvivesWhatIsNoProfileFile) {
  for (const auto* text : {"", "[", "[]", "=", "[a", "]", "[profile]", "\xff\n[\xff"}) {
    (void)parse_sqs_profiles(text);
  }
  EXPECT_THAT(parse_sqs_profiles("\n\n"), IsEmpty());
}

TEST(SqsProfiles, AMissingFileHasNoProfiles) {
  const TempDir directory;
  EXPECT_THAT(read_sqs_profiles(directory.path() / "credentials").value(), IsEmpty());
}

TEST(SqsProfiles, AFileThatCannotBeReadIsAnError) {
  const TempDir directory;
  EXPECT_EQ(read_sqs_profiles(directory.path()).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace ia
