#include "engine/net/digest.h"

#include <openssl/evp.h>

#include <array>

namespace hilum::net {

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < size; ++i) (hex += digits[hash[i] >> 4]) += digits[hash[i] & 15];
    return hex;
}

}  // namespace hilum::net
