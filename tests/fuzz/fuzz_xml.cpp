// Any bytes as XML: refused with a place or a message that can be read. Any bytes as a message: read as XML
// and back they are the same segments. Input: byte 0 chooses, the rest is the document or message.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "parsers/hl7/charset.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/version_conversion.h"
#include "parsers/hl7/xml.h"

using namespace hilum::hl7;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_document(std::string_view document) {
    auto const message = from_xml(document, {.bytes_max = 1 << 20, .message_bytes_max = 1 << 20});
    if (!message) {
        require(!message.error().code.empty());
        return;
    }
    auto const read = Message::view(*message);
    require(read.has_value());
    auto const again = to_xml(*read);
    require(again.has_value());
    require(from_xml(*again).has_value());
}

void check_message(std::string_view bytes) {
    auto const message = Message::view(bytes);
    if (!message) return;
    auto const xml = to_xml(*message, Dictionary::standard(), {.indented = bytes.size() % 2 == 0});
    require(xml.has_value());
    require(check_xml(*xml, {.attributes_max = 1}).has_value());
    auto const back = from_xml(*xml);
    require(back.has_value());
    // A byte order mark before MSH outweighs MSH-18, and does not come back.
    bool const marked = bytes.substr(0, bytes.find("MSH")).find("\xef\xbb\xbf") != std::string_view::npos;
    std::string expected;
    for (std::size_t n = 1; n <= message->segment_count(); ++n) {
        message->append_bytes(message->segment(n), expected);
        expected += '\r';
    }
    require(marked || *back == expected);
    for (Version const to : {Version::v2_1, Version::v2_5_1, Version::v2_8_2}) {
        auto const converted = convert(*message, to);
        if (converted) require(Message::view(converted->bytes).has_value());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 1) return 0;
    std::string_view const rest(reinterpret_cast<char const*>(data) + 1, size - 1);
    if (data[0] % 2 == 0) {
        check_document(rest);
    } else {
        check_message(rest);
    }
    return 0;
}
