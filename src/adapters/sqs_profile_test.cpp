#include "adapters/sqs_profile.h"

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
