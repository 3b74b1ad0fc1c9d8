// The engine as the ops API sees it (engine/ops/control.h).
#include <algorithm>
#include <boost/asio/post.hpp>

#include "engine/flow/engine.h"
#include "engine/flow/waiting_bytes.h"

namespace hilum::flow {

namespace {

std::string_view health_name(store::Health health) {
    switch (health) {
        case store::Health::good:
            return "good";
        case store::Health::full:
            return "full";
        case store::Health::failed:
            return "failed";
    }
    return "failed";
}

Error no_such_queue(std::string const& name) {
    return error("no_such_queue", name, "no destination has this name", "`hilum queues list` shows them");
}

Error not_first(delivery::Lane const& lane, std::uint64_t message) {
    return error("not_now", lane.name(),
                 "message " + std::to_string(message) + " is not first in this queue, or is in flight",
                 "look at the queue again: `hilum queues show` lists what stands first");
}

}  // namespace

bool Engine::ready() const {
    return ready_ && store_->health() == store::Health::good;
}

ops::StatusView Engine::status() const {
    ops::StatusView view;
    auto const generation = flow_->generation();
    view.version = HILUM_VERSION;
    view.config_source = generation->config.source;
    view.config_hash = generation->config.hash;
    view.ready = ready();
    view.store_health = health_name(store_->health());
    view.started_us = started_us_;
    view.store = store_->stat();
    view.index_lag = store_->index_lag();
    view.space = space_watch_.space();
    view.space_level = SpaceWatch::name(space_watch_.level());
    return view;
}

std::vector<ops::ListenerView> Engine::listeners() const {
    std::vector<ops::ListenerView> views;
    std::lock_guard lock(mutex_);
    for (auto const& [name, running] : listeners_) {
        auto& m = const_cast<ops::Metrics&>(metrics_).listener(name);
        views.push_back(
            {name, running.listener->where(), m.received, m.acknowledged, m.rejected, m.open_connections});
    }
    return views;
}

Engine::LanePointer Engine::lane(std::string const& name) const {
    std::lock_guard lock(mutex_);
    auto const found = lanes_.find(name);
    return found == lanes_.end() ? nullptr : found->second;
}

std::vector<Engine::LanePointer> Engine::all_lanes() const {
    std::vector<LanePointer> lanes;
    std::lock_guard lock(mutex_);
    for (auto const& [name, lane] : lanes_) lanes.push_back(lane);
    return lanes;
}

net::Task<std::vector<ops::QueueView>> Engine::queues() {
    return views(all_lanes());
}

// In the order of the lanes. One visit to each of the threads that they run on.
net::Task<std::vector<ops::QueueView>> Engine::views(std::vector<LanePointer> lanes) {
    std::vector<ops::QueueView> views(lanes.size());
    std::vector<net::Executor> executors;
    for (auto const& lane : lanes)
        if (std::find(executors.begin(), executors.end(), lane->executor()) == executors.end())
            executors.push_back(lane->executor());
    for (auto& executor : executors) {
        auto look = [&] {
            for (std::size_t i = 0; i < lanes.size(); ++i)
                if (lanes[i]->executor() == executor) views[i] = lanes[i]->view();
            return true;
        };
        co_await net::run_on(executor, look);
    }
    co_return views;
}

net::Task<Result<ops::QueueView>> Engine::queue(std::string destination) {
    auto const of = lane(destination);
    if (!of) co_return no_such_queue(destination);
    auto executor = of->executor();
    std::optional<store::LaneKey> first;
    auto look = [&of, &first] {
        first = of->first_waiting();
        return of->view();
    };
    auto view = co_await net::run_on(executor, look);
    if (view.queued == 0) {
        view.bytes = 0;
        co_return view;
    }
    if (!first) co_return view;  // it has not been read yet
    auto count = [this, &view, &first] {
        return waiting_bytes(*store_, store_->name_id(view.destination), *first, view.queued);
    };
    if (auto const waiting = co_await net::run_blocking(*runtime_, count)) {
        view.bytes = waiting->bytes;
        view.bytes_estimated = waiting->estimated;
    }
    co_return view;
}

net::Task<Result<ops::QueueView>> Engine::change_lane(std::string destination,
                                                      std::function<Result<void>(delivery::Lane&)> change) {
    auto const of = lane(destination);
    if (!of) co_return no_such_queue(destination);
    auto executor = of->executor();
    auto work = [&of, &change]() -> Result<ops::QueueView> {
        if (auto changed = change(*of); !changed) return changed.error();
        return of->view();
    };
    co_return co_await net::run_on(executor, work);
}

// The lane first: when the disk is full, a queue can be paused all the same.
net::Task<Result<ops::QueueView>> Engine::set_paused(std::string destination,
                                                     std::optional<store::Pause> pause) {
    auto change = [&pause](delivery::Lane& lane) -> Result<void> {
        pause ? lane.pause(*pause) : lane.resume();
        return {};
    };
    auto view = co_await change_lane(destination, change);
    if (!view) co_return view;
    note(pause ? "paused" : "resumed", destination,
         !pause                  ? "goes on"
         : pause->reason.empty() ? "paused, no reason given"
                                 : "paused: " + pause->reason);
    auto keep = [this, &destination, &pause] { return paused_->set(destination, pause); };
    auto const kept = co_await net::run_blocking(*runtime_, keep);
    if (!kept)
        log_.error("pause_not_kept", {{"destination", destination},
                                      {"reason", kept.error().text()},
                                      {"next", "it holds until the next restart"}});
    co_return view;
}

net::Task<Result<ops::QueueView>> Engine::pause(std::string destination, store::Pause pause) {
    return set_paused(std::move(destination), std::move(pause));
}

net::Task<Result<ops::QueueView>> Engine::resume(std::string destination) {
    return set_paused(std::move(destination), std::nullopt);
}

net::Task<Result<ops::QueueView>> Engine::retry(std::string destination, std::uint64_t message) {
    auto change = [message](delivery::Lane& lane) -> Result<void> {
        if (message == 0) {
            lane.retry_now();
        } else if (!lane.retry_now(message)) {
            return not_first(lane, message);
        }
        return {};
    };
    auto view = co_await change_lane(destination, change);
    if (view) note("retried", destination, "tries again now");
    co_return view;
}

net::Task<Result<ops::QueueView>> Engine::take_out(std::string destination, std::uint64_t message,
                                                   store::DeliveryOutcome outcome, std::string reason) {
    auto change = [message, outcome, &reason](delivery::Lane& lane) -> Result<void> {
        if (lane.take_out(message, outcome, reason)) return {};
        return not_first(lane, message);
    };
    auto view = co_await change_lane(destination, change);
    bool const held = outcome == store::DeliveryOutcome::held;
    if (view)
        note(held ? "held" : "skipped", destination,
             "message " + std::to_string(message) + (held ? " taken out" : " passed over"));
    co_return view;
}

net::Task<Result<ops::QueueView>> Engine::skip(std::string destination, std::uint64_t message,
                                               std::string reason) {
    return take_out(std::move(destination), message, store::DeliveryOutcome::skipped, std::move(reason));
}

net::Task<Result<ops::QueueView>> Engine::hold(std::string destination, std::uint64_t message,
                                               std::string reason) {
    return take_out(std::move(destination), message, store::DeliveryOutcome::held, std::move(reason));
}

net::Task<Result<std::vector<store::MessageRow>>> Engine::messages(store::Query query) {
    auto find = [this, &query] { return store_->query(query); };
    co_return co_await net::run_blocking(*runtime_, find);
}

net::Task<Result<store::StoredMessage>> Engine::read_message(std::uint64_t number,
                                                             store::Position& position) {
    auto read = [this, number, &position]() -> Result<store::StoredMessage> {
        auto const found = store_->find(number);
        if (!found)
            return error("no_such_message", std::to_string(number),
                         "the store has no message with this number",
                         "`hilum messages list` shows what there is");
        position = *found;
        return store_->read(*found);
    };
    co_return co_await net::run_blocking(*runtime_, read);
}

net::Task<Result<ops::MessageView>> Engine::message(std::uint64_t number) {
    store::Position position;
    auto stored = co_await read_message(number, position);
    if (!stored) co_return stored.error();
    ops::MessageView view;
    view.stored = std::move(*stored);
    auto const& record = view.stored.record;
    store::Query query;
    query.before = number + 1;
    query.limit = 1;
    auto found = co_await messages(query);
    if (found && !found->empty() && found->front().sequence == number) {
        view.row = std::move(found->front());
    } else {  // the index is behind: what the record itself says
        view.row.sequence = record.sequence;
        view.row.received_us = record.received_us;
        view.row.listener = store_->name(record.listener);
        view.row.source = record.source;
        view.row.answer_code = record.answer_code;
        view.row.bytes = record.received.size();
    }
    for (auto const& verdict : record.verdicts) view.route_names.push_back(store_->name(verdict.route));
    auto list = [this, number] { return store_->results(number); };
    auto attempts = co_await net::run_blocking(*runtime_, list);
    if (attempts) view.attempts = std::move(*attempts);
    co_await show_live_states(view);
    for (auto const& attempt : view.attempts)
        view.attempt_destinations.push_back(store_->name(attempt.record.destination));
    auto list_resends = [this, number] { return store_->resends(number); };
    auto resends = co_await net::run_blocking(*runtime_, list_resends);
    if (resends) view.resends = std::move(*resends);
    for (auto const& resend : view.resends)
        view.resend_destinations.push_back(store_->name(resend.record.destination));
    co_return view;
}

// What the index can't know: which deliveries are being sent at this moment.
net::Task<void> Engine::show_live_states(ops::MessageView& view) {
    for (auto& d : view.row.deliveries) {
        bool const open = d.state == "queued" || d.state == "retrying" || d.state == "ambiguous";
        auto const of = open ? lane(d.destination) : nullptr;
        if (!of) continue;
        auto executor = of->executor();
        auto look = [&of, message = view.row.sequence] { return std::string(of->live_state(message)); };
        auto const state = co_await net::run_on(executor, look);
        if (!state.empty()) d.state = state;
    }
}

void Engine::render_store(std::string& out) const {
    auto const stat = store_->stat();
    auto gauge = [&out](std::string_view name, std::string_view help, std::string_view type,
                        std::uint64_t value) {
        out.append("# HELP ")
            .append(name)
            .append(" ")
            .append(help)
            .append("\n# TYPE ")
            .append(name)
            .append(" ")
            .append(type);
        out.append("\n").append(name).append(" ").append(std::to_string(value)).append("\n");
    };
    gauge("hilum_store_bytes", "Bytes of journal on disk.", "gauge", stat.bytes);
    gauge("hilum_store_free_bytes", "Bytes free where the store is.", "gauge", stat.free_bytes);
    gauge("hilum_store_segments", "Journal segments.", "gauge", stat.segments);
    gauge("hilum_store_commits_total", "Group commits.", "counter", stat.commits);
    gauge("hilum_store_committed_messages_total", "Messages in those commits.", "counter",
          stat.synced_messages);
    gauge("hilum_store_healthy", "1 while the store takes messages.", "gauge",
          store_->health() == store::Health::good ? 1 : 0);
    auto const space = space_watch_.space();
    gauge("hilum_store_used_bytes", "Bytes of journal and index on disk.", "gauge", space.used);
    gauge("hilum_store_limit_bytes",
          "Bytes that journal and index may use: the budget, or what the disk has.", "gauge", space.limit);
    gauge("hilum_store_used_percent", "Of that limit; alarm at 80 and 90, 100 while messages are refused.",
          "gauge", space.percent);
    gauge("hilum_index_lag_messages", "Messages not yet in the search index.", "gauge", store_->index_lag());
}

std::string Engine::metrics() const {
    return metrics_.render();
}

}  // namespace hilum::flow
