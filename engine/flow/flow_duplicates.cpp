// A message that comes a second time: its sender has not heard the first answer.
#include <charconv>

#include "engine/flow/flow.h"
#include "engine/flow/timestamp.h"
#include "engine/net/run_on.ipp"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/characters.h"
#include "parsers/hl7/msh.h"

namespace hilum::flow {

using namespace std::chrono_literals;

namespace {

constexpr auto wait_at_most = 10s;  // for the disk to take the first copy
constexpr auto look_every = 2ms;

std::string_view control_id(hl7::Message const& message) {
    static auto const field = hl7::msh_field(10);
    return message.get(field).raw;
}

// MSH-13; nothing when it is empty or no number that counts a message.
struct Number {
    bool written = false;
    std::optional<std::int64_t> value;
};
Number number_of(hl7::Message const& message) {
    static auto const field = hl7::msh_field(13);
    auto const text = hl7::trimmed(message.get(field).raw);
    Number number;
    number.written = !text.empty() && text != "\"\"";
    std::int64_t value = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed == std::errc{} && end == text.data() + text.size() && value > 0) number.value = value;
    return number;
}

}  // namespace

net::Task<DuplicateTable::Arrival> Flow::look_for_copy(Entrance const& listener, routes::Subject message,
                                                       std::string_view bytes, std::string_view source,
                                                       Claim& claim) {
    using enum DuplicateTable::Verdict;
    auto const fingerprint = listener.duplicates->fingerprint(message, bytes, now_us_());
    if (!fingerprint) {
        log_.warn("duplicate_key", {{"listener", listener.name}, {"error", fingerprint.error().code}});
        co_return DuplicateTable::Arrival{};
    }
    if (!*fingerprint) co_return DuplicateTable::Arrival{};
    auto& table = listener.duplicates->table();
    auto& metrics = *listener.metrics;
    auto arrival = table.arrive(**fingerprint, now_us_());
    if (arrival.verdict == being_stored) {
        net::Timer timer(co_await net::asio::this_coro::executor);
        auto const end = std::chrono::steady_clock::now() + wait_at_most;
        while (arrival.verdict == being_stored && std::chrono::steady_clock::now() < end) {
            timer.expires_after(look_every);
            co_await timer.async_wait(net::as_result);
            arrival = table.arrive(**fingerprint, now_us_());
        }
    }
    if (arrival.differs) {
        metrics.duplicates_differ.fetch_add(1, std::memory_order_relaxed);
        log_.warn("control_id_used_again", {{"listener", listener.name},
                                            {"peer", source},
                                            {"message", arrival.differs->message},
                                            {"taken_as", arrival.verdict == here ? "duplicate" : "new"}});
    }
    if (arrival.verdict == fresh) {
        claim.take(table, **fingerprint);
    } else if (arrival.verdict == being_stored) {
        metrics.rejected.fetch_add(1, std::memory_order_relaxed);
    } else {
        metrics.duplicates.fetch_add(1, std::memory_order_relaxed);
        log_.info("duplicate",
                  {{"listener", listener.name}, {"peer", source}, {"message", arrival.known.message}});
    }
    co_return arrival;
}

net::Task<std::optional<Answer>> Flow::answer_copy(Entrance const& listener, hl7::Message const& message,
                                                   std::string_view bytes, std::string_view source,
                                                   Claim& claim) {
    std::optional<Answer> answer;
    // What starts a link of numbered messages carries nothing that could be there twice.
    if (listener.sequences) {
        auto const number = number_of(message);
        if (number.written && !number.value) co_return answer;
    }
    auto const arrival = co_await look_for_copy(listener, {&message, nullptr, nullptr}, bytes, source, claim);
    using enum DuplicateTable::Verdict;
    if (arrival.verdict == being_stored) {
        answer = not_stored(listener, message, error("busy", listener.name, "the message is being stored"));
    } else if (arrival.verdict == here) {
        auto told = co_await told_before(listener, message, arrival.known);
        answer = std::move(told);
        count_unanswered(*answer, *listener.metrics);
    }
    co_return answer;
}

// What a client is told follows from what it sent, the number and the time.
net::Task<std::optional<FhirAnswer>> Flow::answer_copy(Entrance const& listener,
                                                       fhir::Interaction const& interaction,
                                                       FhirArrival const& arrival, std::string_view text,
                                                       std::string_view source, Claim& claim) {
    std::optional<FhirAnswer> answer;
    auto const came = co_await look_for_copy(listener, {nullptr, nullptr, &interaction}, text, source, claim);
    using enum DuplicateTable::Verdict;
    if (came.verdict == being_stored) {
        answer = flow::not_stored(error("busy", listener.name, "the same is being stored"));
    } else if (came.verdict == here) {
        answer.emplace();
        answer->status = arrival.success;
        answer->message = came.known.message;
        answer->received_us = came.known.received_us;
        answer->stored = true;
    }
    co_return answer;
}

// The same once more, byte for byte: made of the first message as it was made then, or, where steps have
// shaped it, as it was kept. A copy with another control ID needs that in its answer, and one whose first the
// journal no longer has is answered for itself.
net::Task<Answer> Flow::told_before(Entrance const& listener, hl7::Message const& message,
                                    DuplicateTable::Known const& first) {
    auto const generation = generation_.load();
    auto const charset = generation->charset(generation->pipeline->listener(listener.name));
    auto read = [this, &first] { return store_.read(first.position); };
    auto const stored = co_await net::run_blocking(hub_.runtime(), read);
    auto basis = &message;
    std::optional<hl7::Message> before;
    if (stored) {
        auto viewed = hl7::Message::view(stored->record.received, charset);
        if (viewed) before = std::move(*viewed);
    }
    if (before && control_id(*before) == control_id(message)) basis = &*before;

    Answer answer;
    if (basis != &message && !stored->record.answer.empty()) {
        auto const kept = hl7::split_messages(stored->record.answer).messages;
        auto const read_back = hl7::read_ack(kept.empty() ? std::string_view() : kept.front());
        if (read_back) {
            answer.code = read_back->code;
            answer.bytes = kept.front();
            if (kept.size() > 1) answer.application = kept[1];
            answer.owed = stored->record.answer_code != "none";
        }
    }
    if (answer.bytes.empty()) {
        auto const number = std::to_string(first.message);
        auto const application = "A" + number;
        auto const timestamp = hl7_timestamp(first.received_us);
        Outcome outcome;
        outcome.request = request_of(listener.mode, *basis);
        outcome.control_id = number;
        outcome.application_id = application;
        outcome.timestamp = timestamp;
        if (listener.sequences) outcome.expected_sequence = number_of(*basis).value;
        answer = answer_of(*basis, outcome, listener.application_to != 0);
        shape(*generation, listener, answer);
    }
    answer.message = first.message;
    answer.stored = true;
    co_return answer;
}

}  // namespace hilum::flow
