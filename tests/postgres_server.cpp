#include "postgres_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <thread>

#include "adapters/postgres/connection.h"

namespace ia {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwner = "ia_test";
constexpr std::chrono::seconds kStartWait{60};

// The newest that is installed, as Debian lays them out.
fs::path binaries() {
  std::error_code error;
  fs::path newest;
  int newest_version = 0;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (version > newest_version && fs::exists(entry.path() / "bin/initdb")) {
      newest_version = version;
      newest = entry.path() / "bin";
    }
  }
  return newest;
}

bool can_have_timescaledb(const fs::path& binaries) {
  return fs::exists(binaries.parent_path() / "lib/timescaledb.so");
}

struct User {
  uid_t id;
  gid_t group;
};

User user_to_run_as() {
  if (geteuid() != 0) return {geteuid(), getegid()};
  for (const char* name : {"postgres", "nobody"}) {
    if (const auto* found = getpwnam(name)) return {found->pw_uid, found->pw_gid};
  }
  return {65534, 65534};
}

// In the abstract namespace, as long as this process lives: no other test takes the port, see
// servers.py.
bool take_name_of(std::uint16_t port) {
  const auto name = "influencer-analytics-test-port-" + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(name, address.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0) return true;
  ::close(fd);
  return false;
}

// Below the ports that the kernel gives to clients, so that it is still free when it is bound.
int free_port() {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> ports(15'000, 31'999);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto port = ports(random);
    if (!take_name_of(port)) continue;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool is_free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (is_free) return port;
  }
  return 5432;
}

// In the child: becomes the user, writes to the log, and dies with its parent.
[[noreturn]] void become(User user, const fs::path& log, const std::vector<std::string>& words) {
  setpgid(0, 0);
  if (geteuid() == 0 &&
      (setgroups(0, nullptr) != 0 || setgid(user.group) != 0 || setuid(user.id) != 0)) {
    _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (chdir("/") == 0) execvp(argv[0], argv.data());
  _exit(127);
}

pid_t spawn(User user, const fs::path& log, const std::vector<std::string>& words) {
  const pid_t pid = fork();
  if (pid == 0) become(user, log, words);
  return pid;
}

std::string contents(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Status run(User user, const fs::path& log, const std::vector<std::string>& words) {
  int status = 0;
  const pid_t pid = spawn(user, log, words);
  if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0) return {};
  return fail(Errc::kInvalid, words[0] + " failed: " + contents(log));
}

struct Usage {
  pid_t parent = 0;
  double seconds = 0;  // with those of children that have ended
};

Usage usage_of(const std::string& pid) {
  const auto stat = contents("/proc/" + pid + "/stat");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
  if (words.size() < 15) return {};
  double ticks = 0;
  for (std::size_t field = 11; field < 15; ++field) ticks += std::stod(words[field]);
  return {.parent = std::atoi(words[1].c_str()),
          .seconds = ticks / static_cast<double>(sysconf(_SC_CLK_TCK))};
}

}  // namespace

PostgresServer::PostgresServer(PostgresServerOptions options) : options_(std::move(options)) {}

Result<std::unique_ptr<PostgresServer>> PostgresServer::start(
    const PostgresServerOptions& options) {
  if (binaries().empty()) {
    return fail(Errc::kNotFound,
                "PostgreSQL's server is not installed: apt-get install postgresql-15");
  }
  if (options.with_timescaledb && !can_have_timescaledb(binaries())) {
    return fail(Errc::kNotFound, "the extension TimescaleDB is not installed");
  }
  std::unique_ptr<PostgresServer> server(new PostgresServer(options));
  if (auto prepared = server->prepare(); !prepared) return std::unexpected(prepared.error());
  if (auto launched = server->launch(); !launched) return std::unexpected(launched.error());
  return server;
}

PostgresServer::~PostgresServer() {
  stop(SIGQUIT);
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

Status PostgresServer::prepare() {
  std::string pattern = fs::temp_directory_path() / "ia_pg.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return fail(Errc::kInvalid, "no temporary directory");
  directory_ = pattern;
  const auto user = user_to_run_as();
  user_ = user.id;
  group_ = user.group;
  if (geteuid() == 0 && chown(directory_.c_str(), user_, group_) != 0) {
    return fail(Errc::kInvalid, "cannot give " + pattern + " to the server's user");
  }
  const auto made =
      run(user, directory_ / "initdb.log",
          {binaries() / "initdb", "--pgdata", directory_ / "data", "--username", kOwner, "--auth",
           "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"});
  if (!made || !options_.with_tls) return made;
  return make_certificates();
}

// An authority and a certificate of "localhost" by it.
Status PostgresServer::make_certificates() {
  const auto data = directory_ / "data";
  const std::string script =
      "cd " + data.string() +
      " && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ia-test-authority"
      " -keyout ca.key -out ca.pem"
      " && openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key"
      " -out server.csr && printf 'subjectAltName=DNS:localhost' > san"
      " && openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
      " -extfile san -out server.crt && chmod 600 server.key && cp ca.pem ../ca.pem";
  return run({user_, group_}, directory_ / "openssl.log", {"sh", "-c", script});
}

Status PostgresServer::launch() {
  std::vector<std::string> words{binaries() / "postgres", "-D", directory_ / "data"};
  const auto set = [&](const std::string& setting) {
    words.push_back("-c");
    words.push_back(setting);
  };
  if (options_.with_tls) port_ = free_port();
  set("unix_socket_directories=" + directory_.string());
  set("port=" + std::to_string(port_));
  set(options_.with_tls ? "listen_addresses=127.0.0.1" : "listen_addresses=");
  if (options_.with_tls) set("ssl=on");
  if (!options_.is_durable) set("fsync=off");
  set("max_connections=60");
  set("timezone=America/Caracas");  // nobody may rely on the server's
  if (options_.with_timescaledb) {
    set("shared_preload_libraries=timescaledb");
    set("timescaledb.telemetry_level=off");
  }
  for (const auto& setting : options_.settings) set(setting);
  pid_ = spawn({user_, group_}, directory_ / "server.log", words);
  return wait_until_ready();
}

Status PostgresServer::wait_until_ready() {
  const auto deadline = std::chrono::steady_clock::now() + kStartWait;
  while (std::chrono::steady_clock::now() < deadline) {
    if (postgres::Connection::open({.dsn = dsn()})) return {};
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return fail(Errc::kInvalid, "PostgreSQL does not start: " + contents(directory_ / "server.log"));
}

void PostgresServer::stop(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
}

void PostgresServer::kill() { stop(SIGQUIT); }

Status PostgresServer::start_again() { return launch(); }

std::string PostgresServer::dsn(const std::string& database) const {
  return dsn_as(kOwner, database);
}

std::string PostgresServer::dsn_as(const std::string& role, const std::string& database) const {
  return "host=" + directory_.string() + " port=" + std::to_string(port_) + " user=" + role +
         " dbname=" + database;
}

std::string PostgresServer::tcp_dsn(const std::string& database) const {
  return "port=" + std::to_string(port_) + " user=" + kOwner + " dbname=" + database;
}

fs::path PostgresServer::tls_authority() const { return directory_ / "ca.pem"; }

Status PostgresServer::create_database(const std::string& name, const std::string& copy_of) {
  auto connection = postgres::Connection::open({.dsn = dsn()});
  if (!connection) return std::unexpected(connection.error());
  return connection->execute("CREATE DATABASE " + connection->quoted_identifier(name) +
                             " TEMPLATE " + connection->quoted_identifier(copy_of));
}

Status PostgresServer::drop_database(const std::string& name) {
  auto connection = postgres::Connection::open({.dsn = dsn()});
  if (!connection) return std::unexpected(connection.error());
  return connection->execute("DROP DATABASE IF EXISTS " + connection->quoted_identifier(name) +
                             " WITH (FORCE)");
}

double PostgresServer::cpu_seconds() const {
  double seconds = usage_of(std::to_string(pid_)).seconds;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (!std::ranges::all_of(name, [](char c) { return '0' <= c && c <= '9'; })) continue;
    const auto usage = usage_of(name);
    if (usage.parent == pid_) seconds += usage.seconds;
  }
  return seconds;
}

}  // namespace ia
