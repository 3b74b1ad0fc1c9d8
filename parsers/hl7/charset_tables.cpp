#include "parsers/hl7/charset_tables.h"

#include <iconv.h>

#include <array>
#include <cerrno>

#include "parsers/hl7/utf8.h"

namespace hilum::hl7 {

namespace {

constexpr std::size_t parts = 17;                             // of ISO 8859, from 0
constexpr std::size_t tables = parts + 6;                     // and one for each other table
constexpr std::size_t failed = static_cast<std::size_t>(-1);  // what iconv says

std::size_t index_of(Table table, std::uint8_t part) {
    return table == Table::iso_8859 ? part : parts - 1 + static_cast<std::size_t>(table);
}

// Names of glibc. windows-949 holds all of EUC-KR, and windows-31J is Shift_JIS as it is sent: with the
// characters of vendors (rows 13 and 89 to 92) that names of people in Japan need.
std::string iconv_name(std::size_t index) {
    static constexpr std::array<char const*, 6> names = {"EUC-JP",  "CP949",      "EUC-TW",
                                                         "GB18030", "BIG5-HKSCS", "CP932"};
    return index < parts ? "ISO-8859-" + std::to_string(index) : names[index - parts];
}

// One direction of one table; opened when first used, for opening loads a module from disk.
class Converter {
  public:
    Converter() = default;
    Converter(Converter const&) = delete;
    Converter& operator=(Converter const&) = delete;
    ~Converter() {
        if (handle_ != nullptr) iconv_close(handle_);
    }

    // False where this machine lacks the table.
    bool open(std::size_t index, bool to_unicode) {
        if (handle_ == nullptr && !tried_) {
            std::string const name = iconv_name(index);
            handle_ = to_unicode ? iconv_open("UTF-8", name.c_str()) : iconv_open(name.c_str(), "UTF-8");
            tried_ = true;
            if (handle_ == reinterpret_cast<iconv_t>(-1)) handle_ = nullptr;  // NOLINT: so says iconv_open
        }
        if (handle_ == nullptr) return false;
        iconv(handle_, nullptr, nullptr, nullptr, nullptr);
        return true;
    }

    // Appends what can be converted. Returns the bytes of `in` that were: all, or those before the first that
    // can't be.
    std::size_t run(std::string_view in, std::string& out) {
        auto* from = const_cast<char*>(in.data());  // NOLINT: iconv's old signature; it does not write there
        std::size_t left = in.size();
        std::array<char, 4096> buffer;
        for (bool more = true; more;) {
            char* to = buffer.data();
            std::size_t room = buffer.size();
            more = iconv(handle_, &from, &left, &to, &room) == failed && errno == E2BIG;
            out.append(buffer.data(), buffer.size() - room);
        }
        // Some tables hold a character back to see whether the next one combines with it.
        char* to = buffer.data();
        std::size_t room = buffer.size();
        iconv(handle_, nullptr, nullptr, &to, &room);
        out.append(buffer.data(), buffer.size() - room);
        return in.size() - left;
    }

  private:
    iconv_t handle_ = nullptr;
    bool tried_ = false;
};

// A converter keeps a state and can't be shared; opening one for each value would cost more than the
// conversion. So each thread keeps those that it has used.
Converter& converter(std::size_t index, bool to_unicode) {
    thread_local std::array<std::array<Converter, 2>, tables> converters;
    return converters[index][to_unicode ? 1 : 0];
}

}  // namespace

std::size_t table_to_utf8(Table table, std::uint8_t part, std::string_view bytes, std::string& out) {
    std::size_t const index = index_of(table, part);
    Converter& to = converter(index, true);
    bool const usable = to.open(index, true);
    std::size_t undecodable = 0;
    while (!bytes.empty()) {
        if (usable) bytes.remove_prefix(to.run(bytes, out));
        if (bytes.empty()) break;
        bool const ascii = static_cast<unsigned char>(bytes[0]) < 0x80;
        if (ascii) {
            out += bytes[0];
        } else {
            out += replacement_character;
            ++undecodable;
        }
        bytes.remove_prefix(1);
    }
    return undecodable;
}

bool table_from_utf8(Table table, std::uint8_t part, std::string_view text, std::string& out) {
    std::size_t const index = index_of(table, part);
    Converter& from = converter(index, false);
    if (!from.open(index, false)) return false;
    std::size_t const before = out.size();
    if (from.run(text, out) == text.size()) return true;
    out.resize(before);
    return false;
}

bool in_table(Table table, std::string_view bytes) {
    std::size_t const index = index_of(table, 0);
    Converter& to = converter(index, true);
    std::string ignored;
    return to.open(index, true) && to.run(bytes, ignored) == bytes.size();
}

}  // namespace hilum::hl7
