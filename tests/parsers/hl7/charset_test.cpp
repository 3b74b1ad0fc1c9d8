// Each charset: what its bytes are as text, what text is in bytes, and a message in it that is read, edited
// in one field and written with all others as they came.
#include "parsers/hl7/charset.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/charset_check.h"
#include "parsers/hl7/charset_mask.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/utf8.h"
#include "parsers/hl7/xml.h"

using hilum::hl7::Charset;
using hilum::hl7::Coding;
using hilum::hl7::Message;
using hilum::hl7::Path;
using namespace std::string_literals;

namespace {

struct Row {
    std::string msh18, bytes, text;
};

// The bytes are those that other converters (Python's codecs) give for these texts.
std::vector<Row> const& charsets() {
    static std::vector<Row> const rows = {
        {"ASCII", "Muller", "Muller"},
        {"ISO IR6", "Muller", "Muller"},
        {"", "M\xc3\xbcller", "Müller"},
        {"UNICODE UTF-8", "M\xc3\xbcller \xe5\xb1\xb1\xf0\x9f\x98\x80", "Müller 山😀"},
        {"8859/1", "M\xfcller", "Müller"},
        {"8859/1", "\x80 \x93so\x94 \x96 \x9c", "€ “so” – œ"},
        {"8859/2", "Dvo\xf8\xe1k", "Dvořák"},
        {"8859/3",
         "\xa1"
         "al",
         "Ħal"},
        {"8859/4", "K\xe0rlis", "Kārlis"},
        {"8859/5", "\xb8\xd2\xd0\xdd", "Иван"},
        {"8859/6", "\xe5\xcd\xe5\xcf", "محمد"},
        {"8859/7", "\xc3\xe9\xdc\xed\xed\xe7\xf2", "Γιάννης"},
        {"8859/8", "\xe3\xe5\xe3", "דוד"},
        {"8859/9",
         "Ay\xfe"
         "e \xd0",
         "Ayşe Ğ"},
        {"8859/10", "\xa6\xe0\xb4", "Ķāī"},
        {"8859/11", "\xca\xc1\xaa\xd2\xc2", "สมชาย"},
        {"8859/13", "\xc0\xfeuolas", "Ąžuolas"},
        {"8859/14", "\xd0\xf0", "Ŵŵ"},
        {"8859/15", "\xa4 \xbd", "€ œ"},
        {"8859/16", "\xaatefan", "Ștefan"},
        {"ISO IR87", "\x1b$B;3ED\x1b(B \x1b$BB@O:\x1b(B", "山田 太郎"},
        {"~ISO IR87", "\x1b$B^|0&\x1b(B \x1b$B\\~^&0|0\\0^\x1b(B-A", "滯愛 檣洟淫移緯-A"},
        {"ISO IR6~ISO IR87~ISO IR159", "\x1b$B;3\x1b$(D0!\x1b(B", "山丂"},
        {"GB 18030-2000", "\xd5\xc5\xc8\xfd", "张三"},
        {"GB 18030-2000", "\x83|\x81@\x95|\xb8^\xac\\", "億丂晐竈琝"},
        {"GB 18030-2000",
         "\x81"
         "9\xee"
         "9\x95"
         "2\x82"
         "6 a",
         "㐀𠀀 a"},
        {"KS X 1001", "\xb1\xe8\xc8\xf1\xc1\xdf", "김희중"},
        {"KS X 1001", "\x8fO\xb2\xda", "뢔꾹"},
        {"BIG-5", "\xa4\xfd\xa4p\xa9\xfa", "王小明"},
        {"BIG-5", "\xb3\\\xa5\\\xbb\\ \xa5|\xa8|", "許功蓋 四育"},
        {"Shift_JIS",
         "\x8eR\x93"
         "c \x94\\\x83|",
         "山田 能ポ"},
        {"CNS 11643-1992", "\xc5\xde\xc4\xd1\xcd\xfc", "王小明"},
        {"ISO IR14", "\xd4\xcf\xc0\xde", "ﾔﾏﾀﾞ"},
        {"ISO IR14~ISO IR87", "\xd4\xcf=\x1b$B;3\x1b(B", "ﾔﾏ=山"},
        {"8859/1~ISO IR87", "M\xfcller \x1b$B;3ED\x1b(B", "Müller 山田"},
        // Letters of vendors, the first with the byte of | in it.
        {"~ISO IR87", "\x1b$B|b-!\x1b(B", "髙①"},
    };
    return rows;
}

std::string decoded(std::string_view bytes, Charset charset) {
    std::string out;
    hilum::hl7::to_utf8(bytes, charset, out);
    return out;
}

std::string message(std::string const& msh18, std::string const& name) {
    return "MSH|^~\\&|A|" + name + "|C|D|2024||ADT^A01|1|P|2.5||||||" + msh18 + "|\rPID|1||7^^^" + name +
           "~8||" + name + "^" + name + "|||M\rNTE|1||" + name + "|\r";
}

}  // namespace

TEST_CASE("charset: bytes to text and back") {
    for (auto const& row : charsets()) {
        CAPTURE(row.msh18);
        CAPTURE(row.text);
        Charset const charset = Charset::declared(row.msh18, '~');
        CHECK(decoded(row.bytes, charset) == row.text);
        std::string bytes;
        REQUIRE(hilum::hl7::from_utf8(row.text, charset, bytes));
        CHECK(bytes == row.bytes);
    }
}

TEST_CASE("charset: a message is read, edited in one field, and keeps every other byte") {
    for (auto const& row : charsets()) {
        CAPTURE(row.msh18);
        CAPTURE(row.text);
        std::string const bytes = message(row.msh18, row.bytes);
        for (bool const owned : {false, true}) {
            auto read = owned ? Message::parse(bytes) : Message::view(bytes);
            REQUIRE(read.has_value());
            auto m = std::move(*read);
            CHECK(m.bytes() == bytes);
            CHECK(m.segment_count() == 3);
            for (auto const* path : {"MSH-4", "PID-3.4", "PID-5.1", "PID-5.2", "NTE-3"})
                CHECK(m.text(path) == row.text);
            CHECK(m.text("PID-3[2]") == "8");
            CHECK(m.text("PID-8") == "M");

            REQUIRE(m.set(Path::parse("PID-8").value(), row.text).has_value());
            CHECK(m.text("PID-8") == row.text);
            std::string expected = bytes;
            expected.replace(bytes.find("|||M\r") + 3, 1, row.bytes);
            CHECK(m.bytes() == expected);
            // The text of one field in another; a field emptied; its neighbours stay.
            REQUIRE(m.set(Path::parse("PID-8").value(), "M").has_value());
            CHECK(m.bytes() == bytes);
            REQUIRE(m.copy(Path::parse("PID-5.2").value(), Path::parse("PID-8").value()).has_value());
            CHECK(m.bytes() == expected);
            CHECK(m.erase(Path::parse("PID-5.1").value()) == 1);
            CHECK(m.text("PID-5.2") == row.text);
            CHECK(m.text("MSH-4") == row.text);
        }
    }
}

TEST_CASE("charset: escaped text in every charset") {
    for (auto const& row : charsets()) {
        CAPTURE(row.msh18);
        CAPTURE(row.text);
        auto m = Message::parse(message(row.msh18, row.bytes));
        REQUIRE(m.has_value());
        std::string const text = "a|" + row.text + "^\\&~\n" + row.text + "\r\n";
        REQUIRE(m->set(Path::parse("NTE-3").value(), text).has_value());
        CHECK(m->text("NTE-3") == text);
        auto const again = Message::parse(m->bytes());
        REQUIRE(again.has_value());
        CHECK(again->text("NTE-3") == text);
        CHECK(again->segment_count() == 3);

        // The bytes of a character may be written as \X..\, all in one or each in its own.
        std::string one = "\\X", each;
        for (char const c : row.bytes) {
            static constexpr char digits[] = "0123456789ABCDEF";
            auto const byte = static_cast<unsigned char>(c);
            std::string const hex = {digits[byte >> 4], digits[byte & 15]};
            one += hex;
            each += "\\X" + hex + "\\";
        }
        REQUIRE(m->set_raw(Path::parse("NTE-3").value(), one + "\\=" + each).has_value());
        CHECK(m->text("NTE-3") == row.text + "=" + row.text);
    }
}

TEST_CASE("charset: names, and how real senders write them") {
    struct Spelling {
        char const* name;
        Charset charset;
    };
    Charset const utf8{Coding::utf8}, latin1{Coding::single_byte, 1};
    for (auto const& [name, charset] : std::vector<Spelling>{
             {"UNICODE UTF-8", utf8},
             {"UNICODE", utf8},
             {"UTF-8", utf8},
             {"utf8", utf8},
             {"Unicode UTF_8", utf8},
             {"8859/1", latin1},
             {"ISO-8859-1", latin1},
             {"8859-1", latin1},
             {"ISO_8859/1", latin1},
             {"iso8859-1", latin1},
             {"Windows-1252", latin1},
             {"8859/15", {Coding::single_byte, 15}},
             {"ISO IR6", {Coding::ascii}},
             {"US-ASCII", {Coding::ascii}},
             {"GB 18030-2000", {Coding::gb18030}},
             {"GB18030", {Coding::gb18030}},
             {"BIG5", {Coding::big5}},
             {"EUC-KR", {Coding::korean}},
             {"sjis", {Coding::shift_jis}},
         }) {
        CAPTURE(name);
        auto const found = Charset::named(name);
        REQUIRE(found.has_value());
        CHECK(*found == charset);
        CHECK(Charset::declared(name, '~') == charset);
    }
    for (auto const* name : {"8859/12", "8859/17", "8859/", "8859/0", "8859/01", "KLINGON", "", "8859/1x",
                             "88\x04"
                             "59/1",
                             "8859\xff/1"})
        CHECK_FALSE(Charset::named(name).has_value());
    CHECK(Charset::declared("KLINGON", '~').coding == Coding::unknown);
    CHECK(Charset::declared("", '~').coding == Coding::undeclared);
    CHECK(Charset::declared("\"\"", '~').coding == Coding::undeclared);
    CHECK(Charset::declared("ASCII~8859/1", '~') == latin1);
    CHECK(Charset::declared("8859/1~8859/1", '~') == latin1);
    CHECK(Charset::declared("UNICODE UTF-8~8859/1", '~') == utf8);
    CHECK(Charset::declared(" 8859/1 ", '~') == latin1);
    CHECK(Charset::declared(std::string(1000, '8'), '~').coding == Coding::unknown);
    for (auto const& [msh18, name] : std::vector<std::pair<char const*, char const*>>{
             {"", "undeclared"},
             {"KLINGON", "unknown"},
             {"ISO IR6", "ASCII"},
             {"utf8", "UNICODE UTF-8"},
             {"8859/1", "8859/1 (windows-1252)"},
             {"8859/15", "8859/15"},
             {"EUC-KR", "KS X 1001"},
             {"CNS 11643-1992", "CNS 11643-1992"},
             {"GBK", "GB 18030-2000"},
             {"BIG5", "BIG-5"},
             {"sjis", "Shift_JIS"},
             {"~ISO IR87", "ASCII, ISO IR87"},
             {"ISO IR14~ISO IR87~ISO IR159", "ASCII, ISO IR14, ISO IR87, ISO IR159"},
             {"8859/2~ISO IR87", "8859/2, ISO IR87"}}) {
        CAPTURE(msh18);
        CHECK(Charset::declared(msh18, '~').name() == name);
    }
}

TEST_CASE("charset: what is undeclared or wrongly declared") {
    struct Case {
        char const* name;
        std::string msh18, bytes, text;
    };
    for (auto const& c : std::vector<Case>{
             {"undeclared, UTF-8", "", "M\xc3\xbcller", "Müller"},
             {"undeclared, windows-1252", "", "M\xfcller \x80", "Müller €"},
             {"ASCII, UTF-8", "ASCII", "M\xc3\xbcller", "Müller"},
             {"ASCII, windows-1252", "ASCII", "M\xfcller", "Müller"},
             {"unknown", "KLINGON", "M\xfcller", "Müller"},
             {"UTF-16 can't be meant", "UNICODE UTF-16", "M\xc3\xbcller", "Müller"},
             {"damaged UTF-8", "UNICODE UTF-8", "M\xfcl\xe5\xb1ler",
              "M\xef\xbf\xbdl\xef\xbf\xbd\xef\xbf\xbdler"},
             {"surrogates in UTF-8", "UNICODE UTF-8", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
             {"free byte of 8859/7", "8859/7", "\xff", "\xef\xbf\xbd"},
             {"half a character", "CNS 11643-1992", "A\xc5", "A\xef\xbf\xbd"},
             {"no byte of a character", "BIG-5", "A\xff", "A\xef\xbf\xbd"},
             {"half a character, JIS", "~ISO IR87", "\x1b$B;\x1b(BA", ";A"},
             {"an unknown sequence", "~ISO IR87", "a\x1b%Gb", "a\x1b%Gb"},
             {"high bytes in JIS", "~ISO IR87", "\xb1", "\xef\xbf\xbd"},
             {"no character of JIS X 0212", "~ISO IR87~ISO IR159", "\x1b$(D!!0!\x1b(BA", "\xef\xbf\xbd丂A"},
             {"half a character, right", "~ISO IR87", "\x1b$)C\xb1 A", "\xef\xbf\xbd A"},
             {"Korean in the left half", "~ISO IR87", "\x1b$(C1h\x1b(BA", "김A"},
             {"Korean in the right half", "~ISO IR87", "A\x1b$)C\xb1\xe8", "A김"},
             {"Chinese in the left half", "~ISO IR87", "\x1b$AUE\x1b(BA", "张A"},
             {"Chinese in the right half", "~ISO IR87", "\x1b$)A\xd5\xc5", "张"},
             {"no set of several bytes", "~ISO IR87", "\x1b$(Zb", "\x1b$(Zb"},
             {"Korean with its announcement", "KS X 1001", "\x1b$)C\xb1\xe8", "김"},
         }) {
        CAPTURE(c.name);
        std::string const bytes = message(c.msh18, c.bytes);
        auto m = Message::view(bytes);
        REQUIRE(m.has_value());
        CHECK(m->text("PID-5.1") == c.text);
        CHECK(m->text("PID-8") == "M");
        CHECK(m->text("PID-3[2]") == "8");
        CHECK(m->bytes() == bytes);
        // An edit leaves what can't be decoded as it came.
        REQUIRE(m->set(Path::parse("PID-8").value(), "F").has_value());
        std::string expected = bytes;
        expected.replace(bytes.find("|||M\r") + 3, 1, "F");
        CHECK(m->bytes() == expected);
    }
}

TEST_CASE("charset: JIS that is not switched back") {
    std::string const end = "~8||\x1b$B;3|||M\r";
    auto const patient =
        Message::parse("MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5||||||~ISO IR87\rPID|1||7" + end);
    REQUIRE(patient.has_value());
    CHECK(patient->text("PID-5.1") == "山");
    CHECK(patient->text("PID-8") == "M");
    // In MSH it swallows the delimiter behind it ("|C" is a letter of vendors): MSH-18 moves itself away.
    auto const header =
        Message::parse("MSH|^~\\&|A|\x1b$B;3|C|D|2024||ADT^A01|1|P|2.5||||||~ISO IR87\rPID|1||7" + end);
    REQUIRE(header.has_value());
    CHECK(header->charset().coding == Coding::unknown);
    CHECK(header->text("MSH-10") == "1");
}

TEST_CASE("charset: text is written in what the message is in") {
    auto const written = [](std::string const& msh18, std::string const& name, std::string_view text) {
        auto m = Message::parse(message(msh18, name));
        auto const done = m->set(Path::parse("PID-8").value(), text);
        if (!done) return done.error().code;
        return std::string(m->get(Path::parse("PID-8").value()).raw);
    };
    CHECK(written("", "Muller", "ü") == "\xc3\xbc");
    CHECK(written("", "M\xc3\xbcller", "ü") == "\xc3\xbc");
    CHECK(written("", "M\xfcller", "ü") == "\xfc");
    CHECK(written("KLINGON", "M\xfcller", "ü") == "\xfc");
    CHECK(written("ASCII", "Muller", "ü") == "not_in_charset");
    CHECK(written("ASCII", "M\xfcller", "ü") == "\xfc");
    CHECK(written("8859/1", "Muller", "ü€") == "\xfc\x80");
    CHECK(written("8859/1", "Muller", "山") == "not_in_charset");
    CHECK(written("8859/1", "Muller", "\xff") == "not_in_charset");
    CHECK(written("8859/15", "Muller", "€") == "\xa4");
    CHECK(written("~ISO IR87", "Muller", "ü") == "not_in_charset");
    CHECK(written("~ISO IR87", "Muller", "丂") == "not_in_charset");
    CHECK(written("~ISO IR87", "Muller", "ﾔ") == "not_in_charset");
    CHECK(written("~ISO IR87", "Muller", "😀") == "not_in_charset");
    // Unicode has two characters for these of JIS X 0208; both are written.
    for (auto const& [text, two_bytes] : std::vector<std::pair<char const*, std::string>>{{"〜", "!A"},
                                                                                          {"～", "!A"},
                                                                                          {"—", "!="},
                                                                                          {"―", "!="},
                                                                                          {"‖", "!B"},
                                                                                          {"∥", "!B"},
                                                                                          {"−", "!]"},
                                                                                          {"－", "!]"},
                                                                                          {"¢", "!q"},
                                                                                          {"￠", "!q"},
                                                                                          {"£", "!r"},
                                                                                          {"￡", "!r"},
                                                                                          {"¬", "\"L"},
                                                                                          {"￢", "\"L"}}) {
        CAPTURE(text);
        CHECK(written("~ISO IR87", "Muller", text) == "\x1b$B" + two_bytes + "\x1b(B");
    }
    CHECK(written("BIG-5", "Muller", "山|") == "\xa4s\\F\\");
    CHECK(written("BIG-5", "Muller", "ü") == "\x88\xa2");  // of HKSCS
    CHECK(written("UNICODE UTF-8", "Muller", "\xff") == "\xff");
    // A refused edit changes nothing.
    auto m = Message::parse(message("8859/1", "M\xfcller"));
    CHECK_FALSE(m->set(Path::parse("PID-8").value(), "山").has_value());
    CHECK_FALSE(m->edited());
}

TEST_CASE("charset: a given one is read and written in place of MSH-18, a byte order mark too") {
    std::string const bytes = message("ASCII", "\xb8\xd2\xd0\xdd");
    auto m = Message::view(bytes, Charset::named("8859/5"));
    REQUIRE(m.has_value());
    CHECK(m->text("PID-5.1") == "Иван");
    REQUIRE(m->set(Path::parse("PID-8").value(), "Иван").has_value());
    CHECK(m->get(Path::parse("PID-8").value()).raw == "\xb8\xd2\xd0\xdd");
    CHECK(m->charset_given().has_value());

    std::string const marked = "\xef\xbb\xbf" + message("8859/1", "M\xc3\xbcller");
    auto const utf8 = Message::view(marked);
    REQUIRE(utf8.has_value());
    CHECK(utf8->text("PID-5.1") == "Müller");
    CHECK(utf8->bytes() == marked);
}

TEST_CASE("charset: setting MSH-18 writes the whole message in it") {
    Path const msh18 = Path::parse("MSH-18").value();
    for (auto const& row : charsets()) {
        CAPTURE(row.msh18);
        CAPTURE(row.text);
        std::string const bytes = message(row.msh18, row.bytes);
        auto m = Message::parse(bytes);
        REQUIRE(m->set(msh18, "UNICODE UTF-8").has_value());
        CHECK(m->bytes() == message("UNICODE UTF-8", row.text));
        CHECK(m->text("PID-5.2") == row.text);
        CHECK_FALSE(m->charset_given().has_value());
        if (row.msh18.empty() || row.msh18.find('~') != std::string::npos) continue;
        REQUIRE(m->set(msh18, row.msh18).has_value());
        CHECK(m->bytes() == bytes);
    }
    auto damaged = Message::parse(message("UNICODE UTF-8", "M\xfcller"));
    auto const done = damaged->set(msh18, "8859/1");
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == "undecodable");
    CHECK(damaged->bytes() == message("UNICODE UTF-8", "M\xfcller"));
    auto wide = Message::parse(message("UNICODE UTF-8", "山"));
    CHECK(wide->set(msh18, "8859/1").error().code == "not_in_charset");
    CHECK(wide->text("PID-5.1") == "山");
    CHECK(wide->bytes() == message("UNICODE UTF-8", "山"));
    // Characters spelt as bytes are characters; control characters stay spelt.
    auto spelt = Message::parse(message("8859/1", "M\\XFC\\ller\\X0D\\\\XE441E4\\ \\E\\XFC\\.br\\XFC\\"));
    std::string const text = spelt->text("PID-5.1");
    REQUIRE(spelt->set(msh18, "UNICODE UTF-8").has_value());
    CHECK(spelt->text("PID-5.1") == text);
    CHECK(spelt->get(Path::parse("PID-5.1").value()).raw == "Müller\\X0D\\ä\\X41\\ä \\E\\XFC\\.br\\XFC\\");
    auto bad = Message::parse(message("UNICODE UTF-8", "\\XFC\\"));
    CHECK(bad->set(msh18, "8859/1").error().code == "undecodable");
    // A name that is not known changes nothing but the field; so does an empty one.
    auto other = Message::parse(message("8859/1", "M\xfcller"));
    REQUIRE(other->set(msh18, "KLINGON").has_value());
    CHECK(other->bytes() == message("KLINGON", "M\xfcller"));
    // A byte order mark does not stay before what is no UTF-8.
    auto marked = Message::parse("\xef\xbb\xbf" + message("", "M\xc3\xbcller"));
    REQUIRE(marked->set(msh18, "8859/1").has_value());
    CHECK(marked->bytes() == message("8859/1", "M\xfcller"));
    // What a listener's option said holds no longer.
    auto given = Message::parse(message("", "\xb8\xd2"), Charset::named("8859/5"));
    REQUIRE(given->set(msh18, "UNICODE UTF-8").has_value());
    CHECK(given->bytes() == message("UNICODE UTF-8", "Ив"));
    CHECK_FALSE(given->charset_given().has_value());
}

TEST_CASE("charset: sequences of ISO 2022 spelt as escapes") {
    struct Case {
        char const* name;
        std::string msh18, raw, text;
    };
    for (auto const& c : std::vector<Case>{
             {"JIS X 0208", "~ISO IR87", "a\\M2442\\;3ED\\C2842\\b", "a山田b"},
             {"JIS X 0212", "~ISO IR87~ISO IR159", "\\M242844\\0!\\C2842\\b", "丂b"},
             {"right half", "8859/1", "\xfc\\C2D42\\\xf8\\C2D41\\\xfc", "üřü"},
             {"Cyrillic in an undeclared message", "", "\\C2D4C\\\xb8\xd2", "Ив"},
             {"in a UTF-8 message", "UNICODE UTF-8", "ü\\M2442\\;3\\C2842\\ü", "ü山ü"},
             {"katakana", "ISO IR14", "\\C2949\\\xd4\\C2842\\x", "ﾔx"},
             {"not hexadecimal", "~ISO IR87", "\\CXYZW\\a", "\\CXYZW\\a"},
             {"no such set", "~ISO IR87", "\\C7A7A\\a", "\\C7A7A\\a"},
             {"behind an escaped escape character", "~ISO IR87", "\\E\\C2842\\E\\", "\\C2842\\"},
         }) {
        CAPTURE(c.name);
        auto m = Message::parse(message(c.msh18, "x"));
        REQUIRE(m->set_raw(Path::parse("NTE-3").value(), c.raw).has_value());
        CHECK(m->text("NTE-3") == c.text);
        CHECK(m->bytes().find(c.raw) != std::string::npos);
    }
}

TEST_CASE("charset: MSH-2 is in none, whatever byte ends it") {
    // 0x87 and | would be a character of BIG-5.
    std::string const bytes = "MSH|^~\\\x87|A|B|C|D|1||ADT^A01|M1|P|2.5.1||||||BIG-5\rPID|1||\xa5\\|x\r";
    auto const m = Message::view(bytes);
    REQUIRE(m.has_value());
    CHECK(m->bytes() == bytes);
    CHECK(m->get(Path::parse("MSH-2").value()).raw == "^~\\\x87");
    CHECK(m->text("MSH-3") == "A");
    CHECK(m->text("MSH-10") == "M1");
    CHECK(m->text("PID-3") == "功");
}

TEST_CASE("charset: an acknowledgment repeats the bytes of names that look like delimiters") {
    auto const m = Message::parse(message("BIG-5", "\xb3\\\xa5\\\xbb\\"));
    REQUIRE(m.has_value());
    std::string ack;
    hilum::hl7::build_ack(*m, hilum::hl7::AckCode::AA, {.control_id = "1", .timestamp = "2024"}, nullptr,
                          ack);
    CHECK(ack.find("|\xb3\\\xa5\\\xbb\\|2024|") != std::string::npos);
    CHECK(ack.find('\xff') == std::string::npos);
    auto const answer = Message::view(ack);
    CHECK(answer->text("MSH-6") == "許功蓋");
}

TEST_CASE("charset: one that moves itself out of MSH-18 is as good as unknown") {
    // In Shift_JIS f4 7c is one character, so that MSH-18 would be the field after it.
    std::string const bytes =
        "MSH|^~\\&|A|B|C|D|20260102||ADT^A01^ADT_A01|M\xf4|P|2.5||||||SJIS\rPID|1||\xf4|||\x8a\xbf\r";
    auto const message = Message::view(bytes);
    REQUIRE(message.has_value());
    CHECK(message->charset().coding == Coding::unknown);
    CHECK(message->text("MSH-18") == "SJIS");
    CHECK(message->bytes() == bytes);

    std::string answer;
    hilum::hl7::build_ack(*message, hilum::hl7::AckCode::AE, {.control_id = "1", .timestamp = "20260102"},
                          nullptr, answer);
    auto const acknowledgment = Message::view(answer);
    REQUIRE(acknowledgment.has_value());
    CHECK(acknowledgment->get(hilum::hl7::Path::parse("MSA-2").value()).raw == "M\xf4");
    CHECK(acknowledgment->text("MSH-18") == "");

    auto const xml = hilum::hl7::to_xml(*message);
    REQUIRE(xml.has_value());
    auto const back = hilum::hl7::from_xml(*xml);
    REQUIRE(back.has_value());
    CHECK(*back == bytes);
}

TEST_CASE("charset: any bytes in any charset are written as they came, and edits keep the rest") {
    std::mt19937 random(5);
    std::string const likely =
        "\x1b$B(D)CIJ-AB;3^|~\\&&\\|^~\xa4\xfc\x81\x8f\xb3\xff\xfe\x80"
        "0123 MabX41\r\n";
    char const* const names[] = {"",
                                 "ASCII",
                                 "UNICODE UTF-8",
                                 "8859/7",
                                 "~ISO IR87",
                                 "ISO IR14~ISO IR87~ISO IR159",
                                 "BIG-5",
                                 "GB 18030-2000",
                                 "KS X 1001",
                                 "CNS 11643-1992",
                                 "Shift_JIS",
                                 "8859/1~ISO IR87"};
    for (int round = 0; round < 6'000; ++round) {
        std::string noise;
        for (auto n = random() % 40; n > 0; --n)
            noise += random() % 4 == 0 ? static_cast<char>(random() % 256) : likely[random() % likely.size()];
        auto const* const msh18 = names[random() % std::size(names)];
        std::string const bytes = "MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5||||||"s + msh18 + "\rNTE|1||" +
                                  noise + "\rPID|1||7||N|||M\r";
        CAPTURE(std::string(msh18));
        CAPTURE(noise);
        auto m = Message::view(bytes);
        REQUIRE(m.has_value());
        CHECK(m->bytes() == bytes);
        std::string scratch, unmasked;
        for (std::size_t i = 1; i <= m->segment_count(); ++i) {
            auto const text = m->decode(m->segment(i), scratch);
            CHECK(hilum::hl7::valid_utf8(text) == text.size());
        }
        CHECK(m->text("PID-8") == "M");
        REQUIRE(m->set(Path::parse("PID-8").value(), "F").has_value());
        std::string expected = bytes;
        expected.replace(bytes.size() - 2, 1, "F");
        CHECK(m->bytes() == expected);
        Charset const charset = m->charset();
        std::string masked;
        if (charset.masks() && hilum::hl7::mask(noise, charset, {}, masked)) {
            hilum::hl7::unmask(masked, unmasked);
            CHECK(unmasked == noise);
        }
    }
}

TEST_CASE("charset: a megabyte of anything takes linear time") {
    for (auto const* name :
         {"BIG-5", "GB 18030-2000", "~ISO IR87", "UNICODE UTF-8", "CNS 11643-1992", "8859/7"}) {
        for (std::string const& unit :
             {"\xff"s, "\x81"s, "\x1b"s, "\x1b$B"s, "\x1b$B|"s, "\xa4|"s, "\\M"s, "\\C2842\\"s}) {
            std::string noise;
            while (noise.size() < 300'000) noise += unit;
            std::string const bytes = message(name, noise.substr(0, 100'000));
            auto const m = Message::view(bytes);
            REQUIRE(m.has_value());
            CHECK(m->bytes() == bytes);
            CHECK_FALSE(m->text("NTE-3").empty());
        }
    }
}

TEST_CASE("charset: findings say where") {
    struct Case {
        char const* name;
        std::string msh18, bytes;
        std::vector<std::string> findings;
    };
    for (auto const& c : std::vector<Case>{
             {"ASCII", "", "Muller", {}},
             {"declared and right", "8859/1", "M\xfcller", {}},
             {"an escape sequence", "~ISO IR87", "\x1b$B;3\x1b(B", {}},
             {"undeclared", "", "M\xfcller", {"undeclared_charset at MSH[1]-18"}},
             {"ASCII is declared", "ASCII", "M\xc3\xbcller", {"undeclared_charset at MSH[1]-18"}},
             {"unknown", "KLINGON", "M\xfcller", {"unknown_charset at MSH[1]-18"}},
             {"not UTF-8",
              "UNICODE UTF-8",
              "M\xfcller",
              {"undecodable at MSH[1]-4", "undecodable at PID[1]-3", "undecodable at PID[1]-5",
               "undecodable at NTE[1]-3"}},
         }) {
        CAPTURE(c.name);
        auto const m = Message::parse(message(c.msh18, c.bytes));
        REQUIRE(m.has_value());
        std::vector<std::string> found;
        for (auto const& finding : hilum::hl7::check_charset(*m)) {
            CHECK_FALSE(finding.next.empty());
            found.push_back(finding.code + " at " + finding.place);
        }
        CHECK(found == c.findings);
        CHECK(hilum::hl7::check_charset(*m, 0).empty());
        CHECK(hilum::hl7::check_charset(*m, 1).size() == std::min<std::size_t>(1, c.findings.size()));
    }
    // What stands where a segment's name should is not shown.
    auto const odd = Message::parse("MSH|^~\\&|A||||||ADT|1|P|2.5||||||UNICODE UTF-8\r\xff\xff\xff|a\r");
    REQUIRE(odd.has_value());
    auto const findings = hilum::hl7::check_charset(*odd);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].place == "segment[1]");
}

TEST_CASE("charset: UTF-16 and UTF-32 are named and refused") {
    for (std::string const& bytes :
         {"M\0S\0H\0|\0"s, "\0M\0S\0H\0|"s, "\xff\xfeM\0S\0H\0"s, "\xfe\xff\0M\0S\0H"s, "M\0\0\0S\0\0\0"s,
          "\0\0\0M\0\0\0S"s, "\xff\xfe\0\0M\0\0\0"s, "\0\0\xfe\xff\0\0\0M"s}) {
        auto const m = Message::view(bytes);
        REQUIRE_FALSE(m.has_value());
        CHECK(m.error().code == "wide_charset");
    }
}

TEST_CASE("utf8: a byte above 0x7f is found wherever it is") {
    for (std::size_t size = 0; size < 200; ++size) {
        std::string text(size, '\x7f');
        CHECK(hilum::hl7::is_ascii(text));
        CHECK(hilum::hl7::valid_utf8(text) == size);
        for (std::size_t at = 0; at < size; ++at) {
            text[at] = '\x80';
            CHECK_FALSE(hilum::hl7::is_ascii(text));
            CHECK(hilum::hl7::valid_utf8(text) == at);
            text[at] = '\x7f';
        }
    }
}
