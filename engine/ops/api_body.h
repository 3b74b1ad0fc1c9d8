// What the handlers of the ops API share: replies, and the body of a POST.
#pragma once

#include <charconv>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "engine/ops/api.h"
#include "engine/ops/json.h"

namespace hilum::ops {

Reply ok(std::string body, std::string_view type = "application/json");
Reply failed(Error const& e);

template <class N>
bool read_number(std::string_view text, N& out) {
    auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc{} && end == text.data() + text.size();
}

struct BodyKey {
    std::string_view name;
    json::Value::Kind kind;
    bool required = false;
};

// The body as an object that has these keys and no others; an empty body counts as {}.
struct Body {
    json::Value value;
    std::optional<Reply> refusal;
};
Body read_body(Request const& request, std::initializer_list<BodyKey> keys);

// The member "reason", which a person has to give. Error "bad_reason".
Result<std::string> read_reason(Body const& body, std::string next);
// Who asks, from the member "by"; "api" when it is not said. Error "bad_by".
Result<std::string> read_by(Body const& body);

}  // namespace hilum::ops
