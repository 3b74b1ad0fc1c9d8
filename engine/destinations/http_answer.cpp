#include "engine/destinations/http_answer.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/destinations/hl7_answer.h"
#include "engine/net/http_date.h"

namespace hilum::destinations {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kept = 4096;
constexpr std::chrono::milliseconds longest_pause = 24h;

// White space, a byte order mark and MLLP's framing bytes around a message: some gateways hand them through.
std::string_view bare(std::string_view body) {
    constexpr std::string_view around = " \t\r\n\x0b\x1c";
    if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
    auto const first = body.find_first_not_of(around);
    if (first == std::string_view::npos) return {};
    return body.substr(first, body.find_last_not_of(around) - first + 1);
}

AttemptClass class_of(unsigned status) {
    if (status >= 200 && status < 300) return AttemptClass::delivered;
    if (status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600))
        return AttemptClass::busy;
    if (status == 400 || status == 422) return AttemptClass::ae;
    return status >= 400 && status < 500 ? AttemptClass::ar : AttemptClass::bad_answer;
}

bool busy_whatever_the_body(unsigned status) {
    return status == 408 || status == 425 || status == 429 || (status > 500 && status < 600);
}

bool says_hl7(std::string_view content_type) {
    return content_type.find("hl7-v2") != std::string_view::npos;
}

HttpOutcome by_status(HttpAnswer const& answer) {
    HttpOutcome out;
    out.attempt.result = class_of(answer.status);
    out.attempt.code = "HTTP " + std::to_string(answer.status);
    if (answer.status >= 300 && answer.status < 400)
        out.attempt.text = "the receiver redirects; redirects are not followed";
    out.attempt.answer = answer.body.substr(0, kept);
    return out;
}

}  // namespace

std::chrono::milliseconds retry_after(std::string_view header, std::time_t now) {
    std::uint64_t seconds = 0;
    auto const [end, problem] = std::from_chars(header.data(), header.data() + header.size(), seconds);
    if (problem == std::errc::result_out_of_range) return longest_pause;
    if (problem != std::errc() || end != header.data() + header.size()) {
        auto const date = net::parse_http_date(header);
        if (!date || *date <= now) return 0ms;
        seconds = static_cast<std::uint64_t>(*date - now);
    }
    constexpr auto most =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(longest_pause).count());
    return std::chrono::seconds(std::min(seconds, most));
}

HttpOutcome read_http_answer(HttpAnswer const& answer, std::string_view control_id, std::time_t now) {
    auto const status = by_status(answer);
    bool const good = status.attempt.result == AttemptClass::delivered;
    auto const body = bare(answer.body);
    bool const is_hl7 = body.starts_with("MSH") || (good && !body.empty() && says_hl7(answer.content_type));
    HttpOutcome out = status;
    if (is_hl7 && status.attempt.result != AttemptClass::bad_answer &&
        !busy_whatever_the_body(answer.status)) {
        auto said = read_hl7_answer(body, control_id);
        if (!said) {
            out.orphan = true;
            if (good) {
                out.attempt.result = AttemptClass::bad_answer;
                out.attempt.code = "wrong_msa_2";
                out.attempt.text = "MSA-2 names another message";
            }
        } else if (good ||
                   (said->result != AttemptClass::delivered && said->result != AttemptClass::bad_answer)) {
            out.attempt = std::move(*said);
        }
    }
    if (out.attempt.result == AttemptClass::busy)
        out.attempt.retry_after = retry_after(answer.retry_after, now);
    return out;
}

}  // namespace hilum::destinations
