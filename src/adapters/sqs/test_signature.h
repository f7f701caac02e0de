#pragma once

#include <string>

#include "adapters/sqs/test_server.h"

namespace ia {

// For tests: AWS's Signature Version 4 of a request without a query, written from its
// specification and independent of libcurl. `signed_headers` as in the Authorization header.
struct TestSigner {
  std::string secret;
  std::string region;
  std::string service;

  std::string canonical(const TestRequest& request, const std::string& signed_headers) const;
  std::string signature(const TestRequest& request, const std::string& signed_headers) const;
};

// What is wrong with the request's Authorization header, or nothing. Every header that AWS wants
// signed (host, content type, all of x-amz-) must be.
std::string signature_defect(const TestRequest& request, const std::string& key_id,
                             const TestSigner& signer);

}  // namespace ia
