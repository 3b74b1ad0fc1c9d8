// Looks at the running engine again and again: what it makes of the readings is the overview, what it keeps
// of them rates, states with their beginnings, and a day's history.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/ops/changes.h"
#include "engine/ops/judge.h"
#include "engine/ops/overview.h"
#include "engine/ops/rates.h"
#include "engine/ops/readings.h"

namespace hilum::ops {

class Watch {
  public:
    // `changes` outlives it: it notes there which queues and listeners get stuck, and shows what is there.
    explicit Watch(Changes& changes) : changes_(changes) {}

    // One look; not from two threads at once.
    std::shared_ptr<Overview const> look(Readings const& readings);
    // Of a queue or a listener. Thread-safe; nothing when there is none of that name.
    std::optional<History> queue_history(std::string_view name, std::int64_t now_us) const;
    std::optional<History> listener_history(std::string_view name, std::int64_t now_us) const;

  private:
    // What is remembered of one name from look to look.
    struct Memory {
        Rate in_rate, out_rate;
        Percentiles took;
        std::string state;
        std::int64_t since_us = 0, last_in_us = 0;
        std::uint64_t in = 0, out = 0;            // at the last look
        std::uint64_t step_in = 0, step_out = 0;  // when the step began
        std::deque<History::Step> steps;
        std::string told;  // the entry as it was told last
        std::uint64_t seen = 0;
        bool begun = false;
    };
    using Memories = std::map<std::string, Memory, std::less<>>;
    struct Line {  // of an edge
        Rate rate;
        std::string told;
        std::uint64_t seen = 0;
    };
    // How full the store was, minute by minute for an hour.
    struct Filled {
        std::chrono::microseconds at;
        std::uint64_t bytes;
    };
    struct Totals {
        double in = 0, out = 0;
        std::uint64_t waiting = 0, held = 0;
        std::int64_t oldest_us = 0;
    };
    struct Texts;

    Memory& memory(Memories& of, std::string const& name, std::uint64_t in, std::uint64_t out,
                   std::int64_t now_us);
    void set_state(Memory& of, std::string const& name, std::string_view state, std::int64_t since_us,
                   std::string const& why, std::int64_t now_us);
    void listener(Readings const& all, Readings::Listener const& one, Totals& totals, Texts& texts);
    void route(Readings const& all, Readings::Route const& one, Texts& texts);
    void queue(Readings const& all, Readings::Queue const& one, Totals& totals, Texts& texts);
    void edge(Readings::Edge const& one, Texts& texts);
    void end_step(Readings const& readings);
    void forget_unseen();
    std::optional<double> days_left(Readings const& readings);

    Changes& changes_;
    std::uint64_t id_ = 0, told_change_ = 0;
    std::string told_config_, told_engine_, told_store_;
    Lookback minute_{std::chrono::seconds(3), std::chrono::seconds(60)};
    Lookback five_minutes_{std::chrono::seconds(15), std::chrono::seconds(300)};
    std::deque<Filled> filled_;
    std::map<std::tuple<EdgeKind, std::string, std::string>, Line> edges_;
    Memories routes_;
    mutable std::mutex mutex_;  // of what follows: history is asked for on other threads
    Memories listeners_, queues_;
    std::chrono::microseconds step_ends_{0};
    std::int64_t last_step_us_ = 0;  // when the last one ended
};

}  // namespace hilum::ops
