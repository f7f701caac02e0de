#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "simulator/answer_log.h"
#include "simulator/options.h"
#include "simulator/tally.h"

namespace ia {

// A Mockstagram server on a port of this machine: the same API, counts and habits as the real one
// (responder.h, session.h, population.h), ten times as fast, and with faults when asked for. It is
// there for the demo, for tests and to load what stands behind it.
// Guarantees: answers come in the order of their requests; all that one read brought is answered
// with one send, unless an answer takes its time. A client that does not read is not read from.
// Cost: docs/benchmarks.md; one thread of its own.
// All functions are safe to call from any thread, but not while it is being destroyed.
class MockstagramServer {
 public:
  // Listens and serves; clock and log must outlive it. kInvalid: the options, with what is wrong;
  // kUnavailable: the port.
  static Result<std::unique_ptr<MockstagramServer>> start(SimulatorOptions options,
                                                          const Clock& clock, Log& log);
  ~MockstagramServer();  // stops
  MockstagramServer(const MockstagramServer&) = delete;
  MockstagramServer& operator=(const MockstagramServer&) = delete;

  std::uint16_t port() const;
  // "http://127.0.0.1:3000": where this machine reaches it, also when it listens on all addresses.
  std::string url() const;
  // Closes the port and every connection. Calling it again does nothing.
  void stop();

  // New faults in place of the old ones, in force when it returns; their outages count from now.
  // kInvalid when the rates exceed 1 together.
  Status set_faults(const Faults& faults);

  SimulatorCounters counters() const;
  const AnswerLog& answers() const;

 private:
  struct Impl;
  explicit MockstagramServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ia
