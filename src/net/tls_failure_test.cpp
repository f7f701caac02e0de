#include "net/tls_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

namespace ia {
namespace {

using ::testing::HasSubstr;

TEST(TlsFailure, SaysWhatIsWrongWithACertificate) {
  const std::pair<long, const char*> failures[] = {
      {X509_V_ERR_CERT_HAS_EXPIRED, "has expired"},
      {X509_V_ERR_CERT_NOT_YET_VALID, "not valid yet"},
      {X509_V_ERR_HOSTNAME_MISMATCH, "for another name than host"},
      {X509_V_ERR_IP_ADDRESS_MISMATCH, "for another name than host"},
      {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "self-signed"},
      {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "unknown issuer"},
      {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown issuer"},
      {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "unknown issuer"},
      {X509_V_ERR_CERT_REVOKED, "revoked"},
  };
  for (const auto& [result, why] : failures) {
    EXPECT_THAT(describe({.verify_result = result}, "host"), HasSubstr(why)) << result;
  }
}

TEST(TlsFailure, SaysWhatIsWrongWithTheProtocol) {
  const std::pair<const char*, const char*> failures[] = {
      {"error:0A00010B:SSL routines::wrong version number", "no TLS is spoken"},
      {"TLS connect error: error:0A00042E:SSL routines::tlsv1 alert protocol version",
       "no TLS version in common"},
      {"error:0A000102:SSL routines::unsupported protocol", "no TLS version in common"},
      {"error:0A000410:SSL routines::sslv3 alert handshake failure", "shares no cipher"},
      {"error:0A00045C:SSL routines::tlsv13 alert certificate required", "client certificate"},
      {"error:0A000458:SSL routines::tlsv1 unrecognized name", "does not know the name host"},
      {"error:0A000126:SSL routines::unexpected eof while reading", "closed during"},
      {"something else", "failed: something else"},
      {"error:xyz", "failed: error:xyz"},
  };
  for (const auto& [text, why] : failures) {
    const TlsFailure failure{.code = openssl_code_in(text), .text = text};
    EXPECT_THAT(describe(failure, "host"), HasSubstr(why)) << text;
  }
  EXPECT_THAT(describe({.was_closed = true, .text = "eof"}, "host"), HasSubstr("closed during"));
}

}  // namespace
}  // namespace ia
