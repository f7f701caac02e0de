#pragma once

#include <atomic>
#include <utility>

#include "http/metrics.h"
#include "http/request_gate.h"
#include "http/server.h"

namespace ia {

// How many of something are open, and the gauge that says so. Safe from any thread.
class Tally {
 public:
  explicit Tally(GaugeMetric gauge) : gauge_(gauge) {}
  std::size_t count() const { return count_; }

  // One of them, as long as it lives.
  class Part {
   public:
    explicit Part(Tally& tally) : tally_(&tally) { tally.change(1); }
    Part(Part&& other) noexcept : tally_(std::exchange(other.tally_, nullptr)) {}
    Part& operator=(Part&& other) noexcept {
      std::swap(tally_, other.tally_);
      return *this;
    }
    ~Part() {
      if (tally_ != nullptr) tally_->change(std::size_t{0} - 1);
    }

   private:
    Tally* tally_;
  };

 private:
  void change(std::size_t by) { gauge_.set(static_cast<double>(count_.fetch_add(by) + by)); }

  GaugeMetric gauge_;
  std::atomic<std::size_t> count_ = 0;
};

// What all threads of a server share.
struct HttpShared {
  HttpShared(HttpServerOptions options_in, HttpHandler handler_in, Metrics& metrics_in, Log& log_in,
             const Clock& clock_in)
      : options(std::move(options_in)),
        handler(std::move(handler_in)),
        clock(clock_in),
        metrics(metrics_in, options.routes),
        gate(options, metrics_in, log_in),
        connections(metrics_in.gauge("ia_http_connections", "Open connections, but for streams.")),
        streams(metrics_in.gauge("ia_http_streams", "Open streams of events.")),
        full(dropped(metrics_in, "full")),
        idle(dropped(metrics_in, "idle")),
        crowded(dropped(metrics_in, "crowded")),
        slow_request(dropped(metrics_in, "slow_request")),
        slow_reader(dropped(metrics_in, "slow_reader")),
        slow_answer(dropped(metrics_in, "slow_answer")),
        accepting(log_in, "api"),
        handling(log_in, "api") {}

  static CounterMetric dropped(Metrics& metrics, const char* reason) {
    return metrics.counter("ia_http_dropped_total", "Connections that the server closed.",
                           {{"reason", reason}});
  }

  const HttpServerOptions options;
  const HttpHandler handler;
  const Clock& clock;
  HttpMetrics metrics;
  RequestGate gate;
  Tally connections;
  Tally streams;
  CounterMetric full, idle, crowded, slow_request, slow_reader, slow_answer;
  StateLog accepting;
  StateLog handling;
};

}  // namespace ia
