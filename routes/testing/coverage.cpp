#include "routes/testing/coverage.h"

#include <algorithm>
#include <deque>
#include <tuple>

#include "routes/expression/expression.h"
#include "routes/tables/table.h"

namespace hilum::testing {
namespace {

constexpr std::size_t rows_told = 20;

using config::Node;

}  // namespace

Coverage::Place Coverage::place(config::Location const& where) {
    return {where.file ? *where.file : std::string(), where.line, where.column};
}

Coverage::Coverage(config::Config const& config, routes::Pipeline const& pipeline)
    : config_(config), pipeline_(pipeline) {
    for (auto const& step : pipeline.steps()) steps_[place(step.where)] = {step.where, step.title()};
    for (auto const& route : config.routes) {
        auto const& when = route.when;
        if (!when.empty()) conditions_[place(when.where)] = {when.where, when.value};
        for (auto const& step : route.steps) add_conditions(step.options);
    }
    for (auto const& list : config.step_lists) add_conditions(list.steps.list);
}

// Every `when` of a step and of those inside it.
void Coverage::add_conditions(Node const& options) {
    std::deque<Node const*> waiting{&options};  // it ends: YAML has a limit of nodes
    while (!waiting.empty()) {
        Node const& node = *waiting.front();
        waiting.pop_front();
        for (auto const& entry : node.entries) {
            // One that a call fills in stands where the call gives it, and counts when it has been tested.
            if (entry.key == "when" && entry.value.is_scalar() && entry.value.holes.empty())
                conditions_[place(entry.value.where)] = {entry.value.where, entry.value.scalar};
            waiting.push_back(&entry.value);
        }
        for (auto const& item : node.items) waiting.push_back(&item);
    }
}

void Coverage::route_begins(std::uint32_t route, routes::Subject const&) {
    routes_.insert(route);
}

void Coverage::condition(config::Location const& where, expression::Expression const& when,
                         expression::Context const&, bool holds) {
    auto& condition =
        conditions_.try_emplace(place(where), Condition{where, std::string(when.source())}).first->second;
    (holds ? condition.held : condition.failed) = true;
}

void Coverage::step_begins(routes::StepPlace const& step, routes::Subject const&) {
    steps_.try_emplace(place(step.where), Step{step.where, step.title()}).first->second.ran = true;
}

void Coverage::looked_up(std::string_view table, std::string_view key, bool found) {
    if (found) rows_.emplace(table, key);
}

std::vector<Coverage::Count> Coverage::counts() const {
    Count routes{"routes", routes_.size(), config_.routes.size()}, steps{"steps"}, outcomes{"outcomes"},
        rows{"table rows", rows_.size()};
    for (auto const& [where, step] : steps_) {
        ++steps.all;
        steps.exercised += step.ran ? 1 : 0;
    }
    for (auto const& [where, condition] : conditions_) {
        outcomes.all += 2;
        outcomes.exercised += (condition.held ? 1U : 0U) + (condition.failed ? 1U : 0U);
    }
    for (auto const& [name, table] : pipeline_.tables()) rows.all += table ? table->size() : 0;
    return {routes, steps, outcomes, rows};
}

std::vector<Coverage::Gap> Coverage::gaps() const {
    std::vector<Gap> out;
    for (std::uint32_t i = 0; i < config_.routes.size(); ++i) {
        if (!routes_.contains(i))
            out.push_back(
                {config_.routes[i].where, "no message came to the route " + config_.routes[i].name});
    }
    for (auto const& [where, step] : steps_) {
        if (!step.ran) out.push_back({step.where, "the step " + step.kind + " never ran"});
    }
    for (auto const& [where, condition] : conditions_) {
        auto const never = [&, text = condition.text](char const* outcome) {
            return config::in_quotes(text) + " was never " + outcome;
        };
        if (!condition.held) out.push_back({condition.where, never("true")});
        if (!condition.failed) out.push_back({condition.where, never("false")});
    }
    std::stable_sort(out.begin(), out.end(),
                     [](Gap const& a, Gap const& b) { return place(a.where) < place(b.where); });
    for (auto const& table : config_.tables) {
        auto const found = pipeline_.tables().find(table.name);
        if (found == pipeline_.tables().end() || !found->second) continue;
        std::size_t missing = 0;
        for (auto const key : found->second->keys()) {
            if (rows_.contains(std::pair(table.name, std::string(key)))) continue;
            if (++missing <= rows_told)
                out.push_back({table.where, "the row " + config::in_quotes(key) + " of " + table.name +
                                                " was never used"});
        }
        if (missing > rows_told)
            out.push_back({table.where, std::to_string(missing - rows_told) + " more rows of " + table.name});
    }
    return out;
}

}  // namespace hilum::testing
