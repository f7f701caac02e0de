#pragma once

#include "app/config/config.h"
#include "base/clock.h"
#include "base/log.h"

namespace ia {

// Whether N fetchers do N times the work: a round for each number of workers that the config
// names. A round makes queues and a database of its own on the servers named, seeds as many
// influencers as its fetchers can ask for in 52 s, starts the stages and a simulator as processes
// (child_process.h), waits for the next whole minute and measures some. At its end, also after a
// signal, all of it is removed; after a kill -9 the queues and the database, whose names begin
// with prove-scale and ia_scale, stay.
//
// Prints a table and what follows from it, to standard output; progress goes to standard error when
// that is a terminal. Takes some minutes a round. Returns the exit code: 1 when a round was below
// kScaleLeast of the ideal, or could not be run.
int prove_scale(const Config& config, const Clock& clock, Log& log);

}  // namespace ia
