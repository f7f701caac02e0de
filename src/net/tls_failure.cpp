#include "net/tls_failure.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <charconv>

namespace ia {
namespace {

std::string about_certificate(long result, std::string_view host) {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format(
          "the certificate of {}, or one that vouches for it, has expired: it has to "
          "be renewed there, or this machine's clock is ahead",
          host);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format(
          "the certificate of {} is not valid yet: this machine's clock is behind, "
          "or the certificate begins in the future",
          host);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format(
          "the certificate is for another name than {}: use one of its names in the "
          "URL, or have it issued for this one",
          host);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format(
          "the certificate of {} is self-signed: to trust it, name its file with "
          "--ca-file",
          host);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format(
          "the certificate of {} has an unknown issuer: name the authority's "
          "certificate with --ca-file, or have the server send the intermediate one",
          host);
    default:
      return fmt::format("the certificate of {} is refused: {}", host,
                         X509_verify_cert_error_string(result));
  }
}

// Empty for what OpenSSL says well enough.
std::string about_protocol(int reason, std::string_view host) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return "no TLS is spoken at this port: use http:// in the URL, or the port of https";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
      return "no TLS version in common: the server has to speak TLS 1.2 or 1.3";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "the server refuses the handshake: it shares no cipher with us, or wants a client "
             "certificate, which is not supported";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the server wants a client certificate, which is not supported";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return fmt::format("the server does not know the name {}: check the URL", host);
    default:
      return "";
  }
}

}  // namespace

std::string describe(const TlsFailure& failure, std::string_view host) {
  if (failure.verify_result != X509_V_OK) return about_certificate(failure.verify_result, host);
  const auto reason = failure.code == 0 ? 0 : ERR_GET_REASON(failure.code);
  if (auto text = about_protocol(reason, host); !text.empty()) return text;
  if (failure.was_closed || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return "the connection was closed during the TLS handshake: check that the port speaks TLS";
  }
  return "the TLS handshake failed: " + failure.text;
}

unsigned long openssl_code_in(std::string_view message) {
  constexpr std::string_view kMark = "error:";
  const auto at = message.rfind(kMark);
  if (at == message.npos) return 0;
  unsigned long code = 0;
  const auto digits = message.substr(at + kMark.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  return error == std::errc{} ? code : 0;
}

}  // namespace ia
