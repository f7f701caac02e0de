#pragma once

#include <string>
#include <string_view>

namespace ia {

// What is known of a TLS handshake that failed.
struct TlsFailure {
  long verify_result = 0;   // OpenSSL's X509_V_..., 0: the certificate was not refused
  unsigned long code = 0;   // OpenSSL's packed error, 0: none
  bool was_closed = false;  // the connection ended during the handshake
  std::string text{};       // what else is known
};

// Why a handshake with `host` failed and what to do about it, for a log and for people: whether the
// certificate has expired, is not valid yet, is for another name, is self-signed or of an unknown
// issuer; whether the port speaks no TLS, or no version of it that we speak; else `text`.
std::string describe(const TlsFailure& failure, std::string_view host);

// The code in a message of OpenSSL's: "error:0A00010B:SSL routines::wrong version number" has
// 0x0A00010B; 0 if there is none.
unsigned long openssl_code_in(std::string_view message);

}  // namespace ia
