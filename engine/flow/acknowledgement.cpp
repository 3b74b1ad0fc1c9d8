#include "engine/flow/acknowledgement.h"

#include "engine/flow/rate_options.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/msh.h"
#include "routes/answer.h"

namespace hilum::flow {

namespace {

// As they are written: `ack` may be the word "stored", which is what its defaults do.
struct Written {
    config::Node ack;
    SequenceMode sequence = SequenceMode::off;
    config::StepNodes answer;  // for the pipeline, which compiles them
    config::Node deduplicate;
    config::Node rate;
};

template <class V>
void describe(V& v, Written& o) {
    constexpr std::string_view ack_summary = "how messages are acknowledged";
    constexpr std::string_view deduplicate_summary =
        "messages that were accepted before are not processed again, and answered as then";
    constexpr std::string_view rate_summary =
        "how many messages are taken, such as 100/s; senders of more are kept waiting, not refused";
    static constexpr config::Choice<SequenceMode> words[] = {{"off", SequenceMode::off},
                                                             {"check", SequenceMode::check}};
    if constexpr (std::is_same_v<V, config::SchemaWriter>) {
        v.property("ack", R"({"anyOf":[{"enum":["stored"]},)" + config::SchemaWriter::of<AckPolicy>() + "]}",
                   ack_summary, false);
        v.property("deduplicate", duplicate_options_schema(), deduplicate_summary, false);
        v.property("rate", rate_options_schema(), rate_summary, false);
    } else {
        v.optional("ack", o.ack, ack_summary);
        v.optional("deduplicate", o.deduplicate, deduplicate_summary);
        v.optional("rate", o.rate, rate_summary);
    }
    v.choice("sequence", o.sequence, words,
             "check: MSH-13 must count up by one for each sender (HL7 v2.8.2 §2.10.1)");
    v.optional("answer", o.answer, "steps that change the answer before it is sent, such as set");
}

IntakeOptions read(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const what = "listener " + config::in_quotes(component.name);
    auto const written = config::decode_options<Written>(component.common, what, diagnostics);
    IntakeOptions options;
    options.sequence = written.sequence;
    if (written.deduplicate.kind != config::Node::Kind::null)
        options.deduplicate = read_duplicate_options(
            written.deduplicate, what, component.content.value_or(config::Content::hl7), diagnostics);
    if (written.rate.kind != config::Node::Kind::null)
        options.rate = read_rate(written.rate, what, diagnostics);
    if (written.ack.kind == config::Node::Kind::null) return options;
    if (written.ack.is_scalar()) {
        if (written.ack.scalar == "delivered") {
            diagnostics.error(written.ack.where, "ack: delivered does not say whose answer the sender gets",
                              "write { mode: delivered, from: NAME } with the name of a destination");
        } else if (written.ack.scalar != "stored") {
            diagnostics.error(written.ack.where,
                              config::in_quotes(written.ack.scalar) + " is no way to acknowledge",
                              "write stored, or leave it out");
        }
        return options;
    }
    options.ack = config::decode_options<AckPolicy>(written.ack, "\"ack\" of " + what, diagnostics);
    return options;
}

std::string build(hl7::Message const& message, hl7::AckCode code, Outcome const& outcome,
                  std::string_view control_id, std::string_view accept) {
    hl7::AckOptions options;
    options.control_id = control_id;
    options.timestamp = outcome.timestamp;
    options.expected_sequence = outcome.expected_sequence;
    if (outcome.request.enhanced) {
        // An acknowledgement is owed no application acknowledgement (HL7 v2.8.2 §2.9.3.2).
        options.accept = accept;
        options.application = "NE";
    }
    std::string out;
    hl7::build_ack(message, code, options, outcome.error, out);
    return out;
}

// What an answer would say where none is owed: listeners without a sender that listens still go by it.
hl7::AckCode unasked(hl7::AckOutcome outcome) {
    return outcome == hl7::AckOutcome::stored  ? hl7::AckCode::CA
           : outcome == hl7::AckOutcome::error ? hl7::AckCode::CE
                                               : hl7::AckCode::CR;
}

}  // namespace

std::vector<std::string_view> listener_keys() {
    return {"ack", "deduplicate", "rate", "sequence", routes::AnswerSteps::key};
}

std::string listener_keys_schema() {
    return config::SchemaWriter::properties_of<Written>();
}

namespace {

// What FHIR says otherwise, or not at all.
void check_for_fhir(config::Component const& component, IntakeOptions const& options,
                    config::Diagnostics& diagnostics) {
    for (std::string_view const key :
         {std::string_view("sequence"), std::string_view(routes::AnswerSteps::key)}) {
        if (auto const* written = component.common.find(key))
            diagnostics.error(
                written->where,
                config::in_quotes(key) + " is about HL7 v2 messages, and this listener takes FHIR",
                "remove it");
    }
    if (options.ack.mode == AckMode::enhanced || !options.ack.application_to.empty())
        diagnostics.error(component.common.find("ack")->where,
                          "enhanced mode is about HL7 v2 messages, and this listener takes FHIR",
                          "write ack: stored, or { mode: delivered, from: NAME }");
}

}  // namespace

void check_listener_common(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const options = read(component, diagnostics);
    auto const& to = options.ack.application_to;
    if (!to.empty() && options.ack.mode != AckMode::enhanced)
        diagnostics.error(to.where, "application_to has no effect without enhanced mode",
                          "add mode: enhanced, or leave it out");
    bool const delivered = options.ack.mode == AckMode::delivered;
    auto const* ack = component.common.find("ack");
    if (delivered && options.deduplicate)
        diagnostics.error(
            component.common.find("deduplicate")->where,
            "a copy can't be told what a destination answered to the first: the store does not keep "
            "all of it",
            "leave out deduplicate, or mode: delivered");
    if (delivered && options.ack.from.empty())
        diagnostics.error(ack->where, "mode: delivered does not say whose answer the sender gets",
                          "add from: and the name of a destination");
    if (!delivered && !options.ack.from.empty())
        diagnostics.error(options.ack.from.where, "from has no effect without mode: delivered",
                          "add mode: delivered, or leave it out");
    if (delivered && options.ack.within.count() <= 0)
        diagnostics.error(ack->where, "ack.within is no time at all", "write 30s");
    if (component.content == config::Content::fhir) check_for_fhir(component, options, diagnostics);
}

IntakeOptions intake_options(config::Component const& component) {
    config::Diagnostics ignored;  // check has seen it
    return read(component, ignored);
}

config::NameList listener_subscriptions(config::Component const& component) {
    config::NameList names;
    config::Diagnostics ignored;  // of the listener's own check
    auto const* const written = component.options.find("subscriptions");
    if (!written || !config::decode_value(*written, names, ignored)) return {};
    return names;
}

config::NameList listener_destinations(config::Component const& component) {
    auto const options = intake_options(component);
    config::NameList names;
    for (auto const& name : {options.ack.application_to, options.ack.from})
        if (!name.empty()) names.push_back({name.value, name.where});
    auto const subscriptions = listener_subscriptions(component);
    names.insert(names.end(), subscriptions.begin(), subscriptions.end());
    return names;
}

hl7::AckRequest request_of(AckMode mode, hl7::Message const& message) {
    return mode == AckMode::enhanced ? hl7::ack_request(message) : hl7::AckRequest{};
}

Answer answer_of(hl7::Message const& message, Outcome const& outcome, bool elsewhere) {
    auto const owed = hl7::acks_owed(outcome.request, outcome.outcome);
    Answer answer;
    bool const application = owed.application && !(elsewhere && outcome.request.enhanced);
    // A peer that is answered on the connection it wrote to is asked for no acknowledgement in return.
    if (application && !owed.accept) {
        answer.code = *owed.application;
        answer.bytes = build(message, answer.code, outcome, outcome.control_id, "NE");
        return answer;
    }
    answer.code = owed.accept.value_or(unasked(outcome.outcome));
    answer.bytes = build(message, answer.code, outcome, outcome.control_id, "NE");
    answer.owed = owed.accept.has_value();
    if (application)
        answer.application = build(message, *owed.application, outcome, outcome.application_id, "NE");
    return answer;
}

std::string application_elsewhere(hl7::Message const& message, Outcome const& outcome) {
    auto const owed = hl7::acks_owed(outcome.request, outcome.outcome);
    if (!outcome.request.enhanced || !owed.application) return {};
    // There it is a message like any other: that it was taken is worth knowing.
    return build(message, *owed.application, outcome, outcome.application_id, "AL");
}

std::optional<Answer> relayed(hl7::Message const& message, std::string response) {
    static auto const acknowledged = hl7::Path::parse("MSA-2").value();
    static auto const control_id = hl7::msh_field(10);
    auto const read = hl7::read_ack(response);
    if (!read) return std::nullopt;
    Answer answer;
    answer.code = read->code;
    std::string scratch;
    auto const wanted = std::string(message.text(control_id, scratch));
    if (read->control_id != wanted) {
        auto own = hl7::Message::view(response);
        if (!own || !own->set(acknowledged, wanted)) return std::nullopt;
        answer.bytes = own->bytes();
    } else {
        answer.bytes = std::move(response);
    }
    return answer;
}

std::string_view told(Outcome const& outcome, bool elsewhere) {
    auto const owed = hl7::acks_owed(outcome.request, outcome.outcome);
    if (owed.accept) return hl7::name(*owed.accept);
    if (owed.application && !(elsewhere && outcome.request.enhanced)) return hl7::name(*owed.application);
    return "none";
}

}  // namespace hilum::flow
