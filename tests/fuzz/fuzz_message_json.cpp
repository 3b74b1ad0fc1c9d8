// Any bytes as a message in JSON: refused, or a message. Any bytes as a message: read as JSON and back it
// holds the same. Input: a text that begins with { is JSON.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "parsers/hl7/message_diff.h"
#include "parsers/hl7/message_json.h"

using namespace hilum::hl7;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_message(std::string_view bytes) {
    auto const message = Message::view(bytes);
    if (!message) return;
    MessageView const view(*message);
    auto const json = to_json(view, 1, bytes.size());
    require(json.has_value());
    auto const back = from_json(*json);
    if (!back) return;  // MSH again further on, or more values than JSON is read with
    require(Message::view(*back).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    if (!bytes.starts_with('{')) {
        check_message(bytes);
        return 0;
    }
    auto const er7 = from_json(bytes);
    if (!er7) {
        require(!er7.error().code.empty());
    } else {
        auto const message = Message::view(*er7);
        if (message) (void)message->text("MSH-10");
    }
    return 0;
}
