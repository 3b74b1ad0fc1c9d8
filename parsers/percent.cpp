#include "parsers/percent.h"

namespace hilum {

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    for (char const c : text) {
        bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        auto const u = static_cast<unsigned char>(c);
        ((out += '%') += hex[u >> 4]) += hex[u & 15];
    }
    return out;
}

}  // namespace hilum
