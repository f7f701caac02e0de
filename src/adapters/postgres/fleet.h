#pragma once

#include <memory>
#include <string>

#include "ports/fleet.h"

namespace ia {

// The fleet in the table ia.processes of the database that open_postgres_store uses; the schema
// has been checked by that. Two connections. The clock is the server's, so those of the machines
// may differ.
std::unique_ptr<Fleet> open_postgres_fleet(const std::string& dsn);

}  // namespace ia
