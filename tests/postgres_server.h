#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace ia {

struct PostgresServerOptions {
  bool with_timescaledb = false;
  bool with_tls = false;    // listens on 127.0.0.1 with a certificate of a new authority
  bool is_durable = false;  // fsync: for measuring; slow
  std::vector<std::string> settings{};  // "shared_buffers=1GB"
};

// Debian's PostgreSQL, started for a test on a directory of its own, and gone with it: also when
// the test is killed. Listens on a socket in that directory, and on a free port of 127.0.0.1 when
// asked to. As root it runs as the user postgres, or nobody, for the server refuses root.
class PostgresServer {
 public:
  // kNotFound when there is no server, or no extension, to be started: skip the test, loudly.
  static Result<std::unique_ptr<PostgresServer>> start(const PostgresServerOptions& options = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // For the database's owner, who is superuser, over the socket.
  std::string dsn(const std::string& database = "postgres") const;
  // The same for another role.
  std::string dsn_as(const std::string& role, const std::string& database) const;
  // Over TCP; the host is to be added, by name or by hostaddr.
  std::string tcp_dsn(const std::string& database) const;
  std::filesystem::path tls_authority() const;  // PEM file

  // A new one, empty or a copy.
  Status create_database(const std::string& name, const std::string& copy_of = "template0");
  Status drop_database(const std::string& name);

  // As after a crash: every connection breaks at once, nothing is flushed.
  void kill();
  // After kill.
  Status start_again();

  // CPU seconds of all its processes, also those that have ended.
  double cpu_seconds() const;
  pid_t pid() const { return pid_; }
  bool has_timescaledb() const { return options_.with_timescaledb; }

 private:
  explicit PostgresServer(PostgresServerOptions options);
  Status prepare();
  Status make_certificates();
  Status launch();
  Status wait_until_ready();
  void stop(int signal);

  const PostgresServerOptions options_;
  std::filesystem::path directory_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  int port_ = 5432;
  pid_t pid_ = -1;
};

}  // namespace ia
