// Text functions (http://hl7.org/fhirpath/N1/#string-manipulation). Positions count characters from 0, as
// FHIRPath does. An empty input or argument gives an empty result.
#include <algorithm>

#include "routes/expression/element.h"
#include "routes/expression/functions.h"
#include "routes/expression/text.h"

namespace hilum::expression::on {
namespace {

// The input and the first argument; `ready` is false when the result is empty.
bool two_texts(Call& c, std::string_view& text, std::string_view& other, bool& ready) {
    bool a = false;
    bool b = false;
    if (!c.text_input(text, a) || !c.text_argument(0, other, b)) return false;
    ready = a && b;
    return true;
}

// The pattern compiled at load, or now when it is computed from the message.
bool regex_of(Call& c, std::shared_ptr<Regex const>& regex, bool& found) {
    found = true;
    if (c.node.regex) return regex = c.node.regex, true;
    std::string_view pattern;
    if (!c.text_argument(0, pattern, found)) return false;
    if (!found) return true;
    if (!c.evaluation.spend(c.node, 2000 + 50 * pattern.size())) return false;
    auto compiled = Regex::compile(pattern);
    // The pattern may come from the message, so what RE2 says about it stays out of the error.
    if (!compiled) return c.fail("bad_regex", "the computed pattern is no regular expression");
    regex = std::move(*compiled);
    return true;
}

}  // namespace

bool upper(Call& c) {
    std::string_view text;
    bool found = false;
    return c.text_input(text, found) && (!found || c.give(expression::upper(text)));
}

bool lower(Call& c) {
    std::string_view text;
    bool found = false;
    return c.text_input(text, found) && (!found || c.give(expression::lower(text)));
}

bool trim(Call& c) {
    std::string_view text;
    bool found = false;
    return c.text_input(text, found) && (!found || c.give(expression::trim(text)));
}

bool length(Call& c) {
    std::string_view text;
    bool found = false;
    return c.text_input(text, found) && (!found || c.give(static_cast<std::int64_t>(character_count(text))));
}

bool substring(Call& c) {
    std::string_view text;
    std::int64_t start = 0;
    std::int64_t length = 0;
    bool has_text = false;
    bool has_start = false;
    bool has_length = false;
    if (!c.text_input(text, has_text) || !c.integer_argument(0, start, has_start)) return false;
    if (c.arguments() == 2 && !c.integer_argument(1, length, has_length)) return false;
    if (!has_text || !has_start || start < 0) return true;
    auto const from = offset_of(text, static_cast<std::size_t>(start));
    if (from >= text.size()) return true;  // a start outside the text: empty
    text.remove_prefix(from);
    if (has_length)
        text = text.substr(0, offset_of(text, static_cast<std::size_t>(std::max<std::int64_t>(length, 0))));
    return c.give(text);
}

bool starts_with(Call& c) {
    std::string_view text;
    std::string_view other;
    bool ready = false;
    return two_texts(c, text, other, ready) && (!ready || c.give(text.starts_with(other)));
}

bool ends_with(Call& c) {
    std::string_view text;
    std::string_view other;
    bool ready = false;
    return two_texts(c, text, other, ready) && (!ready || c.give(text.ends_with(other)));
}

bool contains(Call& c) {
    std::string_view text;
    std::string_view other;
    bool ready = false;
    return two_texts(c, text, other, ready) && (!ready || c.give(text.find(other) != std::string_view::npos));
}

bool index_of(Call& c) {
    std::string_view text;
    std::string_view other;
    bool ready = false;
    if (!two_texts(c, text, other, ready)) return false;
    if (!ready) return true;
    auto const at = text.find(other);
    if (at == std::string_view::npos) return c.give(std::int64_t{-1});
    return c.give(static_cast<std::int64_t>(character_count(text.substr(0, at))));
}

bool replace(Call& c) {
    std::string_view text;
    std::string_view pattern;
    std::string_view substitution;
    bool ready = false;
    bool has_substitution = false;
    if (!two_texts(c, text, pattern, ready) || !c.text_argument(1, substitution, has_substitution))
        return false;
    if (!ready || !has_substitution) return true;
    std::string out;
    if (pattern.empty()) {
        // Around every character (N1 §5.6.6).
        out += substitution;
        for (auto rest = text; !rest.empty() && out.size() <= Evaluation::bytes_max;) {
            auto const n = character_length(rest);
            out += rest.substr(0, n);
            out += substitution;
            rest.remove_prefix(n);
        }
        return c.give(std::move(out));
    }
    while (out.size() <= Evaluation::bytes_max) {
        auto const at = text.find(pattern);
        out += text.substr(0, at);
        if (at == std::string_view::npos) break;
        out += substitution;
        text.remove_prefix(at + pattern.size());
    }
    return c.give(std::move(out));
}

bool matches(Call& c) {
    std::string_view text;
    bool has_text = false;
    bool has_regex = false;
    std::shared_ptr<Regex const> regex;
    if (!c.text_input(text, has_text)) return false;
    if (!has_text) return true;
    return regex_of(c, regex, has_regex) && (!has_regex || c.give(regex->search(text)));
}

bool matches_full(Call& c) {
    std::string_view text;
    bool has_text = false;
    bool has_regex = false;
    std::shared_ptr<Regex const> regex;
    if (!c.text_input(text, has_text)) return false;
    if (!has_text) return true;
    return regex_of(c, regex, has_regex) && (!has_regex || c.give(regex->covers(text)));
}

bool replace_matches(Call& c) {
    std::string_view text;
    std::string_view substitution;
    bool has_text = false;
    bool has_regex = false;
    bool has_substitution = false;
    std::shared_ptr<Regex const> regex;
    if (!c.text_input(text, has_text) || !c.text_argument(1, substitution, has_substitution)) return false;
    if (!has_text || !has_substitution) return true;
    if (!regex_of(c, regex, has_regex)) return false;
    if (!has_regex) return true;
    if (regex->empty()) return c.give(text);  // as the official suite has it
    std::string out;
    if (!regex->replace(text, substitution, Evaluation::bytes_max, out))
        return c.fail("too_much_work", "replaceMatches() would take too long on a text of this length",
                      "replace() is quicker");
    return c.give(std::move(out));
}

bool split(Call& c) {
    std::string_view text;
    std::string_view separator;
    bool ready = false;
    if (!two_texts(c, text, separator, ready)) return false;
    if (!ready) return true;
    if (separator.empty()) return to_chars(c);
    while (true) {
        auto const at = text.find(separator);
        if (!c.evaluation.spend(c.node, 1) || !c.give(text.substr(0, at))) return false;
        if (at == std::string_view::npos) return true;
        text.remove_prefix(at + separator.size());
    }
}

bool to_chars(Call& c) {
    std::string_view text;
    bool found = false;
    if (!c.text_input(text, found)) return false;
    while (!text.empty()) {
        auto const n = character_length(text);
        if (!c.evaluation.spend(c.node, 1) || !c.give(text.substr(0, n))) return false;
        text.remove_prefix(n);
    }
    return true;
}

bool join(Call& c) {
    std::string_view separator;
    bool found = false;
    if (c.arguments() == 1 && !c.text_argument(0, separator, found)) return false;
    if (c.input.empty()) return true;
    std::string out;
    for (std::size_t i = 0; i < c.input.size(); ++i) {
        if (i > 0) out += separator;
        if (auto const text = text_of_element(c.input[i])) {
            out += *text;
        } else {
            out += c.input[i].to_text();
        }
        if (out.size() > Evaluation::bytes_max) break;
    }
    return c.give(std::move(out));
}

}  // namespace hilum::expression::on
