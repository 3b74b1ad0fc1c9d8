// SHA-256 (FIPS 180-4), by OpenSSL.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace hilum::net {

using Sha256 = std::array<unsigned char, 32>;
Sha256 sha256(std::string_view bytes);

// 64 hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace hilum::net
