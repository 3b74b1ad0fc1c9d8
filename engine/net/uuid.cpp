#include "engine/net/uuid.h"

#include <openssl/evp.h>

#include <new>

namespace hilum::net {

std::string uuid5(std::array<unsigned char, 16> const& name_space, std::string_view name) {
    std::string text(name_space.begin(), name_space.end());
    text += name;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    // Only memory can be wanting; an unwritten digest would give all names one identifier.
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        throw std::bad_alloc();
    digest[6] = static_cast<unsigned char>((digest[6] & 0x0f) | 0x50);
    digest[8] = static_cast<unsigned char>((digest[8] & 0x3f) | 0x80);
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += digits[digest[i] >> 4U];
        out += digits[digest[i] & 15U];
    }
    return out;
}

std::string uuid_of(std::string_view scope, std::string_view name) {
    // Hilum's own name space, made once at random: with it no other program's names give these identifiers.
    static constexpr std::array<unsigned char, 16> space{0x6f, 0x1d, 0x0b, 0x5e, 0x3c, 0x6a, 0x4e, 0x0f,
                                                         0x9b, 0x52, 0x8e, 0x21, 0x7d, 0xc4, 0x10, 0xa9};
    std::string text(scope);
    text += '|';
    text += name;
    return uuid5(space, text);
}

}  // namespace hilum::net
