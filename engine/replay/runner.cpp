#include "engine/replay/runner.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "engine/delivery/lane.h"

namespace hilum::replay {

using namespace std::chrono_literals;
using store::DeliveryOutcome;

namespace {

constexpr std::size_t items_a_page = 100;
constexpr std::size_t orders_together = 256;
constexpr std::size_t item_deliveries_max = 32;  // so much room that a message fits for sure
constexpr auto keep_every = 1s;
constexpr auto keep_while_waiting = 60s;  // so that a start need not read a night's journal
constexpr auto look_again = 100ms;
constexpr auto try_again = 1s;
constexpr auto burst = 100ms;  // so much of a pause that was too long may be caught up

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
    auto walk = [&]() -> Result<void> {
        return context_.store.walk_made(job_.counted_to, [&](store::Made const& m) {
            if (!m.by.starts_with(begin)) return;
            if (m.message != counted_message_) ++job_.view.messages;
            if (m.ordinal != store::whole_message) ++job_.view.deliveries;
            counted_message_ = m.message;
            last_ = {m.message, m.ordinal, m.destination};
        });
    };
    auto const walked = co_await net::run_blocking(context_.runtime, walk);
    if (!walked) co_return walked.error();
    // The message of the last one may have more to do.
    if (last_.message > job_.view.last_message) job_.view.last_message = last_.message - 1;
    bool const whole = last_.message != 0 && last_.ordinal == store::whole_message;
    if (whole) co_await end_holding_of_last();
    co_return Result<void>();
}

// A message that went through the routes is marked, and held no longer, by a record of its own: it may be
// what was not written any more.
net::Task<void> Runner::end_holding_of_last() {
    auto look = [this]() -> Result<store::Position> {
        auto const results = context_.store.results(last_.message);
        if (!results) return results.error();
        for (auto const& r : *results)
            if (r.record.destination == 0 && r.text.find(signature_begin(job_.view.job)) != std::string::npos)
                return error("done", "", "");
        return context_.store.find(last_.message);
    };
    auto const position = co_await net::run_blocking(context_.runtime, look);
    if (!position) co_return;
    store::ResultRecord mark;
    mark.sequence = last_.message;
    mark.key = {*position, store::whole_message};
    mark.outcome = DeliveryOutcome::released;
    mark.time_us = context_.now_us();
    mark.code = "reprocessed";
    mark.text = signature_;
    if (auto recorded = context_.store.record(mark); !recorded)
        context_.log.warn("replay_not_marked", {{"job", job_.view.job}, {"message", last_.message}});
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
    std::vector<Item> items;
    auto look = [&] {
        return selection_->page(job_.view.last_message, job_.last,
                                [&](Item const& item, store::StoredMessage const&) {
                                    items.push_back(item);
                                    return items.size() < items_a_page;
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

// Orders that are due and fit are committed together, for a sync takes as long for many as for one.
net::Task<bool> Runner::do_items(std::vector<Item>& items) {
    orders_.clear();
    for (auto& item : items) {
        leave_out_done(item);
        if (!can_join(item)) {
            bool const flushed = co_await flush();
            if (!flushed) co_return false;
        }
        bool const went = co_await do_item(item);
        if (!went) co_return false;
        if (!orders_.empty()) continue;
        job_.view.last_message = item.number;
        dirty_ = true;
        if (Clock::now() - kept_ > keep_every) co_await keep();
    }
    co_return co_await flush();
}

// Whether it can go together with those that are gathered: without having to wait for anything.
bool Runner::can_join(Item const& item) const {
    if (item.again || orders_.size() >= orders_together || next_ > Clock::now()) return false;
    return std::all_of(item.deliveries.begin(), item.deliveries.end(), [this](Item::Delivery const& d) {
        auto const room = rooms_.find(context_.store.name(d.destination));
        return d.ends.empty() && room != rooms_.end() && room->second.left >= item_deliveries_max &&
               Clock::now() <= room->second.until;
    });
}

net::Task<bool> Runner::flush() {
    std::size_t done = 0;
    while (done < orders_.size()) {
        std::optional<Error> refused;
        auto const rest = std::span<store::ResendRecord const>(orders_).subspan(done);
        auto const taken = co_await context_.hub.commit_in_order(context_.store, rest, refused);
        for (auto const& order : rest.first(taken)) made(order.ordinal, order.destination, order.sequence);
        done += taken;
        if (!refused) continue;
        bool const busy = refused->code == "busy";
        if (!busy) waits("the store: " + refused->text());
        co_await sleep(busy ? std::chrono::milliseconds(2) : std::chrono::milliseconds(try_again));
        if (busy && !told_to_end()) continue;
        orders_.clear();
        co_return false;  // from where it is: last_ knows
    }
    if (orders_.empty()) co_return true;
    job_.view.last_message = orders_.back().sequence;
    orders_.clear();
    dirty_ = true;
    show();
    if (Clock::now() - kept_ > keep_every) co_await keep();
    co_return true;
}

void Runner::show() {
    table_.update(job_.view.job, [&](Job& job) {
        job.view.messages = job_.view.messages;
        job.view.deliveries = job_.view.deliveries;
        job.view.last_message = job_.view.last_message;
    });
}

void Runner::leave_out_done(Item& item) const {
    if (item.number != last_.message) return;
    auto const done = std::pair(last_.ordinal, last_.destination);
    std::erase_if(item.deliveries,
                  [&](auto const& d) { return std::pair(d.ordinal, d.destination) <= done; });
    if (last_.ordinal == store::whole_message) item.again = false;
}

// False when the job is to end, or to look again at what there is to do.
net::Task<bool> Runner::do_item(Item& item) {
    if (item.deliveries.empty() && !item.again) co_return true;
    bool const in_time = co_await pace();
    if (!in_time) co_return false;
    bool const fits = co_await room(item);
    if (!fits) co_return false;
    bool const plain = !item.again && std::all_of(item.deliveries.begin(), item.deliveries.end(),
                                                  [](auto const& d) { return d.ends.empty(); });
    if (plain) {
        for (auto const& d : item.deliveries)
            orders_.push_back(
                {item.number, item.position, d.ordinal, d.destination, context_.now_us(), signature_});
        co_return true;
    }
    auto const sent = co_await send(item);
    if (!sent) {
        waits("the store: " + sent.error().text());
        co_await sleep(try_again);
        co_return false;  // from where it is: last_ knows
    }
    job_.view.last_message = item.number;
    show();
    co_return true;
}

net::Task<bool> Runner::pace() {
    auto const interval = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(1.0 / job_.view.request.rate));
    next_ = std::max(next_ + interval, Clock::now() - burst);
    for (;;) {
        if (told_to_end()) co_return false;
        auto const left = std::chrono::floor<std::chrono::milliseconds>(next_ - Clock::now());
        if (left <= 0ms) co_return true;
        co_await sleep(std::min<std::chrono::milliseconds>(left, 500ms));
    }
}

// Waits while a queue that this adds to has enough: what goes again must not bury what comes new.
net::Task<bool> Runner::room(Item const& item) {
    std::vector<std::string> names;
    if (item.again) names = selection_->reachable(item.listener);
    for (auto const& d : item.deliveries) names.push_back(context_.store.name(d.destination));
    for (auto const& name : names) {
        auto& room = rooms_[name];
        bool waited = false;
        while (room.left == 0 || Clock::now() > room.until) {
            if (told_to_end()) co_return false;
            auto const lane = context_.lane(name);
            std::uint64_t queued = 0;
            if (lane) {
                auto executor = lane->executor();
                auto look = [&lane] { return lane->view().queued; };
                queued = co_await net::run_on(executor, look);
            }
            room.left = queued < waiting_max ? waiting_max - queued : 0;
            room.until = Clock::now() + 1s;
            if (room.left > 0) break;
            waits("queue " + name + ": " + std::to_string(queued) + " messages wait there");
            waited = true;
            if (Clock::now() - kept_ > (dirty_ ? keep_every : keep_while_waiting)) co_await keep();
            co_await sleep(look_again);
        }
        --room.left;
        if (waited) next_ = Clock::now();
    }
    waits("");
    co_return true;
}

void Runner::made(std::uint32_t ordinal, store::NameId destination, store::Sequence message) {
    if (counted_message_ != message) ++job_.view.messages;
    counted_message_ = message;
    if (ordinal != store::whole_message) ++job_.view.deliveries;
    last_ = {message, ordinal, destination};
    job_.view.last_message = std::max(job_.view.last_message, message - 1);
}

net::Task<Result<void>> Runner::send(Item& item) {
    for (auto const& d : item.deliveries) {
        store::Transfer transfer;
        transfer.order = {item.number,   item.position,     d.ordinal,
                          d.destination, context_.now_us(), signature_};
        // A delivery that was held is held no longer by the same commit.
        if (d.ends.empty()) {
            auto const ticket = co_await context_.hub.commit(context_.store, transfer.order);
            if (!ticket) co_return ticket.error();
        } else {
            auto const& held = d.ends.front();
            transfer.settles =
                end_of_holding(item.number, held, DeliveryOutcome::released, transfer.order.time_us);
            transfer.settles.code = "resent";
            transfer.settles.text = signature_;
            auto const ticket = co_await context_.hub.commit(context_.store, transfer);
            if (!ticket) co_return ticket.error();
            if (auto const of = context_.lane(context_.store.name(held.destination)))
                net::asio::post(of->executor(), [of] { of->released(1); });
        }
        made(d.ordinal, d.destination, item.number);
    }
    if (item.again) co_return co_await send_again(item);
    co_return Result<void>();
}

net::Task<Result<void>> Runner::send_again(Item const& item) {
    auto read = [&] { return context_.store.read(item.position); };
    auto const stored = co_await net::run_blocking(context_.runtime, read);
    if (!stored) {  // it was readable a moment ago: retention, or damage; the others go
        context_.log.warn("replay_unreadable", {{"job", job_.view.job}, {"message", item.number}});
        co_return Result<void>();
    }
    flow::Flow::Again const again{item.number, item.routes};
    auto const entrance = context_.flow.entrance(item.listener);
    auto const answer = co_await context_.flow.accept(entrance, stored->record.received, signature_, &again);
    if (!answer.stored) {
        // AE: it is too large with what the routes make of it now, and will be the next time too.
        if (answer.code == hl7::AckCode::AE) {
            context_.log.warn("replay_too_large", {{"job", job_.view.job}, {"message", item.number}});
            co_return Result<void>();
        }
        co_return error("not_stored", std::to_string(item.number), "the store did not take it");
    }
    made(store::whole_message, 0, item.number);
    store::ResultRecord mark;
    mark.sequence = item.number;
    mark.key = {item.position, store::whole_message};
    mark.outcome = DeliveryOutcome::released;
    mark.time_us = context_.now_us();
    mark.code = "reprocessed";
    auto const text = "as message " + std::to_string(answer.message) + ", " + signature_;
    mark.text = text;
    if (auto recorded = context_.store.record(mark); !recorded)
        context_.log.warn("replay_not_marked", {{"job", job_.view.job}, {"message", item.number}});
    co_return Result<void>();
}

}  // namespace hilum::replay
