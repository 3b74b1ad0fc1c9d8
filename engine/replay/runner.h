// Does one replay job: in the order of acceptance, paced, and each message once, whatever stops it on the
// way.
//
// What is done stands in the journal: every order to deliver again and every reprocessed message carries the
// job's signature. The job's file only says up to where the journal was counted (`counted_to`) and which
// message was the last then. As the job makes one thing after the other, the last that the journal has behind
// that place is all that there is to know: everything before it is done, everything after it is not.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/flow/commit_hub.h"
#include "engine/flow/flow.h"
#include "engine/net/runtime.h"
#include "engine/ops/changes.h"
#include "engine/ops/log.h"
#include "engine/replay/selection.h"
#include "engine/replay/table.h"

namespace hilum::replay {

struct Context {
    net::Runtime& runtime;
    store::Store& store;
    flow::CommitHub& hub;
    flow::Flow& flow;
    ops::Log& log;
    std::function<std::int64_t()> now_us;
    // nullptr when there is no such lane.
    std::function<std::shared_ptr<delivery::Lane>(std::string const&)> lane;
    ops::Changes& changes;
};

// Runs on one context.
class Runner {
  public:
    static constexpr std::uint64_t waiting_max = 1000;  // in a queue that the job adds to

    Runner(Context context, Table& table, net::Executor executor, std::atomic<bool> const& stopping);
    // To its end, until it is cancelled, or until the engine stops; then the rest is for the next start.
    net::Task<void> run(std::uint64_t number);
    void wake() { timer_.cancel(); }

  private:
    using Clock = std::chrono::steady_clock;
    struct Work {
        Item item;
        store::StoredMessage stored;  // of one that goes through the routes
    };
    // One that has been through the routes and waits for the commit.
    struct Remade {
        store::Sequence number = 0;
        store::Position position;
        std::unique_ptr<flow::Flow::Remade> remade;
        store::StoredMessage stored;
    };

    net::Task<Result<void>> find_out_what_is_done();
    net::Task<void> mark_again(store::Sequence message);
    void mark(store::Sequence message, store::Position position, std::string const& text);
    net::Task<Result<bool>> page();                      // false at the end
    net::Task<bool> do_items(std::vector<Work>& items);  // false: the page is to be looked at again
    net::Task<bool> do_item(Work& work);
    bool gather(Work& work);
    template <class Record, class Done>
    net::Task<bool> commit_all(std::vector<Record> const& records, Done const& done);
    net::Task<bool> flush();
    net::Task<Result<void>> send(Work& work);
    net::Task<Result<void>> send_again(Work const& work);
    net::Task<bool> pace();
    net::Task<bool> room(Item const& item);
    static bool is_plain(Item const& item);
    bool can_join(Item const& item) const;
    std::vector<std::string> targets(Item const& item) const;
    Clock::duration interval() const;
    net::Task<void> keep();
    net::Task<void> sleep(std::chrono::milliseconds time);
    Result<void> choose();
    void leave_out_done(Item& item) const;
    void made(std::uint32_t ordinal, store::NameId destination, store::Sequence message);
    void waits(std::string for_what);
    void show();
    bool told_to_end() const;
    void end(std::string state, std::string why);

    Context context_;
    Table& table_;
    net::Executor executor_;
    net::Timer timer_;
    std::atomic<bool> const& stopping_;

    // Of the job at work.
    Job job_;  // what was asked, and the numbers that are kept
    std::string signature_;
    std::unique_ptr<Selection> selection_;
    Made last_;
    // To be committed together: the one or the other.
    std::vector<store::ResendRecord> orders_;
    std::vector<Remade> remade_;
    store::Sequence counted_message_ = 0;  // the last that is in job_.view.messages
    Clock::time_point next_{}, kept_{};
    bool dirty_ = false;
    struct Room {
        std::uint64_t left = 0;
        Clock::time_point until{};
    };
    std::map<std::string, Room> rooms_;
};

}  // namespace hilum::replay
