#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "core/verdict.h"

namespace ia {

// A place in the order in which verdicts were stored. Opaque; 0 is the beginning.
struct VerdictCursor {
  std::uint64_t position = 0;
};

struct VerdictPage {
  std::vector<Verdict> verdicts;  // in the order stored
  VerdictCursor cursor;           // where to go on
};

// The newest verdict on each influencer. Threads: any.
class VerdictStore {
 public:
  virtual ~VerdictStore() = default;

  // All or none. Of two verdicts on one influencer the one checked later stays, and it is the
  // older one that changed_at comes from when they agree. Safe to repeat. Verdicts survive a
  // crash of the program; a power cut may cost those of the last seconds, which are then asked
  // for again.
  [[nodiscard]] virtual Status put(std::span<const Verdict> verdicts) = 0;

  // Where processes share the store, one at a time checks. Asks for the turn, or whether it is
  // still ours: its number, larger than that of any turn before; nothing: another process's.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> take_turn() { return 1; }

  // At most `count_max` verdicts that were stored behind `from`, each influencer's newest only; an
  // empty page means that there is nothing new. From 0 on it gives every one.
  [[nodiscard]] virtual Result<VerdictPage> read(VerdictCursor from,
                                                 std::size_t count_max) const = 0;
};

}  // namespace ia
