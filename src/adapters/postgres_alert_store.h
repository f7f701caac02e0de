#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "ports/alert_store.h"

namespace ia {

// Rules and alerts in the tables ia.alert_... of the database that open_postgres_store uses; the
// schema has been checked by that. Four connections at most. Any number of processes may use them.
std::unique_ptr<AlertStore> open_postgres_alert_store(const std::string& dsn);

// Whether this process is the one that looks and sends, of all that use the database: an advisory
// lock of a connection's own, which the server gives to the next one when this process ends or its
// connection breaks. Asks the server once a second at most. Safe to call from any thread.
std::function<bool()> make_postgres_alert_turn(const std::string& dsn, const Clock& clock);

}  // namespace ia
