#include "routes/advice_order.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "routes/contents.h"
#include "routes/expression/lexer.h"
#include "routes/index_of.h"
#include "routes/order_keys.h"

namespace hilum::routes {
namespace {

using config::in_quotes;
using expression::TokenKind;

// Ways of routes that are followed: diamonds of routes could double at each level.
constexpr std::size_t visits_max = 20'000;

// From a listener to a destination: the routes, one behind the other.
using Way = std::vector<std::size_t>;

struct Ordered {
    std::size_t destination = 0;
    config::Text by;
    std::vector<hl7::Path> paths;  // that order_by reads; none when some of them can't be followed
    std::vector<Way> ways;
};

bool has_mode_delivered(config::Component const& listener) {
    auto const* ack = listener.common.find("ack");
    auto const* mode = ack ? ack->find("mode") : nullptr;
    return mode && mode->scalar == "delivered";
}

bool asks_for_kind_only(std::string_view when) {
    auto const tokens = expression::tokens_of(when);
    return std::all_of(tokens.begin(), tokens.end(), [](expression::Token const& token) {
        return token.kind != TokenKind::path ||
               (token.path.segment_name() == "MSH" && token.path.field == 9) ||
               (token.path.segment_name() == "EVN" && token.path.field == 1);
    });
}

std::string joined(std::vector<std::string> const& words) {
    std::string out;
    for (auto const& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

class OrderAdvice {
  public:
    OrderAdvice(config::Config const& config, Pipeline const& pipeline, config::Diagnostics& diagnostics)
        : config_(config), diagnostics_(diagnostics) {
        for (auto const route : pipeline.waiting_routes()) waiting_.insert(route);
    }

    void give() {
        config::Diagnostics told_by_the_pipeline;
        auto const contents = contents_of(config_, told_by_the_pipeline);
        for (std::size_t i = 0; i < config_.destinations.size(); ++i) {
            auto const* by = config_.destinations[i].common.find("order_by");
            if (!by || !by->is_scalar() || by->scalar.empty()) continue;
            auto const& come = contents.of_destination[i];
            if (come.size() > 1) of_both(config_.destinations[i].name, by->where);
            if (come.contains(config::Content::fhir)) continue;
            ordered_.push_back({i, {by->scalar, by->where}, {}, {}});
        }
        if (ordered_.empty()) return;
        for (std::size_t i = 0; i < config_.routes.size(); ++i) {
            if (config_.routes[i].from.empty()) continue;
            Way way;
            follow(i, way);
        }
        for (auto& one : ordered_) check(one);
    }

  private:
    void warn(config::Location const& where, std::string const& what, std::string const& remedy) {
        if (told_.insert(where.text() + what).second) diagnostics_.warning(where, what, remedy);
    }

    void of_both(std::string const& destination, config::Location const& where) {
        warn(where,
             "HL7 v2 messages come to destination " + in_quotes(destination) +
                 " as well, and this is about FHIR: they have no value, and pass the resources or are passed",
             "give each of the two a destination of its own");
    }

    // Circles of routes are errors.
    void follow(std::size_t route, Way& way) {
        if (++visits_ > visits_max) return;
        way.push_back(route);
        for (auto const& to : config_.routes[route].to) {
            auto const next = index_of(config_.routes, to.name);
            if (next != config_.routes.size()) {
                follow(next, way);
                continue;
            }
            auto const destination = index_of(config_.destinations, to.name);
            for (auto& one : ordered_)
                if (one.destination == destination) one.ways.push_back(way);
        }
        way.pop_back();
    }

    void check(Ordered& one) {
        if (one.ways.empty() || !check_expression(one)) return;
        check_waiting(one);
        if (one.paths.empty()) return;
        for (auto const& way : one.ways) check_way(one, way);
    }

    // What the expression alone says. False: it keeps no order, so that nothing can break it.
    bool check_expression(Ordered& one) {
        auto const tokens = expression::tokens_of(one.by.value);
        bool constant = true, followed = true, joins = true;
        std::vector<hl7::Path> paths;
        for (auto const& token : tokens) {
            bool const path = token.kind == TokenKind::path;
            constant = constant && (token.kind == TokenKind::string || token.kind == TokenKind::number ||
                                    token.kind == TokenKind::symbol);
            joins =
                joins && (path || token.kind == TokenKind::string || token.symbol("&") || token.symbol("+"));
            followed = followed && token.kind != TokenKind::environment && (!path || token.groups.empty());
            if (path) paths.push_back(token.path);
        }
        if (constant) {
            warn(one.by.where, "every message has this value: all of them stand in one line",
                 "leave order_by out, or name a field, as in order_by: PID-3.1");
            return false;
        }
        bool const number = joins && std::any_of(paths.begin(), paths.end(), [](hl7::Path const& path) {
                                return path.segment_name() == "MSH" && path.field == 10;
                            });
        if (number) {
            check_number(one);
            return false;
        }
        if (tokens.size() == 1 && paths.size() == 1 && paths[0].many()) {
            auto first = paths[0];
            first.occurrence = first.repetition = 1;
            first.repetition_given = false;
            warn(one.by.where,
                 paths[0].text() +
                     " gives several values where it is repeated: such a message counts as one without a "
                     "value, "
                     "and passes those that have one of them",
                 "ask for one, as in order_by: " + first.text());
            return false;
        }
        if (followed) one.paths = std::move(paths);
        return true;
    }

    // Each message has its own MSH-10. A sender that waits for the destination's answer keeps its order
    // itself.
    void check_number(Ordered const& one) {
        if (config_.destinations[one.destination].kind == "file") return;
        bool const all_wait = std::all_of(one.ways.begin(), one.ways.end(), [&](Way const& way) {
            auto const& from = config_.routes[way.front()].from;
            return std::all_of(from.begin(), from.end(), [&](config::NameRef const& name) {
                auto const listener = index_of(config_.listeners, name.name);
                return listener != config_.listeners.size() &&
                       has_mode_delivered(config_.listeners[listener]);
            });
        });
        if (all_wait) return;
        warn(one.by.where, "MSH-10 is another one in each message, so that no two of them keep their order",
             "name what messages of one patient or order have in common, as in order_by: PID-3.1");
    }

    void check_way(Ordered const& one, Way const& way) {
        OrderKeys keys(one.paths);
        for (auto const route : way) keys.pass(config_.routes[route]);
        auto const& destination = config_.destinations[one.destination].name;
        std::string const orders =
            "destination " + in_quotes(destination) + " orders by " + in_quotes(one.by.value);
        if (auto const* lost = keys.lost()) {
            warn(*lost,
                 orders + ", which this " + (keys.emptied() ? "empties" : "makes the same for all") +
                     ": messages of the route " + in_quotes(config_.routes[way.back()].name) +
                     " stand in one line" +
                     (one.ways.size() > 1 ? ", and keep no order with those of other routes" : ""),
                 "leave it as it is, or order by what is not changed");
            return;
        }
        if (auto const& restriction = keys.restriction()) check_messages(one, *restriction, keys, orders);
    }

    // What the structures of the messages say that come this way.
    void check_messages(Ordered const& one, Restriction const& restriction, OrderKeys const& keys,
                        std::string const& orders) {
        std::vector<std::string> without, merges;
        auto const of_patient = std::all_of(one.paths.begin(), one.paths.end(),
                                            [](auto const& path) { return path.segment_name() == "PID"; });
        for (auto const& type : restriction.types) {
            for (auto const& event : restriction.events) {
                auto const& segments = segments_in(type, event, restriction.version);
                if (!segments) continue;
                bool const any = std::any_of(one.paths.begin(), one.paths.end(), [&](hl7::Path const& path) {
                    return path.segment[0] == 'Z' || path.segment_name() == "MSH" ||
                           segments->contains(path.segment_name());
                });
                if (!any) without.push_back(type + "^" + event);
                if (any && of_patient && segments->contains("MRG")) merges.push_back(type + "^" + event);
            }
        }
        if (!without.empty())
            warn(keys.when_where(),
                 orders + ", and " + joined(without) + (without.size() > 1 ? " have" : " has") +
                     " no such segment: without a value these messages stand in one line, and keep no "
                     "order with "
                     "others",
                 "give them a destination of their own, or a value, as in order_by: \"iif(MSH-9.1 = 'ADT', "
                 "PID-3.1, "
                 "MSH-9.1)\"");
        if (!merges.empty())
            warn(keys.when_where(),
                 orders + ", and " + joined(merges) + (merges.size() > 1 ? " name" : " names") +
                     " two patients, PID and MRG: messages about the one in MRG may pass it, or be "
                     "passed",
                 "leave order_by out there, or order by what both have in common, as in order_by: MSH-4");
    }

    std::optional<SegmentNames> const& segments_in(std::string const& type, std::string const& event,
                                                   std::optional<hl7::Version> version) {
        auto const [at, is_new] = segments_.try_emplace({type, event, version});
        if (is_new) at->second = segments_of(config_.dictionary, type, event, version);
        return at->second;
    }

    // Whether all that a way asks of messages is what kind they are: then they are about the same patients as
    // those of another such way.
    bool by_kind_only(Way const& way) {
        return std::all_of(way.begin(), way.end(), [&](std::size_t route) {
            auto const [at, is_new] = by_kind_only_.try_emplace(route);
            if (is_new) at->second = asks_for_kind_only(config_.routes[route].when.value);
            return at->second;
        });
    }

    bool same_listener(Way const& a, Way const& b) const {
        auto const& from = config_.routes[a.front()].from;
        auto const& other = config_.routes[b.front()].from;
        return std::any_of(from.begin(), from.end(), [&](config::NameRef const& one) {
            return std::any_of(other.begin(), other.end(),
                               [&](config::NameRef const& two) { return one.name == two.name; });
        });
    }

    // A route that waits is a queue of its own: messages that don't go through it pass those that do.
    void check_waiting(Ordered const& one) {
        if (waiting_.empty() || config_.destinations[one.destination].kind == "file") return;
        for (auto const& way : one.ways) {
            auto const waits = std::find_if(way.begin(), way.end(),
                                            [&](std::size_t route) { return waiting_.contains(route); });
            if (waits == way.end() || !by_kind_only(way)) continue;
            auto const passes = std::find_if(one.ways.begin(), one.ways.end(), [&](Way const& other) {
                return std::find(other.begin(), other.end(), *waits) == other.end() &&
                       same_listener(way, other) && by_kind_only(other);
            });
            if (passes == one.ways.end()) continue;
            warn(one.by.where,
                 "on their way here messages wait in the route " + in_quotes(config_.routes[*waits].name) +
                     " for other systems, and those of the route " +
                     in_quotes(config_.routes[passes->back()].name) + " pass them, of the same value, too",
                 "let both go through one route that does the step which waits, and send from there");
            return;
        }
    }

    config::Config const& config_;
    config::Diagnostics& diagnostics_;
    std::set<std::size_t> waiting_;
    std::vector<Ordered> ordered_;
    std::size_t visits_ = 0;
    std::set<std::string> told_;
    std::map<std::size_t, bool> by_kind_only_;
    std::map<std::tuple<std::string, std::string, std::optional<hl7::Version>>, std::optional<SegmentNames>>
        segments_;
};

}  // namespace

void advise_on_order(config::Config const& config, Pipeline const& pipeline,
                     config::Diagnostics& diagnostics) {
    OrderAdvice(config, pipeline, diagnostics).give();
}

}  // namespace hilum::routes
