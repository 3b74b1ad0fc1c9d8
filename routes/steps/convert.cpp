// convert: { to: 2.5.1, otherwise: keep }
#include <utility>

#include "parsers/hl7/version_conversion.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

enum class NoPlace : unsigned char { unsaid, keep, drop, hold };

struct ConvertOptions {
    config::Text to;
    config::Text from;
    NoPlace otherwise = NoPlace::unsaid;
};

template <class V>
void describe(V& v, ConvertOptions& o) {
    v.required("to", o.to, "the version of HL7 v2 to write, such as 2.5.1");
    v.optional("from", o.from, "the version that it is, whatever MSH-12 says");
    v.choice("otherwise", o.otherwise,
             {{"keep", NoPlace::keep}, {"drop", NoPlace::drop}, {"hold", NoPlace::hold}},
             "what becomes of values that the version has no place for: keep them where they stand, drop "
             "them, or hold the message");
}

class ConvertStep final : public Step {
  public:
    ConvertStep(hl7::Version to, hl7::ConversionOptions options, NoPlace otherwise,
                hl7::Dictionary dictionary)
        : to_(to), options_(options), otherwise_(otherwise), dictionary_(std::move(dictionary)) {}

    StepResult run(Work& work) const override {
        auto converted = hl7::convert(work.message, to_, dictionary_, options_);
        if (!converted) {
            if (converted.error().code == "same_version") return StepResult::ok();
            return held("", converted.error());
        }
        if (otherwise_ == NoPlace::hold) {
            for (auto const& note : converted->notes)
                if (note.kind == hl7::ConversionNote::Kind::kept)
                    return held(note.path, error("no_place", "", note.reason));
        }
        auto message = hl7::Message::parse(std::move(converted->bytes), work.message.charset_given());
        if (!message) return held("", message.error());
        work.become(std::move(*message));
        return StepResult::ok();
    }

  private:
    hl7::Version to_;
    hl7::ConversionOptions options_;
    NoPlace otherwise_;
    hl7::Dictionary dictionary_;
};

std::optional<hl7::Version> version(config::Text const& text, config::Diagnostics& diagnostics) {
    auto const found = hl7::version_named(text.value);
    if (!found)
        diagnostics.error(text.where, "HL7 v2 has no version " + config::in_quotes(text.value),
                          "write one of 2.1, 2.2, 2.3, 2.3.1, 2.4, 2.5, 2.5.1, 2.6, 2.7, 2.7.1, 2.8, 2.8.1, "
                          "2.8.2");
    return found;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<ConvertOptions>(step.options, "convert", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    auto const to = version(o.to, diagnostics);
    hl7::ConversionOptions options;
    if (!o.from.empty()) options.from = version(o.from, diagnostics);
    options.drop = o.otherwise == NoPlace::drop;
    if (o.otherwise == NoPlace::unsaid)
        diagnostics.error(step.where,
                          "convert does not say what becomes of values that version has no place for",
                          "add otherwise: keep, otherwise: drop, or otherwise: hold");
    if (!context.each.empty())
        diagnostics.error(step.where, "convert changes the whole message, and can't stand inside for_each",
                          "put it before or behind");
    if (!to || diagnostics.errors() != before) return nullptr;
    return std::make_unique<ConvertStep>(*to, options, o.otherwise, context.dictionary);
}

}  // namespace

StepKind convert_step() {
    return {"convert", "brings the message to another version of HL7 v2", compile,
            config::SchemaWriter::of<ConvertOptions>};
}

}  // namespace hilum::routes
