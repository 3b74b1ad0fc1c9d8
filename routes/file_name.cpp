#include "routes/file_name.h"

#include <algorithm>
#include <cstdint>

namespace hilum::routes {

namespace {

constexpr std::size_t longest_part = 100;
constexpr std::size_t most_components = 8;

bool risky(char c) {
    auto const u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f || std::string_view("/\\<>:\"|?*").find(c) != std::string_view::npos;
}

// At most `size` bytes, without half a character of UTF-8 at the end.
std::string_view cut(std::string_view text, std::size_t size) {
    if (text.size() <= size) return text;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    return text.substr(0, size);
}

std::uint32_t fnv1a(std::string_view text) {
    std::uint32_t hash = 2166136261u;
    for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash;
}

std::string_view extension(std::string_view name) {
    auto const dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 || name.size() - dot > 16 ? std::string_view()
                                                                               : name.substr(dot);
}

// Cut in the middle, with a hash of the whole so that two long names stay two.
std::string shortened(std::string const& name) {
    if (name.size() <= longest_name) return name;
    constexpr char hex[] = "0123456789abcdef";
    std::string mark = "~";
    for (int shift = 28; shift >= 0; shift -= 4) mark += hex[(fnv1a(name) >> shift) & 15];
    auto const tail = extension(name);
    return std::string(cut(name, longest_name - mark.size() - tail.size())) + mark + std::string(tail);
}

std::string component(std::string_view text) {
    std::string out(text);
    std::replace_if(out.begin(), out.end(), risky, '_');
    if (out.empty()) return "_";
    for (char& c : out) {
        if (c != '.') break;
        c = '_';
    }
    return shortened(out);
}

}  // namespace

std::string clean_part(std::string_view text) {
    std::string out(cut(text, longest_part));
    std::replace_if(out.begin(), out.end(), risky, '_');
    return out;
}

std::vector<std::string> name_components(std::string_view filled) {
    std::vector<std::string> out;
    while (out.size() + 1 < most_components) {
        auto const slash = filled.find('/');
        if (slash == std::string_view::npos) break;
        out.push_back(component(filled.substr(0, slash)));
        filled.remove_prefix(slash + 1);
    }
    out.push_back(component(filled));
    return out;
}

std::string numbered(std::string_view name, unsigned number) {
    auto const tail = extension(name);
    return std::string(name.substr(0, name.size() - tail.size())) + "~" + std::to_string(number) +
           std::string(tail);
}

}  // namespace hilum::routes
