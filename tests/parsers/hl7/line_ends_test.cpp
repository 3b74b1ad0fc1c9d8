#include "parsers/hl7/line_ends.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using hilum::hl7::LineEnds;
using hilum::hl7::LineEndScan;

namespace {

std::vector<std::size_t> found(std::string_view text, LineEndScan scan) {
    std::vector<std::size_t> all;
    LineEnds ends(text, scan);
    for (auto at = ends.next(); at != hilum::hl7::nowhere; at = ends.next()) all.push_back(at);
    CHECK(ends.next() == hilum::hl7::nowhere);
    return all;
}

std::vector<std::size_t> expected(std::string_view text) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' || text[i] == '\n') all.push_back(i);
    }
    return all;
}

}  // namespace

TEST_CASE("line ends: the portable scan and the fastest find the same, at every length and alignment") {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): repeatable
    for (std::size_t size = 0; size < 300; ++size) {
        for (unsigned density : {1u, 8u, 100u}) {
            std::string text(size, 'x');
            for (auto& c : text) {
                auto const dice = random() % density;
                // Neighbours of CR and LF, with and without the top bit: what a careless compare takes for
                // them.
                c = dice == 0 ? "\r\n"[random() % 2] : "\x0c\x0e\x09\x0b\x8d\x8a\xff\0AB"[random() % 10];
            }
            std::string const shifted = std::string(size % 7, '\r') + text;
            std::string_view const view = std::string_view(shifted).substr(size % 7);
            REQUIRE(found(view, hilum::hl7::scan_line_ends_portable) == expected(view));
            REQUIRE(found(view, hilum::hl7::fastest_line_end_scan()) == expected(view));
        }
    }
}
