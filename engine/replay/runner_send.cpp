// What a replay job does with the messages of a page: paced, bounded, in order.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "engine/delivery/lane.h"
#include "engine/replay/runner.h"

namespace hilum::replay {

using namespace std::chrono_literals;
using store::DeliveryOutcome;

namespace {

constexpr std::size_t orders_together = 256;
constexpr std::size_t messages_together = 256;
constexpr std::size_t messages_at_a_stretch = 16;  // the thread is also that of queues
constexpr std::size_t item_deliveries_max = 32;    // so much room that a message fits for sure
constexpr auto keep_every = 1s;
constexpr auto keep_while_waiting = 60s;  // so that a start need not read a night's journal
constexpr auto look_again = 100ms;
constexpr std::chrono::milliseconds try_again = 1s, busy_pause = 2ms;
constexpr auto burst = 100ms;  // so much of a pause that was too long may be caught up

}  // namespace

// What is due and fits is committed together, for a sync takes as long for many as for one.
net::Task<bool> Runner::do_items(std::vector<Work>& items) {
    orders_.clear();
    remade_.clear();
    for (auto& work : items) {
        leave_out_done(work.item);
        bool const reloaded = context_.flow.generation().get() != &selection_->generation();
        if (reloaded || !can_join(work.item)) {
            bool const flushed = co_await flush();
            if (!flushed || reloaded) co_return false;
        }
        bool const went = co_await do_item(work);
        if (!went) co_return false;
        if (!remade_.empty() && remade_.size() % messages_at_a_stretch == 0)
            co_await net::asio::post(executor_, net::use_task);
        if (!orders_.empty() || !remade_.empty()) continue;
        job_.view.last_message = work.item.number;
        dirty_ = true;
        if (Clock::now() - kept_ > keep_every) co_await keep();
    }
    co_return co_await flush();
}

void Runner::leave_out_done(Item& item) const {
    if (item.number != last_.message) return;
    auto const done = std::pair(last_.ordinal, last_.destination);
    std::erase_if(item.deliveries,
                  [&](auto const& d) { return std::pair(d.ordinal, d.destination) <= done; });
    if (last_.ordinal == store::whole_message) item.again = false;
}

std::chrono::steady_clock::duration Runner::interval() const {
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(1.0 / job_.view.request.rate));
}

// Orders go together, and so do messages that are not held: what has to end a holding goes alone.
bool Runner::is_plain(Item const& item) {
    if (item.again) return !item.held && item.deliveries.empty();
    return std::all_of(item.deliveries.begin(), item.deliveries.end(),
                       [](auto const& d) { return d.ends.empty(); });
}

// Whether it can go together with those that are gathered: without having to wait for anything.
bool Runner::can_join(Item const& item) const {
    if (!is_plain(item) || next_ + interval() > Clock::now()) return false;
    if (item.again ? !orders_.empty() || remade_.size() >= messages_together
                   : !remade_.empty() || orders_.size() >= orders_together)
        return false;
    auto const names = targets(item);
    return std::all_of(names.begin(), names.end(), [this](std::string const& name) {
        auto const room = rooms_.find(name);
        return room != rooms_.end() && room->second.left >= item_deliveries_max &&
               Clock::now() <= room->second.until;
    });
}

std::vector<std::string> Runner::targets(Item const& item) const {
    std::vector<std::string> names;
    if (item.again) names = selection_->reachable(item.listener);
    for (auto const& d : item.deliveries) names.push_back(context_.store.name(d.destination));
    return names;
}

// Commits what is gathered. `done` is told of each that is on disk, in order.
template <class Record, class Done>
net::Task<bool> Runner::commit_all(std::vector<Record> const& records, Done const& done) {
    std::size_t count = 0;
    while (count < records.size()) {
        std::optional<Error> refused;
        auto const rest = std::span<Record const>(records).subspan(count);
        auto const tickets = co_await context_.hub.commit_in_order(context_.store, rest, refused);
        for (auto const& ticket : tickets) done(count++, ticket);
        if (!refused) continue;
        if (refused->code == "record_too_large") {  // with what the routes make of it now; the next time, too
            context_.log.warn("replay_too_large",
                              {{"job", job_.view.job}, {"message", remade_[count].number}});
            ++count;
            continue;
        }
        bool const busy = refused->code == "busy";
        if (!busy) waits("the store: " + refused->text());
        co_await sleep(busy ? busy_pause : try_again);
        if (!busy || told_to_end()) co_return false;  // from where it is: last_ knows
    }
    co_return true;
}

net::Task<bool> Runner::flush() {
    if (orders_.empty() && remade_.empty()) co_return true;
    bool all = true;
    store::Sequence reached = 0;
    if (!orders_.empty()) {
        reached = orders_.back().sequence;
        auto const done = [this](std::size_t i, store::Ticket const&) {
            made(orders_[i].ordinal, orders_[i].destination, orders_[i].sequence);
        };
        all = co_await commit_all(orders_, done);
    } else {
        reached = remade_.back().number;
        std::vector<store::MessageRecord> records;
        for (auto& one : remade_) records.push_back(std::move(one.remade->record));
        auto const done = [this](std::size_t i, store::Ticket const& ticket) {
            made(store::whole_message, 0, remade_[i].number);
            mark(remade_[i].number, remade_[i].position,
                 "as message " + std::to_string(ticket.sequence) + ", " + signature_);
        };
        all = co_await commit_all(records, done);
    }
    orders_.clear();
    remade_.clear();
    if (!all) co_return false;
    job_.view.last_message = reached;
    dirty_ = true;
    show();
    if (Clock::now() - kept_ > keep_every) co_await keep();
    co_return true;
}

// False when the job is to end, or to look again at what there is to do.
net::Task<bool> Runner::do_item(Work& work) {
    auto& item = work.item;
    if (item.deliveries.empty() && !item.again) co_return true;
    bool const in_time = co_await pace();
    if (!in_time) co_return false;
    bool const fits = co_await room(item);
    if (!fits) co_return false;
    bool const gathered = gather(work);
    if (gathered) co_return true;
    // It has to go alone, behind those that are gathered.
    bool const flushed = co_await flush();
    if (!flushed) co_return false;
    auto const sent = co_await send(work);
    if (!sent) {
        waits("the store: " + sent.error().text());
        co_await sleep(try_again);
        co_return false;  // from where it is: last_ knows
    }
    job_.view.last_message = item.number;
    show();
    co_return true;
}

// False: it can't go with others. Then it ends a holding, or the routes refuse it.
bool Runner::gather(Work& work) {
    auto const& item = work.item;
    if (!is_plain(item)) return false;
    if (!item.again) {
        for (auto const& d : item.deliveries)
            orders_.push_back({item.number, item.position, d.ordinal, d.destination, context_.now_us(),
                               signature_, context_.flow.order_in(d.destination, item.position, d.ordinal)});
        return true;
    }
    auto remade = context_.flow.remake(context_.flow.entrance(item.listener), work.stored.record.received,
                                       signature_, {item.number, item.routes});
    if (!remade) return false;
    remade_.push_back({item.number, item.position, std::move(remade), std::move(work.stored)});
    return true;
}

net::Task<bool> Runner::pace() {
    next_ = std::max(next_ + interval(), Clock::now() - burst);
    for (;;) {
        if (told_to_end()) co_return false;
        auto const left = std::chrono::floor<std::chrono::milliseconds>(next_ - Clock::now());
        if (left <= 0ms) co_return true;
        co_await sleep(std::min<std::chrono::milliseconds>(left, 500ms));
    }
}

// Waits while a queue that this adds to has enough: what goes again must not bury what comes new.
net::Task<bool> Runner::room(Item const& item) {
    auto const names = targets(item);
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

net::Task<Result<void>> Runner::send(Work& work) {
    auto const& item = work.item;
    for (auto const& d : item.deliveries) {
        store::Transfer transfer;
        transfer.order = {item.number,
                          item.position,
                          d.ordinal,
                          d.destination,
                          context_.now_us(),
                          signature_,
                          context_.flow.order_in(d.destination, item.position, d.ordinal)};
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
    if (item.again) co_return co_await send_again(work);
    co_return Result<void>();
}

net::Task<Result<void>> Runner::send_again(Work const& work) {
    auto const& item = work.item;
    flow::Flow::Again const again{item.number, item.routes};
    auto const entrance = context_.flow.entrance(item.listener);
    auto const answer =
        co_await context_.flow.accept_again(entrance, work.stored.record.received, signature_, again);
    if (!answer.stored) {
        if (answer.never) {
            context_.log.warn("replay_too_large", {{"job", job_.view.job}, {"message", item.number}});
            co_return Result<void>();
        }
        co_return error("not_stored", std::to_string(item.number), "the store did not take it");
    }
    made(store::whole_message, 0, item.number);
    mark(item.number, item.position, "as message " + std::to_string(answer.message) + ", " + signature_);
    co_return Result<void>();
}

}  // namespace hilum::replay
