#include "parsers/hl7/charset.h"

#include <algorithm>
#include <array>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/charset_tables.h"
#include "parsers/hl7/iso2022.h"
#include "parsers/hl7/utf8.h"

namespace hilum::hl7 {

namespace {

// 0x80 to 0x9f of windows-1252; the five that it leaves free are the control characters of ISO 8859-1, so
// that every byte has a character and comes back as itself (https://encoding.spec.whatwg.org/#windows-1252).
constexpr std::array<std::uint16_t, 32> windows_1252 = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

void windows_1252_to_utf8(std::string_view bytes, std::string& out) {
    for (char const c : bytes) {
        unsigned const byte = static_cast<unsigned char>(c);
        append_utf8(byte >= 0x80 && byte < 0xa0 ? windows_1252[byte - 0x80] : byte, out);
    }
}

bool windows_1252_from_utf8(std::string_view text, std::string& out) {
    std::size_t const before = out.size();
    while (!text.empty()) {
        auto const [length, point] = first_utf8(text);
        auto const* const found = std::find(windows_1252.begin(), windows_1252.end(), point);
        bool const same = point < 0x80 || (point >= 0xa0 && point < 0x100);
        if (length == 0 || (!same && found == windows_1252.end())) {
            out.resize(before);
            return false;
        }
        out +=
            static_cast<char>(same ? point : static_cast<std::uint32_t>(found - windows_1252.begin()) + 0x80);
        text.remove_prefix(length);
    }
    return true;
}

std::size_t repaired_utf8(std::string_view bytes, std::string& out) {
    std::size_t undecodable = 0;
    while (true) {
        std::size_t const good = valid_utf8(bytes);
        out += bytes.substr(0, good);
        bytes.remove_prefix(good);
        if (bytes.empty()) return undecodable;
        out += replacement_character;
        ++undecodable;
        bytes.remove_prefix(1);
    }
}

// ESC $ ) C at the beginning announces KS X 1001 in the right half, where EUC-KR has it anyway.
std::size_t korean_to_utf8(std::string_view bytes, std::string& out) {
    constexpr std::string_view announcement = "\x1b$)C";
    std::size_t undecodable = 0;
    while (true) {
        std::size_t const at = bytes.find(announcement);
        undecodable += table_to_utf8(Table::windows_949, 0, bytes.substr(0, at), out);
        if (at == std::string_view::npos) return undecodable;
        bytes.remove_prefix(at + announcement.size());
    }
}

// Upper-case letters and digits alone, so that spellings don't matter.
std::string folded(std::string_view name) {
    std::string out;
    for (char c : name) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (capital_or_digit(c)) out += c;
    }
    return out;
}

struct Named {
    std::string_view name;  // folded
    Charset charset;
};
constexpr Charset ascii{Coding::ascii}, utf8{Coding::utf8}, latin1{Coding::single_byte, 1};
constexpr Charset single(std::uint8_t part) {
    return {Coding::single_byte, part};
}
// Table HL70211 (v2.8.2), then names that senders write instead; those of DICOM (PS3.3 C.12.1.1.2) are
// frequent on systems for images.
constexpr auto names = std::to_array<Named>({
    {"ASCII", ascii},
    {"ISOIR6", ascii},
    {"ISOIR14", {Coding::iso2022, 0, true, false, false}},
    {"ISOIR87", {Coding::iso2022, 0, false, true, false}},
    {"ISOIR159", {Coding::iso2022, 0, false, false, true}},
    {"GB180302000", {Coding::gb18030}},
    {"KSX1001", {Coding::korean}},
    {"CNS116431992", {Coding::taiwanese}},
    {"BIG5", {Coding::big5}},
    {"UNICODE", utf8},
    {"UNICODEUTF8", utf8},
    {"UNICODEUTF16", utf8},
    {"UNICODEUTF32", utf8},
    {"USASCII", ascii},
    {"ISO646", ascii},
    {"ANSIX341968", ascii},
    {"UTF8", utf8},
    {"ISOIR192", utf8},
    {"LATIN1", latin1},
    {"ANSI", latin1},
    {"WINDOWS1252", latin1},
    {"CP1252", latin1},
    {"WIN1252", latin1},
    {"LATIN2", single(2)},
    {"LATIN9", single(15)},
    {"ISOIR100", latin1},
    {"ISOIR101", single(2)},
    {"ISOIR109", single(3)},
    {"ISOIR110", single(4)},
    {"ISOIR144", single(5)},
    {"ISOIR127", single(6)},
    {"ISOIR126", single(7)},
    {"ISOIR138", single(8)},
    {"ISOIR148", single(9)},
    {"ISOIR203", single(15)},
    {"ISOIR166", single(11)},
    {"ISOIR13", {Coding::iso2022, 0, true, false, false}},
    {"ISO2022JP", {Coding::iso2022, 0, true, true, true}},
    {"JISX0201", {Coding::iso2022, 0, true, false, false}},
    {"JISX0208", {Coding::iso2022, 0, false, true, false}},
    {"JISX0212", {Coding::iso2022, 0, false, false, true}},
    {"SHIFTJIS", {Coding::shift_jis}},
    {"SJIS", {Coding::shift_jis}},
    {"WINDOWS31J", {Coding::shift_jis}},
    {"CP932", {Coding::shift_jis}},
    {"GB18030", {Coding::gb18030}},
    {"GBK", {Coding::gb18030}},
    {"GB2312", {Coding::gb18030}},
    {"ISOIR58", {Coding::gb18030}},
    {"CP936", {Coding::gb18030}},
    {"EUCKR", {Coding::korean}},
    {"KSC5601", {Coding::korean}},
    {"ISOIR149", {Coding::korean}},
    {"CP949", {Coding::korean}},
    {"CNS11643", {Coding::taiwanese}},
    {"EUCTW", {Coding::taiwanese}},
    {"CP950", {Coding::big5}},
});

// 8859/1, ISO 8859-15, 8859_2: the part of ISO 8859; 0 when it is none. There is no part 12.
std::uint8_t iso_8859_part(std::string_view name) {
    if (name.substr(0, 3) == "ISO") name.remove_prefix(3);
    if (name.substr(0, 4) != "8859") return 0;
    name.remove_prefix(4);
    bool const digits =
        !name.empty() && name.size() <= 2 && name[0] != '0' && std::all_of(name.begin(), name.end(), digit);
    if (!digits) return 0;
    int number = 0;
    for (char const c : name) number = number * 10 + (c - '0');
    return number <= 16 && number != 12 ? static_cast<std::uint8_t>(number) : std::uint8_t{0};
}

// "8859/1^..." and blanks around a name: only the first component counts, and MSH-18 is an ID.
// What the first repetition and the others together mean.
Charset together(Charset first, Charset other) {
    bool const set = other.coding == Coding::iso2022;
    if (first.coding == Coding::ascii || first.coding == Coding::undeclared) return other;
    if (!set && other.coding != Coding::single_byte) return first;
    if (first.coding == Coding::single_byte || first.coding == Coding::iso2022) {
        first.coding = Coding::iso2022;
        first.jis_x_0201 = first.jis_x_0201 || other.jis_x_0201;
        first.jis_x_0208 = first.jis_x_0208 || other.jis_x_0208;
        first.jis_x_0212 = first.jis_x_0212 || other.jis_x_0212;
    }
    return first;
}

}  // namespace

std::optional<Charset> Charset::named(std::string_view name) {
    if (name.size() > 64) return std::nullopt;
    // Punctuation is forgiven, bytes that no one means are not.
    if (!is_ascii(name) || std::any_of(name.begin(), name.end(), control)) return std::nullopt;
    std::string const key = folded(name);
    if (std::uint8_t const part = iso_8859_part(key); part != 0) return single(part);
    auto const* const found =
        std::find_if(names.begin(), names.end(), [&](Named const& n) { return n.name == key; });
    if (found == names.end()) return std::nullopt;
    return found->charset;
}

Charset Charset::declared(std::string_view msh18, char repetition) {
    constexpr std::size_t longest = 256;  // a field longer than this is no list of names
    if (msh18.empty() || msh18 == "\"\"") return {};
    if (msh18.size() > longest) return {Coding::unknown};
    Charset result;
    bool unknown = false;
    for (bool more = true; more;) {
        std::size_t const end = repetition == '\0' ? std::string_view::npos : msh18.find(repetition);
        auto const name = trimmed(msh18.substr(0, end));
        more = end != std::string_view::npos;
        if (more) msh18.remove_prefix(end + 1);
        if (name.empty()) continue;
        if (auto const one = named(name)) {
            // The same name twice is no second charset.
            if (*one != result) result = together(result, *one);
        } else {
            unknown = true;
        }
    }
    if (unknown && (result.coding == Coding::undeclared || result.coding == Coding::ascii))
        result.coding = Coding::unknown;
    return result;
}

std::string Charset::name() const {
    switch (coding) {
        case Coding::undeclared:
            return "undeclared";
        case Coding::unknown:
            return "unknown";
        case Coding::ascii:
            return "ASCII";
        case Coding::utf8:
            return "UNICODE UTF-8";
        case Coding::single_byte:
            return "8859/" + std::to_string(part) + (part == 1 ? " (windows-1252)" : "");
        case Coding::korean:
            return "KS X 1001";
        case Coding::taiwanese:
            return "CNS 11643-1992";
        case Coding::gb18030:
            return "GB 18030-2000";
        case Coding::big5:
            return "BIG-5";
        case Coding::shift_jis:
            return "Shift_JIS";
        case Coding::iso2022:
            break;
    }
    std::string sets = part != 0 ? "8859/" + std::to_string(part) : "ASCII";
    if (jis_x_0201) sets += ", ISO IR14";
    if (jis_x_0208) sets += ", ISO IR87";
    if (jis_x_0212) sets += ", ISO IR159";
    return sets;
}

namespace {

// Whether \C..\ or \M..\ may stand in the bytes.
bool spells_sequences(std::string_view bytes, char escape) {
    if (escape == '\0') return false;
    char const c[] = {escape, 'C', '\0'}, m[] = {escape, 'M', '\0'};
    return bytes.find(c) != std::string_view::npos || bytes.find(m) != std::string_view::npos;
}

}  // namespace

std::size_t to_utf8(std::string_view bytes, Charset charset, std::string& out, char escape) {
    bool const one_byte = charset.coding <= Coding::single_byte;
    if (one_byte && spells_sequences(bytes, escape)) return iso2022_to_utf8(bytes, charset, escape, out);
    switch (charset.coding) {
        case Coding::undeclared:
        case Coding::unknown:
        case Coding::ascii:
            if (valid_utf8(bytes) == bytes.size()) {
                out += bytes;
            } else {
                windows_1252_to_utf8(bytes, out);
            }
            return 0;
        case Coding::utf8:
            return repaired_utf8(bytes, out);
        case Coding::single_byte:
            if (charset.part != 1) return table_to_utf8(Table::iso_8859, charset.part, bytes, out);
            windows_1252_to_utf8(bytes, out);
            return 0;
        case Coding::iso2022:
            return iso2022_to_utf8(bytes, charset, escape, out);
        case Coding::korean:
            return korean_to_utf8(bytes, out);
        case Coding::taiwanese:
            return table_to_utf8(Table::euc_tw, 0, bytes, out);
        case Coding::gb18030:
            return table_to_utf8(Table::gb18030, 0, bytes, out);
        case Coding::big5:
            return table_to_utf8(Table::big5, 0, bytes, out);
        case Coding::shift_jis:
            return table_to_utf8(Table::windows_31j, 0, bytes, out);
    }
    return 0;
}

bool from_utf8(std::string_view text, Charset charset, std::string& out) {
    switch (charset.coding) {
        case Coding::ascii:
            if (!is_ascii(text)) return false;
            out += text;
            return true;
        case Coding::undeclared:
        case Coding::unknown:
        case Coding::utf8:
            out += text;
            return true;
        case Coding::single_byte:
            if (charset.part == 1) return windows_1252_from_utf8(text, out);
            return table_from_utf8(Table::iso_8859, charset.part, text, out);
        case Coding::iso2022:
            return iso2022_from_utf8(text, charset, out);
        case Coding::korean:
            return table_from_utf8(Table::windows_949, 0, text, out);
        case Coding::taiwanese:
            return table_from_utf8(Table::euc_tw, 0, text, out);
        case Coding::gb18030:
            return table_from_utf8(Table::gb18030, 0, text, out);
        case Coding::big5:
            return table_from_utf8(Table::big5, 0, text, out);
        case Coding::shift_jis:
            return table_from_utf8(Table::windows_31j, 0, text, out);
    }
    return false;
}

}  // namespace hilum::hl7
