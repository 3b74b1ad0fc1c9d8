#include "engine/replay/selection.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "engine/flow/acknowledgement.h"
#include "engine/replay/cause.h"

namespace hilum::replay {
namespace {

using ops::ReplayMode;
using routes::RouteOutcome;

constexpr std::uint32_t rows_a_page = 256;
constexpr auto time_a_page = std::chrono::milliseconds(50);

bool is_waiting_lane(std::string_view destination) {
    return destination.starts_with("(route ");
}

// "AE" is also "AE/207".
bool has_code(std::string_view code, std::string_view wanted) {
    return wanted.empty() || code == wanted ||
           (code.starts_with(wanted) && code.substr(wanted.size()).starts_with('/'));
}

bool contains(std::vector<std::string> const& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<std::unique_ptr<Selection>> Selection::make(ops::ReplayRequest const& request,
                                                   std::shared_ptr<flow::Generation const> generation,
                                                   store::Store& store, std::int64_t now_us) {
    std::unique_ptr<Selection> selection(new Selection(request, std::move(generation), store, now_us));
    if (auto checked = selection->check(); !checked) return checked.error();
    if (!request.where.empty()) {
        expression::Options fhir;
        fhir.fhir = true;
        auto compiled = expression::Expression::compile(request.where);
        auto about_fhir = expression::Expression::compile(request.where, fhir);
        if (!compiled && !about_fhir)
            return error("bad_expression", "where", compiled.error().text(),
                         "try it on a message: `hilum eval EXPRESSION FILE`");
        if (compiled) selection->where_ = std::move(*compiled);
        if (about_fhir) selection->fhir_where_ = std::move(*about_fhir);
    }
    return selection;
}

Result<void> Selection::check() const {
    auto const& r = request_;
    if (r.to_us <= r.from_us)
        return error("bad_replay", "to", "the range ends before it begins", "give a later time");
    if (r.rate == 0) return error("bad_replay", "rate", "a rate of none", "give messages a second");
    bool const again = r.mode == ReplayMode::reprocess;
    if (again && !(r.to_destination.empty() && r.destination.empty()))
        return error("bad_replay", "destination", "what is reprocessed goes where the routes of now send it",
                     "choose by route, or as-sent");
    if (!(r.code.empty() && r.cause.empty()) && r.mode != ReplayMode::held)
        return error("bad_replay", r.code.empty() ? "cause" : "code", "only what is held has one",
                     "leave it out");
    auto const& pipeline = *generation_->pipeline;
    if (!r.to_destination.empty() && (!configured(r.to_destination) || is_waiting_lane(r.to_destination)))
        return error("no_such_queue", r.to_destination, "the configuration in force has no such destination",
                     "`hilum queues list` shows them");
    if (again && !r.route.empty() && pipeline.route(r.route) == routes::Pipeline::none)
        return error("no_such_route", r.route, "the configuration in force has no such route");
    if (again && !r.listener.empty() && pipeline.listener(r.listener) == routes::Pipeline::none)
        return error("no_such_listener", r.listener, "the configuration in force has no such listener");
    return {};
}

bool Selection::configured(std::string const& destination) const {
    return contains(generation_->pipeline->destination_names(), destination);
}

// Of held ones, messages and deliveries: two searches, of which only that part counts that both have looked
// at.
Result<std::vector<store::MessageRow>> Selection::rows(store::Sequence after, store::Sequence last,
                                                       bool& end) const {
    store::Query query;
    query.listener = request_.listener;
    query.since_us = request_.from_us;
    query.until_us = request_.to_us;
    query.after = after;
    query.before = last + 1;
    query.oldest_first = true;
    query.limit = rows_a_page;
    query.destination = request_.destination;
    bool const held = request_.mode == ReplayMode::held;
    if (request_.mode == ReplayMode::as_sent) query.delivery_state = "delivered";
    if (held) query.delivery_state = "held";
    auto found = store_.query(query);
    if (!found) return found.error();
    end = found->size() < rows_a_page;
    if (!held || !request_.destination.empty() || !request_.code.empty() || !request_.to_destination.empty())
        return found;
    query.delivery_state.clear();
    query.state = "held";
    auto const whole = store_.query(query);
    if (!whole) return whole.error();
    auto until = last;
    if (!end) until = std::min(until, found->back().sequence);
    if (whole->size() == rows_a_page) {
        until = std::min(until, whole->back().sequence);
        end = false;
    }
    for (auto const& row : *whole) {
        bool const there = std::any_of(found->begin(), found->end(),
                                       [&](auto const& r) { return r.sequence == row.sequence; });
        if (!there) found->push_back(row);
    }
    std::sort(found->begin(), found->end(),
              [](auto const& a, auto const& b) { return a.sequence < b.sequence; });
    std::erase_if(*found, [&](auto const& row) { return row.sequence > until; });
    return found;
}

Result<Selection::Page> Selection::page(store::Sequence after, store::Sequence last, Visit const& visit) {
    Page page{after, false};
    auto const until = std::chrono::steady_clock::now() + time_a_page;
    bool end = false;
    auto const found = rows(after, last, end);
    if (!found) return found.error();
    for (auto const& row : *found) {
        bool more = true;
        if (auto looked = look_at(row, visit, more); !looked) return looked.error();
        page.reached = row.sequence;
        if (!more || std::chrono::steady_clock::now() > until) return page;
    }
    page.end = end;
    if (end) page.reached = std::max(page.reached, last);
    return page;
}

// A message that can't be read is left out, and said to be: the others go.
Result<void> Selection::look_at(store::MessageRow const& row, Visit const& visit, bool& more) {
    auto stored = store_.read(row.position);
    if (!stored) {
        ++left_out_["not in the journal any more, or damaged"];
        return {};
    }
    Item item;
    item.held = row.state == "held";
    item.number = row.sequence;
    item.position = row.position;
    item.listener = row.listener;
    auto why = choose(row, *stored, item);
    if (why.empty()) why = where(row, *stored);
    if (!why.empty()) {
        ++left_out_[why];
        return {};
    }
    more = visit(item, *stored);
    return {};
}

std::string Selection::choose(store::MessageRow const& row, store::StoredMessage const& stored,
                              Item& item) const {
    switch (request_.mode) {
        case ReplayMode::as_sent:
            return choose_sent(row, stored, item);
        case ReplayMode::reprocess:
            return choose_again(row, stored, item);
        case ReplayMode::held:
            return choose_held(row, stored, item);
    }
    return "no such mode";
}

std::string Selection::add(store::StoredMessage const& stored, Item::Delivery delivery, Item& item) const {
    auto const name = store_.name(delivery.destination);
    if (!configured(name)) return "its destination is no longer configured (another one can be named)";
    // Elsewhere, the same body of a message is wanted once, however many had it.
    auto const& planned = stored.record.deliveries;
    for (auto const& d : item.deliveries)
        if (d.destination == delivery.destination &&
            planned[d.ordinal].body == planned[delivery.ordinal].body && delivery.ends.empty())
            return {};
    delivery.bytes = stored.body(delivery.ordinal).size();
    item.deliveries.push_back(std::move(delivery));
    return {};
}

std::string Selection::choose_sent(store::MessageRow const& row, store::StoredMessage const& stored,
                                   Item& item) const {
    std::string why = "nothing that fits was delivered";
    auto const& planned = stored.record.deliveries;
    for (auto const& d : row.deliveries) {
        if (d.state != "delivered" || d.ordinal >= planned.size()) continue;
        if (!request_.destination.empty() && d.destination != request_.destination) continue;
        auto const route = store_.name(planned[d.ordinal].route);
        if (!request_.route.empty() && route != request_.route) continue;
        // What waited for a route did not go anywhere; an acknowledgement belongs to its moment.
        if (is_waiting_lane(d.destination) || route == flow::acknowledgement_route) continue;
        auto const& to = request_.to_destination.empty() ? d.destination : request_.to_destination;
        if (auto left = add(stored, {d.ordinal, store_.name_id(to), 0, {}}, item); !left.empty()) why = left;
    }
    std::sort(item.deliveries.begin(), item.deliveries.end(), [](auto const& a, auto const& b) {
        return std::pair(a.ordinal, a.destination) < std::pair(b.ordinal, b.destination);
    });
    return item.deliveries.empty() ? why : std::string();
}

std::vector<std::string> Selection::held_by(store::StoredMessage const& stored) const {
    std::vector<std::string> routes;
    for (auto const& v : stored.record.verdicts)
        if (v.outcome == static_cast<std::uint8_t>(RouteOutcome::held))
            routes.push_back(store_.name(v.route));
    return routes;
}

// Going through the routes again ends the holding of the message as a whole, so one route alone must be what
// holds it.
bool Selection::held_elsewhere(store::StoredMessage const& stored) const {
    auto const routes = held_by(stored);
    return !request_.route.empty() && std::any_of(routes.begin(), routes.end(), [this](auto const& route) {
        return route != request_.route;
    });
}

// The same of one reason.
bool Selection::held_otherwise(store::StoredMessage const& stored) const {
    auto const& verdicts = stored.record.verdicts;
    return !request_.cause.empty() && std::any_of(verdicts.begin(), verdicts.end(), [this](auto const& v) {
        return v.outcome == static_cast<std::uint8_t>(RouteOutcome::held) &&
               cause_of(v.reason) != request_.cause;
    });
}

std::string Selection::choose_held(store::MessageRow const& row, store::StoredMessage const& stored,
                                   Item& item) const {
    std::string why = "nothing that fits is held";
    auto const& record = stored.record;
    bool const whole = row.state == "held" && request_.destination.empty() && request_.code.empty() &&
                       request_.to_destination.empty();
    if (whole) {
        if (held_elsewhere(stored)) return "other routes hold it, too";
        if (held_otherwise(stored)) return "it is held for another reason, too";
        if (generation_->pipeline->listener(row.listener) == routes::Pipeline::none)
            return "its listener is no longer configured";
        item.routes = held_by(stored);
        item.again = !item.routes.empty();
    }
    auto const entries = held_entries(store_, row.sequence);
    if (!entries) return "the index can't be read";
    for (auto const& entry : *entries) {
        auto const name = store_.name(entry.destination);
        if (entry.ordinal >= record.deliveries.size()) continue;
        if (!request_.destination.empty() && name != request_.destination) continue;
        if (!has_code(entry.code, request_.code)) continue;
        if (!request_.cause.empty() && entry.code != request_.cause && cause_of(entry.text) != request_.cause)
            continue;
        if (!request_.route.empty() && store_.name(record.deliveries[entry.ordinal].route) != request_.route)
            continue;
        if (!request_.to_destination.empty() && is_waiting_lane(name))
            continue;  // its steps are still to be done
        auto const to =
            request_.to_destination.empty() ? entry.destination : store_.name_id(request_.to_destination);
        if (auto left = add(stored, {entry.ordinal, to, 0, {entry}}, item); !left.empty()) why = left;
    }
    return item.deliveries.empty() && !item.again ? why : std::string();
}

std::string Selection::choose_again(store::MessageRow const& row, store::StoredMessage const& stored,
                                    Item& item) const {
    if (row.state == "rejected") return "refused at intake: its sender has to send it again";
    if (stored.record.origin != 0) return "made of another message, which goes by itself";
    auto const& pipeline = *generation_->pipeline;
    if (pipeline.listener(row.listener) == routes::Pipeline::none)
        return "its listener is no longer configured";
    if (!request_.route.empty()) {
        if (reachable(row.listener).empty()) return "the route does not see it";
        if (row.state == "held" && held_elsewhere(stored)) return "other routes hold it";
        item.routes.push_back(request_.route);
    }
    item.again = true;
    return {};
}

std::string Selection::where(store::MessageRow const& row, store::StoredMessage const& stored) const {
    if (!where_.valid() && !fhir_where_.valid()) return {};
    auto const listener = generation_->pipeline->listener(row.listener);
    routes::Workpiece piece;
    if (!flow::read(*generation_, listener, stored.record.received, piece))
        return "where: the message can't be read";
    auto const& where = piece.content() == routes::Content::fhir ? fhir_where_ : where_;
    if (!where.valid()) return "where: the expression is not about such messages";
    auto const is = where.test(piece.subject().context(now_us_));
    if (!is) return "where: the expression can't be worked out (" + is.error().code + ")";
    return *is ? std::string() : "where: the expression says no";
}

std::vector<std::string> Selection::reachable(std::string const& listener) const {
    auto const& routes = generation_->config.routes;
    std::set<std::string> seen, destinations;
    auto const is_route = [&](std::string const& name) {
        return std::any_of(routes.begin(), routes.end(), [&](auto const& r) { return r.name == name; });
    };
    std::vector<config::Route const*> next;
    auto const visit = [&](config::Route const& route) {
        if (seen.insert(route.name).second) next.push_back(&route);
    };
    for (auto const& route : routes)
        if (std::any_of(route.from.begin(), route.from.end(),
                        [&](auto const& f) { return f.name == listener; }))
            visit(route);
    while (!next.empty()) {
        auto const& route = *next.back();
        next.pop_back();
        bool const counts = request_.route.empty() || route.name == request_.route;
        if (auto const lane = routes::Pipeline::waiting_lane(route.name); counts && configured(lane))
            destinations.insert(lane);
        for (auto const& to : route.to) {
            if (is_route(to.name)) {
                for (auto const& r : routes)
                    if (r.name == to.name) visit(r);
            } else if (counts) {
                destinations.insert(to.name);
            }
        }
    }
    return {destinations.begin(), destinations.end()};
}

}  // namespace hilum::replay
