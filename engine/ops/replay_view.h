// Replay as the ops API sees it: what is asked for, what it would do, and how far it has got.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/net/asio.h"
#include "parsers/result.h"

namespace hilum::ops {

enum class ReplayMode : std::uint8_t {
    as_sent,    // the bodies that were delivered go again
    reprocess,  // the received bytes go through the routes as they are now
    held,  // what is held is tried again: deliveries as they were made, messages by the routes that held them
};
std::string_view name(ReplayMode mode);

// Empty texts don't restrict.
struct ReplayRequest {
    static constexpr std::uint32_t usual_rate = 200;

    ReplayMode mode = ReplayMode::as_sent;
    std::int64_t from_us = 0, to_us = 0;  // received at or after the one and before the other
    std::string listener, route;
    std::string destination;          // only what was for this one; not of reprocess
    std::string code;                 // of held: only what was held with it
    std::string cause;                // of held: only what was held for exactly this reason
    std::string where;                // an expression over the received message
    std::string to_destination;       // where it goes instead; not of reprocess
    std::string by;                   // who asks
    std::uint32_t rate = usual_rate;  // messages a second
};

// What would go, worked out without sending anything.
struct ReplayPreview {
    struct Target {
        std::uint64_t deliveries = 0, bytes = 0;
    };
    struct Cluster {  // differences of one kind in one place; no content
        std::string subject, path, kind, reason;
        std::uint64_t messages = 0, example = 0;
    };
    std::uint64_t messages = 0;
    std::map<std::string, Target> targets;          // by destination
    std::map<std::string, std::uint64_t> left_out;  // messages by reason
    // Of reprocess: what comes of it.
    std::uint64_t filtered = 0, held = 0, rejected = 0;  // messages from which now nothing goes, and why
    std::uint64_t alike = 0;  // messages of which the same goes to the same destinations as before
    std::vector<Cluster> clusters;
    std::uint64_t unclustered = 0;
};

struct ReplayView {
    std::uint64_t job = 0;
    ReplayRequest request;
    // previewing, previewed (waits to be started), queued (behind another job), running, waiting (see
    // waits_for), done, cancelled, failed (see why)
    std::string state;
    std::int64_t asked_us = 0, started_us = 0, ended_us = 0;
    std::uint64_t messages = 0, deliveries = 0;  // so far; a message that is reprocessed is no delivery
    std::uint64_t last_message = 0;              // looked at
    std::string waits_for, why;
    ReplayPreview preview;
};

// Thread-safe. Error codes: "no_such_job", "no_such_listener", "no_such_route", "no_such_queue",
// "bad_expression", "bad_replay", "not_now", and those of the store.
class ReplayControl {
  public:
    virtual ~ReplayControl() = default;
    // Begins to work out the preview.
    virtual Result<ReplayView> plan(ReplayRequest request) = 0;
    virtual std::vector<ReplayView> jobs() const = 0;  // oldest first
    virtual Result<ReplayView> job(std::uint64_t number) const = 0;
    // Of one that is previewed. When it answers, the job outlives a restart.
    virtual net::Task<Result<ReplayView>> start(std::uint64_t number) = 0;
    virtual net::Task<Result<ReplayView>> cancel(std::uint64_t number) = 0;
};

}  // namespace hilum::ops
