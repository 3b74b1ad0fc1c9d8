#include "parsers/hl7/iso2022.h"

#include <array>
#include <optional>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/charset_tables.h"
#include "parsers/hl7/utf8.h"

namespace hilum::hl7 {

namespace {

using Set = Iso2022Reader::Set;

constexpr char esc = '\x1b';

unsigned byte_of(char c) {
    return static_cast<unsigned char>(c);
}
bool graphic(char c) {
    return c >= 0x21 && c <= 0x7e;
}
bool double_byte(Set set) {
    return set == Set::jis_x_0208 || set == Set::jis_x_0212 || set == Set::korean || set == Set::chinese;
}

// Row and cell of JIS X 0208, as they are in ISO 2022, from and to Shift_JIS, whose table (windows-31J) has
// the characters of vendors too.
void append_shift_jis(unsigned row, unsigned cell, std::string& out) {
    unsigned const lead = (row - 0x21) / 2 + (row <= 0x5e ? 0x81 : 0xc1);
    unsigned const trail = row % 2 == 0 ? cell + 0x7e : cell + (cell >= 0x60 ? 0x20 : 0x1f);
    out += static_cast<char>(lead);
    out += static_cast<char>(trail);
}
bool append_row_and_cell(unsigned lead, unsigned trail, std::string& out) {
    constexpr unsigned leads_of_ibm = 0xfa, first_of_ibm = 0x1c, per_lead = 188;
    unsigned offset = trail - 0x40 - (trail > 0x7f ? 1 : 0);
    if (lead >= leads_of_ibm) {
        // IBM's 360 kanji from FA5C on are those that NEC put into ED40 to EEEC, in the same order.
        unsigned const number = (lead - leads_of_ibm) * per_lead + offset;
        if (number < first_of_ibm) return false;
        lead = 0xed + (number - first_of_ibm) / per_lead;
        offset = (number - first_of_ibm) % per_lead;
    }
    if (lead > 0xef) return false;
    unsigned const pair = (lead >= 0xe0 ? lead - 0xc1 : lead - 0x81) * 2;
    out += static_cast<char>(0x21 + pair + (offset >= 94 ? 1 : 0));
    out += static_cast<char>(0x21 + offset % 94);
    return true;
}

// The bytes as the table of the set has them.
void append_for_table(Set set, std::string_view bytes, std::string& out) {
    if (set == Set::jis_x_0208)
        return append_shift_jis(byte_of(bytes[0]) & 0x7fU, byte_of(bytes[1]) & 0x7fU, out);
    if (set == Set::katakana) out += '\x8e';
    if (set == Set::jis_x_0212) out += '\x8f';
    for (char const c : bytes) out += static_cast<char>(byte_of(c) | 0x80U);
}

Table table_of(Set set) {
    switch (set) {
        case Set::jis_x_0208:
            return Table::windows_31j;
        case Set::korean:
            return Table::windows_949;
        case Set::chinese:
            return Table::gb18030;
        case Set::iso_8859:
            return Table::iso_8859;
        default:
            return Table::euc_jp;
    }
}

// Final bytes of the right halves of ISO 8859, and their parts (ISO international register of coded character
// sets).
std::uint8_t part_for(char final) {
    constexpr std::string_view finals = "ABCDFGHLMVTY_bf";
    constexpr std::array<std::uint8_t, 15> numbers = {1, 2, 3, 4, 7, 6, 8, 5, 9, 10, 11, 13, 14, 15, 16};
    std::size_t const at = finals.find(final);
    return at == std::string_view::npos ? std::uint8_t{0} : numbers[at];
}

}  // namespace

Iso2022Reader::Iso2022Reader(Charset charset, char escape) : escape_(escape) {
    if (charset.part != 0) {
        right_ = {Set::iso_8859, charset.part};
    } else if (charset.jis_x_0201) {
        right_ = {Set::katakana, 0};
    }
    right_at_start_ = right_;
}

std::size_t Iso2022Reader::designate(std::string_view bytes) {
    auto const at = [&](std::size_t i) { return i < bytes.size() ? bytes[i] : '\0'; };
    auto const single = [](char final) -> std::optional<Set> {
        if (final == 'B' || final == 'J' || final == 'H') return Set::ascii;
        if (final == 'I') return Set::katakana;
        return std::nullopt;
    };
    auto const multiple = [](char final) -> std::optional<Set> {
        if (final == '@' || final == 'B') return Set::jis_x_0208;
        if (final == 'D') return Set::jis_x_0212;
        if (final == 'C') return Set::korean;
        if (final == 'A') return Set::chinese;
        return std::nullopt;
    };
    auto const put = [](Half& half, std::optional<Set> set, std::size_t length) -> std::size_t {
        if (!set) return 0;
        half = {*set, 0};
        return length;
    };
    switch (at(0)) {
        case '(':
            return put(left_, single(at(1)), 2);
        case ')':
            return put(right_, single(at(1)), 2);
        case '-':
            if (part_for(at(1)) == 0) return 0;
            right_ = {Set::iso_8859, part_for(at(1))};
            return 2;
        case '&':  // announces the revision of JIS X 0208 that the next sequence designates
            return at(1) == '@' ? 2 : 0;
        case '$':
            if (at(1) == '(') return put(left_, multiple(at(2)), 3);
            if (at(1) == ')') return put(right_, multiple(at(2)), 3);
            if (at(1) == '@' || at(1) == 'A' || at(1) == 'B') return put(left_, multiple(at(1)), 2);
            return 0;
        default:
            return 0;
    }
}

std::size_t Iso2022Reader::sequence(std::string_view rest) {
    if (rest[0] == esc) {
        std::size_t const length = designate(rest.substr(1, 3));
        return length == 0 ? 0 : length + 1;
    }
    // \Cxxyy\ and \Mxxyyzz\ spell the bytes behind the ESC in hexadecimal (§2.7.2). In a double-byte set the
    // escape character may be half of a character.
    if (escape_ == '\0' || rest[0] != escape_ || rest.size() < 7) return 0;
    if (rest[1] != 'C' && rest[1] != 'M') return 0;
    std::size_t const close = rest.substr(0, 9).find(escape_, 2);
    if (close != 6 && close != 8) return 0;
    std::array<char, 3> bytes{};
    std::size_t const count = (close - 2) / 2;
    for (std::size_t i = 0; i < count; ++i) {
        int const high = hex_value(rest[2 + 2 * i]), low = hex_value(rest[3 + 2 * i]);
        if (high < 0 || low < 0) return 0;
        bytes[i] = static_cast<char>(high * 16 + low);
    }
    Half const left = left_, right = right_;
    if (designate({bytes.data(), count}) == count) return close + 1;
    left_ = left;
    right_ = right;
    return 0;
}

// At a byte of a double-byte set in the left half.
Iso2022Reader::Piece Iso2022Reader::pair(std::string_view rest) {
    bool const whole = rest.size() >= 2 && graphic(rest[1]);
    // Rows from 0x75 on are empty but for those of vendors (0x7c62 is a frequent letter of surnames); the
    // delimiters | and ~ are there. A pair that is no character is a delimiter before which the sender did
    // not switch back, and so are the four symbols at the end of row 0x7c, of which || is one.
    bool vacant = !whole || (rest[0] == 0x7c && rest[1] >= 0x7b);
    if (!vacant && byte_of(rest[0]) >= 0x75) {
        std::string bytes;
        append_for_table(left_.set, rest.substr(0, 2), bytes);
        vacant = !in_table(table_of(left_.set), bytes);
    }
    if (!vacant) return {left_.set, 0, 2, false, true};
    left_ = {Set::ascii, 0};
    return {Set::ascii, 0, 1, false, false};
}

Iso2022Reader::Piece Iso2022Reader::next(std::string_view rest) {
    if (std::size_t const length = sequence(rest); length != 0) return {Set::none, 0, length, true, false};
    char const c = rest[0];
    if (c == '\r' || c == '\n') {
        left_ = {Set::ascii, 0};
        right_ = right_at_start_;
        return {Set::ascii, 0, 1, false, false};
    }
    // A one-letter escape sequence is passed over whole: what ends \E\ begins no \C..\.
    if (escape_ != '\0' && c == escape_ && left_.set == Set::ascii && rest.size() > 2 && rest[1] >= 'A' &&
        rest[1] <= 'Z' && rest[2] == escape_)
        return {Set::ascii, 0, 3, false, false};
    if (byte_of(c) < 0x80) {
        if (!graphic(c)) return {Set::ascii, 0, 1, false, false};
        if (double_byte(left_.set)) return pair(rest);
        bool const letter = left_.set == Set::katakana && byte_of(c) <= 0x5f;
        return {letter ? Set::katakana : Set::ascii, 0, 1, false, letter};
    }
    if (double_byte(right_.set)) {
        bool const whole = rest.size() >= 2 && byte_of(c) >= 0xa1 && byte_of(rest[1]) >= 0xa1;
        return {whole ? right_.set : Set::none, 0, whole ? 2U : 1U, false, false};
    }
    if (right_.set == Set::katakana && (byte_of(c) < 0xa1 || byte_of(c) > 0xdf))
        return {Set::none, 0, 1, false, false};
    return {right_.set == Set::ascii ? Set::none : right_.set, right_.part, 1, false, false};
}

std::size_t iso2022_to_utf8(std::string_view bytes, Charset charset, char escape, std::string& out) {
    Iso2022Reader reader(charset, escape);
    std::size_t undecodable = 0;
    std::string run;  // of one set, as its table has it
    Set set = Set::ascii;
    std::uint8_t part = 0;
    auto const flush = [&] {
        if (run.empty()) return;
        if (set != Set::none) {
            undecodable += table_to_utf8(table_of(set), part, run, out);
        } else if (charset.coding == Coding::iso2022) {
            undecodable += run.size();
            for (std::size_t i = 0; i < run.size(); ++i) out += replacement_character;
        } else {
            undecodable += to_utf8(run, charset, out);
        }
        run.clear();
    };
    while (!bytes.empty()) {
        auto const piece = reader.next(bytes);
        std::string_view const text = bytes.substr(0, piece.length);
        bytes.remove_prefix(piece.length);
        if (piece.set != set || piece.part != part) flush();
        set = piece.set;
        part = piece.part;
        if (piece.sequence) continue;
        if (set == Set::ascii) {
            out += text;
        } else if (set == Set::none) {
            run += text;
        } else if (set == Set::iso_8859 && part == 1) {
            undecodable += to_utf8(text, {Coding::single_byte, 1}, out);
        } else {
            append_for_table(set, text, run);
            // Its three bytes in the table would be counted as three.
            if (set == Set::jis_x_0212 &&
                !in_table(Table::euc_jp, std::string_view(run).substr(run.size() - 3))) {
                run.resize(run.size() - 3);
                flush();
                out += replacement_character;
                ++undecodable;
            }
        }
    }
    flush();
    return undecodable;
}

namespace {

// Unicode has two characters for some of JIS X 0208; windows-31J knows those of the right column alone
// (https://encoding.spec.whatwg.org/#iso-2022-jp-encoder).
std::uint32_t as_windows_has_it(std::uint32_t point) {
    switch (point) {
        case 0x301c:
            return 0xff5e;
        case 0x2014:
            return 0x2015;
        case 0x2016:
            return 0x2225;
        case 0x2212:
            return 0xff0d;
        case 0xa2:
            return 0xffe0;
        case 0xa3:
            return 0xffe1;
        case 0xac:
            return 0xffe2;
        default:
            return point;
    }
}

struct Shifted {
    Set set = Set::none;  // none: the character is in none of the sets
    std::string bytes;
};

Shifted shifted(std::uint32_t point, Charset charset) {
    std::string character, table;
    append_utf8(as_windows_has_it(point), character);
    bool const known = table_from_utf8(Table::windows_31j, 0, character, table);
    if (known && table.size() == 1 && charset.jis_x_0201) return {Set::katakana, table};
    Shifted result;
    if (known && table.size() == 2 && charset.jis_x_0208 &&
        append_row_and_cell(byte_of(table[0]), byte_of(table[1]), result.bytes)) {
        result.set = Set::jis_x_0208;
        return result;
    }
    table.clear();
    if (charset.jis_x_0212 && table_from_utf8(Table::euc_jp, 0, character, table) && table.size() == 3) {
        result.set = Set::jis_x_0212;
        for (char const c : {table[1], table[2]}) result.bytes += static_cast<char>(byte_of(c) & 0x7fU);
    }
    return result;
}

}  // namespace

bool iso2022_from_utf8(std::string_view text, Charset charset, std::string& out) {
    std::size_t const before = out.size();
    Set left = Set::ascii;
    auto const switch_to = [&](Set set) {
        if (left == set) return;
        left = set;
        out += esc;
        out += set == Set::jis_x_0208 ? "$B" : set == Set::jis_x_0212 ? "$(D" : "(B";
    };
    while (!text.empty()) {
        auto const character = first_utf8(text);
        std::string_view const bytes = text.substr(0, character.length);
        text.remove_prefix(character.length);
        if (character.length == 1) {
            switch_to(Set::ascii);
            out += bytes;
            continue;
        }
        // The right half needs no sequence.
        if (charset.part != 0 && character.length != 0 &&
            from_utf8(bytes, {Coding::single_byte, charset.part}, out))
            continue;
        Shifted const found = character.length == 0 ? Shifted{} : shifted(character.point, charset);
        bool const right = found.set == Set::katakana;
        if (found.set == Set::none || (right && charset.part != 0)) {
            out.resize(before);
            return false;
        }
        if (!right) switch_to(found.set);
        out += found.bytes;
    }
    switch_to(Set::ascii);
    return true;
}

}  // namespace hilum::hl7
