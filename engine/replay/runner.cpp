#include "engine/replay/runner.h"

#include <algorithm>
#include <deque>

namespace hilum::replay {

using namespace std::chrono_literals;
using store::DeliveryOutcome;

namespace {

constexpr std::size_t items_a_page = 256;
constexpr std::size_t bytes_a_page = 8u << 20;  // of messages that are kept in memory for it
constexpr std::size_t marks_looked_after = 256;
constexpr auto look_again = 100ms;
constexpr auto try_again = 1s;

}  // namespace

Runner::Runner(Context context, Table& table, net::Executor executor, std::atomic<bool> const& stopping)
    : context_(std::move(context)),
      table_(table),
      executor_(executor),
      timer_(executor_),
      stopping_(stopping) {}

net::Task<void> Runner::sleep(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    co_await timer_.async_wait(net::as_result);
}

bool Runner::told_to_end() const {
    return stopping_ || !table_.wanted(job_.view.job);
}

void Runner::waits(std::string for_what) {
    table_.update(job_.view.job, [&](Job& job) {
        job.view.state = for_what.empty() ? "running" : "waiting";
        job.view.waits_for = for_what;
    });
}

// What the file says has to be no more than what the journal has: numbers first, then the place.
net::Task<void> Runner::keep() {
    job_.counted_to = context_.store.durable_end();
    show();
    table_.update(job_.view.job, [&](Job& job) {
        job.counted_to = job_.counted_to;
        job.made = last_;
    });
    kept_ = Clock::now();
    dirty_ = false;
    auto save = [this] { return table_.save(job_.view.job); };
    auto const saved = co_await net::run_blocking(context_.runtime, save);
    if (!saved)  // the journal has it all the same: a start would only read more of it
        context_.log.warn("replay_not_kept", {{"job", job_.view.job}, {"reason", saved.error().text()}});
}

void Runner::end(std::string state, std::string why) {
    auto const now = context_.now_us();
    context_.log.info("replay_" + state, {{"job", job_.view.job},
                                          {"messages", job_.view.messages},
                                          {"deliveries", job_.view.deliveries},
                                          {"reason", why}});
    context_.changes.add({now,
                          "job",
                          {},
                          "job " + std::to_string(job_.view.job) + " " + state +
                              (why.empty() ? "" : " (" + why + ")") + ": " +
                              std::to_string(job_.view.messages) + " messages",
                          {},
                          {}});
    table_.update(job_.view.job, [&](Job& job) {
        job.view.state = std::move(state);
        job.view.why = std::move(why);
        job.view.waits_for.clear();
        job.view.ended_us = now;
    });
}

net::Task<void> Runner::run(std::uint64_t number) {
    auto const job = table_.get(number);
    if (!job) co_return;
    job_ = *job;
    signature_ = signature(job_);
    selection_.reset();
    rooms_.clear();
    last_ = job_.made;
    counted_message_ = last_.message;
    next_ = kept_ = Clock::now();
    if (job_.view.started_us == 0) job_.view.started_us = context_.now_us();
    table_.update(number, [&](Job& j) { j.view.started_us = job_.view.started_us; });
    waits("the index");
    std::string failed;
    auto const found = co_await find_out_what_is_done();
    if (!found) failed = found.error().text();
    context_.log.info("replay_begins", {{"job", number}, {"done", job_.view.messages}});
    bool ended = false;
    while (failed.empty() && !ended && !told_to_end()) {
        auto const more = co_await page();
        if (!more) failed = more.error().text();
        ended = more && !*more;
    }
    if (!failed.empty()) {
        end("failed", failed);
    } else if (ended) {
        end("done", "");
    } else if (!stopping_) {
        end("cancelled", job_.view.why);
    }
    co_await keep();
}

// The journal behind the place that the file names. Before that, the index has to know what was there.
net::Task<Result<void>> Runner::find_out_what_is_done() {
    auto const until = context_.store.durable_end();
    while (context_.store.indexed_to() < until && !told_to_end()) co_await sleep(look_again);
    auto const begin = signature_begin(job_.view.job);
    std::deque<store::Sequence> unmarked;
    if (last_.message != 0 && last_.ordinal == store::whole_message) unmarked.push_back(last_.message);
    auto walk = [&]() -> Result<void> {
        return context_.store.walk_made(job_.counted_to, [&](store::Made const& m) {
            if (!m.by.starts_with(begin)) return;
            if (m.message != counted_message_) ++job_.view.messages;
            if (m.ordinal != store::whole_message) ++job_.view.deliveries;
            counted_message_ = m.message;
            last_ = {m.message, m.ordinal, m.destination};
            if (m.ordinal == store::whole_message) unmarked.push_back(m.message);
            if (unmarked.size() > marks_looked_after) unmarked.pop_front();
        });
    };
    auto const walked = co_await net::run_blocking(context_.runtime, walk);
    if (!walked) co_return walked.error();
    // The message of the last one may have more to do.
    if (last_.message > job_.view.last_message) job_.view.last_message = last_.message - 1;
    for (auto const message : unmarked) co_await mark_again(message);
    co_return Result<void>();
}

// A message that went through the routes is marked, and held no longer, by a record of its own: of the last
// ones it may not have been written any more.
net::Task<void> Runner::mark_again(store::Sequence message) {
    auto look = [&]() -> Result<store::Position> {
        auto const results = context_.store.results(message);
        if (!results) return results.error();
        for (auto const& r : *results)
            if (r.record.destination == 0 && r.text.find(signature_begin(job_.view.job)) != std::string::npos)
                return error("done", "", "");
        return context_.store.find(message);
    };
    auto const position = co_await net::run_blocking(context_.runtime, look);
    if (position) mark(message, *position, signature_);
}

void Runner::mark(store::Sequence message, store::Position position, std::string const& text) {
    store::ResultRecord mark;
    mark.sequence = message;
    mark.key = {position, store::whole_message};
    mark.outcome = DeliveryOutcome::released;
    mark.time_us = context_.now_us();
    mark.code = "reprocessed";
    mark.text = text;
    if (auto recorded = context_.store.record(mark); !recorded)
        context_.log.warn("replay_not_marked", {{"job", job_.view.job}, {"message", message}});
}

// By the configuration of now: a reload may have changed it since the last page.
Result<void> Runner::choose() {
    auto const generation = context_.flow.generation();
    if (selection_ && &selection_->generation() == generation.get()) return {};
    auto made = Selection::make(job_.view.request, generation, context_.store, context_.now_us());
    if (!made) return made.error();
    selection_ = std::move(*made);
    return {};
}

net::Task<Result<bool>> Runner::page() {
    if (auto chosen = choose(); !chosen) co_return chosen.error();
    std::vector<Work> items;
    std::size_t bytes = 0;
    auto look = [&] {
        return selection_->page(job_.view.last_message, job_.last,
                                [&](Item const& item, store::StoredMessage& stored) {
                                    auto& work = items.emplace_back();
                                    work.item = item;
                                    if (item.again) {
                                        bytes += stored.buffer.size();
                                        work.stored = std::move(stored);
                                    }
                                    return items.size() < items_a_page && bytes < bytes_a_page;
                                });
    };
    auto const page = co_await net::run_blocking(context_.runtime, look);
    if (!page) {  // the index is being rebuilt, or can't be read now
        waits("the index: " + page.error().text());
        co_await sleep(try_again);
        co_return true;
    }
    bool const went = co_await do_items(items);
    if (!went) co_return true;
    job_.view.last_message = page->reached;
    co_return !page->end;
}

void Runner::show() {
    table_.update(job_.view.job, [&](Job& job) {
        job.view.messages = job_.view.messages;
        job.view.deliveries = job_.view.deliveries;
        job.view.last_message = job_.view.last_message;
    });
}

}  // namespace hilum::replay
