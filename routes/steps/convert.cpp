// convert: { to: 2.5.1, otherwise: keep }
// convert: { to: xml }
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
    v.required("to", o.to,
               "the version of HL7 v2 to write, such as 2.5.1, or the form in which the message leaves: xml, "
               "json or er7");
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
        auto converted = hl7::convert(work.message(), to_, dictionary_, options_);
        if (!converted) {
            if (converted.error().code == "same_version") return StepResult::ok();
            return held("", converted.error());
        }
        if (otherwise_ == NoPlace::hold) {
            for (auto const& note : converted->notes)
                if (note.kind == hl7::ConversionNote::Kind::kept)
                    return held(note.path, error("no_place", "", note.reason));
        }
        auto message = hl7::Message::parse(std::move(converted->bytes), work.message().charset_given());
        if (!message) return held("", message.error());
        work.piece.become(std::move(*message));
        return StepResult::ok();
    }

  private:
    hl7::Version to_;
    hl7::ConversionOptions options_;
    NoPlace otherwise_;
    hl7::Dictionary dictionary_;
};

// The message stays what it is for the steps behind; only what is delivered is written so.
class FormStep final : public Step {
  public:
    explicit FormStep(hl7::Form form) : form_(form), detail_("to " + std::string(name(form))) {}

    StepResult run(Work& work) const override {
        work.form = form_;
        return StepResult::ok();
    }
    std::string_view detail() const override { return detail_; }
    Forms forms(Forms) const override { return {form_}; }

  private:
    hl7::Form form_;
    std::string detail_;
};

std::optional<hl7::Version> version(config::Text const& text, config::Diagnostics& diagnostics) {
    auto const found = hl7::version_named(text.value);
    if (!found)
        diagnostics.error(text.where, "HL7 v2 has no version " + config::in_quotes(text.value),
                          "write one of 2.1, 2.2, 2.3, 2.3.1, 2.4, 2.5, 2.5.1, 2.6, 2.7, 2.7.1, 2.8, 2.8.1, "
                          "2.8.2, or a form: xml, json, er7");
    return found;
}

std::unique_ptr<Step> compile_form(hl7::Form form, config::Step const& step, CompileContext& context) {
    auto const before = context.diagnostics.errors();
    for (char const* key : {"from", "otherwise"}) {
        if (auto const* const written = step.options.find(key))
            context.diagnostics.error(written->where,
                                      config::in_quotes(key) + " is for another version; in " +
                                          std::string(name(form)) + " everything has a place",
                                      "remove it, or convert to a version in a step of its own");
    }
    if (context.answer)
        context.diagnostics.error(step.where, "an answer leaves with delimiters, as ER7", "remove the step");
    return context.diagnostics.errors() == before ? std::make_unique<FormStep>(form) : nullptr;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<ConvertOptions>(step.options, "convert", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (!context.each.empty())
        diagnostics.error(step.where, "convert changes the whole message, and can't stand inside for_each",
                          "put it before or behind");
    auto const form = hl7::form_named(o.to.value);
    if (form && !(context.content == Content::fhir && *form == hl7::Form::er7)) {
        auto compiled = compile_form(*form, step, context);
        return diagnostics.errors() == before ? std::move(compiled) : nullptr;
    }
    if (context.content == Content::fhir) {
        diagnostics.error(o.to.where, "FHIR leaves as xml or json", "write convert: { to: xml }");
        return nullptr;
    }
    auto const to = version(o.to, diagnostics);
    hl7::ConversionOptions options;
    if (!o.from.empty()) options.from = version(o.from, diagnostics);
    options.drop = o.otherwise == NoPlace::drop;
    if (to && o.otherwise == NoPlace::unsaid)
        diagnostics.error(step.where,
                          "convert does not say what becomes of values that version has no place for",
                          "add otherwise: keep, otherwise: drop, or otherwise: hold");
    if (!to || diagnostics.errors() != before) return nullptr;
    return std::make_unique<ConvertStep>(*to, options, o.otherwise, context.dictionary);
}

}  // namespace

StepKind convert_step() {
    return {"convert",    "brings the message to another version of HL7 v2, or into XML or JSON",
            compile,      config::SchemaWriter::of<ConvertOptions>,
            true,         false,
            WorksOn::both};
}

}  // namespace hilum::routes
