#include "engine/flow/flow.h"

#include <algorithm>

#include "engine/flow/admission.h"
#include "engine/flow/timestamp.h"
#include "parsers/hl7/charset_check.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/msh.h"

namespace hilum::flow {

using routes::RouteOutcome;
using store::MessageState;

struct Flow::Refusal {
    hl7::AckCode code = hl7::AckCode::AR;
    hl7::AckError error;
    std::vector<store::VerdictEntry> verdicts{};
    std::optional<std::int64_t> expected_sequence{};
};

namespace {

store::VerdictEntry noted(Generation const& generation, std::string_view note) {
    return {generation.validation_name, static_cast<std::uint8_t>(RouteOutcome::noted), note};
}

// Tells senders apart for the sequence number protocol: a link has two ends, MSH-3 and MSH-4 are this one.
std::string sender_of(hl7::Message const& message) {
    static auto const application = hl7::msh_field(3);
    static auto const facility = hl7::msh_field(4);
    std::string sender(message.get(application).raw);
    return (sender += '\n') += message.get(facility).raw;
}

std::optional<std::int64_t> expected(SequenceTable::Check const& check) {
    if (check.verdict == SequenceTable::Verdict::unnumbered) return std::nullopt;
    return check.expected;
}

// A further delivery of the record: the application acknowledgement.
void add_application(store::MessageRecord& record, Flow::Entrance const& listener, std::string const& ack) {
    if (ack.empty()) return;
    record.bodies.push_back(ack);
    record.deliveries.push_back({listener.application_to, listener.acknowledgement,
                                 static_cast<std::uint32_t>(record.bodies.size())});
}

constexpr std::string_view sender_name = "(sender)";

}  // namespace

Flow::Flow(store::Store& store, CommitHub& hub, ops::Metrics& metrics, ops::Log& log,
           destinations::Awaited& awaited, delivery::Replies& replies, std::function<std::int64_t()> now_us)
    : store_(store),
      hub_(hub),
      metrics_(metrics),
      log_(log),
      awaited_(awaited),
      replies_(replies),
      now_us_(std::move(now_us)) {}

Flow::Entrance Flow::entrance(std::string name, IntakeOptions const& options) const {
    Entrance entrance{std::move(name)};
    entrance.id = store_.name_id(entrance.name);
    entrance.metrics = &metrics_.listener(entrance.name);
    entrance.mode = options.ack.mode;
    if (!options.ack.application_to.empty()) {
        entrance.application_to = store_.name_id(options.ack.application_to.value);
        entrance.acknowledgement = store_.name_id(acknowledgement_route);
    }
    if (options.ack.mode == AckMode::delivered) {
        entrance.reply_from = store_.name_id(options.ack.from.value);
        entrance.reply_name = options.ack.from.value;
        entrance.reply_within = options.ack.within;
        entrance.cancel_late = options.ack.late == Late::cancel;
    }
    entrance.duplicates = options.duplicates;
    entrance.rate = options.rate;
    if (options.sequence == SequenceMode::check) entrance.sequences = std::make_shared<SequenceTable>();
    return entrance;
}

// MSH-10 of an answer whose message has no number yet: different from every other, 20 characters at most (its
// length up to 2.6).
std::string Flow::fresh_id(char first) {
    auto const count = std::to_string(ids_.fetch_add(1, std::memory_order_relaxed) % 1000);
    return first + std::to_string(now_us_()) + std::string(3 - count.size(), '0') + count;
}

// HL7 v2.8.2 §2.10.1. What is to be stored is reserved: settled() must follow.
SequenceTable::Check Flow::check_sequence(Entrance const& listener, hl7::Message const& message,
                                          std::string_view source) {
    if (!listener.sequences) return {};
    static auto const number = hl7::msh_field(13);
    static auto const control_id = hl7::msh_field(10);
    auto const check =
        listener.sequences->arrive(sender_of(message), message.get(number).raw, message.get(control_id).raw);
    using enum SequenceTable::Verdict;
    auto& metrics = *listener.metrics;
    if (check.verdict == gap || check.verdict == unreadable) {
        metrics.sequence_gaps.fetch_add(1, std::memory_order_relaxed);
        log_.warn("sequence_gap", {{"listener", listener.name},
                                   {"peer", source},
                                   {"number", check.number},
                                   {"expected", check.expected}});
    } else if (check.verdict == repeated) {
        metrics.sequence_repeats.fetch_add(1, std::memory_order_relaxed);
        log_.info("sequence_repeated",
                  {{"listener", listener.name}, {"peer", source}, {"number", check.number}});
    } else if (check.verdict == link) {
        log_.info("sequence_link", {{"listener", listener.name},
                                    {"peer", source},
                                    {"number", check.number},
                                    {"expected", check.expected}});
    }
    return check;
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
    using Sequence = SequenceTable::Verdict;

    // 1. Read. What can't be answered for is refused, and says why.
    auto const index = pipeline.listener(listener.name);
    auto const message = hl7::Message::view(bytes, generation->charset(index));
    if (!message) {
        Refusal const refusal{hl7::AckCode::AR, unreadable(message.error())};
        co_return co_await refuse(listener, bytes, source, *generation, nullptr, refusal, again);
    }
    if (auto const fault = admission_fault(*message)) {
        Refusal const refusal{hl7::AckCode::AE, *fault};
        co_return co_await refuse(listener, bytes, source, *generation, &*message, refusal, again);
    }
    Claim claim;
    if (listener.duplicates && !again) {
        auto copy = co_await answer_copy(listener, *message, bytes, source, claim);
        if (copy) co_return std::move(*copy);
    }
    if (message->tolerances() != 0 || !hl7::check_charset(*message, 1).empty())
        metrics.tolerated.fetch_add(1, std::memory_order_relaxed);
    std::string note;
    if (auto const* validator = generation->validator(index); validator && !again) {
        if (auto const fault = conformance_.judge(*validator, listener.name, *message, note)) {
            Refusal refusal{hl7::AckCode::AE, *fault, {}};
            refusal.verdicts.push_back(noted(*generation, note));
            co_return co_await refuse(listener, bytes, source, *generation, &*message, refusal, again);
        }
    }

    // 2. Process: what every route makes of it, and which deliveries that causes.
    routes::Processed processed;
    // A listener that a reload has opened, before the configuration that knows it is in force: without routes
    // the message would end here.
    if (index == routes::Pipeline::none)
        co_return not_stored(listener, *message,
                             error("reloading", listener.name, "the configuration is being changed"));
    auto const sequence = again ? SequenceTable::Check{} : check_sequence(listener, *message, source);
    if (sequence.verdict == Sequence::unsettled)
        co_return not_stored(listener, *message, error("busy", listener.name, "the message is being stored"));
    if (sequence.verdict == Sequence::gap || sequence.verdict == Sequence::unreadable) {
        bool const gap = sequence.verdict == Sequence::gap;
        // 207: nothing is wrong with the message, and sent in its turn it is taken.
        Refusal const refusal{
            hl7::AckCode::AE,
            {"MSH^1^13", gap ? "207" : "102",
             gap ? "MSH-13 is not the expected sequence number, which is in MSA-4" : "MSH-13 is no number",
             'E'},
            {},
            gap ? expected(sequence) : std::nullopt};
        co_return co_await refuse(listener, bytes, source, *generation, &*message, refusal, again);
    }
    Outcome outcome;
    outcome.request = request_of(listener.mode, *message);
    outcome.expected_sequence = expected(sequence);
    auto const timestamp = hl7_timestamp(now_us);
    outcome.timestamp = timestamp;
    if (sequence.verdict == Sequence::repeated) {
        // Its first copy is on disk, with all that it caused.
        auto const control_id = fresh_id('D'), application_id = fresh_id('A');
        outcome.control_id = control_id;
        outcome.application_id = application_id;
        auto repeated = answer_of(*message, outcome, listener.application_to != 0);
        shape(*generation, listener, repeated);
        repeated.stored = true;
        count_unanswered(repeated, metrics);
        co_return repeated;
    }
    // A message that only starts the link is kept, and goes nowhere.
    if (sequence.verdict != Sequence::link) pipeline.process(index, *message, bytes, now_us, processed);
    if (again && !again->only.empty()) keep_only(processed, pipeline, again->only);
    count(*generation, index, processed, metrics);
    auto const settle_sequence = [&](bool stored) {
        if (sequence.verdict == Sequence::in_order)
            listener.sequences->settled(sender_of(*message), sequence.number, stored);
    };
    if (processed.rejected) {
        settle_sequence(false);
        Refusal const refusal{hl7::AckCode::AE, refused_by_route(processed),
                              verdicts_of(*generation, processed), expected(sequence)};
        co_return co_await refuse(listener, bytes, source, *generation, &*message, refusal, again);
    }

    // Who waits for another system's answer is told that none will come.
    hl7::AckError const held{"", "207", "held for a person", 'E'};
    if (listener.reply_from != 0 && processed.held()) {
        outcome.outcome = hl7::AckOutcome::error;
        outcome.error = &held;
    }

    // 3. Commit. Durable step: the message, the verdicts, and one delivery per destination, in one record
    // under one sync.
    auto record = record_of(listener, *generation, bytes, source, again);
    record.received_us = now_us;
    take_over(processed, *generation, record);
    if (!note.empty()) record.verdicts.push_back(noted(*generation, note));
    bool const elsewhere = listener.application_to != 0;
    std::string application;
    auto const application_id =
        outcome.request.enhanced && (elsewhere || pipeline.shapes_answers(index)) ? fresh_id('A') : "";
    outcome.application_id = application_id;
    if (elsewhere) application = application_elsewhere(*message, outcome);
    add_application(record, listener, application);
    // A shaped answer is made before the commit, so that the record has the code that it will tell; others
    // carry the number that the commit gives.
    Answer answer;
    std::string early_id;
    bool const shaped = pipeline.shapes_answers(index);
    if (shaped) {
        early_id = fresh_id('K');
        outcome.control_id = early_id;
        answer = answer_of(*message, outcome, elsewhere);
        shape(*generation, listener, answer);
    }
    // A copy of the message is told the same.
    std::string kept;
    if (shaped && listener.duplicates) kept = answer.bytes + answer.application;
    record.answer = kept;
    record.answer_code = shaped && answer.owed ? hl7::name(answer.code) : told(outcome, elsewhere);
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
    settle_sequence(ticket.has_value());
    if (!ticket) {
        no_room(listener, ticket.error());
        co_return not_stored(listener, *message, ticket.error());
    }
    claim.stored({ticket->sequence, ticket->position, now_us});
    if (!again && message->find("MSA") != 0) awaited_.answer(listener.name, bytes);

    // 4. Answer. (The lanes have it already: the commit hub hands them what is durable, in journal order.)
    auto const control_id = std::to_string(ticket->sequence);
    auto const late_id = "A" + control_id;
    if (waits) {
        outcome.control_id = control_id;
        answer = co_await reply(listener, *message, outcome, *ticket, *wait);
        shape(*generation, listener, answer);
    } else if (!shaped) {
        outcome.control_id = control_id;
        if (!elsewhere) outcome.application_id = late_id;
        answer = answer_of(*message, outcome, elsewhere);
    }
    answer.message = ticket->sequence;
    answer.stored = true;
    if (answer.owed) metrics.acknowledged.fetch_add(1, std::memory_order_relaxed);
    count_unanswered(answer, metrics);
    co_return answer;
}

net::Task<Answer> Flow::reply(Entrance const& listener, hl7::Message const& message, Outcome const& outcome,
                              store::Ticket const& ticket, delivery::Replies::Wait& wait) {
    auto const came = co_await wait.reply(listener.reply_within);
    auto told = outcome;
    told.outcome = hl7::AckOutcome::stored;
    told.error = nullptr;
    std::string why;
    if (!came) {
        why = "no answer from " + listener.reply_name + " in time";
        if (listener.cancel_late) hub_.cancel(listener.reply_from, ticket.sequence);
    } else if (came->outcome != store::DeliveryOutcome::delivered) {
        why = listener.reply_name + " has not taken it (" + came->code + ")";
    }
    // 207: an error of the application, here of the one that was to answer; the message itself is stored.
    hl7::AckError const error{"", "207", why, 'E'};
    if (!why.empty()) {
        told.outcome = hl7::AckOutcome::error;
        told.error = &error;
    }
    auto answer = came ? relayed(message, came->bytes) : std::nullopt;
    if (!answer) answer = answer_of(message, told, false);
    record_told(ticket, hl7::name(answer->code), why);
    co_return std::move(*answer);
}

store::MessageRecord Flow::record_of(Entrance const& listener, Generation const& generation,
                                     std::string_view received, std::string_view source, Again const* again) {
    store::MessageRecord record;
    record.listener = listener.id;
    record.origin = again ? again->origin : 0;
    record.source = source;
    record.config_hash = generation.config.hash;
    record.received = received;
    return record;
}

void Flow::no_room(Entrance const& listener, Error const& why) {
    // The one that is too much is the last one read, until there is room.
    if (why.code == "disk_full" || why.code == "over_budget") set_takes(false);
    listener.metrics->rejected.fetch_add(1, std::memory_order_relaxed);
}

void Flow::record_told(store::Ticket const& ticket, std::string_view code, std::string_view why) {
    store::ResultRecord upstream;
    upstream.sequence = ticket.sequence;
    upstream.key = {ticket.position, store::whole_message};
    upstream.destination = store_.name_id(sender_name);
    upstream.outcome = store::DeliveryOutcome::answered;
    upstream.time_us = now_us_();
    upstream.code = code;
    upstream.text = why;
    (void)store_.record(upstream);  // for the trace alone
}

std::unique_ptr<Flow::Remade> Flow::remake(Entrance const& listener, std::string_view bytes,
                                           std::string_view source, Again const& again) {
    auto remade = std::make_unique<Remade>();
    remade->generation = generation_.load();
    auto const& pipeline = *remade->generation->pipeline;
    auto const index = pipeline.listener(listener.name);
    routes::Workpiece piece;
    if (index == routes::Pipeline::none || !read(*remade->generation, index, bytes, piece)) return nullptr;
    bool const fhir = piece.content() == routes::Content::fhir;
    if (!fhir && admission_fault(piece.message())) return nullptr;
    auto& record = remade->record;
    record = record_of(listener, *remade->generation, bytes, source, &again);
    record.received_us = now_us_();
    pipeline.process(index, piece.subject(), bytes, record.received_us, remade->processed);
    if (!again.only.empty()) keep_only(remade->processed, pipeline, again.only);
    if (remade->processed.rejected) return nullptr;
    listener.metrics->received.fetch_add(1, std::memory_order_relaxed);
    listener.metrics->bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
    count(*remade->generation, index, remade->processed, *listener.metrics);
    record.answer_code = fhir ? "202" : "AA";
    take_over(remade->processed, *remade->generation, record);
    return remade;
}

store::Order Flow::order_in(store::NameId destination, store::Position message, std::uint32_t ordinal) const {
    auto const generation = generation_.load();
    auto const name = store_.name(destination);
    if (!generation->pipeline->has_order(name)) return {};
    auto const stored = store_.read(message);
    return stored ? order_of(*generation, name, stored->body(ordinal), now_us_()) : store::Order{};
}

net::Task<Answer> Flow::refuse(Entrance const& listener, std::string_view bytes, std::string_view source,
                               Generation const& generation, hl7::Message const* message,
                               Refusal const& refusal, Again const* again) {
    auto& metrics = *listener.metrics;
    metrics.rejected.fetch_add(1, std::memory_order_relaxed);
    auto const now_us = now_us_();
    auto const timestamp = hl7_timestamp(now_us);
    auto const control_id = fresh_id('R');
    auto const application_id = fresh_id('A');
    Outcome outcome;
    outcome.outcome = refusal.code == hl7::AckCode::AR ? hl7::AckOutcome::rejected : hl7::AckOutcome::error;
    outcome.error = &refusal.error;
    outcome.control_id = control_id;
    outcome.application_id = application_id;
    outcome.timestamp = timestamp;
    outcome.expected_sequence = refusal.expected_sequence;
    Answer answer;
    std::string application;
    if (message) {
        outcome.request = request_of(listener.mode, *message);
        answer = answer_of(*message, outcome, listener.application_to != 0);
        if (listener.application_to != 0) application = application_elsewhere(*message, outcome);
    } else {
        answer.code = refusal.code;
        answer.bytes = hl7::build_nak_for_fragment(bytes, {control_id, timestamp}, refusal.error);
    }
    // Even what is no HL7 at all gets an answer: a sender that waits for one would hang, then send the same
    // again.
    if (answer.bytes.empty()) answer.bytes = nak_without_header(control_id, timestamp, refusal.error);
    bool const shaped = shape(generation, listener, answer);

    auto record = record_of(listener, generation, bytes, source, again);
    record.received_us = now_us;
    record.state = MessageState::rejected;
    record.answer_code =
        shaped && answer.owed ? hl7::name(answer.code) : told(outcome, listener.application_to != 0);
    record.answer = answer.bytes;
    record.verdicts = refusal.verdicts;
    add_application(record, listener, application);
    // A refusal stands whether or not it could be stored: nothing was promised.
    auto const ticket = co_await hub_.commit(store_, record);
    if (ticket) {
        answer.message = ticket->sequence;
        answer.stored = true;
    } else {
        answer.application = std::move(application);  // no delivery will take it
    }
    count_unanswered(answer, metrics);
    co_return answer;
}

bool Flow::shape(Generation const& generation, Entrance const& listener, Answer& answer) {
    auto const& pipeline = *generation.pipeline;
    auto const index = pipeline.listener(listener.name);
    if (!pipeline.shapes_answers(index)) return false;
    auto const tell = [&](std::string& bytes) {
        auto const done = pipeline.shape_answer(index, bytes, now_us_());
        if (!done)
            log_.warn("answer_not_shaped", {{"listener", listener.name}, {"error", done.error().text()}});
        return done.has_value();
    };
    if (tell(answer.bytes)) {
        if (auto const read = hl7::read_ack(answer.bytes)) answer.code = read->code;
    }
    if (!answer.application.empty()) tell(answer.application);
    return true;
}

Answer Flow::not_stored(Entrance const& listener, hl7::Message const& message, Error const& why) {
    // HL70357 207 on an AR: nothing is wrong with the message, send it again later (HL7 v2.8.2 §2.9.2.2). In
    // enhanced mode that is a CE: CR is for what the message's header says (§2.9.3.1). Only one that no
    // journal can hold is an error of its own (104, value too long), or its sender would try for ever.
    bool const too_large = why.code == "record_too_large";
    hl7::AckError const error{"", too_large ? "104" : "207",
                              "not stored (" + why.code + ")" + (too_large ? "" : ", send it again"), 'E'};
    auto const control_id = fresh_id('R');
    auto const timestamp = hl7_timestamp(now_us_());
    Outcome outcome;
    outcome.request = request_of(listener.mode, message);
    outcome.outcome =
        too_large || outcome.request.enhanced ? hl7::AckOutcome::error : hl7::AckOutcome::rejected;
    outcome.error = &error;
    outcome.control_id = control_id;
    outcome.application_id = control_id;
    outcome.timestamp = timestamp;
    // On the connection whatever is owed: a destination would have to be told through the store.
    auto answer = answer_of(message, outcome, false);
    shape(*generation_.load(), listener, answer);
    count_unanswered(answer, *listener.metrics);
    if (!answer.owed) log_.error("lost_unacknowledged", {{"listener", listener.name}, {"error", why.code}});
    return answer;
}

void Flow::count(Generation const& generation, std::uint32_t index, routes::Processed const& processed,
                 ops::ListenerMetrics& metrics) {
    count_processed(generation, index, processed, log_);
    if (processed.rejected) return;
    if (processed.held())
        metrics.held.fetch_add(1, std::memory_order_relaxed);
    else if (processed.deliveries.empty())
        metrics.filtered.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace hilum::flow
