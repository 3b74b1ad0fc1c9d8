#include "parsers/hl7/group_path.h"

#include <algorithm>

#include "parsers/hl7/characters.h"

namespace hilum::hl7 {

namespace {

bool name_part(char c) {
    return capital_or_digit(c) || c == '_';
}

// "NAME/", "NAME[2]/" or "NAME[*]/" at the start of `text`; 0 when it is none.
std::size_t read_step(std::string_view text, GroupPath::Step& step) {
    std::size_t at = 0;
    while (at < text.size() && name_part(text[at])) ++at;
    if (at < 2 || !upper(text[0])) return 0;
    step.name = text.substr(0, at);
    if (text.substr(at, 3) == "[*]") {
        step.occurrence = Path::all;
        at += 3;
    } else if (at < text.size() && text[at] == '[') {
        std::uint32_t n = 0;
        for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9' && n <= Path::largest; ++at)
            n = n * 10 + static_cast<std::uint32_t>(text[at] - '0');
        if (n == 0 || n > Path::largest || at >= text.size() || text[at] != ']') return 0;
        step.occurrence = n;
        ++at;
    }
    return at < text.size() && text[at] == '/' ? at + 1 : 0;
}

}  // namespace

std::size_t GroupPath::parse_groups(std::string_view text, std::vector<Step>& steps) {
    std::size_t at = 0;
    while (steps.size() < steps_max) {
        Step step;
        std::size_t const length = read_step(text.substr(at), step);
        if (length == 0) break;
        step.column = at + 1;
        steps.push_back(std::move(step));
        at += length;
    }
    return at;
}

bool GroupPath::many() const {
    return path.many() ||
           std::any_of(groups.begin(), groups.end(), [](Step const& s) { return s.occurrence == Path::all; });
}

std::string GroupPath::text() const {
    std::string out;
    for (auto const& s : groups) {
        out += s.name;
        if (s.occurrence == Path::all) {
            out += "[*]";
        } else if (s.occurrence != 1) {
            out += '[' + std::to_string(s.occurrence) + ']';
        }
        out += '/';
    }
    return out + path.text();
}

GroupPath::Prefix GroupPath::parse_prefix(std::string_view text) {
    Prefix found;
    std::size_t const at = parse_groups(text, found.path.groups);
    if (at == 0) return {};
    auto const path = Path::parse_prefix(text.substr(at));
    if (path.length == 0) return {};
    found.path.path = path.path;
    found.length = at + path.length;
    return found;
}

Result<GroupPath> GroupPath::parse(std::string_view text) {
    GroupPath result;
    std::size_t const at = parse_groups(text, result.groups);
    if (auto const slash = text.find('/', at); slash != std::string_view::npos) {
        bool const deep = result.groups.size() == steps_max;
        return error("bad_path", "column " + std::to_string(at + 1),
                     deep ? "the path has more than 16 groups" : "no group name stands before the /",
                     "write it like ORDER_OBSERVATION[2]/OBX[1]-5");
    }
    auto const path = Path::parse(text.substr(at));
    if (!path) {
        Error e = path.error();
        // Path counts its columns from where the groups end.
        std::size_t column = 0;
        for (char const c : e.place)
            if (digit(c)) column = column * 10 + static_cast<std::size_t>(c - '0');
        e.place = "column " + std::to_string(column + at);
        return e;
    }
    result.path = *path;
    return result;
}

std::vector<GroupPath::Found> GroupPath::resolve(Message const& message,
                                                 MessageStructure const& structure) const {
    // What each group occurrence is for this path: how many steps it and the groups around it fulfil, and in
    // which occurrence the last of these was. Parents come before their children, so one pass is enough.
    struct State {
        std::size_t steps = 0;
        std::uint32_t root = 0;
        std::uint32_t seen = 0;  // of a root: occurrences of the next step, or of the segment, so far
    };
    auto const& occurrences = structure.groups();
    std::vector<State> states(occurrences.size());
    for (std::uint32_t g = 1; g < occurrences.size(); ++g) {
        State& own = states[g];
        own = {states[occurrences[g].parent].steps, states[occurrences[g].parent].root, 0};
        if (own.steps == groups.size() || occurrences[g].name != groups[own.steps].name) continue;
        Step const& step = groups[own.steps];
        std::uint32_t const n = ++states[own.root].seen;
        if (step.occurrence != Path::all && step.occurrence != n) continue;
        own = {own.steps + 1, g, 0};
    }
    std::vector<Found> found;
    std::uint32_t in_message = 0;
    char const delimiter = message.delimiters().field;
    std::size_t const count = std::min(message.segment_count(), structure.segment_count());
    for (std::size_t number = 1; number <= count; ++number) {
        std::string_view const text = message.segment(number);
        if (text.substr(0, text.find(delimiter)) != path.segment_name()) continue;
        ++in_message;
        State const& in = states[structure.place(number).group];
        if (in.steps != groups.size()) continue;
        std::uint32_t const n = ++states[in.root].seen;
        if (path.occurrence == Path::all || path.occurrence == n) found.push_back({number, in_message});
    }
    return found;
}

}  // namespace hilum::hl7
