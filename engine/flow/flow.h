// The way of a message (DESIGN §2): accept, process, commit, answer. flow.cpp is the story on one page.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/delivery/replies.h"
#include "engine/destinations/awaited.h"
#include "engine/flow/acknowledgement.h"
#include "engine/flow/commit_hub.h"
#include "engine/flow/duplicates.h"
#include "engine/flow/generation.h"
#include "engine/flow/intake.h"
#include "engine/flow/sequence.h"
#include "engine/flow/validation.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"

namespace hilum::flow {

class Flow {
  public:
    Flow(store::Store& store, CommitHub& hub, ops::Metrics& metrics, ops::Log& log,
         destinations::Awaited& awaited, delivery::Replies& replies, std::function<std::int64_t()> now_us);

    // From now on messages are processed by this one. Thread-safe.
    void use(std::shared_ptr<Generation const> generation) { generation_.store(std::move(generation)); }
    std::shared_ptr<Generation const> generation() const { return generation_.load(); }

    // A message taken out of the store to go through the routes again; `only` names the routes that may send
    // it (those that held it); none: all.
    struct Again {
        store::Sequence origin = 0;
        std::vector<std::string> only;
    };
    // `listener` is looked up once and kept by those who call often.
    struct Entrance {
        std::string name;
        store::NameId id = 0;
        ops::ListenerMetrics* metrics = nullptr;
        AckMode mode = AckMode::original;
        store::NameId application_to = 0;            // the destination of application acknowledgements; or 0
        store::NameId acknowledgement = 0;           // what stands for a route in their deliveries
        std::shared_ptr<SequenceTable> sequences{};  // when MSH-13 is checked
        store::NameId reply_from = 0;                // the destination whose answer the sender gets; or 0
        std::string reply_name{};
        std::chrono::milliseconds reply_within{0};
        bool cancel_late = false;
        std::shared_ptr<Duplicates> duplicates{};  // when there is to be no message twice
        std::shared_ptr<net::RateLimit> rate{};    // when there is to be only so much of them
    };
    Entrance entrance(std::string name, IntakeOptions const& options = {}) const;
    // Where a delivery of a stored message stands when it goes to that destination (again, or instead).
    // Reads the message when the destination has an order_by.
    store::Order order_in(store::NameId destination, store::Position message, std::uint32_t ordinal) const;
    // What validation has counted. Thread-safe.
    Conformance const& conformance() const { return conformance_; }
    // Whether there is room for messages; of whoever watches that.
    bool takes() const { return takes_.load(std::memory_order_relaxed); }
    void set_takes(bool takes) { takes_.store(takes, std::memory_order_relaxed); }
    net::Task<Answer> accept(Entrance const& listener, std::string_view bytes, std::string_view source,
                             Again const* again = nullptr);

    // The same for a FHIR interaction (flow_fhir.cpp).
    net::Task<FhirAnswer> accept(Entrance const& listener, FhirArrival const& arrival,
                                 std::string_view source, Again const* again = nullptr);

    // By what that listener holds resources against.
    std::vector<fhir::Finding> check(Entrance const& listener, fhir::Element resource) const;

    // A stored message goes through the routes again, whatever its content is.
    struct Retaken {
        bool stored = false;
        std::uint64_t message = 0;
        bool never = false;  // it will not be stored the next time either: too large with what is made of it
    };
    net::Task<Retaken> accept_again(Entrance const& listener, std::string_view bytes, std::string_view source,
                                    Again const& again);

    // What the routes make of a message that goes through them again, ready to be committed by whoever keeps
    // the order of many. `bytes`, `source` and what is in `processed` are borrowed by the record.
    struct Remade {
        std::shared_ptr<Generation const> generation;
        routes::Processed processed;
        store::MessageRecord record;
    };
    // nullptr when the message would be refused: accept() knows how.
    std::unique_ptr<Remade> remake(Entrance const& listener, std::string_view bytes, std::string_view source,
                                   Again const& again);

  private:
    struct Refusal;
    net::Task<Answer> refuse(Entrance const& listener, std::string_view bytes, std::string_view source,
                             Generation const& generation, hl7::Message const* message,
                             Refusal const& refusal, Again const* again = nullptr);
    // Of a listener that wants no message twice (flow_duplicates.cpp). A fresh one is `claim`'s until it is
    // stored.
    net::Task<DuplicateTable::Arrival> look_for_copy(Entrance const& listener, routes::Subject message,
                                                     std::string_view bytes, std::string_view source,
                                                     Claim& claim);
    // The answer to a copy, which is the end of it; or nothing.
    net::Task<std::optional<Answer>> answer_copy(Entrance const& listener, hl7::Message const& message,
                                                 std::string_view bytes, std::string_view source,
                                                 Claim& claim);
    net::Task<std::optional<FhirAnswer>> answer_copy(Entrance const& listener,
                                                     fhir::Interaction const& interaction,
                                                     FhirArrival const& arrival, std::string_view text,
                                                     std::string_view source, Claim& claim);
    net::Task<Answer> told_before(Entrance const& listener, hl7::Message const& message,
                                  DuplicateTable::Known const& first);
    // Runs the listener's `answer` steps on what is to be said. Whether there are any.
    bool shape(Generation const& generation, Entrance const& listener, Answer& answer);
    net::Task<FhirAnswer> refuse(Entrance const& listener, std::string_view text, std::string_view source,
                                 Generation const& generation, FhirAnswer answer,
                                 std::vector<store::VerdictEntry> verdicts, Again const* again);
    net::Task<FhirAnswer> relay(Entrance const& listener, store::Ticket const& ticket,
                                delivery::Replies::Wait& wait);
    // What its destination answers to a stored message, for the sender that waits for it.
    net::Task<Answer> reply(Entrance const& listener, hl7::Message const& message, Outcome const& outcome,
                            store::Ticket const& ticket, delivery::Replies::Wait& wait);
    // What every record of a message that came in says; views of what is given.
    static store::MessageRecord record_of(Entrance const& listener, Generation const& generation,
                                          std::string_view received, std::string_view source,
                                          Again const* again);
    // The store did not take a message: counted, and maybe no more are read.
    void no_room(Entrance const& listener, Error const& why);
    // What the sender was told once its message was on disk, for the trace.
    void record_told(store::Ticket const& ticket, std::string_view code, std::string_view why);
    Answer not_stored(Entrance const& listener, hl7::Message const& message, Error const& why);
    SequenceTable::Check check_sequence(Entrance const& listener, hl7::Message const& message,
                                        std::string_view source);
    std::string fresh_id(char first);
    static void count_unanswered(Answer const& answer, ops::ListenerMetrics& metrics) {
        if (!answer.owed) metrics.unanswered.fetch_add(1, std::memory_order_relaxed);
    }
    void count(Generation const& generation, std::uint32_t index, routes::Processed const& processed,
               ops::ListenerMetrics& metrics);

    store::Store& store_;
    CommitHub& hub_;
    ops::Metrics& metrics_;
    ops::Log& log_;
    destinations::Awaited& awaited_;
    delivery::Replies& replies_;
    std::function<std::int64_t()> now_us_;
    Conformance conformance_;
    std::atomic<std::uint32_t> ids_{0};
    std::atomic<bool> takes_{true};
    std::atomic<std::shared_ptr<Generation const>> generation_;
};

// A listener's own door into the flow.
class Door final : public Intake {
  public:
    Door(Flow& flow, std::string listener, IntakeOptions const& options)
        : flow_(flow), listener_(flow.entrance(std::move(listener), options)) {}
    net::Task<Answer> accept(std::string_view bytes, std::string_view source) override {
        return flow_.accept(listener_, bytes, source);
    }
    net::Task<FhirAnswer> accept(FhirArrival const& arrival, std::string_view source) override {
        return flow_.accept(listener_, arrival, source);
    }
    std::vector<fhir::Finding> check(fhir::Element resource) const override {
        return flow_.check(listener_, resource);
    }
    bool takes() const override { return flow_.takes(); }
    bool paced() const override { return listener_.rate != nullptr; }
    std::optional<std::chrono::steady_clock::duration> turn(
        std::chrono::steady_clock::duration longest) override {
        if (!listener_.rate) return std::chrono::steady_clock::duration::zero();
        return listener_.rate->take(std::chrono::steady_clock::now(), longest);
    }

  private:
    Flow& flow_;
    Flow::Entrance listener_;
};

}  // namespace hilum::flow
