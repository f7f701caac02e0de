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
#include "net/http_endpoint.h"
#include "net/http_request.h"
#include "net/lane_metrics.h"
#include "net/order_book.h"
#include "net/settlement.h"
#include "net/tls_failure.h"
#include "net/tunnel.h"

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

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kTunnelBytesMax = 32 * 1024;
constexpr milliseconds kSweepEvery{50}, kProbeSlack{2'000};
constexpr milliseconds kResolveEvery{60'000}, kResolveAgain{5'000};
constexpr std::size_t kShortLife = 16;    // replies: not worth pipelining
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
  Batch batch;
  std::string out;
  std::string in;
  std::size_t held = 0;  // bytes at the front of `in` that are no whole reply yet
  ReplyParser parser;
  MonoTime deadline = MonoTime::max(), progress_by = MonoTime::max();
  bool timed_out = false;
  MonoTime idle_since{};
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
        lane_metrics(m),
        book([this](MonoTime since, MonoTime now) { return holdup(since, now); }),
        settlement({.authority = endpoint.authority,
                    .pause = options.pause,
                    .dialect = *dialect,
                    .governor = governor,
                    .book = book,
                    .watch = watch,
                    .clock = c,
                    .log = l}) {}

  HttpLaneOptions options;
  HttpEndpoint endpoint;
  std::unique_ptr<HttpDialect> dialect;
  const RequestText request_text{endpoint, options.proxy ? &*options.proxy : nullptr,
                                 options.user_agent};
  const Clock& clock;
  asio::io_context io{1};
  asio::ssl::context tls_context{asio::ssl::context::tls_client};

  Governor governor;
  FreezeWatch watch;
  LaneMetrics lane_metrics;

  OrderBook book;
  Settlement settlement;
  std::list<Connection> connections;
  std::vector<Connection*> parked;
  std::size_t opened = 0, next_address = 0;
  std::vector<tcp::endpoint> addresses;
  bool resolved_once = false, resolving = false;
  MonoTime resolve_at{}, sweep_at{};
  std::uint64_t requests = 0;

  std::atomic<bool> stopping = false;
  mutable std::mutex mutex;  // of what follows
  ProviderHealth health_now;
  std::thread thread;

  void loop();
  void note_time(MonoTime now);
  MissReason holdup(MonoTime since, MonoTime now) const;
  void pump(MonoTime now);
  void sweep(MonoTime now);
  void resolve();
  bool acquire(Connection& c, MonoTime now);
  void settle(Connection& c, const HttpReply& reply);
  bool settle_all(Connection& c);
  void write_requests(Connection& c);
  MissReason reason_of(const Connection& c, bool sound) const;
  void lose(Connection& c, const error_code& error, bool sound);
  void set_trouble(std::string_view why);
  void close(Connection& c);
  Task<void> run(Connection& c);
  Task<void> park(Connection& c);
  Task<error_code> connect_tcp(Connection& c);
  Task<std::string> open_tunnel(Connection& c);
  Task<std::string> shake_hands(Connection& c);
  Task<std::string> reach(Connection& c);
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
    c.deadline = first_end(c.batch.items, &OrderBook::Order::finish_before, c.deadline + stood);
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
    if (!c.is_open && c.deadline == MonoTime::max()) continue;
    const bool late = now >= c.deadline || now >= c.progress_by;
    const bool idle =
        c.batch.items.empty() && c.is_open && now - c.idle_since >= options.idle_timeout;
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
void HttpLane::State::lose(Connection& c, const error_code& error, bool sound) {
  const bool untouched = c.held == 0 && !c.parser.has_begun();
  const bool unseen = c.said_so || (error && !c.timed_out && untouched && c.replies > 0);
  const auto reason = reason_of(c, sound);
  const auto cause = error && reason == MissReason::kConnection ? error.message() : "";
  c.closes = true;
  settlement.lose(c.batch,
                  {.reason = reason,
                   .is_unseen = unseen,
                   .ends_pipelining = !unseen || (c.said_so && c.replies < kShortLife),
                   .received = {c.in.data(), c.held},
                   .cause = reason == MissReason::kTimeout ? "no whole reply in time" : cause});
}

void HttpLane::State::set_trouble(std::string_view why) {
  const auto& proxy = options.proxy;
  settlement.set_trouble(fmt::format("{}{}: {}", endpoint.authority,
                                     proxy ? " by the proxy " + proxy->authority() : "", why));
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
  const auto& proxy = options.proxy;
  resolver->async_resolve(
      proxy ? proxy->host : endpoint.host, proxy ? proxy->port : endpoint.port,
      [this, resolver](const error_code& error, const tcp::resolver::results_type& results) {
        resolving = false;
        resolved_once = true;
        resolve_at = clock.mono() + (error ? kResolveAgain : kResolveEvery);
        if (error) {
          set_trouble(error.message());
          governor.on_unresolved(clock.mono(), settlement.trouble());
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
      settlement.repeat_unsent(c.batch,
                               c.timed_out ? MissReason::kTimeout : MissReason::kConnection);
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

// These three return why they failed, and nothing when they did not.
Task<std::string> HttpLane::State::open_tunnel(Connection& c) {
  const auto& proxy = *options.proxy;
  const auto request = connect_request(endpoint, proxy, options.user_agent);
  error_code error;
  co_await asio::async_write(c.socket, asio::buffer(request),
                             asio::redirect_error(use_task, error));
  std::string reply;
  while (!error && reply.size() < kTunnelBytesMax) {
    char bytes[1024];
    const auto count =
        co_await c.socket.async_receive(asio::buffer(bytes), asio::redirect_error(use_task, error));
    reply.append(bytes, count);
    if (auto trouble = tunnel_trouble(reply, proxy)) co_return *trouble;
  }
  co_return "no answer to CONNECT: " + (error ? error.message() : "its head does not end");
}

Task<std::string> HttpLane::State::shake_hands(Connection& c) {
  c.tls.emplace(std::move(c.socket), tls_context);
  expect_server(c.tls->native_handle(), endpoint.host);
  error_code error;
  co_await c.tls->async_handshake(asio::ssl::stream_base::client,
                                  asio::redirect_error(use_task, error));
  if (!error) co_return "";
  const bool is_tls = error.category() == asio::error::get_ssl_category();
  const bool is_closed = error == asio::error::eof || error == asio::error::connection_reset ||
                         error == asio::error::broken_pipe ||
                         error == asio::ssl::error::stream_truncated;
  co_return describe({.verify_result = SSL_get_verify_result(c.tls->native_handle()),
                      .code = is_tls ? static_cast<unsigned long>(error.value()) : 0,
                      .was_closed = is_closed,
                      .text = error.message()},
                     endpoint.host);
}

Task<std::string> HttpLane::State::reach(Connection& c) {
  auto error = co_await connect_tcp(c);
  if (error) co_return error.message();
  c.socket.set_option(tcp::no_delay(true), error);
  c.socket.non_blocking(true, error);
  std::string trouble;
  if (options.proxy && endpoint.tls) trouble = co_await open_tunnel(c);
  if (trouble.empty() && endpoint.tls) trouble = co_await shake_hands(c);
  co_return trouble;
}

Task<void> HttpLane::State::connect(Connection& c) {
  using Order = OrderBook::Order;
  c.tls.reset();
  c.replies = 0;
  c.closes = c.said_so = c.timed_out = false;
  c.held = 0;
  c.parser.reset();
  c.deadline =
      first_end(c.batch.items, &Order::start_before, clock.mono() + options.connect_timeout);
  auto trouble = co_await reach(c);
  // Cancelled or late: nothing may begin any more.
  if (clock.mono() >= first_end(c.batch.items, &Order::start_before, c.deadline))
    c.timed_out = true;
  c.deadline = MonoTime::max();
  c.is_open = trouble.empty() && !c.timed_out;
  if (c.is_open) {
    ++opened;
    co_return;
  }
  set_trouble(c.timed_out ? "no connection in time" : trouble);
  resolve_at = std::min(resolve_at, clock.mono() + kResolveAgain);
  close(c);
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
  auto& batch = c.batch;
  batch.sent_at = clock.mono();
  note_time(batch.sent_at);
  batch.crossings = watch.crossings();
  c.deadline = first_end(c.batch.items, &OrderBook::Order::finish_before,
                         batch.sent_at + options.request_timeout);
  c.progress_by = c.deadline;
  c.timed_out = false;
  for (const auto& item : batch.items) request_text.append(c.out, *dialect, item.influencer);
  requests += batch.items.size();
}

// Every reply that has come. False when the bytes are no HTTP.
bool HttpLane::State::settle_all(Connection& c) {
  std::size_t done = 0;
  bool sound = true;
  while (done < c.held && !c.batch.is_settled() && !c.closes) {
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
  while (!error && sound && !c.closes && !c.batch.is_settled()) {
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
  if (!c.batch.is_settled()) lose(c, error, sound);
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
  state->tls_context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
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
