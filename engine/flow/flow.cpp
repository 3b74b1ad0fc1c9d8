#include "engine/flow/flow.h"

#include <algorithm>

#include "engine/flow/admission.h"
#include "engine/flow/timestamp.h"
#include "engine/listeners/text_options.h"
#include "parsers/hl7/charset_check.h"
#include "parsers/hl7/message.h"

namespace hilum::flow {

using routes::RouteOutcome;
using store::MessageState;

struct Flow::Refusal {
    hl7::AckCode code = hl7::AckCode::AR;
    hl7::AckError error;
    std::vector<store::VerdictEntry> verdicts;
};

std::shared_ptr<Generation const> make_generation(config::Config config,
                                                  std::shared_ptr<routes::Pipeline const> pipeline,
                                                  store::Store& store, ops::Metrics& metrics) {
    auto generation = std::make_shared<Generation>();
    generation->config = std::move(config);
    for (auto const& listener : generation->config.listeners)
        generation->charsets.push_back(listeners::charset_of(listener));
    for (auto const& route : pipeline->route_names()) {
        generation->routes.push_back(store.name_id(route));
        generation->route_metrics.push_back(&metrics.route(route));
    }
    for (auto const& destination : pipeline->destination_names())
        generation->destinations.push_back(store.name_id(destination));
    generation->pipeline = std::move(pipeline);
    generation->validators = make_validators(generation->config);
    generation->validation_name = store.name_id("(validation)");
    return generation;
}

namespace {

MessageState state_of(routes::Processed const& processed) {
    if (processed.held()) return MessageState::held;
    return processed.deliveries.empty() ? MessageState::filtered : MessageState::accepted;
}

std::vector<store::VerdictEntry> verdicts_of(Generation const& generation,
                                             routes::Processed const& processed) {
    std::vector<store::VerdictEntry> verdicts;
    verdicts.reserve(processed.verdicts.size());
    for (auto const& v : processed.verdicts) {
        verdicts.push_back({generation.routes[v.route], static_cast<std::uint8_t>(v.outcome), v.reason});
    }
    return verdicts;
}

store::VerdictEntry noted(Generation const& generation, std::string_view note) {
    return {generation.validation_name, static_cast<std::uint8_t>(RouteOutcome::noted), note};
}

// Leaves of what the routes made only the part of those that held the message before.
void keep_only(routes::Processed& processed, routes::Pipeline const& pipeline,
               std::vector<std::string> const& routes) {
    auto const other = [&](std::uint32_t route) {
        return std::find(routes.begin(), routes.end(), pipeline.route_names()[route]) == routes.end();
    };
    std::erase_if(processed.verdicts, [&](auto const& v) { return other(v.route); });
    std::erase_if(processed.deliveries, [&](auto const& d) { return other(d.route); });
}

std::string ack(hl7::Message const& message, hl7::AckCode code, std::string_view control_id,
                std::int64_t now_us, hl7::AckError const* error) {
    std::string out;
    auto const timestamp = hl7_timestamp(now_us);
    hl7::build_ack(message, code, {control_id, timestamp}, error, out);
    return out;
}

}  // namespace

Flow::Flow(store::Store& store, CommitHub& hub, ops::Metrics& metrics, std::function<std::int64_t()> now_us)
    : store_(store), hub_(hub), metrics_(metrics), now_us_(std::move(now_us)) {}

Flow::Entrance Flow::entrance(std::string name) const {
    Entrance entrance{std::move(name)};
    entrance.id = store_.name_id(entrance.name);
    entrance.metrics = &metrics_.listener(entrance.name);
    return entrance;
}

// The story of a message.
net::Task<Answer> Flow::accept(Entrance const& listener, std::string_view bytes, std::string_view source,
                               Again const* again) {
    auto& metrics = *listener.metrics;
    metrics.received.fetch_add(1, std::memory_order_relaxed);
    metrics.bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
    auto const generation = generation_.load();
    auto const& pipeline = *generation->pipeline;
    auto const now_us = now_us_();

    // 1. Read. What can't be answered for is refused, and says why.
    auto const index = pipeline.listener(listener.name);
    auto const message = hl7::Message::view(bytes, generation->charset(index));
    if (!message) {
        Refusal const refusal{hl7::AckCode::AR, unreadable(message.error()), {}};
        co_return co_await refuse(listener, bytes, source, *generation, nullptr, refusal);
    }
    if (auto const fault = admission_fault(*message)) {
        Refusal const refusal{hl7::AckCode::AE, *fault, {}};
        co_return co_await refuse(listener, bytes, source, *generation, &*message, refusal);
    }
    if (message->tolerances() != 0 || !hl7::check_charset(*message, 1).empty())
        metrics.tolerated.fetch_add(1, std::memory_order_relaxed);
    std::string note;
    if (auto const* validator = generation->validator(index); validator && !again) {
        if (auto const fault = conformance_.judge(*validator, listener.name, *message, note)) {
            Refusal refusal{hl7::AckCode::AE, *fault, {}};
            refusal.verdicts.push_back(noted(*generation, note));
            co_return co_await refuse(listener, bytes, source, *generation, &*message, refusal);
        }
    }

    // 2. Process: what every route makes of it, and which deliveries that causes.
    routes::Processed processed;
    // A listener that a reload has opened, before the configuration that knows it is in force: without routes
    // the message would end here.
    if (index == routes::Pipeline::none)
        co_return not_stored(*message,
                             error("reloading", listener.name, "the configuration is being changed"));
    pipeline.process(index, *message, bytes, now_us, processed);
    if (again) keep_only(processed, pipeline, again->only);
    count(*generation, processed, metrics);
    if (processed.rejected) {
        Refusal const refusal{hl7::AckCode::AE,
                              {"", "207", "refused by a route: " + processed.rejection, 'E'},
                              verdicts_of(*generation, processed)};
        co_return co_await refuse(listener, bytes, source, *generation, &*message, refusal);
    }

    // 3. Commit. Durable step: the message, the verdicts, and one delivery per destination, in one record
    // under one sync.
    store::MessageRecord record;
    record.received_us = now_us;
    record.listener = listener.id;
    record.state = state_of(processed);
    record.origin = again ? again->origin : 0;
    record.source = source;
    record.config_hash = generation->config.hash;
    record.received = bytes;
    record.answer_code = "AA";
    record.verdicts = verdicts_of(*generation, processed);
    if (!note.empty()) record.verdicts.push_back(noted(*generation, note));
    record.bodies.assign(processed.bodies.begin(), processed.bodies.end());
    record.deliveries.reserve(processed.deliveries.size());
    for (auto const& d : processed.deliveries)
        record.deliveries.push_back(
            {generation->destinations[d.destination], generation->routes[d.route], d.body});
    auto const ticket = co_await hub_.commit(store_, record);
    if (!ticket) {
        metrics.rejected.fetch_add(1, std::memory_order_relaxed);
        co_return not_stored(*message, ticket.error());
    }

    // 4. Answer. (The lanes have it already: the commit hub hands them what is durable, in journal order.)
    metrics.acknowledged.fetch_add(1, std::memory_order_relaxed);
    co_return Answer{hl7::AckCode::AA,
                     ack(*message, hl7::AckCode::AA, std::to_string(ticket->sequence), now_us, nullptr),
                     ticket->sequence, true};
}

net::Task<Answer> Flow::refuse(Entrance const& listener, std::string_view bytes, std::string_view source,
                               Generation const& generation, hl7::Message const* message,
                               Refusal const& refusal) {
    auto& metrics = *listener.metrics;
    metrics.rejected.fetch_add(1, std::memory_order_relaxed);
    auto const now_us = now_us_();
    auto const timestamp = hl7_timestamp(now_us);
    auto const control_id = "R" + std::to_string(now_us);
    Answer answer;
    answer.code = refusal.code;
    answer.bytes = message ? ack(*message, refusal.code, control_id, now_us, &refusal.error)
                           : hl7::build_nak_for_fragment(bytes, {control_id, timestamp}, refusal.error);
    // Even what is no HL7 at all gets an answer: a sender that waits for one would hang, then send the same
    // again.
    if (answer.bytes.empty()) answer.bytes = nak_without_header(control_id, timestamp, refusal.error);

    store::MessageRecord record;
    record.received_us = now_us;
    record.listener = listener.id;
    record.state = MessageState::rejected;
    record.source = source;
    record.config_hash = generation.config.hash;
    record.received = bytes;
    record.answer_code = hl7::name(refusal.code);
    record.answer = answer.bytes;
    record.verdicts = refusal.verdicts;
    // A refusal stands whether or not it could be stored: nothing was promised.
    auto const ticket = co_await hub_.commit(store_, record);
    if (ticket) {
        answer.message = ticket->sequence;
        answer.stored = true;
    }
    co_return answer;
}

Answer Flow::not_stored(hl7::Message const& message, Error const& why) {
    // HL70357 207 on an AR: nothing is wrong with the message, send it again later (HL7 v2.8.2 §2.9.2.2).
    // Only one that no journal can hold is an error of its own (104, value too long), or its sender would try
    // for ever.
    bool const too_large = why.code == "record_too_large";
    auto const code = too_large ? hl7::AckCode::AE : hl7::AckCode::AR;
    hl7::AckError const error{"", too_large ? "104" : "207",
                              "not stored (" + why.code + ")" + (too_large ? "" : ", send it again"), 'E'};
    auto const now_us = now_us_();
    return {code, ack(message, code, "R" + std::to_string(now_us), now_us, &error), 0, false};
}

void Flow::count(Generation const& generation, routes::Processed const& processed,
                 ops::ListenerMetrics& metrics) {
    for (auto const& v : processed.verdicts) {
        auto& route = *generation.route_metrics[v.route];
        auto& counter = v.outcome == RouteOutcome::sent       ? route.sent
                        : v.outcome == RouteOutcome::filtered ? route.filtered
                        : v.outcome == RouteOutcome::held     ? route.held
                                                              : route.rejected;
        counter.fetch_add(1, std::memory_order_relaxed);
    }
    if (processed.rejected) return;
    if (processed.held())
        metrics.held.fetch_add(1, std::memory_order_relaxed);
    else if (processed.deliveries.empty())
        metrics.filtered.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace hilum::flow
