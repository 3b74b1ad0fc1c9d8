#include "routes/expression/regex.h"

#include <re2/re2.h>

#include <vector>

#include "routes/expression/text.h"

namespace hilum::expression {
namespace {

constexpr std::size_t pattern_max = 4096;
constexpr std::size_t work_max = std::size_t{1} << 29U;

// RE2 of this age knows only Python's spelling of named groups; FHIRPath's examples use the common one.
std::string python_groups(std::string_view pattern) {
    std::string out;
    bool in_class = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) {
            out += pattern.substr(i++, 2);
            continue;
        }
        if (pattern[i] == '[') in_class = true;
        if (pattern[i] == ']') in_class = false;
        if (!in_class && pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() &&
            pattern[i + 3] != '=' && pattern[i + 3] != '!') {
            out += "(?P<";
            i += 2;
            continue;
        }
        out += pattern[i];
    }
    return out;
}

// The group that a reference at the start of `rest` (behind the dollar) names, and its length; -1 when it is
// none.
int group_reference(re2::RE2 const& re, std::string_view rest, std::size_t& length) {
    std::string_view key;
    if (rest.starts_with('{')) {
        auto const end = rest.find('}');
        if (end == std::string_view::npos) return -1;
        key = rest.substr(1, end - 1);
        length = end + 1;
    } else if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
        key = rest.substr(0, 1);
        length = 1;
    }
    if (key.empty()) return -1;
    if (key[0] >= '0' && key[0] <= '9') {
        int number = 0;
        for (char const c : key) {
            if (c < '0' || c > '9' || number > 1000) return -1;
            number = number * 10 + (c - '0');
        }
        return number <= re.NumberOfCapturingGroups() ? number : -1;
    }
    auto const& names = re.NamedCapturingGroups();
    auto const found = names.find(std::string(key));
    return found == names.end() ? -1 : found->second;
}

void substitute(re2::RE2 const& re, std::vector<re2::StringPiece> const& groups,
                std::string_view substitution, std::string& out) {
    for (std::size_t i = 0; i < substitution.size(); ++i) {
        if (substitution[i] != '$') {
            out += substitution[i];
            continue;
        }
        if (substitution.substr(i).starts_with("$$")) {
            out += '$';
            ++i;
            continue;
        }
        std::size_t length = 0;
        int const group = group_reference(re, substitution.substr(i + 1), length);
        if (group < 0) {
            out += '$';
            continue;
        }
        auto const& piece = groups[static_cast<std::size_t>(group)];
        out.append(piece.data() ? piece.data() : "", piece.size());
        i += length;
    }
}

// Whether all that it matches begins where the text does: "^" before everything, not before the first of
// several alternatives alone.
bool anchored(std::string_view pattern) {
    if (!pattern.starts_with('^') || pattern.find("(?") != std::string_view::npos) return false;
    int depth = 0;
    bool in_class = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        char const c = pattern[i];
        if (c == '\\') {
            if (pattern.substr(i, 2) == "\\Q") return false;
            ++i;
        } else if (in_class) {
            in_class = c != ']' || pattern[i - 1] == '[';
        } else if (c == '[') {
            in_class = true;
        } else if (c == '(' || c == ')') {
            depth += c == '(' ? 1 : -1;
        } else if (c == '|' && depth == 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

Regex::Regex(std::unique_ptr<re2::RE2> re) : re_(std::move(re)) {
    constexpr int bytes = 12;
    auto const& pattern = re_->pattern();
    bounded_ = anchored(pattern) && re_->PossibleMatchRange(&least_, &greatest_, bytes);
    to_the_end_ = pattern.ends_with('$') && !pattern.ends_with("\\$");
}
Regex::~Regex() = default;

Result<std::shared_ptr<Regex const>> Regex::compile(std::string_view pattern) {
    if (pattern.size() > pattern_max)
        return error("bad_regex", "", "the regular expression is longer than 4096 bytes",
                     "split it into several");
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(4 << 20);
    auto re = std::make_unique<re2::RE2>(python_groups(pattern), options);
    if (!re->ok()) {
        bool const look = pattern.find("(?=") != pattern.npos || pattern.find("(?!") != pattern.npos ||
                          pattern.find("(?<=") != pattern.npos || pattern.find("(?<!") != pattern.npos;
        return error("bad_regex", "", "not a regular expression that can be used here: " + re->error(),
                     look ? "look-ahead and look-behind are not supported; use two conditions with and"
                          : "mend the pattern; it is one of RE2, without back-references");
    }
    return std::shared_ptr<Regex const>(new Regex(std::move(re)));
}

bool Regex::search(std::string_view text) const {
    if (bounded_ && (text < least_ || (to_the_end_ && text > greatest_))) return false;
    return re_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED,
                      nullptr, 0);
}

bool Regex::covers(std::string_view text) const {
    return re_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::ANCHOR_BOTH,
                      nullptr, 0);
}

bool Regex::empty() const {
    return re_->pattern().empty();
}

bool Regex::replace(std::string_view text, std::string_view substitution, std::size_t limit,
                    std::string& out) const {
    re2::StringPiece const all(text.data() ? text.data() : "", text.size());
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(re_->NumberOfCapturingGroups()) + 1);
    std::size_t at = 0;
    // One match may look at the whole rest and then be short ("x*y|x"), so many matches in a long text could
    // take its square.
    for (std::size_t work = 0; at <= text.size(); work += text.size()) {
        if (work > work_max) return false;
        if (!re_->Match(all, at, text.size(), re2::RE2::UNANCHORED, groups.data(),
                        static_cast<int>(groups.size())))
            break;
        auto const start = static_cast<std::size_t>(groups[0].data() - all.data());
        out += text.substr(at, start - at);
        substitute(*re_, groups, substitution, out);
        if (out.size() > limit) return false;
        at = start + groups[0].size();
        if (!groups[0].empty()) continue;
        // An empty match moves on by one character, which is kept.
        if (at == text.size()) return true;
        auto const step = character_length(text.substr(at));
        out += text.substr(at, step);
        at += step;
    }
    if (at < text.size()) out += text.substr(at);
    return out.size() <= limit;
}

}  // namespace hilum::expression
