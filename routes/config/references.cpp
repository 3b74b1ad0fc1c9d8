// Do the names of a configuration lead somewhere?
#include <unordered_map>
#include <unordered_set>

#include "routes/config/sections.h"

namespace hilum::config {
namespace {

std::vector<std::string_view> names_of(auto const& named) {
    std::vector<std::string_view> out;
    for (auto const& one : named) out.push_back(one.name);
    return out;
}

class References {
  public:
    References(Config const& config, SectionsRead read, Catalogue const& catalogue, Diagnostics& diagnostics)
        : config_(config), read_(read), diagnostics_(diagnostics) {
        for (auto const& one : config.listeners) {
            listeners_.insert(one.name);
            if (!catalogue.listener_destinations) continue;
            for (auto& ref : catalogue.listener_destinations(one)) by_listeners_.push_back(std::move(ref));
        }
        for (auto const& one : config.destinations) destinations_.emplace(one.name, one.where);
        for (std::size_t i = 0; i < config.routes.size(); ++i) {
            if (!config.routes[i].name.empty() && !destinations_.contains(config.routes[i].name))
                routes_.emplace(config.routes[i].name, i);
        }
    }

    void check() {
        for (Route const& route : config_.routes) {
            names_apart(route);
            from(route);
            to(route);
        }
        named_by_listeners();
        circles();
        // After an error they'd mostly be its consequences.
        if (!diagnostics_.failed()) unused();
    }

  private:
    // "to" could mean either.
    void names_apart(Route const& route) {
        auto const found = destinations_.find(route.name);
        if (found == destinations_.end()) return;
        diagnostics_.error(
            route.where, "route " + in_quotes(route.name) + " has the name of a destination",
            "the destination is at " + found->second.text() + "; give one of the two another name");
    }

    void from(Route const& route) {
        for (NameRef const& ref : route.from) {
            if (listeners_.contains(ref.name) || !read_.listeners || is_abstract("listener", ref)) continue;
            std::string remedy;
            if (routes_.contains(ref.name)) {
                remedy = "it is a route: name " + in_quotes(route.name) + " in its \"to\" instead";
            } else if (!diagnostics_.full()) {
                remedy = suggest(ref.name, names_of(config_.listeners), "listeners");
            }
            diagnostics_.error(ref.where, "there is no listener " + in_quotes(ref.name),
                               remedy.empty() ? "add it under \"listeners\"" : remedy);
        }
    }

    void to(Route const& route) {
        for (NameRef const& ref : route.to) {
            if (destinations_.contains(ref.name) || routes_.contains(ref.name) || !read_.destinations ||
                !read_.routes || is_abstract("destination", ref) || is_abstract("route", ref))
                continue;
            std::string remedy;
            if (!diagnostics_.full()) {
                std::vector<std::string_view> known = names_of(config_.destinations);
                for (Route const& other : config_.routes) {
                    if (&other != &route && !other.name.empty()) known.push_back(other.name);
                }
                remedy = suggest(ref.name, known, "destinations and routes");
            }
            diagnostics_.error(ref.where, "there is no destination or route " + in_quotes(ref.name),
                               remedy.empty() ? "add it under \"destinations\"" : remedy);
        }
    }

    bool is_abstract(std::string_view what, NameRef const& ref) {
        std::string const title = std::string(what) + ' ' + in_quotes(ref.name);
        if (!read_.abstracts || !read_.abstracts->contains(title)) return false;
        diagnostics_.error(ref.where, title + " is abstract, it is never started",
                           "name one that extends it, or remove its \"abstract\"");
        return true;
    }

    void named_by_listeners() {
        for (NameRef const& ref : by_listeners_) {
            if (destinations_.contains(ref.name) || !read_.destinations || is_abstract("destination", ref))
                continue;
            auto const remedy = diagnostics_.full()
                                    ? std::string()
                                    : suggest(ref.name, names_of(config_.destinations), "destinations");
            diagnostics_.error(ref.where, "there is no destination " + in_quotes(ref.name),
                               remedy.empty() ? "add it under \"destinations\"" : remedy);
        }
    }

    // Depth first, with a stack of its own: a chain may have as many routes as the file has room for. A `to`
    // that leads back to a route on the way closes a circle.
    void circles() {
        enum class State : unsigned char { fresh, on_the_way, done };
        std::vector<State> state(config_.routes.size(), State::fresh);
        struct Visit {
            std::size_t route;
            std::size_t next = 0;  // index into its `to`
        };
        std::vector<Visit> way;
        for (std::size_t start = 0; start < config_.routes.size(); ++start) {
            if (state[start] != State::fresh) continue;
            way.push_back({start});
            state[start] = State::on_the_way;
            while (!way.empty()) {
                NameList const& to = config_.routes[way.back().route].to;
                if (way.back().next == to.size()) {
                    state[way.back().route] = State::done;
                    way.pop_back();
                    continue;
                }
                NameRef const& ref = to[way.back().next++];
                auto const found = routes_.find(ref.name);
                if (found == routes_.end()) continue;
                if (state[found->second] == State::on_the_way) {
                    std::vector<std::size_t> circle;
                    for (std::size_t i = way.size(); i-- > 0;) {
                        circle.push_back(way[i].route);
                        if (way[i].route == found->second) break;
                    }
                    report_circle(ref, circle);
                } else if (state[found->second] == State::fresh) {
                    state[found->second] = State::on_the_way;
                    way.push_back({found->second});
                }
            }
        }
    }

    void report_circle(NameRef const& ref, std::vector<std::size_t> const& backwards) {
        constexpr std::size_t shown_max = 10;
        std::string path;
        std::size_t shown = 0;
        for (std::size_t i = backwards.size(); i-- > 0 && shown < shown_max; ++shown) {
            path += config_.routes[backwards[i]].name + " -> ";
        }
        if (backwards.size() > shown_max) path += "... -> ";
        diagnostics_.error(ref.where, "routes go in a circle: " + path + ref.name,
                           "remove one of these names from its \"to\"");
    }

    void unused() {
        std::unordered_set<std::string_view> sources;
        std::unordered_set<std::string_view> targets;
        for (NameRef const& ref : by_listeners_) targets.insert(ref.name);
        std::vector<std::size_t> reached;
        std::vector<bool> is_reached(config_.routes.size());
        for (std::size_t i = 0; i < config_.routes.size(); ++i) {
            for (NameRef const& ref : config_.routes[i].from) sources.insert(ref.name);
            for (NameRef const& ref : config_.routes[i].to) targets.insert(ref.name);
            if (config_.routes[i].from.empty()) continue;
            reached.push_back(i);
            is_reached[i] = true;
        }
        while (!reached.empty()) {
            Route const& route = config_.routes[reached.back()];
            reached.pop_back();
            for (NameRef const& ref : route.to) {
                auto const found = routes_.find(ref.name);
                if (found == routes_.end() || is_reached[found->second]) continue;
                is_reached[found->second] = true;
                reached.push_back(found->second);
            }
        }
        for (std::size_t i = 0; i < config_.routes.size(); ++i) {
            if (is_reached[i]) continue;
            diagnostics_.warning(
                config_.routes[i].where, "no message reaches route " + in_quotes(config_.routes[i].name),
                "add \"from\" with a listener, or name it in the \"to\" of a route that has one");
        }
        for (Component const& listener : config_.listeners) {
            if (sources.contains(listener.name)) continue;
            diagnostics_.warning(listener.where,
                                 "no route takes messages from listener " + in_quotes(listener.name),
                                 "name it in the \"from\" of a route, or remove it");
        }
        for (Component const& destination : config_.destinations) {
            if (targets.contains(destination.name)) continue;
            diagnostics_.warning(destination.where,
                                 "no route leads to destination " + in_quotes(destination.name),
                                 "name it in the \"to\" of a route, or remove it");
        }
    }

    Config const& config_;
    SectionsRead read_;
    Diagnostics& diagnostics_;
    std::unordered_set<std::string_view> listeners_;
    std::unordered_map<std::string_view, Location> destinations_;
    std::unordered_map<std::string_view, std::size_t> routes_;
    NameList by_listeners_;  // destinations that listeners name
};

}  // namespace

void check_references(Config const& config, SectionsRead read, Catalogue const& catalogue,
                      Diagnostics& diagnostics) {
    References(config, read, catalogue, diagnostics).check();
}

}  // namespace hilum::config
