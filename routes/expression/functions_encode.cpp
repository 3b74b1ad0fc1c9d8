// encode, decode, escape and unescape (http://hl7.org/fhirpath/#additional-string-functions).
#include <algorithm>
#include <array>
#include <optional>

#include "parsers/base64.h"
#include "routes/expression/functions.h"

namespace hilum::expression::on {
namespace {

using Conversion = std::optional<std::string> (*)(std::string_view);
struct Format {
    std::string_view name;
    Conversion to, from;
};

constexpr std::string_view hex_digits = "0123456789abcdef";

unsigned byte(char c) {
    return static_cast<unsigned char>(c);
}

std::optional<std::string> to_plain_base64(std::string_view text) {
    return hilum::to_base64(text);
}
std::optional<std::string> from_plain_base64(std::string_view text) {
    return hilum::from_base64(text);
}
std::optional<std::string> to_url_base64(std::string_view text) {
    return hilum::to_base64(text, Base64::url);
}
std::optional<std::string> from_url_base64(std::string_view text) {
    return hilum::from_base64(text, Base64::url);
}

std::optional<std::string> to_hex(std::string_view text) {
    std::string out;
    for (char const c : text) {
        out += hex_digits[byte(c) >> 4U];
        out += hex_digits[byte(c) & 15U];
    }
    return out;
}

std::optional<std::string> from_hex(std::string_view text) {
    std::string out;
    if (text.size() % 2 != 0) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        auto const digit = [&](char c) {
            return hex_digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
        };
        auto const high = digit(text[i]);
        auto const low = digit(text[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        out += static_cast<char>(high << 4U | low);
    }
    return out;
}

struct Escape {
    char plain;
    std::string_view escaped;
};
constexpr std::array html{Escape{'&', "&amp;"}, Escape{'<', "&lt;"}, Escape{'>', "&gt;"},
                          Escape{'"', "&quot;"}, Escape{'\'', "&#39;"}};
constexpr std::array json{Escape{'\\', "\\\\"}, Escape{'"', "\\\""}, Escape{'\n', "\\n"}, Escape{'\r', "\\r"},
                          Escape{'\t', "\\t"},  Escape{'\f', "\\f"}, Escape{'\b', "\\b"}};

template <class Escapes>
std::string escaped(std::string_view text, Escapes const& escapes) {
    std::string out;
    for (char const c : text) {
        auto const found =
            std::find_if(escapes.begin(), escapes.end(), [&](Escape const& e) { return e.plain == c; });
        found == escapes.end() ? out += c : out += found->escaped;
    }
    return out;
}

template <class Escapes>
std::string unescaped(std::string_view text, Escapes const& escapes) {
    std::string out;
    while (!text.empty()) {
        auto const found = std::find_if(escapes.begin(), escapes.end(),
                                        [&](Escape const& e) { return text.starts_with(e.escaped); });
        out += found == escapes.end() ? text[0] : found->plain;
        text.remove_prefix(found == escapes.end() ? 1 : found->escaped.size());
    }
    return out;
}

std::optional<std::string> to_html(std::string_view text) {
    return escaped(text, html);
}
std::optional<std::string> from_html(std::string_view text) {
    return unescaped(text, html);
}
std::optional<std::string> to_json(std::string_view text) {
    return escaped(text, json);
}
std::optional<std::string> from_json(std::string_view text) {
    return unescaped(text, json);
}

constexpr std::array encodings{Format{"base64", to_plain_base64, from_plain_base64},
                               Format{"urlbase64", to_url_base64, from_url_base64},
                               Format{"hex", to_hex, from_hex}};
constexpr std::array escapings{Format{"html", to_html, from_html}, Format{"json", to_json, from_json}};

template <class Formats>
bool convert(Call& c, Formats const& formats, Conversion Format::*direction) {
    std::string_view text;
    std::string_view wanted;
    bool has_text = false;
    bool has_format = false;
    if (!c.text_input(text, has_text) || !c.text_argument(0, wanted, has_format)) return false;
    if (!has_text || !has_format) return true;
    for (auto const& format : formats) {
        if (format.name != wanted) continue;
        auto result = (format.*direction)(text);
        return !result || c.give(std::move(*result));
    }
    std::string names;
    for (auto const& format : formats)
        names += (names.empty() ? "'" : ", '") + std::string(format.name) + "'";
    return c.fail("bad_argument", std::string(c.node.function->name) + "() knows no such format",
                  "there are " + names);
}

}  // namespace

bool encode(Call& c) {
    return convert(c, encodings, &Format::to);
}
bool decode(Call& c) {
    return convert(c, encodings, &Format::from);
}
bool escape(Call& c) {
    return convert(c, escapings, &Format::to);
}
bool unescape(Call& c) {
    return convert(c, escapings, &Format::from);
}

}  // namespace hilum::expression::on
