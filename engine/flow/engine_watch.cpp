// What the console shows, read off the engine: the overview, once a second while somebody looks, and what is
// asked about one message.
#include <boost/asio/co_spawn.hpp>

#include "engine/flow/dry_run.h"
#include "engine/flow/engine.h"
#include "engine/replay/held_groups.h"

namespace hilum::flow {

using namespace std::chrono_literals;

namespace {

constexpr auto fresh = 900ms;
constexpr int looks_unwatched = 5;  // seconds: states and history go on when nobody looks

std::string kind_of_queue(config::Config const& config, std::string const& name) {
    for (auto const& destination : config.destinations)
        if (destination.name == name) return destination.kind;
    return name.starts_with("(route ") ? "route" : "removed";
}

}  // namespace

void Engine::note(std::string kind, std::string name, std::string text) {
    changes_.add({now_us_(), std::move(kind), std::move(name), std::move(text), {}, {}});
}

net::Task<void> Engine::keep_watch() {
    net::Timer timer(runtime_->context(0).get_executor());
    for (int second = 0;; ++second) {
        if (live_.watched() || second % looks_unwatched == 0) co_await look();
        timer.expires_after(1s);
        auto [ec] = co_await timer.async_wait(net::as_result);
        if (ec) co_return;
    }
}

// On the first context. One look at a time; who comes meanwhile waits for it.
net::Task<void> Engine::look() {
    net::Timer timer(runtime_->context(0).get_executor());
    while (looking_) {
        timer.expires_after(5ms);
        co_await timer.async_wait(net::as_result);
    }
    if (net::Clock::now() - looked_ < fresh) co_return;
    looking_ = true;
    co_await count_held();
    auto const read = co_await readings();
    live_.publish(watch_.look(read));
    looked_ = net::Clock::now();
    looking_ = false;
}

net::Task<std::shared_ptr<ops::Overview const>> Engine::overview() {
    co_await net::asio::co_spawn(runtime_->context(0), look(), net::use_task);
    co_return live_.now();
}

// From the index, now and then: it takes the longer the more are held.
net::Task<void> Engine::count_held() {
    auto const begin = net::Clock::now();
    if (begin < count_held_at_) co_return;
    store::Query query;
    query.state = "held";
    auto const held = co_await count(query);
    if (held) held_messages_ = held->messages;
    auto const end = net::Clock::now();
    count_held_at_ = end + std::max<net::Clock::duration>(2s, 100 * (end - begin));
}

net::Task<ops::Readings> Engine::readings() {
    auto const generation = flow_->generation();
    auto const& config = generation->config;
    ops::Readings all;
    {
        std::lock_guard lock(mutex_);
        for (auto const& [name, running] : listeners_)
            all.listeners.push_back(
                {name, running.component.kind, running.listener->where(), &metrics_.listener(name)});
    }
    using enum ops::EdgeKind;
    for (std::size_t i = 0; i < config.routes.size(); ++i) {
        auto const& name = config.routes[i].name;
        auto const& edges = generation->edges[i];
        ops::Readings::Route route{name, generation->route_metrics[i], {}};
        for (auto const& [from, count] : edges.listeners) {
            route.seen.push_back(count);
            all.edges.push_back({listener_route, config.listeners[from].name, name, count});
        }
        for (auto const& [from, count] : edges.routes) {
            route.seen.push_back(count);
            all.edges.push_back({route_route, config.routes[from].name, name, count});
        }
        for (auto const& [to, count] : edges.destinations)
            all.edges.push_back({route_destination, name, config.destinations[to].name, count});
        all.routes.push_back(std::move(route));
    }
    auto const lanes = all_lanes();
    auto looked = co_await views(lanes);
    for (auto& view : looked) {
        auto kind = kind_of_queue(config, view.destination);
        auto const* metrics = &metrics_.destination(view.destination);
        all.queues.push_back({std::move(view), std::move(kind), metrics});
    }
    all.status = status();
    all.held_messages = held_messages_;
    all.now_us = now_us_();
    all.steady = std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now().time_since_epoch());
    co_return all;
}

std::optional<ops::History> Engine::queue_history(std::string const& name) const {
    return watch_.queue_history(name, now_us_());
}

std::optional<ops::History> Engine::listener_history(std::string const& name) const {
    return watch_.listener_history(name, now_us_());
}

net::Task<Result<store::Store::Count>> Engine::count(store::Query query) {
    auto work = [this, &query] { return store_->count(query); };
    co_return co_await net::run_blocking(*runtime_, work);
}

net::Task<Result<ops::HeldView>> Engine::held() {
    auto work = [this] { return replay::held_groups(*store_); };
    co_return co_await net::run_blocking(*runtime_, work);
}

net::Task<Result<ops::StoryView>> Engine::steps(std::uint64_t number) {
    store::Position position;
    auto const stored = co_await read_message(number, position);
    if (!stored) co_return stored.error();
    auto const generation = flow_->generation();
    auto const& record = stored->record;
    auto const& pipeline = *generation->pipeline;
    auto const listener = pipeline.listener(store_->name(record.listener));
    if (listener == routes::Pipeline::none)
        co_return error("not_now", std::to_string(number), "its listener is no longer configured",
                        "the verdicts in the trace say what the routes did then");
    auto work = [&] {
        Loaded const loaded{generation->config, generation->pipeline};
        DryRun door(loaded);
        testing::Story story;
        NotAsked nobody;
        auto const taken = door.take(listener, record.received, record.received_us, &story, &nobody);
        ops::StoryView view;
        view.same_config = record.config_hash == generation->config.hash;
        view.chapters = story.chapters();
        for (auto const& chapter : view.chapters) {
            view.route_names.push_back(pipeline.route_names()[chapter.route]);
            auto& names = view.destinations.emplace_back();
            for (auto const& d : taken.processed.deliveries)
                if (d.route == chapter.route) names.push_back(pipeline.destination_names()[d.destination]);
        }
        return view;
    };
    co_return co_await net::run_blocking(*runtime_, work);
}

}  // namespace hilum::flow
