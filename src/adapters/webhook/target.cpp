#include "adapters/webhook/target.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "adapters/webhook/address.h"
#include "net/curl.h"

namespace ia {
namespace {

constexpr auto kAdvice = "alerts go there only with --alert-allow-private on";

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

// Of a host that is one: "127.1" and "0x7f000001" are, names are not.
AddressList address_in(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return nullptr;
  return AddressList(found);
}

}  // namespace

std::optional<std::string> private_target(const std::string& url) {
  curl::initialise();
  const auto host = curl::host_of(url);
  if (host == "localhost" || host.ends_with(".localhost")) {
    return fmt::format("is this machine: {}", kAdvice);
  }
  const auto address = address_in(host);
  if (!address || is_public(*address->ai_addr)) return std::nullopt;
  return fmt::format("is {}, not an address of the public internet: {}", shown(*address->ai_addr),
                     kAdvice);
}

}  // namespace ia
