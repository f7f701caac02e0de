#pragma once

#include <filesystem>
#include <memory>

#include "ports/verdict_store.h"

namespace ia {

// Verdicts in the file verdicts.db of a data directory, which is made when it is not there: a file
// of its own, so that verdicts never wait for points. Several processes may use it at a time.
// About 90 bytes an influencer. Safe from any thread.
//
// `read_only` makes nothing: kUnavailable where there is none, and put() fails. kInvalid for a file
// that a newer program wrote, or that is something else.
Result<std::unique_ptr<VerdictStore>> open_sqlite_verdict_store(
    const std::filesystem::path& directory, bool read_only = false);

}  // namespace ia
