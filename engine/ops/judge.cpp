#include "engine/ops/judge.h"

#include <algorithm>

namespace hilum::ops {
namespace {

constexpr std::int64_t late_us = 60'000'000;
constexpr std::int64_t fails_us = 15'000'000;  // attempts that fail need less time to be believed

}  // namespace

std::string_view name(Mood mood) {
    switch (mood) {
        case Mood::flowing:
            return "flowing";
        case Mood::idle:
            return "idle";
        case Mood::behind:
            return "behind";
        case Mood::stuck:
            return "stuck";
        case Mood::paused:
            return "paused";
    }
    return "flowing";
}

Judgement judge(QueueView const& queue, bool moves, std::int64_t started_us, std::int64_t now_us) {
    if (queue.state == "paused" || queue.state == "closed") return {Mood::paused};
    if (queue.queued == 0) return {moves ? Mood::flowing : Mood::idle};
    // With neither there is something that has only just come.
    auto const waits_since = std::max(queue.oldest_us, queue.last_delivered_us);
    auto const waited = waits_since == 0 ? 0 : now_us - std::max(waits_since, started_us);
    bool const fails = queue.state == "retrying" && waited > fails_us;
    if (queue.state == "removed" || queue.stopped > 0 || queue.state == "stopped" || fails)
        return {Mood::stuck, waits_since};
    // For a batch to be full, say.
    bool const planned = queue.last_error.empty() && queue.next_attempt_us > now_us;
    if (planned || queue.oldest_us == 0 || now_us - queue.oldest_us <= late_us) return {Mood::flowing};
    return {waited > late_us ? Mood::stuck : Mood::behind, waits_since};
}

}  // namespace hilum::ops
