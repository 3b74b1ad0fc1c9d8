// The way of a message (DESIGN §2): accept, process, commit, answer. flow.cpp is the story on one page.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/destinations/awaited.h"
#include "engine/flow/acknowledgement.h"
#include "engine/flow/commit_hub.h"
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
         destinations::Awaited& awaited, std::function<std::int64_t()> now_us);

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
    };
    Entrance entrance(std::string name, IntakeOptions const& options = {}) const;
    // What validation has counted. Thread-safe.
    Conformance const& conformance() const { return conformance_; }
    net::Task<Answer> accept(Entrance const& listener, std::string_view bytes, std::string_view source,
                             Again const* again = nullptr);

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
    // Runs the listener's `answer` steps on what is to be said. Whether there are any.
    bool shape(Generation const& generation, Entrance const& listener, Answer& answer);
    Answer not_stored(Entrance const& listener, hl7::Message const& message, Error const& why);
    SequenceTable::Check check_sequence(Entrance const& listener, hl7::Message const& message,
                                        std::string_view source);
    std::string fresh_id(char first);
    void count(Generation const& generation, routes::Processed const& processed,
               ops::ListenerMetrics& metrics);

    store::Store& store_;
    CommitHub& hub_;
    ops::Metrics& metrics_;
    ops::Log& log_;
    destinations::Awaited& awaited_;
    std::function<std::int64_t()> now_us_;
    Conformance conformance_;
    std::atomic<std::uint32_t> ids_{0};
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

  private:
    Flow& flow_;
    Flow::Entrance listener_;
};

}  // namespace hilum::flow
