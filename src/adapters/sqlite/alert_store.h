#pragma once

#include <filesystem>
#include <memory>

#include "base/log.h"
#include "ports/alert_store.h"

namespace ia {

// Alerts in the file alerts.db of a data directory, mode 0600, which is made when it is not there.
// The webhooks' addresses and secrets are in it as they are. Several processes may use it at a
// time. A call waits for others' transactions: a few ms, and some 60 for the largest that there can
// be, the first look at 50,000 influencers (bench/alerts_bench).
//
// kInvalid for a file that a newer program wrote, or that is something else.
//
// `log`, which must outlive the store, hears of rules that others wrote and nothing can evaluate:
// they are left out.
Result<std::unique_ptr<AlertStore>> open_sqlite_alert_store(const std::filesystem::path& directory,
                                                            Log* log = nullptr);

}  // namespace ia
