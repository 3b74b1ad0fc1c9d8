// The story of a FHIR interaction: as that of an HL7 v2 message (flow.cpp), with HTTP's answers.
#include <algorithm>

#include "engine/flow/admission.h"
#include "engine/flow/flow.h"
#include "routes/subject.h"

namespace hilum::flow {

using routes::RouteOutcome;
using store::MessageState;

namespace {

Error route_refusal(routes::Processed const& processed) {
    return error("refused_by_route", "", processed.rejection);
}

}  // namespace

net::Task<FhirAnswer> Flow::accept(Entrance const& listener, FhirArrival const& arrival,
                                   std::string_view source, Again const* again) {
    auto& metrics = *listener.metrics;
    metrics.received.fetch_add(1, std::memory_order_relaxed);
    metrics.bytes.fetch_add(arrival.body.size(), std::memory_order_relaxed);
    auto const generation = generation_.load();
    auto const& pipeline = *generation->pipeline;
    auto const now_us = now_us_();

    // 1. Read.
    auto const index = pipeline.listener(listener.name);
    auto text = fhir::interaction_text(arrival.request, arrival.body);
    auto interaction = fhir::Interaction::read(text);
    if (!interaction) {
        auto answer = refused(status_of_unreadable(interaction.error()), interaction.error());
        co_return co_await refuse(listener, text, source, *generation, std::move(answer), {}, again);
    }
    // Kept as it came where that says it all.
    bool const plain =
        interaction->has_body && interaction->request == fhir::default_request(interaction->resource);
    if (plain) text = fhir::resource_text(arrival.body);
    Claim claim;
    if (listener.duplicates && !again) {
        auto copy = co_await answer_copy(listener, *interaction, arrival, text, source, claim);
        if (copy) co_return std::move(*copy);
    }
    std::string note;
    auto const noted = [&] {
        std::vector<store::VerdictEntry> verdicts;
        if (!note.empty())
            verdicts.push_back(
                {generation->validation_name, static_cast<std::uint8_t>(RouteOutcome::noted), note});
        return verdicts;
    };
    auto fault = admission_fault(*interaction, again ? nullptr : generation->validator(index), note);
    if (fault)
        co_return co_await refuse(listener, text, source, *generation, std::move(*fault), noted(), again);

    // 2. Process.
    if (index == routes::Pipeline::none)
        co_return flow::not_stored(error("reloading", listener.name, "the configuration is being changed"));
    routes::Processed processed;
    pipeline.process(index, routes::Subject{nullptr, nullptr, &*interaction}, text, now_us, processed);
    if (again && !again->only.empty()) keep_only(processed, pipeline, again->only);
    count(*generation, index, processed, metrics);
    if (processed.rejected) {
        co_return co_await refuse(listener, text, source, *generation,
                                  refused(422, route_refusal(processed), "business-rule"),
                                  verdicts_of(*generation, processed), again);
    }

    // 3. Commit.
    auto record = record_of(listener, *generation, text, source, again);
    record.received_us = now_us;
    take_over(processed, *generation, record);
    for (auto const& verdict : noted()) record.verdicts.push_back(verdict);
    auto const told = std::to_string(arrival.success);
    record.answer_code = told;
    bool const waits = !again && may_reach(processed, *generation, listener.reply_from);
    std::optional<delivery::Replies::Wait> wait;
    CommitHub::BeforeLanes expect;
    if (waits) {
        record.answer_code = told_later;
        auto const executor = co_await net::asio::this_coro::executor;
        wait.emplace(replies_, executor);
        expect = [&wait, &listener](store::Sequence number) {
            (void)wait->expect(number, listener.reply_from);  // when too many wait, none is awaited
        };
    }
    auto const ticket = co_await hub_.commit(store_, record, waits ? &expect : nullptr);
    if (!ticket) {
        no_room(listener, ticket.error());
        co_return flow::not_stored(ticket.error());
    }
    claim.stored({ticket->sequence, ticket->position, now_us});

    // 4. Answer.
    FhirAnswer answer;
    answer.status = arrival.success;
    if (waits) {
        answer = co_await relay(listener, *ticket, *wait);
    } else if (listener.reply_from != 0) {
        // No route sends it to the system whose answer the client wants, or one holds it.
        answer = refused(processed.held() ? 503 : 404,
                         error(processed.held() ? "held" : "filtered", "",
                               processed.held() ? "held for a person" : "no route sends this on"),
                         processed.held() ? "transient" : "not-found");
    }
    answer.message = ticket->sequence;
    answer.received_us = now_us;
    answer.stored = true;
    metrics.acknowledged.fetch_add(1, std::memory_order_relaxed);
    co_return answer;
}

std::vector<fhir::Finding> Flow::check(Entrance const& listener, fhir::Element resource) const {
    auto const generation = generation_.load();
    auto const* const validator = generation->validator(generation->pipeline->listener(listener.name));
    return validator && validator->fhir ? validator->fhir->check(resource)
                                        : FhirConformance().check(resource);
}

net::Task<Flow::Retaken> Flow::accept_again(Entrance const& listener, std::string_view bytes,
                                            std::string_view source, Again const& again) {
    auto const& pipeline = *generation_.load()->pipeline;
    if (pipeline.content(pipeline.listener(listener.name)) == routes::Content::hl7) {
        auto const answer = co_await accept(listener, bytes, source, &again);
        co_return Retaken{answer.stored, answer.message, !answer.stored && answer.code == hl7::AckCode::AE};
    }
    auto const interaction = fhir::Interaction::read(bytes);
    if (!interaction) co_return Retaken{};
    auto const json = interaction->has_body ? interaction->resource.json() : std::string();
    FhirArrival arrival;
    arrival.request = interaction->request;
    arrival.body = json;
    auto const answer = co_await accept(listener, arrival, source, &again);
    co_return Retaken{answer.stored, answer.message, !answer.stored && !answer.later};
}

net::Task<FhirAnswer> Flow::relay(Entrance const& listener, store::Ticket const& ticket,
                                  delivery::Replies::Wait& wait) {
    auto const came = co_await wait.reply(listener.reply_within);
    auto const response = came ? read_relayed(came->bytes) : std::nullopt;
    FhirAnswer answer;
    std::string why;
    if (!came) {
        if (listener.cancel_late) hub_.cancel(listener.reply_from, ticket.sequence);
        why = "no answer from " + listener.reply_name + " in time";
        answer =
            refused(504, error("timeout", "", why, listener.cancel_late ? "" : "it is stored, and goes on"),
                    "timeout");
    } else if (response) {
        answer.status = response->status;
        answer.relayed = came->bytes;
    } else if (came->outcome == store::DeliveryOutcome::delivered) {
        answer.status = 200;
    } else {
        why = listener.reply_name + " has not taken it (" + came->code + ")";
        answer = refused(502, error("not_taken", "", why), "exception");
    }
    auto const told = std::to_string(answer.status);
    record_told(ticket, told, why);
    co_return answer;
}

net::Task<FhirAnswer> Flow::refuse(Entrance const& listener, std::string_view text, std::string_view source,
                                   Generation const& generation, FhirAnswer answer,
                                   std::vector<store::VerdictEntry> verdicts, Again const* again) {
    listener.metrics->rejected.fetch_add(1, std::memory_order_relaxed);
    auto record = record_of(listener, generation, text, source, again);
    record.received_us = now_us_();
    record.state = MessageState::rejected;
    auto const told = std::to_string(answer.status);
    record.answer_code = told;
    record.answer = answer.outcome;
    record.verdicts = std::move(verdicts);
    // A refusal stands whether or not it could be stored: nothing was promised.
    if (auto const ticket = co_await hub_.commit(store_, record)) {
        answer.message = ticket->sequence;
        answer.stored = true;
    }
    co_return answer;
}

}  // namespace hilum::flow
