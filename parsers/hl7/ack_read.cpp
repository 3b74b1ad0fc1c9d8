#include <array>
#include <string>

#include "parsers/hl7/ack.h"

namespace hilum::hl7 {

namespace {

// Upper case, without blanks around.
std::string normalized(std::string_view text) {
    std::string out;
    for (char const c : text) {
        if (c != ' ') out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

template <std::size_t N>
std::string first_of(Message const& message, std::array<char const*, N> const& paths) {
    for (auto const* path : paths) {
        std::string text = message.text(path);
        if (!text.empty()) return text;
    }
    return {};
}

}  // namespace

Result<AckReading> read_ack(std::string_view bytes) {
    auto const message = Message::view(bytes);
    if (!message) return message.error();
    if (message->find("MSA") == 0) {
        return error("no_msa", "MSA[1]", "the answer has no segment MSA",
                     "check what the receiver answers with");
    }
    auto const code = ack_code(normalized(message->text("MSA-1")));
    if (!code) {
        return error("bad_msa_1", "MSA[1]-1", "the acknowledgment code is none of AA, AE, AR, CA, CE, CR",
                     "check what the receiver answers with");
    }
    AckReading reading;
    reading.code = *code;
    reading.control_id = message->text("MSA-2");
    reading.error_code = first_of<3>(*message, {"ERR-3.1", "ERR-1.4.1", "MSA-6.1"});
    reading.text = first_of<5>(*message, {"ERR-8", "ERR-7", "MSA-3", "ERR-3.2", "ERR-1.4.2"});
    return reading;
}

}  // namespace hilum::hl7
