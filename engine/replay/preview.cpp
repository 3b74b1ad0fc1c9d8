#include "engine/replay/preview.h"

#include <algorithm>

#include "engine/flow/as_stored.h"

namespace hilum::replay {

using routes::RouteOutcome;

namespace {

constexpr std::size_t clusters_shown = 100;  // the largest: a job keeps them

}  // namespace

Preview::Preview(ops::ReplayRequest const& request, std::shared_ptr<flow::Generation const> generation,
                 store::Store& store)
    : mode_(request.mode),
      generation_(std::move(generation)),
      store_(store),
      loaded_{generation_->config, generation_->pipeline},
      door_(loaded_),
      rehearsal_(*generation_->pipeline) {}

std::string_view Preview::name(store::NameId id) {
    auto const found = names_.find(id);
    return found != names_.end() ? found->second : names_.emplace(id, store_.name(id)).first->second;
}

void Preview::add(Item const& item, store::StoredMessage const& stored) {
    ++counts_.messages;
    for (auto const& d : item.deliveries) {
        auto& target = counts_.targets[std::string(name(d.destination))];
        ++target.deliveries;
        target.bytes += d.bytes;
    }
    if (item.again) add_again(item, stored);
}

void Preview::add_again(Item const& item, store::StoredMessage const& stored) {
    auto const& record = stored.record;
    auto const& pipeline = *generation_->pipeline;
    auto const listener = pipeline.listener(name(record.listener));
    if (listener == routes::Pipeline::none) return;  // the selection leaves those out
    auto taken = door_.take(listener, record.received, record.received_us, nullptr, nullptr);
    auto was = flow::as_stored(record, [this](store::NameId id) { return name(id); });
    auto& processed = taken.processed;
    if (!item.routes.empty()) {
        auto const other = [&](std::string_view route) {
            return std::find(item.routes.begin(), item.routes.end(), route) == item.routes.end();
        };
        auto const& names = pipeline.route_names();
        std::erase_if(processed.verdicts, [&](auto const& v) { return other(names[v.route]); });
        std::erase_if(processed.deliveries, [&](auto const& d) { return other(names[d.route]); });
        std::erase_if(was.verdicts, [&](auto const& v) { return other(v.route); });
        std::erase_if(was.deliveries, [&](auto const& d) { return other(d.route); });
        processed.rejected = std::any_of(processed.verdicts.begin(), processed.verdicts.end(),
                                         [](auto const& v) { return v.outcome == RouteOutcome::rejected; });
    }
    if (taken.refused || processed.rejected) {
        ++counts_.rejected;
    } else {
        if (processed.held()) ++counts_.held;
        if (!processed.held() && processed.deliveries.empty()) ++counts_.filtered;
        for (auto const& d : processed.deliveries) {
            auto& target = counts_.targets[pipeline.destination_names()[d.destination]];
            ++target.deliveries;
            target.bytes += d.body == 0 ? record.received.size() : processed.bodies[d.body - 1].size();
        }
    }
    // What was held before differs for sure: that is why it goes again.
    if (mode_ == ops::ReplayMode::reprocess) rehearsal_.compare(was, taken);
}

ops::ReplayPreview Preview::result(Selection const& selection) const {
    auto out = counts_;
    out.left_out = selection.left_out();
    out.alike = rehearsal_.alike();
    out.unclustered = rehearsal_.unclustered();
    for (auto const& c : rehearsal_.clusters()) {
        if (out.clusters.size() == clusters_shown) {
            out.unclustered += c.messages;
            continue;
        }
        out.clusters.push_back({c.subject, c.path, c.kind, c.reason, c.messages, c.example});
    }
    return out;
}

}  // namespace hilum::replay
