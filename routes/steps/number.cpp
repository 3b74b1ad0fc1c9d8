// number: { field: "OBX[*]-5", decimal_comma: from, factor: 0.0113, decimals: 2, otherwise: pass }
#include <algorithm>
#include <utility>

#include "routes/expression/decimal.h"
#include "routes/steps/places.h"

namespace hilum::routes {
namespace {

using expression::Decimal;

enum class Comma : unsigned char { none, from, to, both };

struct NumberOptions {
    config::Text field;
    Comma comma = Comma::none;
    config::Text factor;
    config::Text decimals;
    Fallback fallback;
};

template <class V>
void describe(V& v, NumberOptions& o) {
    v.required("field", o.field, "the path whose number is changed, such as OBX-5; [*] for each");
    v.choice("decimal_comma", o.comma, {{"from", Comma::from}, {"to", Comma::to}, {"both", Comma::both}},
             "where a comma stands before the decimals: in what comes, in what is written, or in both");
    v.optional("factor", o.factor, "what the number is multiplied with, for another unit, such as 0.0113");
    v.optional("decimals", o.decimals,
               "how many decimals are written, 0 to 16, rounded half away from zero; without it as many as "
               "the number has");
    describe_fallback(v, o.fallback);
}

class NumberStep final : public Step {
  public:
    NumberStep(ValuePath field, Comma comma, std::optional<Decimal> factor, int decimals, Fallback fallback)
        : field_(std::move(field)),
          comma_(comma),
          factor_(factor),
          decimals_(decimals),
          fallback_(std::move(fallback)) {}

    StepResult run(Work& work) const override {
        return each_value(work, field_, [&](Place const& place, std::string_view text) {
            auto const changed = change(text);
            if (!changed) return fall_back(work, place, fallback_, place.text() + " is no such number");
            return *changed == text ? StepResult::ok() : write(work, place, *changed);
        });
    }

  private:
    std::optional<std::string> change(std::string_view text) const {
        std::string plain(text);
        if (comma_ == Comma::from || comma_ == Comma::both) {
            // "1.234,5" could mean either.
            if (text.find('.') != std::string_view::npos) return std::nullopt;
            std::replace(plain.begin(), plain.end(), ',', '.');
        }
        auto number = Decimal::parse(plain);
        if (!number) return std::nullopt;
        if (factor_ && !(number = number->times(*factor_))) return std::nullopt;
        auto out = decimals_ < 0 ? number->text() : fixed(*number);
        if (comma_ == Comma::to || comma_ == Comma::both) std::replace(out.begin(), out.end(), '.', ',');
        return out;
    }

    std::string fixed(Decimal const& number) const {
        auto out = number.rounded(decimals_).text();
        auto const point = out.find('.');
        auto const there = point == std::string::npos ? 0 : out.size() - point - 1;
        auto const wanted = static_cast<std::size_t>(decimals_);
        if (there >= wanted) return out;
        if (point == std::string::npos) out += '.';
        return out.append(wanted - there, '0');
    }

    ValuePath field_;
    Comma comma_;
    std::optional<Decimal> factor_;
    int decimals_;  // -1: as they are
    Fallback fallback_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<NumberOptions>(step.options, "number", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    check_fallback(step, o.fallback, "that is no number", diagnostics);
    auto field = ValuePath::compile(o.field, context);
    std::optional<Decimal> factor;
    if (!o.factor.empty() && !(factor = Decimal::parse(o.factor.value)))
        diagnostics.error(o.factor.where, config::in_quotes(o.factor.value) + " is no number",
                          "write it like 0.0113");
    int decimals = -1;
    if (!o.decimals.empty()) {
        auto const number = Decimal::parse(o.decimals.value);
        auto const whole = number && number->scale() == 0 ? number->truncated() : std::nullopt;
        if (whole && *whole >= 0 && *whole <= 16) {
            decimals = static_cast<int>(*whole);
        } else {
            diagnostics.error(o.decimals.where,
                              config::in_quotes(o.decimals.value) + " is no number of decimals",
                              "write one from 0 to 16");
        }
    }
    if (o.factor.empty() && o.decimals.empty() && o.comma != Comma::from && o.comma != Comma::to)
        diagnostics.error(step.where, "number changes nothing",
                          "add factor, decimals, or decimal_comma: from or to");
    if (!field || diagnostics.errors() != before) return nullptr;
    return std::make_unique<NumberStep>(std::move(*field), o.comma, factor, decimals, o.fallback);
}

}  // namespace

StepKind number_step() {
    return {"number",     "changes the unit, the decimals or the decimal comma of numbers",
            compile,      config::SchemaWriter::of<NumberOptions>,
            true,         false,
            WorksOn::both};
}

}  // namespace hilum::routes
