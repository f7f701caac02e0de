#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "core/point.h"
#include "ports/provider.h"

namespace ia {

// Whether a network answers: an order of one influencer, within 6 s. That the network does not know
// it is an answer too. Takes what is finished meanwhile, so no order may be open. The error names
// the URL, the reason and its cause.
Status probe_by_order(Provider& provider, const std::string& url, InfluencerId influencer,
                      WallTime now);

}  // namespace ia
