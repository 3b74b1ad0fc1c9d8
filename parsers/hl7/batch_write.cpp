#include "parsers/hl7/batch.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

namespace {

// FHS and BHS have the same fields in the places used here (§2.14.1, §2.14.2), which are those of MSH.
void append_header(std::string_view name, std::string_view msh, Delimiters const& delimiters,
                   BatchOptions const& options, std::string& out) {
    out += name;
    for (std::uint32_t field = 2; field <= 11; ++field) {
        out += delimiters.field;
        if (field <= 6) out += part(msh, delimiters.field, field);
        if (field == 7) out += options.timestamp;
        if (field == 11) escape(options.control_id, delimiters, out);
    }
    out += '\r';
}

}  // namespace

bool fits_batch(std::string_view message) {
    if (!message.starts_with("MSH")) return false;  // so not in UTF-16
    auto const split = split_messages(message);
    return split.messages.size() == 1 && split.messages.front().size() == message.size() &&
           Message::view(message).has_value();
}

std::string build_batch(std::span<std::string_view const> messages, BatchOptions const& options) {
    std::size_t size = 1'000;
    for (auto const message : messages) size += message.size() + 1;
    std::string out;
    out.reserve(size);
    std::string_view msh = "MSH|^~\\&";
    Delimiters delimiters;
    if (auto const first = messages.empty() ? Result<Message>(Error{}) : Message::view(messages.front())) {
        msh = messages.front().substr(0, messages.front().find('\r'));
        delimiters = first->delimiters();
    }
    if (options.in_file) append_header("FHS", msh, delimiters, options, out);
    append_header("BHS", msh, delimiters, options, out);
    for (auto const message : messages) {
        out += message;
        if (out.back() != '\r') out += '\r';
    }
    (((out += "BTS") += delimiters.field) += std::to_string(messages.size())) += '\r';
    if (options.in_file) ((out += "FTS") += delimiters.field) += "1\r";
    return out;
}

}  // namespace hilum::hl7
