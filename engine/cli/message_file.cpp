#include "engine/cli/message_file.h"

#include "engine/cli/output.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/xml.h"

namespace hilum::cli {
namespace {

bool is_xml(std::string_view text) {
    if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
    std::size_t const first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '<';
}

}  // namespace

Result<MessageFile> read_messages(std::string const& path, std::size_t only) {
    auto const text = read_file(path);
    return text ? messages_of(*text, only) : text.error();
}

Result<MessageFile> messages_of(std::string const& text, std::size_t only) {
    MessageFile file;
    std::size_t count = 0;
    if (is_xml(text)) {
        auto message = hl7::from_xml(text);
        if (!message) return message.error();
        count = 1;
        if (only <= 1) file.messages.push_back({1, std::move(*message)});
    } else {
        hl7::BatchCheck check;
        auto const split = hl7::split_messages(text, &check);
        if (split.batch) {
            check.finish();
            file.batch_findings = check.findings();
        }
        file.leftover = split.leftover;
        for (auto const bytes : split.messages) {
            ++count;
            if (only == 0 || only == count) file.messages.push_back({count, std::string(bytes)});
        }
    }
    if (!file.messages.empty()) return file;
    if (count == 0) return error("no_message", "", "there is no message in it; one begins with MSH");
    return error("no_message", "", "there are only " + std::to_string(count) + " messages in it");
}

}  // namespace hilum::cli
