// Credentials as others write them: shared files, the JSON of containers, instances and commands,
// the XML of STS. Reading them ends well, and what is found is whole.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "adapters/sqs/credential_links.h"
#include "adapters/sqs/profile.h"

namespace {

void check_that(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  for (const auto& [name, profile] : ia::parse_sqs_profiles(text)) {
    for (const auto& [key, value] : profile) {
      check_that(key.find_first_of("=\n") == std::string::npos);
      check_that(value.find('\n') == std::string::npos);
    }
  }
  for (const auto& found :
       {ia::parse_sqs_credentials_json(text), ia::parse_sqs_credentials_xml(text)}) {
    if (!found) {
      check_that(!found.error().message.empty());
    } else {
      check_that(!found->access_key_id.empty() && !found->secret_access_key.empty());
    }
  }
  return 0;
}
