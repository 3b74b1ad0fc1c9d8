#include "routes/expression/expression.h"

#include "routes/expression/evaluator.h"
#include "routes/expression/hints.h"
#include "routes/expression/parser.h"

namespace hilum::expression {
namespace {

// Runs the whole program; `use` gets the result while what it borrows from is alive.
template <class T, class Use>
Result<T> run(Program const& program, Context const& context, Use use) {
    Storage storage;
    Evaluation evaluation(context, storage);
    Collection value;
    if (!evaluation.run(program, value)) return evaluation.error();
    return use(value);
}

Error no_expression() {
    return error("no_expression", "", "there is no expression");
}

Error several() {
    return error("not_singleton", "column 1", "the expression gives several values where one is expected",
                 "choose one, as with first(), or join them with join(', ')");
}

}  // namespace

Expression::Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

Result<Expression> Expression::compile(std::string_view text, Options const& options) {
    auto program = parse(text, options);
    if (!program) return program.error();
    Expression result;
    result.program_ = std::move(*program);
    return result;
}

Expression Expression::compile(config::Text const& text, std::size_t skip, config::Diagnostics& diagnostics,
                               Options const& options) {
    auto result = compile(std::string_view(text.value).substr(std::min(skip, text.value.size())), options);
    if (result) return std::move(*result);
    auto const& e = result.error();
    diagnostics.error(text.where.shifted(skip + column_of(e.place) - 1), e.what, e.next);
    return {};
}

Result<bool> Expression::test(Context const& context) const {
    if (!program_) return no_expression();
    if (program_->quick && context.message) {
        auto const answer = program_->quick->test(context);
        if (answer != Quick::Answer::unsure) return answer == Quick::Answer::yes;
    }
    Storage storage;
    Evaluation evaluation(context, storage);
    Truth value = Truth::unknown;
    if (!evaluation.run_condition(*program_, program_->root, value)) return evaluation.error();
    return value == Truth::yes;
}

Result<bool> Expression::test(Context const& context, std::string_view& failed_clause) const {
    if (!program_) return no_expression();
    auto const& root = program_->root;
    if (root.op != Op::both) {
        failed_clause = program_->clauses.front();
        return test(context);
    }
    Storage storage;
    Evaluation evaluation(context, storage);
    for (std::size_t i = 0; i < root.children.size(); ++i) {
        Truth value = Truth::unknown;
        if (!evaluation.run_condition(*program_, root.children[i], value)) return evaluation.error();
        if (value == Truth::yes) continue;
        failed_clause = program_->clauses[i];
        return false;
    }
    return true;
}

Result<std::string> Expression::text(Context const& context) const {
    if (!program_) return no_expression();
    return run<std::string>(*program_, context, [](Collection const& value) -> Result<std::string> {
        if (value.size() > 1) return several();
        return {boost::system::in_place_value, value.empty() ? std::string() : value.front().to_text()};
    });
}

Result<std::vector<std::string>> Expression::items(Context const& context) const {
    if (!program_) return no_expression();
    return run<std::vector<std::string>>(*program_, context, [](Collection const& value) {
        std::vector<std::string> texts;
        for (auto const& item : value) texts.push_back(item.to_text());
        return texts;
    });
}

Result<std::vector<fhir::Element>> Expression::elements(Context const& context) const {
    auto const several = found(context);
    if (!several) return several.error();
    std::vector<fhir::Element> elements;
    for (auto const& one : *several) elements.push_back(one.element);
    return elements;
}

Result<std::vector<Expression::Found>> Expression::found(Context const& context) const {
    if (!program_) return no_expression();
    using Several = std::vector<Found>;
    return run<Several>(*program_, context, [&](Collection const& value) -> Result<Several> {
        Several several;
        several.reserve(value.size());
        for (auto const& item : value) {
            if (item.type() != Type::element || item.element().resource() != context.resource)
                return error("no_element", "column 1", "it gives a value that stands nowhere in the resource",
                             "name elements, without functions that make new values of them");
            several.push_back({item.element(), item.fhir_type()});
        }
        return several;
    });
}

Result<std::vector<Expression::TypedText>> Expression::typed_items(Context const& context) const {
    if (!program_) return no_expression();
    using Texts = std::vector<TypedText>;
    return run<Texts>(*program_, context, [](Collection const& value) {
        Texts texts;
        texts.reserve(value.size());
        for (auto const& item : value) texts.push_back({item.to_text(), std::string(item.type_name())});
        return texts;
    });
}

Result<std::vector<std::string>> Expression::types(Context const& context) const {
    if (!program_) return no_expression();
    return run<std::vector<std::string>>(*program_, context, [](Collection const& value) {
        std::vector<std::string> types;
        for (auto const& item : value) types.emplace_back(item.type_name());
        return types;
    });
}

std::vector<Expression::Need> Expression::needs() const {
    return program_ && program_->quick ? program_->quick->needs() : std::vector<Need>();
}

std::string_view Expression::source() const {
    return program_ ? std::string_view(program_->source) : std::string_view();
}

}  // namespace hilum::expression
