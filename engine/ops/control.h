// What the ops API may ask of the running engine. The engine implements it; ops/ knows no more of the engine
// than this.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/net/asio.h"
#include "engine/ops/overview.h"
#include "engine/ops/replay_view.h"
#include "engine/store/paused.h"
#include "engine/store/store.h"
#include "parsers/hl7/dictionary.h"
#include "routes/config/changes.h"
#include "routes/testing/story.h"

namespace hilum::ops {

struct QueueView {
    std::string destination, where;
    std::string
        state;  // running, idle, retrying, paused, stopped (the store failed), removed (no longer configured)
    std::uint64_t queued = 0, held = 0;
    std::int64_t oldest_us = 0;      // received time of the head; 0: none
    std::uint64_t head_message = 0;  // its number; 0: none
    std::uint32_t head_attempts = 0;
    std::int64_t next_attempt_us = 0;  // 0: none planned
    std::string last_error;  // class and code of the last failure: "connect refused"; no patient data
    std::int64_t last_error_us = 0, last_delivered_us = 0;
    std::optional<store::Pause> pause;  // while the state is paused
    std::uint32_t connections = 0, in_flight = 0;
    // Messages behind which those of the same order_by value wait: the oldest of them.
    struct Blocked {
        std::uint64_t message = 0;
        std::uint32_t attempts = 0;
        std::string error;  // class and code; no patient data
        bool stopped = false;
        std::int64_t next_attempt_us = 0;  // 0: none planned
    };
    std::uint64_t blocked = 0, stopped = 0;
    std::vector<Blocked> blocked_messages;
    // In the last minute; 0 while nothing has left the queue in it.
    double settled_per_second = 0, arrived_per_second = 0;
    // Of the messages that wait; only Control::queue() looks.
    std::optional<std::uint64_t> bytes;
    bool bytes_estimated = false;  // from some of them
};
struct ListenerView {
    std::string name, where;
    std::uint64_t received = 0, acknowledged = 0, rejected = 0;
    std::int64_t open_connections = 0;
};
// What validation has counted since start: of a listener, and of each of its senders.
struct ConformanceView {
    struct RuleCount {
        std::string rule;
        std::uint64_t messages = 0, findings = 0;
    };
    std::string listener;
    std::string sender;  // "LAB|NORTH"; empty: all of them
    std::uint64_t messages = 0, conformant = 0;
    std::vector<RuleCount> rules;  // of errors
};
struct MessageView {
    store::MessageRow row;
    store::StoredMessage stored;           // the bytes
    std::vector<std::string> route_names;  // of stored.record.verdicts, same order
    std::vector<store::StoredResult> attempts;
    std::vector<std::string> attempt_destinations;  // names, same order
    std::vector<store::StoredResend> resends;       // orders to deliver it again
    std::vector<std::string> resend_destinations;   // names, same order
};
struct StatusView {
    std::string version, config_source, config_hash;
    bool ready = false;
    std::string store_health;  // good, full, failed
    std::int64_t started_us = 0;
    store::Store::Stat store;
    store::Space space;
    std::string space_level = "room";  // room, filling (80 %), nearly_full (90 %), full
    std::uint64_t index_lag = 0;
};

// A message on its way through the routes, told again.
struct StoryView {
    bool same_config = false;  // as when it came
    std::vector<testing::Story::Chapter> chapters;
    std::vector<std::string> route_names;                // of the chapters
    std::vector<std::vector<std::string>> destinations;  // the same: where it went
};

// What is held, by cause.
struct HeldGroup {
    bool by_route = false;  // else a delivery
    std::string cause;      // in plain words; no patient data
    std::string route, destination, code;
    std::string reason;        // what stands in the store: of a route its reason, else the code
    std::string place, table;  // where a look-up found nothing
    std::string value;         // the code that the table lacks, where it is no person's data
    std::string where;         // of those with that code: an expression
    std::set<std::string> listeners;
    std::uint64_t messages = 0;
    std::int64_t first_us = 0, last_us = 0;  // received
    std::vector<std::uint64_t> samples;      // numbers of the newest
};
struct HeldView {
    std::uint64_t messages = 0;     // looked at
    bool partial = false;           // there are more
    std::vector<HeldGroup> groups;  // largest first
};

// What waits in a queue that is to be moved.
struct MoveView {
    std::uint64_t messages = 0, bytes = 0;
    bool at_least = false;  // counting all of it would take too long
    bool moving = false;    // it has begun
};

// What came of reloading the configuration: whole or nothing.
struct ReloadView {
    config::Diagnostics diagnostics;  // warnings too
    std::optional<Error> refused;     // why nothing was changed
    std::string hash, was;            // of the configuration in force now, and before
    std::vector<config::Change> changes;
};

class Live;

// Called from coroutines on any of the runtime's contexts; each call resumes its caller there. Error codes:
// "no_such_queue", "no_such_message", "not_now" (with the reason in `what`), and those of the store.
class Control {
  public:
    virtual ~Control() = default;
    virtual bool ready() const = 0;  // every listener bound, store good: /readyz
    virtual StatusView status() const = 0;
    virtual std::vector<ListenerView> listeners() const = 0;
    virtual std::vector<ConformanceView> conformance() const { return {}; }
    // All of now, a second old at most; and each one as it is made. nullptr: the engine is stopping.
    virtual net::Task<std::shared_ptr<Overview const>> overview() = 0;
    virtual Live& live() = 0;
    virtual std::optional<History> queue_history(std::string const& name) const = 0;
    virtual std::optional<History> listener_history(std::string const& name) const = 0;
    virtual net::Task<std::vector<QueueView>> queues() = 0;
    // One of them, and how much waits there: estimated from a bounded number where there are many.
    virtual net::Task<Result<QueueView>> queue(std::string destination) = 0;
    virtual net::Task<Result<QueueView>> pause(std::string destination, store::Pause pause) = 0;
    virtual net::Task<Result<QueueView>> resume(std::string destination) = 0;
    // Ends the pauses between attempts and starts what has stopped, or only that of one message (0: all).
    // "not_now": the message is not first of its order_by value, or is in flight.
    virtual net::Task<Result<QueueView>> retry(std::string destination, std::uint64_t message) = 0;
    // Passes over a message that is first of its order_by value, or takes it out for a person.
    virtual net::Task<Result<QueueView>> skip(std::string destination, std::uint64_t message,
                                              std::string reason) = 0;
    virtual net::Task<Result<QueueView>> hold(std::string destination, std::uint64_t message,
                                              std::string reason) = 0;
    virtual net::Task<Result<std::vector<store::MessageRow>>> messages(store::Query query) = 0;
    virtual net::Task<Result<store::Store::Count>> count(store::Query query) = 0;
    virtual net::Task<Result<MessageView>> message(std::uint64_t number) = 0;
    // What the routes make of it as they are now.
    virtual net::Task<Result<StoryView>> steps(std::uint64_t number) = 0;
    virtual net::Task<Result<HeldView>> held() = 0;
    virtual hl7::Dictionary dictionary() const = 0;  // of the configuration in force
    // Sends again what was delivered or is held: for one destination of the message, or (empty) all of its
    // deliveries that are held, else all. A message held by a route is processed again by the routes as they
    // are now. With `to` it goes there instead, and what was held is held no longer. Returns the destinations
    // queued, or the new message's number.
    struct Resent {
        std::vector<std::string> destinations;
        std::uint64_t reprocessed_as = 0;
    };
    virtual net::Task<Result<Resent>> resend(std::uint64_t number, std::string destination, std::string by,
                                             std::string to) = 0;
    // Ends the holding of a message's deliveries (of one destination, or all) and of the message itself: they
    // are never sent. Returns whose they were; an empty name is the message.
    virtual net::Task<Result<Resent>> cancel(std::uint64_t number, std::string destination,
                                             std::string reason) = 0;
    // What waits for a destination that is no longer configured goes to another one's queue, in its order.
    virtual net::Task<Result<MoveView>> move(std::string from, std::string to, std::string by,
                                             bool dry_run) = 0;
    // Reads the configuration anew from where it came from. `refused` has code "bad_configuration" when it
    // has errors, "needs_restart", or that of what could not be opened.
    virtual net::Task<ReloadView> reload() = 0;
    // nullptr: there is none.
    virtual ReplayControl* replays() { return nullptr; }
    virtual std::string metrics() const = 0;
};

}  // namespace hilum::ops
