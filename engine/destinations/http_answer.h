// What an HTTP response says about the message that was posted. Pure: no socket, time is passed in.
#pragma once

#include <chrono>
#include <ctime>
#include <string_view>

#include "engine/destinations/destination.h"

namespace hilum::destinations {

struct HttpAnswer {
    unsigned status = 0;
    std::string_view content_type;
    std::string_view retry_after;  // the header's value
    std::string_view body;
};

struct HttpOutcome {
    Attempt attempt;
    bool orphan = false;  // an acknowledgment of another message
};

// `control_id`: MSH-10 of what was posted. An acknowledgment in the body counts more than the status, with
// two exceptions: it never turns a failure into a success, and a receiver that is busy by its status (408,
// 425, 429, 502, 503, 504) is busy.
HttpOutcome read_http_answer(HttpAnswer const& answer, std::string_view control_id, std::time_t now);

// What a Retry-After says (RFC 9110 §10.2.3), in seconds or as a date; at most a day, nothing when it says
// none.
std::chrono::milliseconds retry_after(std::string_view header, std::time_t now);

}  // namespace hilum::destinations
