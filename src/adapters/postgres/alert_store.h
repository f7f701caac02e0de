#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/log.h"
#include "ports/alert_store.h"

namespace ia {

// Rules and alerts in the tables ia.alert_... of the database that open_postgres_store uses; the
// schema has been checked by that. Any number of processes may use them; take_turn is
// postgres_turn.h. Four connections at most, and one for the turn.
//
// `log`, which must outlive the store, hears of rules that others wrote and nothing can evaluate:
// they are left out.
std::unique_ptr<AlertStore> open_postgres_alert_store(
    const std::string& dsn, std::chrono::milliseconds statement_timeout = std::chrono::seconds{30},
    Log* log = nullptr);

}  // namespace ia
