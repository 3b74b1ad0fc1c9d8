// All of now, and the last 24 hours of a queue, as the API gives them: GET /api/v1/overview and its
// neighbours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hilum::ops {

// Never changed; shared by all who look.
struct Overview {
    std::uint64_t id = 0;
    std::string whole;    // JSON
    std::string changes;  // JSON, against the overview before; empty: it needs the whole
};

struct History {
    struct Step {
        std::uint32_t waiting = 0, in = 0, out = 0;
    };
    static constexpr std::int64_t step_us = 60'000'000;
    static constexpr std::size_t steps_max = 24 * 60;
    std::int64_t first_us = 0;  // end of the first step
    bool queue = true;          // a listener has no queue
    std::vector<Step> steps;
};

}  // namespace hilum::ops
