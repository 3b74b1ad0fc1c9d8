#include "parsers/hl7/profile.h"

namespace hilum::hl7 {

ProfileMessage const* Profile::message(std::string_view type, std::string_view event) const {
    for (auto const& m : messages) {
        if ((m.type.empty() || m.type == type) && (m.event.empty() || m.event == event)) return &m;
    }
    return nullptr;
}

}  // namespace hilum::hl7
