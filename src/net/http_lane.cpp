#include "net/http_lane.h"

#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <cstring>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "net/freeze_watch.h"
#include "net/governor.h"
#include "net/http_date.h"
#include "net/http_endpoint.h"
#include "net/http_request.h"
#include "net/lane_metrics.h"
#include "net/order_book.h"
#include "net/retry_after.h"
#include "net/throttle.h"

namespace ia {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> use_task{};
using Socket = asio::basic_stream_socket<tcp, Executor>;
using TlsStream = asio::ssl::stream<Socket>;
using boost::system::error_code;
using Item = OrderBook::Item;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::uint32_t kAttemptsMax = 3, kResendsMax = 3;
constexpr milliseconds kSweepEvery{50}, kProbeSlack{2'000};
constexpr milliseconds kResolveEvery{60'000}, kResolveAgain{5'000};
constexpr std::size_t kShortLife = 16;  // replies: not worth pipelining
constexpr milliseconds kLongestGap{250};  // between two looks at the clocks, besides a tick
constexpr milliseconds kHoldupSpan{55'000};
constexpr auto first_end = &OrderBook::first_end;

struct Connection {
  explicit Connection(asio::io_context& io) : socket(io) {}
  Socket socket;  // the plain one, or moved into `tls`
  std::optional<TlsStream> tls;
  bool is_open = false;
  std::uint64_t replies = 0;  // on this connection
  bool closes = false;        // it is not to be used any more
  bool said_so = false;       // the last reply did
  std::vector<Item> batch;
  std::size_t answered = 0;  // of the batch
  std::string out;
  std::string in;
  std::size_t held = 0;  // bytes at the front of `in` that are no whole reply yet
  ReplyParser parser;
  MonoTime deadline = MonoTime::max(), progress_by = MonoTime::max();
  bool timed_out = false;
  MonoTime sent_at{}, idle_since{};
  std::uint64_t crossings = 0;  // of the freeze watch, when the batch was sent
  std::move_only_function<void()> wake;

  Socket& lowest() { return tls ? tls->next_layer() : socket; }
};

void wake(Connection& c) { std::exchange(c.wake, nullptr)(); }

}  // namespace

struct HttpLane::State {
  State(HttpLaneOptions o, HttpEndpoint e, std::unique_ptr<HttpDialect> d, const Clock& c,
        Metrics& m, Log& l)
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
        wrong_id_state(l, "network"),
        lane_metrics(m),
        book([this](MonoTime since, MonoTime now) { return holdup(since, now); }) {}

  HttpLaneOptions options;
  HttpEndpoint endpoint;
  std::unique_ptr<HttpDialect> dialect;
  const Clock& clock;
  asio::io_context io{1};
  asio::ssl::context tls_context{asio::ssl::context::tls_client};

  Governor governor;
  FreezeWatch watch;
  StateLog wrong_id_state;
  LaneMetrics lane_metrics;

  OrderBook book;
  std::list<Connection> connections;
  std::vector<Connection*> parked;
  std::size_t opened = 0, next_address = 0;
  std::vector<tcp::endpoint> addresses;
  bool resolved_once = false, resolving = false;
  MonoTime resolve_at{}, sweep_at{};
  std::uint64_t requests = 0, retried = 0;
  std::string last_error;

  std::atomic<bool> stopping = false;
  mutable std::mutex mutex;  // of what follows
  ProviderHealth health_now;
  NetworkClock network_clock;
  std::thread thread;

  void loop();
  void note_time(MonoTime now);
  MissReason holdup(MonoTime since, MonoTime now) const;
  void pump(MonoTime now);
  void sweep(MonoTime now);
  void resolve();
  bool acquire(Connection& c, MonoTime now);
  void fail_item(Item item, MissReason reason);
  void wait_as_told(const HttpReply& reply, MonoTime now, std::chrono::nanoseconds time);
  void settle(Connection& c, const HttpReply& reply);
  bool settle_all(Connection& c);
  void write_requests(Connection& c);
  void fail_rest(Connection& c, MissReason reason, bool unseen);
  void repeat_unsent(Connection& c, MissReason reason);
  void close(Connection& c);
  Task<void> run(Connection& c);
  Task<void> park(Connection& c);
  Task<error_code> connect_tcp(Connection& c);
  Task<void> connect(Connection& c);
  Task<void> exchange(Connection& c);
  Task<error_code> write(Connection& c);
  Task<error_code> read(Connection& c, std::size_t& count);
};

void HttpLane::State::loop() {
  pthread_setname_np(pthread_self(), "fetch-io");
  const auto guard = asio::make_work_guard(io);
  auto next_tick = clock.mono();
  while (!stopping) {
    io.poll();
    const auto now = clock.mono();
    note_time(now);
    if (now >= sweep_at) sweep(now);
    pump(now);
    if (book.empty() || governor.unlimited()) {
      io.run_one_for(kSweepEvery);
    } else {
      next_tick = std::clamp(next_tick + options.tick, now, now + options.tick);
      std::this_thread::sleep_for(next_tick - clock.mono());
    }
  }
  for (auto& c : connections) close(c);
}

// What waits for replies is given the time in which nothing ran.
void HttpLane::State::note_time(MonoTime now) {
  const auto stood = watch.look(clock.wall(), now);
  if (stood == MonoTime::duration{0}) return;
  for (auto& c : connections) {
    if (!c.is_open || c.deadline == MonoTime::max()) continue;
    c.deadline = first_end(c.batch, &OrderBook::Order::finish_before, c.deadline + stood);
    c.progress_by = std::min(c.progress_by + stood, c.deadline);
  }
}

MissReason HttpLane::State::holdup(MonoTime since, MonoTime now) const {
  if (addresses.empty()) return MissReason::kConnection;
  since = std::min(since, now - kHoldupSpan);  // what waited longer is requested first
  return watch.crossed_at() > since ? watch.reason() : governor.holdup(since, now);
}

void HttpLane::State::pump(MonoTime now) {
  if (now >= resolve_at && !resolving && !book.empty()) resolve();
  while (resolved_once && book.has_work(now) && governor.capacity(now) > 0) {
    if (parked.empty()) {
      if (connections.size() >= options.max_connections) return;
      connections.emplace_back(io);
      asio::co_spawn(io, run(connections.back()), asio::detached);
      io.poll();
      continue;
    }
    auto* c = parked.back();
    parked.pop_back();
    wake(*c);
  }
}

bool HttpLane::State::acquire(Connection& c, MonoTime now) {
  c.batch.clear();
  c.answered = 0;
  const auto count = std::min(governor.depth(now), governor.capacity(now));
  Item item;
  while (c.batch.size() < count && book.pop(now, item)) c.batch.push_back(item);
  if (c.batch.empty()) return false;
  governor.on_begin(c.batch.size());
  return true;
}

void HttpLane::State::sweep(MonoTime now) {
  sweep_at = now + kSweepEvery;
  book.expire(now);
  for (auto& c : connections) {
    if (!c.is_open && c.deadline == MonoTime::max()) continue;
    const bool late = now >= c.deadline || now >= c.progress_by;
    const bool idle = c.batch.empty() && c.is_open && now - c.idle_since >= options.idle_timeout;
    if (late) c.timed_out = true;
    if (late || idle) close(c);
  }
  governor.refresh(now);
  ProviderHealth health;
  governor.tell(health);
  if (const auto why = holdup(now - kHoldupSpan, now); why != MissReason::kOverrun) {
    health.holdup = why;
  }
  health.requests_total = requests;
  health.retries_total = retried;
  health.connections = opened;
  health.last_error = last_error;
  lane_metrics.set(health);
  const std::scoped_lock lock(mutex);
  health_now = health;
}

void HttpLane::State::fail_item(Item item, MissReason reason) {
  item.reason = reason;
  ++item.attempts;
  if (item.attempts >= kAttemptsMax || !governor.take_retry()) return book.end(item, reason);
  ++retried;
  book.repeat(item, clock.mono() + governor.backoff(item.attempts));
}

void HttpLane::State::wait_as_told(const HttpReply& reply, MonoTime now,
                                   std::chrono::nanoseconds time) {
  const auto wall = clock.wall();
  last_error = fmt::format("{}: status {}, {}", endpoint.authority, reply.status,
                           describe_retry_after(reply.retry_after, wall, options.pause));
  governor.on_limit(now, time, parse_retry_after(reply.retry_after, wall), last_error);
}

void HttpLane::State::settle(Connection& c, const HttpReply& reply) {
  auto& item = c.batch[c.answered++];
  const auto now = clock.mono();
  governor.on_reply(now - c.sent_at);
  network_clock.read(reply.date, watch.wall(), now);
  if (!reply.keep_alive) c.closes = c.said_so = true;
  if (reply.status == 429 || (reply.status == 503 && !reply.retry_after.empty())) {
    wait_as_told(reply, now, now - c.sent_at);
    return fail_item(item, MissReason::kRateLimited);
  }
  const auto judgement = dialect->judge(item.influencer, reply);
  if (judgement.wrong_id) {
    c.closes = true;
    wrong_id_state.failing("replies for other influencers came: dropped, their connection closed",
                           std::to_string(number_of(item.influencer)));
  }
  switch (judgement.kind) {
    case Judgement::Kind::kValue:
      governor.on_value(now);
      last_error.clear();
      // It may have come before the thread stood still: then it is no value of this minute.
      if (c.crossings != watch.crossings()) return book.end(item, watch.reason());
      return book.end(item, {item.influencer, watch.wall(), judgement.counts}, judgement.username);
    case Judgement::Kind::kMiss:
      governor.on_denial(now);
      return book.end(item, judgement.reason, judgement.in_words);
    case Judgement::Kind::kRetry:
      governor.on_failed_reply(now, judgement.reason);
      return fail_item(item, judgement.reason);
  }
}

// `unseen`: before the server read what it has not answered.
void HttpLane::State::fail_rest(Connection& c, MissReason reason, bool unseen) {
  const auto now = clock.mono();
  const bool is_for_long = unseen && (!c.said_so || c.replies >= kShortLife);
  if (c.batch.size() - c.answered > 1 && !is_for_long) governor.stop_pipelining(now);
  for (bool first = true; c.answered < c.batch.size(); first = false) {
    auto item = c.batch[c.answered++];
    item.reason = reason;
    if ((unseen || !first) && item.resends++ < kResendsMax) {
      governor.on_unsent(1);
      book.repeat(item, now);
    } else {
      governor.on_lost(now, reason);
      fail_item(item, reason);
    }
  }
}

void HttpLane::State::close(Connection& c) {
  if (c.is_open) --opened;
  c.is_open = false;
  error_code ignored;
  c.lowest().close(ignored);
}

void HttpLane::State::resolve() {
  resolving = true;
  auto resolver = std::make_shared<asio::ip::basic_resolver<tcp, Executor>>(io);
  resolver->async_resolve(
      endpoint.host, endpoint.port,
      [this, resolver](const error_code& error, const tcp::resolver::results_type& results) {
        resolving = false;
        resolved_once = true;
        resolve_at = clock.mono() + (error ? kResolveAgain : kResolveEvery);
        if (error) {
          last_error = endpoint.host + ": " + error.message();
          governor.on_unresolved(clock.mono(), last_error);
          return;
        }
        addresses.clear();
        for (const auto& entry : results) addresses.push_back(entry.endpoint());
      });
}

// Until pump finds work for it.
Task<void> HttpLane::State::park(Connection& c) {
  c.idle_since = clock.mono();
  c.deadline = c.progress_by = MonoTime::max();
  parked.push_back(&c);
  return asio::async_initiate<const asio::use_awaitable_t<Executor>&, void()>(
      [&c](auto handler) {
        c.wake = [h = std::make_shared<decltype(handler)>(std::move(handler))]() mutable {
          (*h)();
        };
      },
      use_task);
}

Task<void> HttpLane::State::run(Connection& c) {
  while (!stopping) {
    if (!acquire(c, clock.mono())) {
      co_await park(c);
      continue;
    }
    // Apart, because g++ 12 gets a co_await behind && wrong.
    if (!c.is_open) co_await connect(c);
    if (c.is_open) {
      co_await exchange(c);
    } else {
      repeat_unsent(c, c.timed_out ? MissReason::kTimeout : MissReason::kConnection);
    }
    if (c.closes) close(c);
  }
}

// To the next address that lets us in. Others are left out until the name is resolved again.
Task<error_code> HttpLane::State::connect_tcp(Connection& c) {
  error_code error = asio::error::host_not_found;
  for (bool goes_on = !addresses.empty(); goes_on;) {
    const auto address = addresses[next_address++ % addresses.size()];
    c.socket = Socket(io);
    co_await c.socket.async_connect(address, asio::redirect_error(use_task, error));
    if (error && addresses.size() > 1) std::erase(addresses, address);
    goes_on = error && !c.timed_out && addresses.front() != address;
  }
  co_return error;
}

Task<void> HttpLane::State::connect(Connection& c) {
  using Order = OrderBook::Order;
  c.tls.reset();
  c.replies = 0;
  c.closes = c.said_so = c.timed_out = false;
  c.held = 0;
  c.parser.reset();
  c.deadline = first_end(c.batch, &Order::start_before, clock.mono() + options.connect_timeout);
  auto error = co_await connect_tcp(c);
  if (!error) {
    error_code ignored;
    c.socket.set_option(tcp::no_delay(true), ignored);
    c.socket.non_blocking(true, ignored);
  }
  if (!error && endpoint.tls) {
    c.tls.emplace(std::move(c.socket), tls_context);
    c.tls->set_verify_callback(asio::ssl::host_name_verification(endpoint.host));
    set_server_name(c.tls->native_handle(), endpoint.host);
    co_await c.tls->async_handshake(asio::ssl::stream_base::client,
                                    asio::redirect_error(use_task, error));
  }
  // Cancelled or late: nothing may begin any more.
  if (clock.mono() >= first_end(c.batch, &Order::start_before, c.deadline)) c.timed_out = true;
  c.deadline = MonoTime::max();
  c.is_open = !error && !c.timed_out;
  if (c.is_open) {
    ++opened;
    co_return;
  }
  last_error =
      endpoint.authority + ": " + (c.timed_out ? "no connection in time" : error.message());
  resolve_at = std::min(resolve_at, clock.mono() + kResolveAgain);
  c.lowest().close(error);
}

Task<error_code> HttpLane::State::write(Connection& c) {
  error_code error;
  if (c.tls) {
    co_await asio::async_write(*c.tls, asio::buffer(c.out), asio::redirect_error(use_task, error));
    co_return error;
  }
  const auto sent = c.socket.send(asio::buffer(c.out), 0, error);
  if (error == asio::error::would_block) error = {};
  if (error || sent == c.out.size()) co_return error;
  const auto rest = asio::buffer(c.out) + sent;
  co_await asio::async_write(c.socket, rest, asio::redirect_error(use_task, error));
  co_return error;
}

Task<error_code> HttpLane::State::read(Connection& c, std::size_t& count) {
  const auto space = asio::buffer(c.in.data() + c.held, kReadBytes);
  error_code error;
  if (c.tls) {
    count = co_await c.tls->async_read_some(space, asio::redirect_error(use_task, error));
  } else {
    count = co_await c.socket.async_receive(space, asio::redirect_error(use_task, error));
  }
  co_return error;
}

void HttpLane::State::write_requests(Connection& c) {
  c.out.clear();
  c.sent_at = clock.mono();
  note_time(c.sent_at);
  c.crossings = watch.crossings();
  c.deadline =
      first_end(c.batch, &OrderBook::Order::finish_before, c.sent_at + options.request_timeout);
  c.progress_by = c.deadline;
  c.timed_out = false;
  for (const auto& item : c.batch) append_request(c.out, endpoint, *dialect, item.influencer);
  requests += c.batch.size();
}

// Every reply that has come. False when the bytes are no HTTP.
bool HttpLane::State::settle_all(Connection& c) {
  std::size_t done = 0;
  bool sound = true;
  while (done < c.held && c.answered < c.batch.size() && !c.closes) {
    std::size_t used = 0;
    const auto result = c.parser.read({c.in.data() + done, c.held - done}, used);
    done += used;
    sound = result != ReplyParser::Result::kUnsound;
    if (result != ReplyParser::Result::kReply) break;
    ++c.replies;
    settle(c, c.parser.reply());
  }
  c.held -= done;
  if (done > 0 && c.held > 0) std::memmove(c.in.data(), c.in.data() + done, c.held);
  return sound;
}

Task<void> HttpLane::State::exchange(Connection& c) {
  write_requests(c);
  auto error = co_await write(c);
  bool sound = true;
  while (!error && sound && !c.closes && c.answered < c.batch.size()) {
    if (c.in.size() < c.held + kReadBytes) c.in.resize(c.held + kReadBytes);
    std::size_t count = 0;
    error = co_await read(c, count);
    if (error) break;
    c.held += count;
    const auto now = clock.mono();
    note_time(now);
    c.timed_out = now >= c.deadline;  // nothing had looked at the time before the bytes
    if (c.timed_out) break;
    c.progress_by = now + options.stall_timeout;
    sound = settle_all(c);
  }
  const bool ends_a_body =
      error == asio::error::eof && c.parser.end() == ReplyParser::Result::kReply;
  if (ends_a_body) {
    note_time(clock.mono());
    settle(c, c.parser.reply());
  }
  c.deadline = c.progress_by = MonoTime::max();
  if (c.held > 0 || ends_a_body) c.closes = true;  // bytes that nobody asked for, or no more
  if (c.answered == c.batch.size()) co_return;
  const bool untouched = c.held == 0 && !c.parser.has_begun();
  const bool stale = error && !c.timed_out && untouched && c.replies > 0;
  const bool unseen = stale || c.said_so;
  auto reason = MissReason::kConnection;
  if (!sound) reason = MissReason::kMalformed;
  if (c.timed_out) reason = MissReason::kTimeout;
  if (c.crossings != watch.crossings()) reason = watch.reason();
  c.closes = true;
  fail_rest(c, reason, unseen);
}

// No connection came about, so no attempts are used up: the breaker and the orders' ends bound it.
void HttpLane::State::repeat_unsent(Connection& c, MissReason reason) {
  const auto now = clock.mono();
  governor.on_unreachable(c.batch.size(), now, reason, last_error);
  for (auto item : c.batch) {
    item.reason = reason;
    book.repeat(item, now + governor.backoff(1));
  }
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
  auto state = std::make_unique<State>(std::move(options), std::move(*endpoint), std::move(dialect),
                                       clock, metrics, log);
  error_code error;
  const auto& file = state->options.ca_file;
  state->tls_context.set_verify_mode(asio::ssl::verify_peer);
  if (file.empty()) {
    state->tls_context.set_default_verify_paths(error);
  } else {
    state->tls_context.load_verify_file(file, error);
  }
  if (error) return fail(Errc::kInvalid, file + ": no certificates: " + error.message());
  return std::unique_ptr<HttpLane>(new HttpLane(std::move(state)));
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
    s->book.begin_aside(
        std::move(order), s->clock.wall(), s->clock.mono(),
        [s, promise](FinishedFetch f) { promise->set_value({std::move(f), s->last_error}); });
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
  health.network_time = state_->network_clock.time();
  health.waiting = state_->book.waiting();
  return health;
}

}  // namespace ia
