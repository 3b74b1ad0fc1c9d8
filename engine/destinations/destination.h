// A destination hands one message at a time, or one batch, to a system downstream. One file per kind;
// catalogue.cpp lists them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/net/runtime.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"
#include "engine/store/record.h"
#include "routes/config/config.h"

namespace hilum::subscriptions {
class Feeds;
}

namespace hilum::destinations {

// Asked by a destination before the first byte of a message may leave.
class Departure {
  public:
    virtual ~Departure() = default;
    // False: it must not be sent now (what has to be known of it before could not be written down). Never
    // throws.
    virtual net::Task<bool> begin() = 0;
};

struct Outgoing {
    std::uint64_t message = 0;  // its number, for log lines
    std::string_view body;      // lives until deliver() returns
    std::int64_t received_us = 0;
    std::uint32_t attempt = 1;
    bool possible_duplicate = false;
    store::LaneKey key{};            // the lane's entry, for answers that come later
    store::NameId listener = 0;      // where it came in
    store::LaneKey settled_up_to{};  // of the lane, once this one is settled
    Departure* departure = nullptr;  // may be null
    bool wants_response = false;     // the whole of it, in Attempt::response
    store::LaneKey source{};         // where the store has it: its record, and which of its deliveries
    // The batch that begins with it, to be sent in its place; "" when it goes alone. For kinds that take
    // batches.
    std::string_view batch{};
};
// departure->begin(), or true.
net::Task<bool> departs(Outgoing const& outgoing);

// What an attempt came to. The lane's policy (destination key `on_failure`) decides what follows.
enum class AttemptClass : unsigned char {
    delivered,
    connect,  // no connection: nothing was sent
    timeout,  // sent, no answer in time: ambiguous
    cut,      // the connection ended while in flight: ambiguous
    busy,     // the receiver says "not now": AE/AR/CE/CR with HL70357 206 or 207; HTTP 408, 425, 429, 5xx
    ae,       // AE, CE; HTTP 400, 422
    ar,       // AR, CR; other HTTP 4xx
    login,    // FHIR: the receiver does not know who asks, or there is no token to be had: nothing is wrong
              // with the message
    bad_answer,   // an answer that is none
    local,        // our own side: disk full, file name refused
    held,         // a route that waited for other systems can't do its work
    relayed,      // refused for its content, and its sender is told so: FHIR with ack: delivered
    unconfirmed,  // the receiver has it (CA, or a commit block), but the acknowledgement that is waited for
                  // did not come: sent again, it would be a duplicate for sure
};
std::string_view name(AttemptClass value);

struct Attempt {
    AttemptClass result = AttemptClass::delivered;
    std::string code;    // "AA", "AE/207", "HTTP 503", "refused": short, no patient data
    std::string text;    // a reason for people; may hold what the receiver wrote, so it stays in the store
    std::string answer;  // the receiver's bytes, at most 4 KiB
    std::chrono::milliseconds retry_after{0};  // the receiver asked for this pause
    std::string response{};                    // all of the receiver's bytes, where they are wanted
    bool booked = false;  // the result is in the journal already, in one commit with what it caused
};

Attempt not_departed();  // what comes of it when departs() says no

class Awaited;

struct DestinationContext {
    net::Runtime& runtime;
    std::size_t context_index;  // of the lane: everything of the destination runs there
    ops::DestinationMetrics& metrics;
    ops::Log& log;
    std::string name;
    Awaited* awaited = nullptr;             // acknowledgements that come later or elsewhere; may be null
    std::size_t connection = 0;             // which of the destination's connections this one is
    subscriptions::Feeds* feeds = nullptr;  // of an engine never null
};

class Destination {
  public:
    virtual ~Destination() = default;
    // One attempt, with its own time limits; one at a time. Never throws. Runs on the lane's context.
    virtual net::Task<Attempt> deliver(Outgoing const& outgoing) = 0;
    // Gives up what is open, so that a deliver() under way ends soon (as cut or timeout). On the lane's
    // context.
    virtual void close() noexcept = 0;
    // An acknowledgement of the message in flight has come another way: deliver() ends with it if it waits
    // for one. On the lane's context.
    virtual void answered(std::uint64_t message, Attempt attempt) { (void)message, (void)attempt; }
    virtual std::string where() const = 0;  // "mllp lab.example:2575"
};

struct DestinationKind {
    std::string_view name;
    std::string_view summary;
    void (*check)(config::Component const& component, config::Diagnostics& diagnostics);
    std::string (*schema)();
    std::unique_ptr<Destination> (*make)(config::Component const& component, DestinationContext context);
    std::optional<config::Content> content{};  // what it takes; nothing: any
    bool takes_batches = false;
};

std::vector<DestinationKind> const& destination_catalogue();

// The kinds' declarations, one per file beside this one.
DestinationKind mllp_destination();
DestinationKind http_destination();
DestinationKind file_destination();
DestinationKind fhir_destination();
DestinationKind subscription_destination();

}  // namespace hilum::destinations
