// How many messages a listener lets in: `rate: 100/s`, or { limit: 100/s, burst: 500 }.
#pragma once

#include <memory>
#include <string>

#include "engine/net/rate.h"
#include "routes/config/config.h"
#include "routes/config/describe.h"

namespace hilum::flow {

struct RateOptions {
    config::Text limit;
    std::uint32_t burst = 0;  // 0: what comes in a second
};

template <class V>
void describe(V& v, RateOptions& o) {
    v.required("limit", o.limit,
               "so many messages in a second, a minute or an hour, such as 100/s or 20/min");
    v.optional(
        "burst", o.burst,
        "how many may come at once after a pause; 0 or without it as many as in a second, and at least one");
}

// Nothing when it is wrong, and reported.
std::shared_ptr<net::RateLimit> read_rate(config::Node const& written, std::string const& owner,
                                          config::Diagnostics& diagnostics);
std::string rate_options_schema();

}  // namespace hilum::flow
