#include "parsers/hl7/batch.h"

#include "parsers/hl7/characters.h"

namespace hilum::hl7 {

namespace {

constexpr char start_byte = '\x0b', end_byte = '\x1c';

enum class Line : unsigned char { text, message, batch_header, batch_trailer };

Line kind(std::string_view rest) {
    std::string_view const name = rest.substr(0, 3);
    if (rest.size() > 3 && letter_or_digit(rest[3])) return Line::text;
    if (name == "MSH") return Line::message;
    if (name == "FHS" || name == "BHS") return Line::batch_header;
    if (name == "FTS" || name == "BTS") return Line::batch_trailer;
    return Line::text;
}

bool blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string_view to_end_of_line(std::string_view text) {
    return text.substr(0, text.find_first_of("\r\n\x0b\x1c"));
}

void note_header(std::string_view segment, Split& split) {
    std::string_view const name = segment.substr(0, 3);
    if (name == "FHS" && split.file_header.empty()) split.file_header = segment;
    if (name == "BHS" && split.batch_header.empty()) split.batch_header = segment;
}

// A character that a line can end with, or an <EB>, which may end a message in the middle of one.
bool line_byte(char c) {
    return c == '\r' || c == '\n' || c == start_byte || c == end_byte;
}

}  // namespace

Split split_messages(std::string_view bytes, BatchCheck* check) {
    Split split;
    if (bytes.substr(0, 3) == byte_order_mark) bytes.remove_prefix(3);
    std::size_t const none = bytes.size();
    std::size_t message = none;  // where the open message began
    bool batch_line = false;     // inside a batch segment
    std::size_t at = 0;
    auto const close = [&](std::size_t end) {
        if (message != none) split.messages.push_back(bytes.substr(message, end - message));
        message = none;
    };

    bool line_start = true;
    while (at < bytes.size()) {
        char const c = bytes[at];
        if (line_start && !line_byte(c)) {
            line_start = false;
            Line const line = kind(bytes.substr(at, 4));
            if (line != Line::text) {
                close(at);
                batch_line = line != Line::message;
                if (line == Line::message) message = at;
                split.batch = split.batch || line == Line::batch_header;
                if (check != nullptr && line == Line::message) check->message();
                if (line != Line::message) {
                    std::string_view const segment = to_end_of_line(bytes.substr(at));
                    if (check != nullptr) check->segment(segment);
                    note_header(segment, split);
                }
            }
        }
        if (!line_byte(c)) {
            if (message == none && !batch_line && !blank(c)) split.leftover = true;
            ++at;
            if (message != none || batch_line) {
                while (at < bytes.size() && !line_byte(bytes[at])) ++at;
            }
            continue;
        }
        if (c == end_byte) {
            // Framing when it ends a line or all, as in MLLP; in the middle of a line it is content.
            bool const framing = at + 1 == bytes.size() || line_byte(bytes[at + 1]);
            if (framing) {
                close(at);
                batch_line = false;
                line_start = true;
            }
        } else if (c == start_byte) {
            // Framing before a segment that begins a message or batch; else a vertical tab in a text.
            if (kind(bytes.substr(at + 1, 4)) != Line::text) {
                close(at);
                line_start = true;
            } else if (message == none) {
                line_start = true;
            }
        } else {
            batch_line = false;
            line_start = true;
        }
        ++at;
    }
    close(bytes.size());
    return split;
}

bool is_batch(std::string_view bytes) {
    if (bytes.substr(0, 3) == byte_order_mark) bytes.remove_prefix(3);
    while (!bytes.empty() && blank(bytes[0])) bytes.remove_prefix(1);
    return kind(bytes.substr(0, 4)) == Line::batch_header;
}

}  // namespace hilum::hl7
