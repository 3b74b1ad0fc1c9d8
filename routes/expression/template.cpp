// Text with holes, and configured values.
#include <utility>

#include "routes/expression/expression.h"
#include "routes/expression/hints.h"

namespace hilum::expression {

struct Template::Part {
    std::string text;
    Expression hole;  // valid: `text` is not used
};

namespace {

// The offset of the brace that closes the hole opened before `at`; braces inside strings and the {} literal
// don't.
std::size_t end_of_hole(std::string_view text, std::size_t at) {
    int open = 0;
    char quote = '\0';
    for (; at < text.size(); ++at) {
        char const c = text[at];
        if (quote != '\0') {
            if (c == '\\') ++at;
            if (c == quote) quote = '\0';
        } else if (c == '\'' || c == '`') {
            quote = c;
        } else if (c == '{') {
            ++open;
        } else if (c == '}' && --open < 0) {
            return at;
        }
    }
    return std::string_view::npos;
}

Error at_column(std::size_t offset, std::string what, std::string next) {
    return error("bad_template", "column " + std::to_string(offset + 1), std::move(what), std::move(next));
}

}  // namespace

Template::Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Result<Template> Template::compile(std::string_view text, Options const& options) {
    Template result;
    std::string plain;
    auto const end_plain = [&] {
        if (!plain.empty()) result.parts_.push_back({std::exchange(plain, {}), {}});
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto const rest = text.substr(at);
        if (rest.starts_with("{{") || rest.starts_with("}}")) {
            plain += rest[0];
            ++at;
        } else if (rest[0] == '}') {
            return at_column(at, "a } without its {", "a brace in the text is written }}");
        } else if (rest[0] == '{') {
            auto const end = end_of_hole(text, at + 1);
            if (end == std::string_view::npos)
                return at_column(at, "a { without its }", "a brace in the text is written {{");
            auto hole = Expression::compile(text.substr(at + 1, end - at - 1), options);
            if (!hole) {
                auto e = hole.error();
                e.place = "column " + std::to_string(at + 1 + column_of(e.place));
                return e;
            }
            end_plain();
            result.parts_.push_back({{}, std::move(*hole)});
            at = end;
        } else {
            plain += rest[0];
        }
    }
    end_plain();
    return result;
}

Template Template::compile(config::Text const& text, config::Diagnostics& diagnostics,
                           Options const& options) {
    auto result = compile(text.value, options);
    if (result) return std::move(*result);
    auto const& e = result.error();
    diagnostics.error(text.where.shifted(column_of(e.place) - 1), e.what, e.next);
    return {};
}

Result<std::string> Template::fill(Context const& context, std::string (*clean)(std::string_view)) const {
    std::string out;
    for (auto const& part : parts_) {
        if (!part.hole.valid()) {
            out += part.text;
            continue;
        }
        auto value = part.hole.text(context);
        if (!value) return value.error();
        out += clean ? clean(*value) : *value;
    }
    return {boost::system::in_place_value, std::move(out)};
}

ValueSource ValueSource::compile(config::Text const& text, config::Diagnostics& diagnostics,
                                 Options const& options) {
    ValueSource source;
    std::string_view const value = text.value;
    if (value.starts_with('=')) {
        source.expression_ = Expression::compile(text, 1, diagnostics, options);
    } else {
        source.literal_ = value.starts_with("\\=") ? value.substr(1) : value;
    }
    return source;
}

Result<std::string> ValueSource::get(Context const& context) const {
    if (expression_.valid()) return expression_.text(context);
    return {boost::system::in_place_value, literal_};
}

}  // namespace hilum::expression
