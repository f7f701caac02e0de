// A message of the id queue, which anybody who may send to it can write: what decodes can be asked
// for, and is encoded to a message that says the same.
#include <cstdint>
#include <cstdlib>

#include "pipeline/messages.h"

namespace {

using namespace ia;

void check_that(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto shard = decode_shard({reinterpret_cast<const char*>(data), size});
  if (!shard) {
    check_that(!shard.error().message.empty());
    return 0;
  }
  check_that(!shard->influencers.empty() && shard->influencers.size() <= 100'000);
  check_that(shard->number.index < shard->number.count);
  const auto again = decode_shard(encode(*shard));
  if (shard->epoch == kForeignEpoch) return 0;  // has no message of ours
  check_that(again.has_value() && again->epoch == shard->epoch);
  check_that(again->influencers == shard->influencers);
  return 0;
}
