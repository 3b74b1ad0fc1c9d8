#include "engine/replay/cause.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "parsers/hl7/dictionary.h"
#include "routes/steps/no_entry.h"

namespace hilum::replay {
namespace {

constexpr std::size_t code_bytes_max = 60;
constexpr std::array<std::string_view, 7> coded{"CE", "CF", "CNE", "CWE", "ID", "IS", "PL"};
// Insurance, guarantors and relatives too: a code there says something of a person.
constexpr std::array<std::string_view, 10> about_people{"PID", "PD1", "NK1", "GT1", "IN1",
                                                        "IN2", "IN3", "MRG", "ACC", "DG1"};

bool digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// The length of "[12]" that `text` begins with; 0 when it does not.
std::size_t index_length(std::string_view text) {
    if (!text.starts_with('[')) return 0;
    auto const end = std::find_if_not(text.begin() + 1, text.end(), digit);
    bool const whole = end != text.end() && *end == ']' && end != text.begin() + 1;
    return whole ? static_cast<std::size_t>(end - text.begin()) + 1 : 0;
}

// The same of "part 12, ", as the first thing of a reason.
std::size_t part_length(std::string_view text) {
    constexpr std::string_view part = "part ", behind = ", ";
    if (!text.starts_with(part)) return 0;
    auto const end = std::find_if_not(text.begin() + part.size(), text.end(), digit);
    auto const rest = text.substr(static_cast<std::size_t>(end - text.begin()));
    return rest.starts_with(behind) ? text.size() - rest.size() + behind.size() : 0;
}

}  // namespace

std::string cause_of(std::string_view reason) {
    reason.remove_prefix(part_length(reason));
    std::string cause;
    while (!reason.empty()) {
        if (auto const index = index_length(reason)) {
            reason.remove_prefix(index);
            continue;
        }
        cause += reason.front();
        reason.remove_prefix(1);
    }
    return cause;
}

std::optional<std::string> code_at_fault(std::string_view reason, hl7::Message const& message) {
    auto const missing = routes::read_no_entry(reason);
    if (!missing) return std::nullopt;
    auto const path = hl7::Path::parse(missing->place);
    if (!path || path->field == 0) return std::nullopt;
    auto const segment = path->segment_name();
    if (std::find(about_people.begin(), about_people.end(), segment) != about_people.end())
        return std::nullopt;
    auto const version = hl7::version_of(message.text("MSH-12"));
    auto const field = hl7::Dictionary::standard().field(version, segment, path->field);
    if (!field || std::find(coded.begin(), coded.end(), field->datatype) == coded.end()) return std::nullopt;
    std::string scratch;
    std::string code(message.text(*path, scratch));
    if (code.empty() || code.size() > code_bytes_max) return std::nullopt;
    return code;
}

}  // namespace hilum::replay
