#include "routes/testing/rehearsal.h"

#include <algorithm>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/characters.h"
#include "parsers/hl7/message_form.h"

namespace hilum::testing {
namespace {

using routes::RouteOutcome;

constexpr std::size_t shown_max = 200;

// A route behind several others may have seen the message more than once: the first counts.
Stored::Verdict const* find_route(std::vector<Stored::Verdict> const& verdicts, std::string_view route) {
    auto const found = std::find_if(verdicts.begin(), verdicts.end(),
                                    [&](Stored::Verdict const& v) { return v.route == route; });
    return found == verdicts.end() ? nullptr : &*found;
}

std::string transition(std::string_view was, std::string_view now) {
    return "was " + std::string(was) + ", now " + std::string(now);
}

std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find('\n')).substr(0, shown_max);
}

// A field with its repetitions as it stands, or the whole segment where `field` is 0.
std::string_view field_at(hl7::Message const& message, std::string_view segment, std::uint32_t occurrence,
                          std::uint32_t field) {
    auto const number = message.find(segment, occurrence);
    if (number == 0) return {};
    auto rest = message.segment(number);
    if (field == 0) return rest;
    for (std::uint32_t skip = hl7::header_name(segment) ? field - 1 : field; skip > 0; --skip) {
        auto const end = rest.find(message.delimiters().field);
        if (end == std::string_view::npos) return {};
        rest.remove_prefix(end + 1);
    }
    return rest.substr(0, rest.find(message.delimiters().field));
}

// What the field of a path holds in both, in the first segment of that name where it differs.
std::pair<std::string_view, std::string_view> example_of(hl7::Message const& a, hl7::Message const& b,
                                                         hl7::Path const& path) {
    auto const segment = path.segment_name();
    auto const count = std::max(a.count(segment), b.count(segment));
    for (std::uint32_t i = 1; i <= count; ++i) {
        auto const before = field_at(a, segment, i, path.field);
        auto const after = field_at(b, segment, i, path.field);
        if (before != after) return {before, after};
    }
    return {};
}

// A body as ER7, for comparing field by field; what can't be read stays.
std::string_view plain(std::string_view body, std::string& text) {
    if (hl7::form_of(body) == hl7::Form::er7) return body;
    auto const message = hl7::read_body(body);
    if (!message) return body;
    return text = message->bytes();
}

}  // namespace

void Rehearsal::compare(Stored const& was, Taken const& now) {
    ++messages_;
    number_ = was.number;
    different_ = false;
    changed_routes_.clear();
    bool const now_refused = now.refused || now.processed.rejected;
    if (was.refused != now_refused) {
        std::string reason;
        if (now_refused && !now.answer.empty()) {
            if (auto const told = hl7::read_ack(now.answer)) reason = told->text;
        }
        add("intake", "", transition(was.answer_code, now.answer_code), reason);
    }
    compare_outcomes(was, now);
    if (was.refused == now_refused) compare_deliveries(was, now);
    if (!different_) ++alike_;
}

void Rehearsal::compare_outcomes(Stored const& was, Taken const& now) {
    auto const count = [this](std::string_view route) -> Counts& {
        auto const found = routes_.find(route);
        return found != routes_.end() ? found->second : routes_[std::string(route)];
    };
    auto const& names = candidate_.route_names();
    // Notes decide nothing.
    for (auto const& v : was.verdicts)
        if (v.outcome != RouteOutcome::noted) ++count(v.route).was[static_cast<std::size_t>(v.outcome)];
    for (auto const& v : now.processed.verdicts)
        if (v.outcome != RouteOutcome::noted)
            ++count(names[v.route]).now[static_cast<std::size_t>(v.outcome)];
    if (was.refused != (now.refused || now.processed.rejected)) return;  // told already
    for (auto const& v : now.processed.verdicts) {
        if (v.outcome == RouteOutcome::noted) continue;
        auto const* before = find_route(was.verdicts, names[v.route]);
        if (!before || before->outcome == v.outcome) continue;
        if (explained(names[v.route])) continue;
        changed_routes_.push_back(names[v.route]);
        auto const& reason = v.reason.empty() ? before->reason : std::string_view(v.reason);
        add("route " + names[v.route], "", transition(name(before->outcome), name(v.outcome)), reason);
    }
}

bool Rehearsal::explained(std::string_view route) const {
    return std::find(changed_routes_.begin(), changed_routes_.end(), route) != changed_routes_.end();
}

void Rehearsal::compare_deliveries(Stored const& was, Taken const& now) {
    // By destination, what routes sent whose outcome is the same.
    std::map<std::string_view, std::pair<std::vector<Body>, std::vector<Body>>> by_destination;
    for (auto const& d : was.deliveries)
        if (!explained(d.route)) by_destination[d.destination].first.push_back({d.route, d.body});
    for (auto const& d : now.processed.deliveries) {
        std::string_view const route = candidate_.route_names()[d.route];
        std::string_view const bytes =
            d.body == 0 ? was.received : std::string_view(now.processed.bodies[d.body - 1]);
        if (!explained(route))
            by_destination[candidate_.destination_names()[d.destination]].second.push_back({route, bytes});
    }
    for (auto const& [destination, bodies] : by_destination) {
        auto const& [before, after] = bodies;
        std::size_t const pairs = std::min(before.size(), after.size());
        for (std::size_t i = 0; i < pairs; ++i)
            if (before[i].bytes != after[i].bytes)
                compare_bodies(destination, before[i].bytes, after[i].bytes);
        for (std::size_t i = pairs; i < before.size(); ++i)
            add(destination, "", "no longer sent", "route " + std::string(before[i].route));
        for (std::size_t i = pairs; i < after.size(); ++i)
            add(destination, "", "newly sent", "route " + std::string(after[i].route));
    }
}

void Rehearsal::compare_bodies(std::string_view destination, std::string_view before,
                               std::string_view after) {
    auto const was = hl7::form_of(before), is = hl7::form_of(after);
    if (was != is)
        add(destination, "", "was sent as " + std::string(name(was)) + ", now as " + std::string(name(is)),
            {});
    std::string first_text, second_text;
    before = plain(before, first_text);
    after = plain(after, second_text);
    if (before == after) return;
    std::map<std::string, FieldChange, std::less<>> changes;  // a field counts once for a message
    field_changes(before, after, [&](std::string_view path, FieldChange change) {
        auto const [entry, is_new] = changes.try_emplace(std::string(path), change);
        if (!is_new && entry->second != change) entry->second = FieldChange::changed;
    });
    for (auto const& [path, change] : changes) {
        auto* const fresh = add(destination, path, name(change), {});
        auto const place = hl7::Path::parse(path);
        if (!fresh || !place) continue;
        auto const a = hl7::Message::view(before);
        auto const b = hl7::Message::view(after);
        if (!a || !b) continue;
        auto const [first, second] = example_of(*a, *b, *place);
        fresh->before = first.substr(0, shown_max);
        fresh->after = second.substr(0, shown_max);
    }
}

Rehearsal::Cluster* Rehearsal::add(std::string_view subject, std::string_view path, std::string_view kind,
                                   std::string_view reason) {
    different_ = true;
    Key key{subject, path, kind, first_line(reason)};
    if (auto const found = clusters_.find(key); found != clusters_.end()) {
        ++found->second.messages;
        return nullptr;
    }
    if (clusters_.size() >= clusters_max) {
        ++overflow_;
        return nullptr;
    }
    Cluster cluster;
    std::tie(cluster.subject, cluster.path, cluster.kind, cluster.reason) = key;
    cluster.messages = 1;
    cluster.example = number_;
    return &clusters_.emplace(std::move(key), std::move(cluster)).first->second;
}

std::vector<Rehearsal::Cluster> Rehearsal::clusters() const {
    std::vector<Cluster> out;
    for (auto const& [key, cluster] : clusters_) out.push_back(cluster);
    std::stable_sort(out.begin(), out.end(),
                     [](Cluster const& a, Cluster const& b) { return a.messages > b.messages; });
    return out;
}

}  // namespace hilum::testing
