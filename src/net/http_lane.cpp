#include "net/http_lane.h"

#include <fmt/format.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <future>
#include <list>
#include <mutex>
#include <thread>

#include "net/connection.h"
#include "net/dialer.h"
#include "net/freeze_watch.h"
#include "net/governor.h"
#include "net/http_endpoint.h"
#include "net/http_request.h"
#include "net/lane_metrics.h"
#include "net/order_book.h"
#include "net/readiness.h"
#include "net/settlement.h"

namespace ia {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr int kReadsMax = 8;  // of one connection, before the others have their turn
constexpr milliseconds kSweepEvery{50}, kProbeSlack{2'000};
constexpr std::size_t kShortLife = 16;    // replies: not worth pipelining
constexpr milliseconds kLongestGap{250};  // between two looks at the clocks, besides a tick
constexpr milliseconds kHoldupSpan{55'000};
constexpr auto first_end = &OrderBook::first_end;

}  // namespace

struct HttpLane::State {
  State(HttpLaneOptions o, HttpEndpoint e, TlsClients clients, std::unique_ptr<HttpDialect> d,
        const Clock& c, Metrics& m, Log& l)
      : options(std::move(o)),
        endpoint(std::move(e)),
        dialect(std::move(d)),
        clock(c),
        governor({.rate_per_second = options.rate_per_second,
                  .tick = options.tick,
                  .max_connections = options.max_connections,
                  .pipelining = options.pipelining,
                  .retry_base = options.retry_base,
                  .pause = options.pause,
                  .probe_every = options.probe_every,
                  .seed = options.seed},
                 l),
        watch(kLongestGap + options.tick),
        lane_metrics(m),
        book([this](MonoTime since, MonoTime now) { return holdup(since, now); }),
        settlement({.authority = endpoint.authority,
                    .pause = options.pause,
                    .dialect = *dialect,
                    .governor = governor,
                    .book = book,
                    .watch = watch,
                    .clock = c,
                    .log = l}),
        dialer({.io = io,
                .endpoint = endpoint,
                .options = options,
                .clients = std::move(clients),
                .clock = c},
               [this](const std::string& why) {
                 set_trouble(why);
                 governor.on_unresolved(clock.mono(), settlement.trouble());
               }) {}
  ~State() { readiness_in_io.release(); }

  HttpLaneOptions options;
  HttpEndpoint endpoint;
  std::unique_ptr<HttpDialect> dialect;
  const RequestText request_text{endpoint, options.proxy ? &*options.proxy : nullptr,
                                 options.user_agent};
  const Clock& clock;
  asio::io_context io{1};  // of the orders, and of connections until they are open
  Readiness readiness;     // of connections that are open
  asio::posix::stream_descriptor readiness_in_io{io, readiness.handle()};
  bool is_io_waiting = false;  // for `readiness`

  Governor governor;
  FreezeWatch watch;
  LaneMetrics lane_metrics;

  OrderBook book;
  Settlement settlement;
  Dialer dialer;
  std::list<Connection> connections;
  std::vector<Connection*> parked;
  std::vector<Connection*> unread;  // their turn was over before they were read to the end
  std::array<char, kReadBytes> in;  // what a read brings
  std::size_t opened = 0;
  MonoTime sweep_at{};
  std::uint64_t requests = 0;

  std::atomic<bool> stopping = false;
  mutable std::mutex mutex;  // of what follows
  ProviderHealth health_now;
  std::thread thread;

  void loop();
  bool serve_ready();
  void serve(Connection& c);
  void wait();
  MonoTime look();
  MissReason holdup(MonoTime since, MonoTime now) const;
  void pump(MonoTime now);
  void sweep(MonoTime now);
  void give_up(Connection& c);
  void publish_health(MonoTime now);
  bool acquire(Connection& c);
  void settle(Connection& c, const HttpReply& reply);
  bool settle_all(Connection& c, std::string_view bytes);
  void write_requests(Connection& c);
  MissReason reason_of(const Connection& c, bool sound) const;
  void lose(Connection& c, const Transfer& end, bool sound);
  void set_trouble(std::string_view why);
  void close(Connection& c);
  void park(Connection& c);
  void carry_on(Connection& c);
  void connect(Connection& c);
  void on_dialed(Connection& c, Wire wire, const std::string& trouble);
  bool open(Connection& c, Wire wire);
  bool exchange(Connection& c);
  bool receive(Connection& c, Transfer& got);
  void end_exchange(Connection& c, const Transfer& end, bool sound);
};

void HttpLane::State::loop() {
  pthread_setname_np(pthread_self(), "fetch-io");
  const auto guard = asio::make_work_guard(io);
  auto next_tick = clock.mono();
  while (!stopping) {
    io.poll();
    look();
    const bool was_busy = serve_ready();
    const auto now = watch.mono();
    if (now >= sweep_at) sweep(now);
    pump(now);
    if (book.empty() || governor.unlimited()) {
      if (!was_busy) wait();
    } else {
      next_tick = std::clamp(next_tick + options.tick, now, now + options.tick);
      std::this_thread::sleep_for(next_tick - clock.mono());
    }
  }
  for (auto& c : connections) close(c);
}

// Returns false if nothing had come.
bool HttpLane::State::serve_ready() {
  const auto first = std::exchange(unread, {});
  for (auto* c : first) serve(*c);
  const auto count = readiness.poll([this](const Readiness::Event& event) {
    auto& c = *static_cast<Connection*>(event.owner);
    c.may_read = c.may_read || event.may_read;
    c.is_ending = c.is_ending || event.is_ending;
    serve(c);
  });
  return count > 0 || !first.empty() || !unread.empty();
}

void HttpLane::State::serve(Connection& c) {
  if (c.is_exchanging() && exchange(c)) carry_on(c);
}

// For whatever comes first, but not past the next sweep.
void HttpLane::State::wait() {
  if (!is_io_waiting) {
    is_io_waiting = true;
    readiness_in_io.async_wait(asio::posix::descriptor_base::wait_read,
                               [this](const boost::system::error_code&) { is_io_waiting = false; });
  }
  io.run_one_for(kSweepEvery);
}

// At the clocks. What waits for replies is given the time in which nothing ran.
MonoTime HttpLane::State::look() {
  const auto now = clock.mono();
  const auto stood = watch.look(clock.wall(), now);
  if (stood == MonoTime::duration{0}) return now;
  for (auto& c : connections) {
    if (!c.is_open() || c.deadline == MonoTime::max()) continue;
    c.deadline = first_end(c.batch.items, &OrderBook::Order::finish_before, c.deadline + stood);
    c.progress_by = std::min(c.progress_by + stood, c.deadline);
  }
  return now;
}

MissReason HttpLane::State::holdup(MonoTime since, MonoTime now) const {
  if (!dialer.has_addresses()) return MissReason::kConnection;
  since = std::min(since, now - kHoldupSpan);  // what waited longer is requested first
  return watch.crossed_at() > since ? watch.reason() : governor.holdup(since, now);
}

void HttpLane::State::pump(MonoTime now) {
  if (!book.empty()) dialer.refresh(now);
  if (!dialer.is_ready()) return;
  while (!stopping && book.has_work(now) && governor.capacity(now) > 0) {
    if (!parked.empty()) {
      auto* c = parked.back();
      parked.pop_back();
      carry_on(*c);
    } else if (connections.size() < options.max_connections) {
      carry_on(connections.emplace_back());
    } else {
      return;
    }
  }
}

bool HttpLane::State::acquire(Connection& c) {
  const auto now = watch.mono();
  auto& items = c.batch.items;
  items.clear();
  c.batch.answered = 0;
  const auto count = std::min(governor.depth(now), governor.capacity(now));
  OrderBook::Item item;
  while (items.size() < count && book.pop(now, item)) items.push_back(item);
  if (items.empty()) return false;
  governor.on_begin(items.size());
  return true;
}

void HttpLane::State::sweep(MonoTime now) {
  sweep_at = now + kSweepEvery;
  book.expire(now);
  for (auto& c : connections) {
    if (now >= c.deadline || now >= c.progress_by) {
      c.timed_out = true;
      give_up(c);
    } else if (c.is_idle() && now - c.idle_since >= options.idle_timeout) {
      close(c);
    }
  }
  governor.refresh(now);
  publish_health(now);
}

void HttpLane::State::give_up(Connection& c) {
  if (!c.is_exchanging()) return close(c);
  end_exchange(c, Transfer::broken("given up"), true);
  carry_on(c);
}

void HttpLane::State::publish_health(MonoTime now) {
  ProviderHealth health;
  governor.tell(health);
  if (const auto why = holdup(now - kHoldupSpan, now); why != MissReason::kOverrun) {
    health.holdup = why;
  }
  health.requests_total = requests;
  health.retries_total = settlement.retried();
  health.connections = opened;
  health.last_error = settlement.trouble();
  lane_metrics.set(health);
  const std::scoped_lock lock(mutex);
  health_now = health;
}

void HttpLane::State::settle(Connection& c, const HttpReply& reply) {
  if (!reply.keep_alive) c.closes = c.said_so = true;
  if (!settlement.settle(c.batch, reply)) c.closes = true;
}

MissReason HttpLane::State::reason_of(const Connection& c, bool sound) const {
  if (c.batch.crossings != watch.crossings()) return watch.reason();
  if (c.timed_out) return MissReason::kTimeout;
  return sound ? MissReason::kConnection : MissReason::kMalformed;
}

// The connection ended under its batch.
void HttpLane::State::lose(Connection& c, const Transfer& end, bool sound) {
  const bool untouched = c.in.empty() && !c.parser.has_begun();
  const bool unseen =
      c.said_so || (end.has_ended() && !c.timed_out && untouched && c.replies > 0);
  const auto reason = reason_of(c, sound);
  const std::string_view known = end.cause;
  const auto cause = reason == MissReason::kConnection ? known : "";
  c.closes = true;
  settlement.lose(c.batch,
                  {.reason = reason,
                   .is_unseen = unseen,
                   .ends_pipelining = !unseen || (c.said_so && c.replies < kShortLife),
                   .received = c.in,
                   .cause = reason == MissReason::kTimeout ? "no whole reply in time" : cause});
}

void HttpLane::State::set_trouble(std::string_view why) {
  const auto& proxy = options.proxy;
  settlement.set_trouble(fmt::format("{}{}: {}", endpoint.authority,
                                     proxy ? " by the proxy " + proxy->authority() : "", why));
}

// Nothing more comes of a connection that is being opened but the news that it failed.
void HttpLane::State::close(Connection& c) {
  if (c.call) Dialer::hang_up(*c.call);
  if (c.is_open()) --opened;
  c.wire.close();
}

// Until pump finds work for it.
void HttpLane::State::park(Connection& c) {
  c.idle_since = watch.mono();
  c.deadline = c.progress_by = MonoTime::max();
  parked.push_back(&c);
}

// Gives the connection its next requests, until it has to wait for something.
void HttpLane::State::carry_on(Connection& c) {
  while (!stopping && acquire(c)) {
    if (!c.is_open()) return connect(c);
    write_requests(c);
    if (!exchange(c)) return;
  }
  park(c);
}

void HttpLane::State::connect(Connection& c) {
  c.renew();
  c.deadline = first_end(c.batch.items, &OrderBook::Order::start_before,
                         watch.mono() + options.connect_timeout);
  c.call = dialer.dial([this, &c](Wire wire, const std::string& trouble) {
    on_dialed(c, std::move(wire), trouble);
  });
}

void HttpLane::State::on_dialed(Connection& c, Wire wire, const std::string& trouble) {
  c.call.reset();
  // Cancelled or late: nothing may begin any more.
  const auto late = first_end(c.batch.items, &OrderBook::Order::start_before, c.deadline);
  if (look() >= late) c.timed_out = true;
  c.deadline = MonoTime::max();
  if (!c.timed_out && trouble.empty() && open(c, std::move(wire))) {
    write_requests(c);
    if (exchange(c)) carry_on(c);
    return;
  }
  const std::string_view why = trouble;
  set_trouble(c.timed_out ? "no connection in time"
              : why.empty() ? "its socket cannot be watched"
                            : why);
  dialer.doubt_addresses();
  settlement.repeat_unsent(c.batch,
                           c.timed_out ? MissReason::kTimeout : MissReason::kConnection);
  carry_on(c);
}

bool HttpLane::State::open(Connection& c, Wire wire) {
  if (!wire.is_open() || !readiness.add(wire.socket(), &c)) return false;
  c.wire = std::move(wire);
  ++opened;
  return true;
}

void HttpLane::State::write_requests(Connection& c) {
  c.out.clear();
  c.sent = 0;
  auto& batch = c.batch;
  batch.sent_at = watch.mono();
  batch.crossings = watch.crossings();
  c.deadline = first_end(c.batch.items, &OrderBook::Order::finish_before,
                         batch.sent_at + options.request_timeout);
  c.progress_by = c.deadline;
  c.timed_out = false;
  for (const auto& item : batch.items) request_text.append(c.out, *dialect, item.influencer);
  requests += batch.items.size();
}

// Every reply that has come. False when the bytes are no HTTP.
bool HttpLane::State::settle_all(Connection& c, std::string_view bytes) {
  const bool had_some = !c.in.empty();
  if (had_some) bytes = c.in.append(bytes);
  bool sound = true;
  while (!bytes.empty() && !c.batch.is_settled() && !c.closes) {
    std::size_t used = 0;
    const auto result = c.parser.read(bytes, used);
    bytes.remove_prefix(used);
    sound = result != ReplyParser::Result::kUnsound;
    if (result != ReplyParser::Result::kReply) break;
    ++c.replies;
    settle(c, c.parser.reply());
  }
  if (had_some) {
    c.in.erase(0, c.in.size() - bytes.size());
  } else {
    c.in = bytes;
  }
  return sound;
}

// Goes as far as the socket allows. True when the exchange is over.
bool HttpLane::State::exchange(Connection& c) {
  auto moved = c.send_rest();
  bool sound = true;
  int reads = 0;
  while (!moved.has_ended() && sound && !c.closes && !c.batch.is_settled()) {
    if (reads++ == kReadsMax) {
      unread.push_back(&c);
      return false;
    }
    if (!receive(c, moved)) return false;
    if (moved.has_ended()) break;
    const auto now = look();
    c.timed_out = now >= c.deadline;  // nothing had looked at the time before the bytes
    if (c.timed_out) break;
    c.progress_by = now + options.stall_timeout;
    sound = settle_all(c, {in.data(), moved.bytes});
  }
  end_exchange(c, moved, sound);
  return true;
}

// Once, when there may be something: false when nothing has come.
bool HttpLane::State::receive(Connection& c, Transfer& got) {
  if (!c.may_read) return false;
  got = c.wire.receive(in);
  c.may_read = c.is_ending || got.may_be_more;
  return got.has_ended() || got.bytes > 0;
}

void HttpLane::State::end_exchange(Connection& c, const Transfer& end, bool sound) {
  const bool ends_a_body = end.end == Transfer::End::kClosed &&
                           c.parser.end() == ReplyParser::Result::kReply;
  if (!c.batch.is_settled()) look();
  if (ends_a_body) settle(c, c.parser.reply());
  c.deadline = c.progress_by = MonoTime::max();
  if (!c.in.empty() || ends_a_body) c.closes = true;  // bytes that nobody asked for, or no more
  if (!c.batch.is_settled()) lose(c, end, sound);
  if (c.closes) close(c);
}

HttpLane::HttpLane(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([s = state_.get()] { s->loop(); });
}

HttpLane::~HttpLane() {
  state_->stopping = true;
  state_->io.stop();
  state_->thread.join();
}

Result<std::unique_ptr<HttpLane>> HttpLane::create(HttpLaneOptions options,
                                                   std::unique_ptr<HttpDialect> dialect,
                                                   const Clock& clock, Metrics& metrics, Log& log) {
  if (const auto sound = check(options); !sound) return std::unexpected(sound.error());
  auto endpoint = parse_endpoint(options.url);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto clients = TlsClients::create(options.ca_file);
  if (!clients) return std::unexpected(clients.error());
  return std::unique_ptr<HttpLane>(new HttpLane(
      std::make_unique<State>(std::move(options), std::move(*endpoint), std::move(*clients),
                              std::move(dialect), clock, metrics, log)));
}

void HttpLane::start(FetchOrder order) {
  state_->book.announce(order.influencers.size());
  asio::post(state_->io, [s = state_.get(), order = std::move(order)]() mutable {
    s->book.begin(std::move(order), s->clock.wall(), s->clock.mono());
  });
}

std::vector<FinishedFetch> HttpLane::take_finished(milliseconds wait) {
  return state_->book.take(wait);
}

void HttpLane::set_rate(double rate) {
  asio::post(state_->io, [s = state_.get(), rate] { s->governor.set_rate(rate); });
}

void HttpLane::cancel(milliseconds grace) {
  asio::post(state_->io, [s = state_.get(), grace] {
    const auto now = s->clock.mono();
    s->book.cancel(now, now + grace);
    for (auto& c : s->connections) {
      if (c.deadline != MonoTime::max()) c.deadline = std::min(c.deadline, now + grace);
    }
  });
}

Status HttpLane::probe() {
  using Answer = std::pair<FinishedFetch, std::string>;
  const auto& o = state_->options;
  const auto now = state_->clock.wall();
  FetchOrder order{.influencers = {o.probe_influencer},
                   .start_before = now + o.connect_timeout,
                   .finish_before = now + o.connect_timeout + o.request_timeout};
  auto promise = std::make_shared<std::promise<Answer>>();
  auto answer = promise->get_future();
  state_->book.announce(1);
  asio::post(state_->io, [s = state_.get(), order = std::move(order), promise]() mutable {
    s->book.begin_aside(std::move(order), s->clock.wall(), s->clock.mono(),
                        [s, promise](FinishedFetch f) {
                          promise->set_value({std::move(f), s->settlement.trouble()});
                        });
  });
  const auto longest = o.connect_timeout + o.request_timeout + kProbeSlack;
  if (answer.wait_for(longest) != std::future_status::ready) {
    return fail(Errc::kUnavailable, o.url + ": no answer in time");
  }
  const auto [fetched, cause] = answer.get();
  return probed(fetched, o.url, cause);
}

ProviderHealth HttpLane::health() const {
  const std::scoped_lock lock(state_->mutex);
  auto health = state_->health_now;
  health.network_time = state_->settlement.network_time();
  health.waiting = state_->book.waiting();
  return health;
}

std::vector<FailureExample> HttpLane::failure_examples() const {
  return state_->settlement.examples();
}

}  // namespace ia
