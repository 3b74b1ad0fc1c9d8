// validate: { otherwise: hold }
// validate: { profile: profiles/adt.yaml, otherwise: reject }
#include "parsers/hl7/validate.h"

#include <utility>

#include "parsers/fhir/validate.h"
#include "routes/config/profile.h"
#include "routes/fhir_conformance.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

enum class OnFindings : unsigned char { unsaid, hold, reject, pass };

struct ValidateOptions {
    config::Text profile;
    OnFindings otherwise = OnFindings::unsaid;
    FhirProfileOptions fhir;
};

template <class V>
void describe(V& v, ValidateOptions& o) {
    v.optional(
        "profile", o.profile,
        "of HL7 v2: a conformance profile, YAML or NIST IGAMT XML, relative to this configuration file");
    describe(v, o.fhir);
    v.choice("otherwise", o.otherwise,
             {{"hold", OnFindings::hold}, {"reject", OnFindings::reject}, {"pass", OnFindings::pass}},
             "what becomes of a message with errors: hold it, reject it with a NAK, or pass it and note "
             "them in the trace");
}

class ValidateStep final : public Step {
  public:
    ValidateStep(hl7::Rules rules, OnFindings otherwise) : rules_(std::move(rules)), otherwise_(otherwise) {}

    StepResult run(Work& work) const override {
        auto const report = hl7::validate(work.message(), rules_);
        if (report.conforms()) return StepResult::ok();
        StepResult result;
        result.reason = std::to_string(report.errors) + (report.errors == 1 ? " error" : " errors");
        for (auto const& finding : report.findings) {
            if (finding.severity != 'E') continue;
            result.reason += ", the first at " + finding.place.text() + ": " + finding.text();
            break;
        }
        if (otherwise_ == OnFindings::pass) {
            if (work.notes) work.notes->push_back("validate: " + result.reason);
            return StepResult::ok();
        }
        result.next = otherwise_ == OnFindings::hold ? StepResult::Next::hold : StepResult::Next::reject;
        return result;
    }

  private:
    hl7::Rules rules_;
    OnFindings otherwise_;
};

// Against FHIR R4, and profiles.
class FhirValidateStep final : public Step {
  public:
    FhirValidateStep(std::shared_ptr<FhirConformance const> conformance, OnFindings otherwise)
        : conformance_(std::move(conformance)), otherwise_(otherwise) {}

    StepResult run(Work& work) const override {
        auto const findings = conformance_->check(work.piece.interaction().resource.root());
        if (!fhir::refuses(findings)) return StepResult::ok();
        StepResult result;
        result.reason = fhir::summary(findings);
        if (otherwise_ == OnFindings::pass) {
            if (work.notes) work.notes->push_back("validate: " + result.reason);
            return StepResult::ok();
        }
        result.next = otherwise_ == OnFindings::hold ? StepResult::Next::hold : StepResult::Next::reject;
        return result;
    }

  private:
    std::shared_ptr<FhirConformance const> conformance_;
    OnFindings otherwise_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<ValidateOptions>(step.options, "validate", diagnostics);
    if (o.otherwise == OnFindings::unsaid && diagnostics.errors() == before)
        diagnostics.error(step.where, "validate does not say what becomes of a message with errors",
                          "add otherwise: hold, otherwise: reject, or otherwise: pass");
    auto const* const written = step.options.find("profile");
    if (written && written->is_scalar() && !written->unusable && o.profile.empty())
        diagnostics.error(written->where, "the profile has no name",
                          "name its file, or leave the key out for the standard alone");
    if (context.content == Content::fhir) {
        if (!o.profile.empty())
            diagnostics.error(o.profile.where, "the profile is one of HL7 v2, and this is FHIR", "remove it");
        auto conformance = FhirConformance::load(o.fhir, diagnostics);
        if (diagnostics.errors() != before) return nullptr;
        return std::make_unique<FhirValidateStep>(std::move(conformance), o.otherwise);
    }
    for (auto const* const list : {&o.fhir.packages, &o.fhir.profiles}) {
        if (!list->empty())
            diagnostics.error(list->front().where, "this is about FHIR, and what comes here is HL7 v2",
                              "name a profile of HL7 v2 with profile:, or remove it");
    }
    std::shared_ptr<hl7::Profile const> profile;
    if (!o.profile.empty()) profile = config::load_profile(o.profile, diagnostics);
    if (diagnostics.errors() != before || (!o.profile.empty() && !profile)) return nullptr;
    // Made when the first step asks for them: they take some time and memory.
    if (!context.rules) context.rules = hl7::Rules::of(context.dictionary, context.closed_tables);
    return std::make_unique<ValidateStep>(profile ? context.rules->with(profile) : *context.rules,
                                          o.otherwise);
}

}  // namespace

StepKind validate_step() {
    return {"validate",   "holds the message against the standard, or a profile too",
            compile,      config::SchemaWriter::of<ValidateOptions>,
            true,         false,
            WorksOn::both};
}

}  // namespace hilum::routes
