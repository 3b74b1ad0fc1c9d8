// A configuration takes the place of another while messages flow.
#include <algorithm>

#include "engine/flow/engine.h"
#include "engine/ops/kill_point.h"

namespace hilum::flow {

Result<void> Engine::reload(Loaded loaded) {
    std::lock_guard lock(reload_mutex_);
    if (!running_) return error("not_now", loaded.config.source, "the engine is stopping");
    auto const before = flow_->generation();
    auto const& old = before->config;
    if (loaded.config.store.dir != old.store.dir || !(loaded.config.admin.listen == old.admin.listen)) {
        return error("needs_restart", loaded.config.source,
                     "store.dir and admin.listen can't change while the engine runs", "restart hilum");
    }
    auto const next =
        make_generation(std::move(loaded.config), std::move(loaded.pipeline), *store_, metrics_);

    // Listeners first: binding is what can fail, and until the new generation is in use a new one refuses
    // messages as "not yet".
    std::vector<config::Component> stopped;
    std::vector<std::string> started;
    std::optional<Error> failed;
    for (auto const& component : old.listeners) {
        auto const& all = next->config.listeners;
        bool const kept = std::any_of(all.begin(), all.end(), [&](auto const& c) {
            return c.name == component.name && same(c, component);
        });
        if (kept) continue;
        stop_listener(component.name);
        stopped.push_back(component);
    }
    for (auto const& component : next->config.listeners) {
        if (failed || listeners_.contains(component.name)) continue;
        if (auto result = start_listener(component, remember({component})); !result) {
            failed = result.error();
        } else {
            started.push_back(component.name);
        }
    }
    if (failed) {
        for (auto const& name : started) stop_listener(name);
        for (auto const& component : stopped) {
            if (auto again = start_listener(component, remember({component})); !again)
                log_.error("listener_lost", {{"listener", component.name}, {"error", again.error().code}});
        }
        return *failed;
    }
    ops::kill_point(ops::KillPoint::reload_bound);
    take_destinations(next->config);
    take_waiting_routes(*next->pipeline);
    ops::kill_point(ops::KillPoint::reload_taken);
    flow_->use(next);
    log_.info("reloaded", {{"config", next->config.hash}, {"was", old.hash}});
    return {};
}

ops::ReloadView Engine::reload_from_source() {
    ops::ReloadView view;
    auto const before = flow_->generation();
    auto const& path = before->config.source;
    view.was = view.hash = before->config.hash;
    auto loaded = load_configuration(path, view.diagnostics);
    if (!loaded) {
        view.refused = error("bad_configuration", path,
                             "the configuration has errors; the one from before stays in force",
                             "mend them; `hilum check` finds the same");
    } else {
        auto changes = config::changes(before->config, loaded->config);
        auto const hash = loaded->config.hash;
        if (auto const done = reload(std::move(*loaded)); !done) {
            view.refused = done.error();
        } else {
            view.hash = hash;
            view.changes = std::move(changes);
        }
    }
    if (view.refused) log_.error("reload_refused", {{"config", path}, {"reason", view.refused->text()}});
    if (view.refused)
        note("reload_refused", {}, view.refused->what);
    else
        note("reloaded", {},
             "configuration " + view.hash + " in force, " + std::to_string(view.changes.size()) + " changes");
    return view;
}

net::Task<ops::ReloadView> Engine::reload() {
    auto work = [this] { return reload_from_source(); };
    co_return co_await net::run_blocking(*runtime_, work);
}

}  // namespace hilum::flow
