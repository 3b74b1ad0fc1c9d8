// Any text in any charset: a message keeps its bytes whatever they are, its text is UTF-8, an edit of one
// field leaves the others, and text that can be written is read again. Input: byte 0 chooses the charset, the
// rest is what stands in the fields.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "parsers/hl7/charset_check.h"
#include "parsers/hl7/charset_mask.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/utf8.h"

using namespace hilum::hl7;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::array<std::string_view, 16> charsets = {
    "",
    "ASCII",
    "UNICODE UTF-8",
    "8859/1",
    "8859/7",
    "8859/15",
    "~ISO IR87",
    "ISO IR14~ISO IR87~ISO IR159",
    "8859/1~ISO IR87",
    "8859/1~8859/2",
    "GB 18030-2000",
    "BIG-5",
    "KS X 1001",
    "CNS 11643-1992",
    "Shift_JIS",
    "KLINGON",
};

void check_text(std::string_view text) {
    require(valid_utf8(text) == text.size());
}

void check_conversion(std::string_view bytes, Charset charset) {
    std::string text, again, back;
    std::size_t const undecodable = to_utf8(bytes, charset, text, '\\');
    check_text(text);
    require(undecodable <= bytes.size());
    (void)Charset::declared(bytes, '~');
    (void)Charset::named(bytes);
    if (!charset.masks()) return;
    for (Delimiters const& d : {Delimiters{}, Delimiters{'$', 'B', ';', '\x1b', '(', '!'}}) {
        std::string masked;
        if (!mask(bytes, charset, d, masked)) masked = bytes;
        back.clear();
        unmask(masked, back);
        require(back == bytes);
    }
}

void check_written(std::string_view bytes, Charset charset) {
    // Only what is text can be asked to come back.
    std::string const text(bytes.substr(0, valid_utf8(bytes)));
    std::string written, again;
    if (!from_utf8(text, charset, written)) return;
    if (charset.coding == Coding::undeclared || charset.coding == Coding::unknown) return;
    bool const control = text.find_first_of("\x1b\r\n") != std::string::npos;
    if (charset.coding == Coding::iso2022 && control) return;
    if (charset.coding == Coding::korean && control) return;
    to_utf8(written, charset, again);
    check_text(again);
    // Tables hold some characters twice, and read both as one: what was read once stays.
    std::string written_again, once_more;
    require(from_utf8(again, charset, written_again));
    to_utf8(written_again, charset, once_more);
    require(once_more == again);
}

void check_message(std::string const& bytes, Path const& path) {
    auto message = Message::view(bytes);
    if (!message) return;
    require(message->bytes() == bytes);
    std::string scratch;
    for (std::size_t i = 1; i <= message->segment_count(); ++i) {
        check_text(message->decode(message->segment(i), scratch));
    }
    for (auto const& finding : check_charset(*message, 5)) check_text(finding.text());
    std::string const before(message->text("PID-5"));
    auto const done = message->set(path, "a|\xc3\xbc\xe5\xb1\xb1\n");
    if (done) {
        require(message->text(path, scratch) == "a|\xc3\xbc\xe5\xb1\xb1\n");
        std::string const written = message->bytes();
        auto const again = Message::view(written);
        require(again.has_value());
        require(again->bytes() == written);
        require(again->segment_count() == message->segment_count());
    } else {
        require(message->bytes() == bytes);
    }
    auto converted = Message::view(bytes);
    if (converted->set(Path::parse("MSH-18").value(), "UNICODE UTF-8")) {
        std::string const written = converted->bytes();
        auto const again = Message::view(written);
        require(again.has_value());
        require(again->bytes() == written);
    } else {
        require(converted->bytes() == bytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 1) return 0;
    std::string_view const msh18 = charsets[data[0] % charsets.size()];
    std::string_view const rest(reinterpret_cast<char const*>(data) + 1, size - 1);
    Charset const charset = Charset::declared(msh18, '~');
    check_conversion(rest, charset);
    check_written(rest, charset);

    std::string text, raw, scratch;
    to_utf8(rest, charset, text);
    escape(text, {}, raw);
    require(unescape(raw, {}, scratch) == text);
    check_text(unescape(text, {}, charset, scratch));

    std::string bytes = "MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5||||||";
    bytes.append(msh18).append("\rNTE|1||").append(rest).append("\rPID|1||7||N|||M\r");
    static Path const path = Path::parse("PID-8").value();
    check_message(bytes, path);
    return 0;
}
