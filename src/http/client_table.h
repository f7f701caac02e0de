#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace ia {

// What each client has of a server thread: its connections, and the bytes of answers that it has
// not taken yet. A client is IpAddress::limit_key(). One thread.
class ClientTable {
 public:
  struct Shares {
    std::size_t connections = 0;
    std::size_t unsent_bytes = 0;
  };

  // Something that a client has for as long as this lives.
  class Part {
   public:
    Part(ClientTable& table, std::uint64_t client, Shares shares);
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

   private:
    ClientTable& table_;
    const std::uint64_t client_;
    const Shares shares_;
  };

  Shares of(std::uint64_t client) const;
  std::size_t unsent_bytes() const { return unsent_bytes_; }
  // The client with most connections; 0 when there is none.
  std::uint64_t largest() const;

 private:
  std::unordered_map<std::uint64_t, Shares> clients_;
  std::size_t unsent_bytes_ = 0;
};

}  // namespace ia
