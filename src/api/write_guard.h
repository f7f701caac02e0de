#pragma once

#include "api/api.h"
#include "api/route.h"

namespace ia {

// Whether a request may change something.
//
// With a token set: it must be sent as "Authorization: Bearer <token>", else 401 (compared in
// constant time). Without one: only on a server that listens on a loopback address, and only what a
// page of another origin cannot send (403): no proxy passed it on; Host is a name of this machine,
// so that no foreign name that resolves to it will do; Origin and Sec-Fetch-Site, where they are
// sent, say that the page is ours. In both cases POST and PUT that have a body or a Content-Type
// need application/json (415), which a form of another page cannot send either, and a body that was
// kept (413).
Answer check_write(const WriteAccess& access, const HttpRequest& request, HttpResponse& response);

}  // namespace ia
