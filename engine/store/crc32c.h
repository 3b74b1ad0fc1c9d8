// CRC-32C (Castagnoli; RFC 3720 appendix B.4), the checksum of every journal record.
#pragma once

#include <cstdint>
#include <string_view>

namespace hilum::store {

// The checksum of `bytes` appended to bytes whose checksum is `before` (0: to nothing). Uses the processor's
// instruction where there is one.
std::uint32_t crc32c(std::uint32_t before, std::string_view bytes);

// The same by table, on any processor; public so that a test can compare them.
std::uint32_t crc32c_portable(std::uint32_t before, std::string_view bytes);

}  // namespace hilum::store
