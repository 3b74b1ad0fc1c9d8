#include "engine/flow/dry_run.h"

#include "engine/flow/admission.h"
#include "engine/flow/fhir_intake.h"
#include "engine/flow/timestamp.h"
#include "engine/listeners/text_options.h"
#include "routes/subject.h"

namespace hilum::flow {
namespace {

constexpr std::string_view control_id = "1";

}  // namespace

DryRun::DryRun(Loaded const& loaded) : loaded_(loaded), validators_(make_validators(loaded.config)) {
    for (auto const& listener : loaded.config.listeners) {
        charsets_.push_back(listeners::charset_of(listener));
        intake_.push_back(intake_options(listener));
    }
}

testing::Taken DryRun::take(std::uint32_t listener, std::string_view bytes, std::int64_t now_us,
                            routes::Observer* observer, routes::Outside* outside) {
    testing::Taken taken;
    if (loaded_.pipeline->content(listener) == routes::Content::fhir)
        return take_fhir(listener, bytes, now_us, observer, outside);
    auto const timestamp = hl7_timestamp(now_us);
    auto const message = hl7::Message::view(bytes, charsets_[listener]);
    if (!message) {
        taken.refused = true;
        auto const fault = unreadable(message.error());
        taken.answer = hl7::build_nak_for_fragment(bytes, {control_id, timestamp}, fault);
        if (taken.answer.empty()) taken.answer = nak_without_header(control_id, timestamp, fault);
        taken.answer_code = "AR";
        shape(listener, now_us, taken);
        return taken;
    }
    auto fault = admission_fault(*message);
    auto const& validator = validators_[listener];
    std::string note;
    if (!fault && validator)
        fault = conformance_.judge(*validator, loaded_.config.listeners[listener].name, *message, note);
    taken.refused = fault.has_value();
    if (!fault)
        loaded_.pipeline->process(listener, *message, bytes, now_us, taken.processed, observer, outside);
    if (taken.processed.rejected) fault = refused_by_route(taken.processed);
    auto const& ack = intake_[listener].ack;
    Outcome outcome;
    if (ack.mode != AckMode::original) outcome.request = hl7::ack_request(*message);
    outcome.outcome = fault ? hl7::AckOutcome::error : hl7::AckOutcome::stored;
    outcome.error = fault ? &*fault : nullptr;
    outcome.control_id = outcome.application_id = control_id;
    outcome.timestamp = timestamp;
    bool const elsewhere = !ack.application_to.empty();
    auto answer = answer_of(*message, outcome, elsewhere);
    taken.answer_code = told(outcome, elsewhere);
    if (!answer.owed) return taken;
    taken.answer = std::move(answer.bytes);
    shape(listener, now_us, taken);
    return taken;
}

testing::Taken DryRun::take_fhir(std::uint32_t listener, std::string_view bytes, std::int64_t now_us,
                                 routes::Observer* observer, routes::Outside* outside) {
    testing::Taken taken;
    auto interaction = fhir::Interaction::read(bytes);
    std::string note;
    auto const fault = interaction ? admission_fault(*interaction, validators_[listener].get(), note)
                                   : refused(status_of_unreadable(interaction.error()), interaction.error());
    if (fault) {
        taken.refused = true;
        taken.answer_code = std::to_string(fault->status);
        taken.answer = fault->outcome;
        return taken;
    }
    loaded_.pipeline->process(listener, routes::Subject{nullptr, nullptr, &*interaction}, bytes, now_us,
                              taken.processed, observer, outside);
    taken.answer_code = taken.processed.rejected ? "422" : "202";
    if (taken.processed.rejected)
        taken.answer =
            refused(422, error("refused_by_route", "", taken.processed.rejection), "business-rule").outcome;
    return taken;
}

void DryRun::shape(std::uint32_t listener, std::int64_t now_us, testing::Taken& taken) const {
    auto const& pipeline = *loaded_.pipeline;
    // One that can't be shaped is told as it was.
    if (!pipeline.shapes_answers(listener) || !pipeline.shape_answer(listener, taken.answer, now_us)) return;
    if (auto const read = hl7::read_ack(taken.answer)) taken.answer_code = hl7::name(read->code);
}

}  // namespace hilum::flow
