// What maps have made of which parts of a message: units, coding systems, persons and the like stand in it
// again and again, and a map that reads nothing but its part makes the same of them each time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "parsers/hl7/part.h"
#include "routes/mapping/fhir_maps.h"
#include "routes/mapping/made_resources.h"
#include "routes/mapping/tree.h"

namespace hilum::routes::mapping {

class RepeatedParts {
  public:
    struct Known {
        std::size_t map = 0;
        hl7::Part part;
        std::uint32_t resource = MadeResources::none;  // of a map that makes one to refer to
        bool complete = false;                         // `element` and what follows are set
        Tree::Copy element;
        bool made = false;  // not nothing
        std::size_t given = 0;
        std::vector<std::size_t> noted;  // findings, which are those of a field
        HlField const* field = nullptr;
        std::size_t marks_from = 0, marks_to = 0;  // of what was carried
        unsigned char next = end;
    };

    RepeatedParts() { first_.fill(end); }

    // nullptr: it has not been seen.
    Known* find(std::size_t map, hl7::Part part) {
        for (auto i = first_[bucket(map, part)]; i != end; i = known_[i].next) {
            auto& known = known_[i];
            if (known.map == map && known.part.level == part.level && known.part.raw == part.raw)
                return &known;
        }
        return nullptr;
    }
    // nullptr: there are many already.
    Known* add(std::size_t map, hl7::Part part) {
        if (known_.size() >= most) return nullptr;
        auto& first = first_[bucket(map, part)];
        auto& known = known_.emplace_back();
        known.map = map;
        known.part = part;
        known.next = first;
        first = static_cast<unsigned char>(known_.size() - 1);
        return &known;
    }

  private:
    static constexpr std::size_t most = 200;
    static constexpr unsigned char end = 255;

    static std::size_t bucket(std::size_t map, hl7::Part part) {
        // Its first and its last bytes; of nothing none.
        auto const word = [](std::string_view bytes) {
            std::uint64_t out = 0;
            if (!bytes.empty()) std::memcpy(&out, bytes.data(), std::min(bytes.size(), sizeof out));
            return out;
        };
        auto const head = word(part.raw);
        auto const tail =
            part.raw.size() > sizeof head ? word(part.raw.substr(part.raw.size() - sizeof head)) : 0;
        auto const mixed = (head ^ (tail << 7U) ^ part.raw.size() ^ (map << 17U)) * 0x9e3779b97f4a7c15U;
        return static_cast<std::size_t>(mixed >> 57U);
    }

    std::array<unsigned char, 128> first_;
    std::vector<Known> known_;
};

}  // namespace hilum::routes::mapping
