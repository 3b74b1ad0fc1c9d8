// Any bytes as a TZif file, or, after a byte 0, as the POSIX rule at its end: refused or a zone that answers.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "routes/tables/posix_zone.h"
#include "routes/tables/time_zone.h"

using namespace hilum::routes;

namespace {

// The first and the last second of years with four digits, and some between them.
constexpr std::int64_t moments[] = {-62'167'219'200, -2'208'988'800, -1, 0, 1'774'746'000, 253'402'300'799};

template <class Zone>
void ask(Zone const& zone) {
    for (auto const moment : moments) {
        auto const offset = zone.offset_at(moment);
        auto const local = zone.offset_of_local(moment + offset);
        // Nobody is further from UTC than a day and some hours.
        if (offset < -100'000 || offset > 100'000 || local < -100'000 || local > 100'000) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    if (bytes.starts_with('\0')) {
        if (auto const zone = PosixZone::parse(bytes.substr(1))) ask(*zone);
    } else if (auto const zone = TimeZone::parse(bytes)) {
        ask(*zone);
    }
    return 0;
}
