// What of an HL7 v2 message was carried into FHIR, and so what was not: every value that no row took.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message.h"

namespace hilum::routes::mapping {

class Carried {
  public:
    // Whether anyone will ask what was lost.
    explicit Carried(bool wanted) : wanted_(wanted) {}
    bool wanted() const { return wanted_; }
    // `raw` is a whole component or subcomponent of the message, or a field without any.
    void mark(std::string_view raw) {
        if (wanted_ && !raw.empty()) begins_.push_back(raw.data());
    }
    // What the marks of those numbers are on in `first`, where the same text stands again.
    void mark_again(std::size_t from, std::size_t to, std::string_view first, std::string_view again) {
        auto const before = std::less<>();
        for (auto i = from; i < to; ++i) {
            auto const* const at = begins_[i];
            if (before(at, first.data()) || !before(at, first.data() + first.size())) continue;
            begins_.push_back(again.data() + (at - first.data()));
        }
    }
    std::size_t count() const { return begins_.size(); }

    // The paths of the populated values that no mark is on, in the order of the message: "PID-3[2].7",
    // "OBX[2]-17". At most `most`, the rest counted. What only says how the message is written is no value:
    // delimiters, MSH-9 to MSH-12, set IDs, and the explicit null; nor is what `ignored` names: "ZPD",
    // "PID-10".
    struct Lost {
        std::vector<std::string> paths;
        std::size_t more = 0;
        std::size_t values = 0;  // of the message, those that count
    };
    Lost lost(hl7::Message const& message, std::size_t most, std::vector<std::string> const& ignored);

  private:
    bool wanted_;
    std::vector<char const*> begins_;
};

// Where in the message a piece of it stands: "OBX[2]-5.1"; "" when it is none.
std::string place_of(hl7::Message const& message, std::string_view raw);

}  // namespace hilum::routes::mapping
