#include "parsers/hl7/scan.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using hilum::hl7::find_nth;
using hilum::hl7::nowhere;

namespace {

std::size_t one_by_one(std::string_view text, char delimiter, std::uint32_t count, std::size_t from) {
    for (std::size_t at = from; at < text.size(); ++at) {
        if (text[at] == delimiter && --count == 0) return at;
    }
    return nowhere;
}

}  // namespace

TEST_CASE("find_nth finds what a plain loop finds: dense, sparse, at every length") {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): repeatable
    for (std::size_t size = 0; size < 700; size += 1 + size / 40) {
        for (unsigned density : {1u, 3u, 50u, 300u}) {
            std::string text(size, '|');
            for (auto& c : text) {
                if (random() % density != 0) c = "{}\xfc\x7d\0^"[random() % 6];
            }
            for (std::uint32_t count = 1; count < 12; ++count) {
                std::size_t const from = size == 0 ? 0 : random() % size;
                REQUIRE(find_nth(text, '|', count, from) == one_by_one(text, '|', count, from));
            }
        }
    }
}
