#include "routes/config/diagnostics.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace hilum::config {
namespace {

constexpr std::size_t kept_max = 200;
constexpr std::size_t word_max = 64;  // longer words are never mistyped keys; bounds the work of distance()
constexpr std::size_t candidates_max = 5000;
constexpr std::size_t shown_max = 60;

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours count one each.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = std::min(now[j], before[j - 2] + 1);
            }
        }
        std::swap(before, last);
        std::swap(last, now);
    }
    return last[b.size()];
}

std::string folded(std::string_view word) {
    std::string out(word);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (c == '-') c = '_';
    }
    return out;
}

auto place(Location const& where) {
    return std::tuple(where.file ? std::string_view(*where.file) : std::string_view(), where.line,
                      where.column);
}

}  // namespace

std::string Location::text() const {
    std::string out = file ? *file : "configuration";
    if (line > 0) {
        out += ':' + std::to_string(line);
        if (column > 0) out += ':' + std::to_string(column);
    }
    return out;
}

Location Location::shifted(std::size_t columns) const {
    Location out = *this;
    if (line > 0) out.column += static_cast<std::uint32_t>(columns);
    return out;
}

std::string Use::text() const {
    return how + " at " + at.text() + (at.used ? ", " + at.used->text() : "");
}

std::string Diagnostic::text() const {
    std::string out = where.text() + (severity == Severity::error ? ": error: " : ": warning: ") + what;
    if (!remedy.empty()) out += "; " + remedy;
    if (where.used) out += " (" + where.used->text() + ')';
    return out;
}

void Diagnostics::error(Location where, std::string what, std::string remedy) {
    add({Severity::error, std::move(where), std::move(what), std::move(remedy)});
}

void Diagnostics::warning(Location where, std::string what, std::string remedy) {
    add({Severity::warning, std::move(where), std::move(what), std::move(remedy)});
}

// The same finding at the same place comes once, though an alias may bring its reader there many times. What
// is wrong in an inherited part is named by its first heir: the others would say the same in their own names.
void Diagnostics::add(Diagnostic diagnostic) {
    bool const known = std::any_of(all_.begin(), all_.end(), [&](Diagnostic const& d) {
        return d.severity == diagnostic.severity && place(d.where) == place(diagnostic.where) &&
               (d.what == diagnostic.what ||
                (d.where.used && diagnostic.where.used && d.where.used != diagnostic.where.used &&
                 d.remedy == diagnostic.remedy));
    });
    if (known) return;
    if (diagnostic.severity == Severity::error) ++errors_;
    if (all_.size() < kept_max) {
        all_.push_back(std::move(diagnostic));
    } else {
        ++dropped_;
    }
}

std::vector<Diagnostic> Diagnostics::sorted() const {
    std::vector<Diagnostic> out = all_;
    std::stable_sort(out.begin(), out.end(), [](Diagnostic const& a, Diagnostic const& b) {
        return place(a.where) < place(b.where);
    });
    return out;
}

std::string Diagnostics::text() const {
    std::string out;
    for (Diagnostic const& d : sorted()) out += d.text() + '\n';
    if (dropped_ > 0) out += "and " + std::to_string(dropped_) + " more\n";
    return out;
}

std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates) {
    if (word.empty() || word.size() > word_max) return {};
    std::string const wanted = folded(word);
    std::string_view best;
    // One more than may be off: a short word with two letters changed is another word.
    std::size_t best_distance = 4;
    if (wanted.size() < 6) best_distance = 3;
    if (wanted.size() <= 3) best_distance = 2;
    for (std::string_view candidate : candidates.first(std::min(candidates.size(), candidates_max))) {
        if (candidate.size() > word_max || candidate.size() + best_distance <= wanted.size() ||
            wanted.size() + best_distance <= candidate.size()) {
            continue;
        }
        std::size_t const d = distance(wanted, folded(candidate));
        // A word of which every letter would change is another word.
        if (d < best_distance && d < std::max(wanted.size(), candidate.size())) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

std::string suggest(std::string_view word, std::span<std::string_view const> candidates,
                    std::string_view kind) {
    if (std::string_view const near = nearest(word, candidates); !near.empty()) {
        return "did you mean " + in_quotes(near) + "?";
    }
    if (candidates.empty()) return {};
    constexpr std::size_t listed_max = 20, long_max = 300;
    std::string out = "known " + std::string(kind) + ": ";
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (i > 0) out += ", ";
        if (i == listed_max || out.size() + candidates[i].size() > long_max) return out += "...";
        out += candidates[i];
    }
    return out;
}

std::string in_quotes(std::string_view word) {
    bool cut = false;
    if (word.size() > shown_max) {
        std::size_t end = shown_max;
        while (end > 0 && (static_cast<unsigned char>(word[end]) & 0xc0) == 0x80)
            --end;  // between UTF-8 characters
        word = word.substr(0, end);
        cut = true;
    }
    std::string out = "\"";
    for (char c : word) {
        auto const u = static_cast<unsigned char>(c);
        if (u < 0x20 || u == 0x7f) {
            constexpr char const* hex = "0123456789abcdef";
            out += c == '\n'   ? std::string("\\n")
                   : c == '\t' ? std::string("\\t")
                               : std::string("\\x") + hex[u >> 4] + hex[u & 15];
        } else {
            out += c;
        }
    }
    return out + (cut ? "...\"" : "\"");
}

}  // namespace hilum::config
