#pragma once

#include <string>

#include "adapters/postgres/connection.h"
#include "ports/job_health.h"

namespace ia::postgres {

// What ia.job_health() says, on a connection of the caller's.
Result<JobHealth> read_job_health(Connection& db);

// Asks the database of `dsn`, over one connection that is kept.
AskJobHealth job_health_of(const std::string& dsn);

}  // namespace ia::postgres
