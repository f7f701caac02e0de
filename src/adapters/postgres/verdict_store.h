#pragma once

#include <memory>
#include <string>

#include "ports/verdict_store.h"

namespace ia {

// Verdicts in the table ia.verdicts of the database that open_postgres_store uses; the schema has
// been checked by that. Two connections. Any number of processes may write.
std::unique_ptr<VerdictStore> open_postgres_verdict_store(const std::string& dsn);

}  // namespace ia
