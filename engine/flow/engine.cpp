#include "engine/flow/engine.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "engine/destinations/destination.h"
#include "engine/flow/last_run.h"
#include "engine/flow/waiting_route.h"
#include "engine/listeners/text_options.h"

namespace hilum::flow {

using namespace std::chrono_literals;

namespace {

// Enough for a receiver that is slow to answer, short enough for a service manager's patience.
constexpr auto stop_grace = 10s;
constexpr auto prune_every = 10min;

// A quick disk takes a gigabyte a second: measured so often that a part of what is left is filled in between.
std::chrono::microseconds measure_again(store::Space const& space) {
    if (!space.takes) return 100ms;
    std::uint64_t const room = space.limit > space.used ? space.limit - space.used : 0;
    return std::clamp<std::chrono::microseconds>(std::chrono::microseconds(room / 8000), 10ms, 200ms);
}

template <class Kind>
Kind const& kind_of(std::vector<Kind> const& catalogue, std::string const& name) {
    return *std::find_if(catalogue.begin(), catalogue.end(),
                         [&](auto const& kind) { return kind.name == name; });
}

}  // namespace

Engine::Engine(ops::Log& log, std::function<std::int64_t()> now_us, unsigned threads)
    : log_(log),
      now_us_(std::move(now_us)),
      started_us_(now_us_()),
      runtime_(std::make_unique<net::Runtime>(threads)),
      hub_(std::make_unique<CommitHub>(*runtime_)) {}

Engine::~Engine() {
    stop();
}

void Engine::run_to_end(net::Task<void> task) {
    net::asio::co_spawn(runtime_->context(0), std::move(task), net::asio::use_future).get();
}

Result<void> Engine::start(Loaded loaded) {
    if (auto opened = open_store(loaded.config.store); !opened) return opened;
    outside_ = std::make_unique<outside::Shared>(loaded.config.store.dir);
    flow_ = std::make_unique<Flow>(*store_, *hub_, metrics_, log_, awaited_, replies_, now_us_);
    awaited_.on_answer([this](destinations::Awaited::Sent const& sent, destinations::Attempt attempt) {
        auto const of = lane(sent.destination);
        if (!of) return;
        net::asio::post(of->executor(),
                        [of, message = sent.message, key = sent.key, attempt = std::move(attempt)]() mutable {
                            of->answered(message, key, std::move(attempt));
                        });
    });
    runtime_->start();
    running_ = true;
    auto fail = [this](Error const& why) {
        stop();
        return why;
    };
    auto const generation =
        make_generation(std::move(loaded.config), std::move(loaded.pipeline), *store_, metrics_);
    auto const& config = generation->config;
    add_recovered_lanes();
    take_destinations(config);
    take_waiting_routes(*generation->pipeline);
    flow_->use(generation);
    auto const remembered = remember(config.listeners);
    for (auto const& component : config.listeners) {
        if (auto started = start_listener(component, remembered); !started) return fail(started.error());
    }
    if (auto started = start_replays(config.store); !started) return fail(started.error());
    if (auto started = start_admin(config.admin); !started) return fail(started.error());
    metrics_.add_source([this](std::string& out) { render_store(out); });
    metrics_.add_source([this](std::string& out) { flow_->conformance().render(out); });
    net::asio::co_spawn(runtime_->context(0), prune_now_and_then(), net::asio::detached);
    net::asio::co_spawn(runtime_->context(0), watch_space(), net::asio::detached);
    net::asio::co_spawn(runtime_->context(0), keep_watch(), net::asio::detached);
    note("started", "", "hilum " HILUM_VERSION " started");
    ready_ = true;
    log_.info(
        "ready",
        {{"listeners", listeners_.size()}, {"destinations", destinations_.size()}, {"config", config.hash}});
    return {};
}

Result<void> Engine::open_store(config::Store const& configured) {
    store::Options options;
    options.dir = configured.dir;
    options.segment_size = configured.segment_size.count;
    options.retain = std::chrono::duration_cast<std::chrono::seconds>(configured.retain.age);
    options.retain_size = configured.retain.size.count;
    options.budget = configured.budget.count;
    options.now_us = now_us_;
    auto const files = store::posix_file_system();
    auto opened = store::open_store(std::move(options), files, *hub_);
    if (!opened) return opened.error();
    store_ = std::move(*opened);
    paused_ = std::make_unique<store::PausedQueues>(files, configured.dir);
    // Deliveries that a person has stopped must not begin because a file can't be read.
    if (auto const loaded = paused_->load(); !loaded) return loaded.error();
    auto const& recovery = store_->recovery();
    last_run_ = last_run(configured.dir, recovery.clean, store_->durable_end());
    dir_ = configured.dir;
    feeds_ = std::make_unique<subscriptions::Feeds>(
        files, dir_, [this](store::LaneKey const& source) -> Result<std::string> {
            auto const stored = store_->read(source.position);
            if (!stored) return stored.error();
            if (source.ordinal >= stored->record.deliveries.size())
                return error("damaged", "", "the record does not have this delivery");
            return {boost::system::in_place_value, std::string(stored->body(source.ordinal))};
        });
    for (auto const& note : recovery.notes) log_.info("store_recovery", {{"note", note}});
    for (auto const& damage : recovery.damage) log_.error("store_damage", {{"damage", damage}});
    log_.info("store_open", {{"dir", configured.dir},
                             {"clean", recovery.clean ? "yes" : "no"},
                             {"cut_bytes", recovery.cut_bytes},
                             {"took_us", recovery.took.count()}});
    return {};
}

void Engine::add_recovered_lanes() {
    // Also those whose destination is no longer configured: what waits for it is kept and shown.
    for (auto const& state : store_->lanes()) {
        if (state.queued > 0 || state.held > 0) add_lane(store_->name(state.destination), state);
    }
}

void Engine::add_lane(std::string const& name, store::LaneState const& state) {
    delivery::LaneContext const context{
        *runtime_, runtime_->next_delivery_index(), *store_, metrics_.destination(name), log_, now_us_,
        &replies_};
    auto lane = std::make_shared<delivery::Lane>(name, state.destination, context, state, last_run_);
    {
        std::lock_guard lock(mutex_);
        lanes_[name] = lane;
    }
    hub_->add(state.destination, lane);
    net::asio::post(lane->executor(), [lane, pause = paused_->find(name)] {
        if (pause) lane->pause(*pause);
        lane->start();
    });
}

Engine::LanePointer Engine::lane_for(std::string const& name) {
    if (auto known = lane(name)) return known;
    auto const id = store_->name_id(name);
    auto const known = store_->lanes();
    auto const found =
        std::find_if(known.begin(), known.end(), [id](auto const& state) { return state.destination == id; });
    store::LaneState fresh;
    fresh.destination = id;
    fresh.cursor = {store_->durable_end(), 0};  // nothing from before it was configured is for it
    add_lane(name, found != known.end() ? *found : fresh);
    return lane(name);
}

// Gives a lane its destination.
void Engine::set_destination(config::Component const& component) {
    auto const of = lane_for(component.name);
    auto index = std::size_t{0};
    while (&runtime_->context(index) != &of->executor().context()) ++index;
    destinations::DestinationContext context{*runtime_, index,          metrics_.destination(component.name),
                                             log_,      component.name, &awaited_};
    context.feeds = feeds_.get();
    // Made and used on the lane's own context.
    auto const& kind = kind_of(destinations::destination_catalogue(), component.kind);
    net::asio::post(of->executor(), [of, kind, component, context]() mutable {
        auto policy = delivery::Policy::from(component);
        delivery::Lane::Destinations connections;
        for (context.connection = 0; context.connection < policy.connections(); ++context.connection)
            connections.push_back(kind.make(component, context));
        of->set_destinations(std::move(connections), std::move(policy));
    });
}

void Engine::take_destinations(config::Config const& config) {
    for (auto const& component : config.destinations) {
        auto const known = destinations_.find(component.name);
        if (known != destinations_.end() && same(known->second, component)) continue;
        set_destination(component);
        destinations_[component.name] = component;
    }
    for (auto it = destinations_.begin(); it != destinations_.end();) {
        auto const still = std::any_of(config.destinations.begin(), config.destinations.end(),
                                       [&](auto const& c) { return c.name == it->first; });
        if (still) {
            ++it;
            continue;
        }
        auto const of = lane(it->first);
        net::asio::post(of->executor(), [of] { of->set_destinations({}, {}); });
        it = destinations_.erase(it);
    }
}

// A route that waits stands in front of its lane; one that no longer does, as long as messages wait there:
// they go on in the route as it is now. What waits for a route that is gone is kept and shown.
void Engine::take_waiting_routes(routes::Pipeline const& pipeline) {
    std::set<std::string> wanted;
    for (auto const route : pipeline.waiting_routes()) wanted.insert(pipeline.route_names()[route]);
    for (auto const& route : pipeline.route_names())
        if (lane(routes::Pipeline::waiting_lane(route))) wanted.insert(route);
    for (auto const& route : wanted) {
        if (!waiting_routes_.insert(route).second) continue;
        auto const of = lane_for(routes::Pipeline::waiting_lane(route));
        WaitingContext const context{*flow_, *store_, *hub_, *outside_, replies_, log_, now_us_};
        net::asio::post(of->executor(), [of, route, context] {
            delivery::Lane::Destinations one;
            one.push_back(make_waiting_route(route, context));
            of->set_destinations(std::move(one), {});
        });
    }
    std::erase_if(waiting_routes_, [&](std::string const& route) {
        if (wanted.contains(route)) return false;
        auto const of = lane(routes::Pipeline::waiting_lane(route));
        net::asio::post(of->executor(), [of] { of->set_destinations({}, {}); });
        return true;
    });
}

Engine::Remembered Engine::remember(std::vector<config::Component> const& listeners) {
    Remembered remembered;
    std::vector<Recalling> recalling;
    for (auto const& component : listeners) {
        auto const options = intake_options(component);
        if (!options.deduplicate) continue;
        auto& table = remembered[component.name] = std::make_shared<Duplicates>(
            *options.deduplicate, component.content.value_or(config::Content::hl7));
        recalling.push_back({store_->name_id(component.name), table.get(), listeners::charset_of(component)});
    }
    auto const begin = now_us_();
    auto const recalled = recall(*store_, recalling, begin);
    if (!recalled) log_.warn("duplicates_not_recalled", {{"error", recalled.error().code}});
    for (auto const& one : recalling) {
        log_.info("duplicates_recalled", {{"listener", store_->name(one.listener)},
                                          {"messages", one.found},
                                          {"complete", one.complete && recalled ? "yes" : "no"},
                                          {"took_us", now_us_() - begin}});
    }
    return remembered;
}

Result<void> Engine::start_listener(config::Component const& component, Remembered const& remembered) {
    auto options = intake_options(component);
    if (auto const known = remembered.find(component.name); known != remembered.end())
        options.duplicates = known->second;
    RunningListener running{component, std::make_unique<Door>(*flow_, component.name, options), nullptr};
    listeners::ListenerContext const context{*runtime_, *running.door, metrics_.listener(component.name),
                                             log_, feeds_.get()};
    running.listener = kind_of(listeners::listener_catalogue(), component.kind).make(component, context);
    if (auto started = running.listener->start(); !started) {
        auto why = started.error();
        why.what = "listener \"" + component.name + "\": " + why.what;
        return why;
    }
    log_.info("listening", {{"listener", component.name}, {"where", running.listener->where()}});
    std::lock_guard lock(mutex_);
    listeners_.insert_or_assign(component.name, std::move(running));
    return {};
}

void Engine::stop_listener(std::string const& name) {
    RunningListener running;
    {
        std::lock_guard lock(mutex_);
        auto node = listeners_.extract(name);
        if (node.empty()) return;
        running = std::move(node.mapped());
    }
    run_to_end(running.listener->stop());
    log_.info("listener_stopped", {{"listener", name}});
}

Result<void> Engine::start_replays(config::Store const& configured) {
    replay::Context const context{*runtime_,
                                  *store_,
                                  *hub_,
                                  *flow_,
                                  log_,
                                  now_us_,
                                  [this](std::string const& name) { return lane(name); },
                                  changes_};
    replays_ = std::make_unique<replay::Replays>(
        context, store::NumberedFiles(store::posix_file_system(), configured.dir, "replays"));
    return replays_->start();
}

Result<void> Engine::start_admin(config::Admin const& admin) {
    admin_ = std::make_unique<ops::AdminServer>(admin.listen, *runtime_, *this, log_);
    return admin_->start();
}

void Engine::stop() {
    {
        std::lock_guard lock(reload_mutex_);
        if (!running_) return;
        running_ = false;
    }
    ready_ = false;
    live_.stop();
    if (admin_) run_to_end(admin_->stop());
    replies_.stop();  // no listener ends before the senders it keeps waiting are answered
    if (replays_) run_to_end(replays_->stop());
    while (!listeners_.empty()) stop_listener(std::string(listeners_.begin()->first));
    // All lanes at once: the grace is for the whole stop, not for each.
    std::vector<std::future<void>> ending;
    for (auto const& lane : all_lanes()) {
        ending.push_back(net::asio::co_spawn(
            lane->executor(), [lane] { return lane->stop(stop_grace); }, net::asio::use_future));
    }
    for (auto& end : ending) end.get();
    auto const lanes = all_lanes();
    bool const lost =
        std::any_of(lanes.begin(), lanes.end(), [](auto const& lane) { return lane->lost_results(); });
    if (lost) note_lost_results(dir_, store_->durable_end());
    runtime_->stop();
    if (auto closed = store_->close(); !closed) {
        log_.error("store_close_failed", {{"error", closed.error().code}, {"place", closed.error().place}});
    }
    log_.info("stopped");
}

net::Task<void> Engine::prune_now_and_then() {
    net::Timer timer(runtime_->context(0).get_executor());
    for (;;) {
        timer.expires_after(prune_every);
        auto [ec] = co_await timer.async_wait(net::as_result);
        if (ec) co_return;
        co_await prune();
    }
}

// One at a time: it waits for the disk, and the pool of blocking calls is small.
net::Task<void> Engine::prune() {
    if (pruning_) co_return;
    pruning_ = true;
    auto work = [this] { return store_->prune(); };
    auto const pruned = co_await net::run_blocking(*runtime_, work);
    pruning_ = false;
    if (!pruned) {
        log_.error("retention_failed", {{"error", pruned.error().code}, {"place", pruned.error().place}});
    } else if (*pruned > 0) {
        log_.info("retention", {{"segments_dropped", *pruned}});
    }
}

// What runs full is told before; while it is full nothing is read; what nobody needs goes at once.
net::Task<void> Engine::watch_space() {
    net::Timer timer(runtime_->context(0).get_executor());
    for (;;) {
        auto look = [this] { return store_->measure(); };
        auto const space = co_await net::run_blocking(*runtime_, look);
        space_watch_.saw(space);
        flow_->set_takes(space.takes);
        if (space_watch_.wants_retention(std::chrono::steady_clock::now()))
            net::asio::co_spawn(runtime_->context(0), prune(), net::asio::detached);
        timer.expires_after(measure_again(space));
        auto [ec] = co_await timer.async_wait(net::as_result);
        if (ec) co_return;
    }
}

std::string Engine::ready_line() const {
    std::string line = "ready:";
    std::lock_guard lock(mutex_);
    for (auto const& [name, running] : listeners_) {
        auto where = running.listener->where();
        std::replace(where.begin(), where.end(), ' ', ':');
        line += " " + name + "=" + where;
    }
    if (admin_) line += " admin=" + admin_->where();
    return line;
}

}  // namespace hilum::flow
