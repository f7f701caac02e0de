#pragma once

#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/influencer_set.h"
#include "net/http_lane.h"
#include "ports/provider.h"

namespace ia {

// What a reply of Mockstagram's GET /api/v1/influencers/{id} means. 200 or 203 with a JSON object
// in which pk is the id that was asked for and both counts are whole numbers from 0 to 2^53 - 1: a
// value. A byte order mark before the object is passed over.
// Unknown influencers are denied with 500 in the original and 400 in a fork of it: a body
// {"error":{"name":"InfluencerNotFoundError"}} with any status is a denial in the network's own
// words. Any other 404 or 410 is a miss for good (not_found) too, but possibly a gateway's.
std::unique_ptr<HttpDialect> make_mockstagram_dialect();

// Mockstagram as a provider. Another network is another file like this one.
Result<std::unique_ptr<Provider>> make_mockstagram_provider(HttpLaneOptions options,
                                                            const Clock& clock, Metrics& metrics,
                                                            Log& log);

}  // namespace ia
