#include "engine/net/digest.h"

#include <openssl/evp.h>

#include <new>

namespace hilum::net {

Sha256 sha256(std::string_view bytes) {
    Sha256 hash{};
    unsigned size = 0;
    // Only memory can be wanting; an unwritten hash would make all messages the same.
    if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
    return hash;
}

std::string sha256_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (auto const byte : sha256(bytes)) (hex += digits[byte >> 4]) += digits[byte & 15];
    return hex;
}

}  // namespace hilum::net
