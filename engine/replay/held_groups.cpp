#include "engine/replay/held_groups.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "engine/replay/cause.h"
#include "routes/pipeline.h"
#include "routes/steps/no_entry.h"

namespace hilum::replay {
namespace {

using ops::HeldGroup;

constexpr std::size_t most_messages = 5000;
constexpr std::uint32_t rows_a_page = 1000;
constexpr std::size_t samples_kept = 5;

// In plain words.
std::string refusal_of(store::DeliveryRow const& delivery) {
    if (delivery.code == "held") return "taken out of the queue of " + delivery.destination + " by a person";
    return delivery.destination + " refused it (" + (delivery.code.empty() ? "no code" : delivery.code) + ")";
}

// Those that have the code in that field of any occurrence and repetition.
std::string anywhere(std::string const& place, std::string_view code) {
    auto path = hl7::Path::parse(place);
    if (!path) return {};
    path->occurrence = path->repetition = hl7::Path::all;
    std::string text = "'";
    for (char const c : code) {
        if (c == '\'' || c == '\\') text += '\\';
        text += c;
    }
    return text + "' in " + path->text();
}

class Groups {
  public:
    explicit Groups(store::Store& store) : store_(store) {}

    void add(store::MessageRow const& row) {
        if (row.state == "held") add_verdicts(row);
        for (auto const& d : row.deliveries)
            if (d.state == "held") add_delivery(row, d);
    }

    std::vector<HeldGroup> largest_first() && {
        std::vector<HeldGroup> all;
        for (auto& [key, group] : groups_) all.push_back(std::move(group));
        std::stable_sort(all.begin(), all.end(),
                         [](auto const& a, auto const& b) { return a.messages > b.messages; });
        return all;
    }

  private:
    using Key =
        std::tuple<std::string, std::string, std::string, std::string>;  // route, destination, reason, code

    // Why a route held it is in the journal alone.
    void add_verdicts(store::MessageRow const& row) {
        auto const stored = store_.read(row.position);
        if (!stored) return;
        for (auto const& verdict : stored->record.verdicts)
            if (verdict.outcome == static_cast<std::uint8_t>(routes::RouteOutcome::held))
                add_reason(row, store_.name(verdict.route), {}, verdict.reason, stored->record.received);
    }

    void add_delivery(store::MessageRow const& row, store::DeliveryRow const& d) {
        // In the lane of a route that waits for other systems, the text is the route's reason.
        if (d.destination.starts_with("(route ") && !d.text.empty())
            return add_reason(row, d.route, d.destination, d.text, {});
        auto& group = count(row, {d.route, d.destination, d.code, {}});
        group.code = d.code;
        group.cause = refusal_of(d);
    }

    // `received` is empty where the route had another message than came in.
    void add_reason(store::MessageRow const& row, std::string const& route, std::string const& destination,
                    std::string_view reason, std::string_view received) {
        std::string code;
        if (auto const message = hl7::Message::view(received); message && !received.empty())
            code = code_at_fault(reason, *message).value_or(std::string());
        auto& group = count(row, {route, destination, cause_of(reason), code});
        group.by_route = true;
        group.cause = group.reason;
        group.value = code;
        auto const missing = routes::read_no_entry(group.reason);
        if (!missing) return;
        group.table = missing->table;
        group.place = missing->place;
        if (!code.empty()) group.where = anywhere(group.place, code);
    }

    // Rows come newest first.
    HeldGroup& count(store::MessageRow const& row, Key const& key) {
        auto& group = groups_[key];
        std::tie(group.route, group.destination, group.reason, std::ignore) = key;
        ++group.messages;
        group.first_us = row.received_us;
        if (group.last_us == 0) group.last_us = row.received_us;
        if (group.samples.size() < samples_kept) group.samples.push_back(row.sequence);
        group.listeners.insert(row.listener);
        return group;
    }

    store::Store& store_;
    std::map<Key, HeldGroup> groups_;
};

// The newest, of a search that goes on page by page.
Result<std::vector<store::MessageRow>> newest(store::Store& store, store::Query query) {
    std::vector<store::MessageRow> all;
    query.limit = rows_a_page;
    while (all.size() <= most_messages) {
        auto page = store.query(query);
        if (!page) return page.error();
        std::move(page->begin(), page->end(), std::back_inserter(all));
        if (page->size() < rows_a_page) break;
        query.before = all.back().sequence;
    }
    return all;
}

}  // namespace

Result<ops::HeldView> held_groups(store::Store& store) {
    store::Query whole, deliveries;
    whole.state = "held";
    deliveries.delivery_state = "held";
    auto rows = newest(store, whole);
    if (!rows) return rows.error();
    auto more = newest(store, deliveries);
    if (!more) return more.error();
    std::move(more->begin(), more->end(), std::back_inserter(*rows));
    auto const by_number = [](auto const& a, auto const& b) { return a.sequence > b.sequence; };
    std::sort(rows->begin(), rows->end(), by_number);
    auto const same = [](auto const& a, auto const& b) { return a.sequence == b.sequence; };
    rows->erase(std::unique(rows->begin(), rows->end(), same), rows->end());
    ops::HeldView view;
    view.partial = rows->size() > most_messages;
    if (view.partial) rows->resize(most_messages);
    view.messages = rows->size();
    Groups groups(store);
    for (auto const& row : *rows) groups.add(row);
    view.groups = std::move(groups).largest_first();
    return view;
}

}  // namespace hilum::replay
