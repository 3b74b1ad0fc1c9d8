// Routes and their steps.
#include <algorithm>

#include "routes/config/loader.h"

namespace hilum::config {

void Loader::routes(Entry const& entry) {
    if (entry.value.kind == Node::Kind::null) return;
    if (entry.value.kind != Node::Kind::sequence) {
        read_.routes = false;
        return diagnostics_.error(entry.value.where,
                                  "\"routes\" should be a list, not " + std::string(entry.value.kind_name()),
                                  "begin each route with \"- name: ...\"");
    }
    for (Node const& node : entry.value.items) route(node);
}

void Loader::route(Node const& node) {
    Node const* name = node.find("name");
    bool const named = name && name->is_scalar();
    std::string const what = named ? "route " + in_quotes(name->scalar) : "a route";
    Route route;
    if (node.unusable) {  // others may name it
        route.name = named ? name->scalar : "";
        route.where = named ? name->where : node.where;
        config_.routes.push_back(std::move(route));
        return;
    }
    Node steps;
    Decoder decoder(node, what, diagnostics_);
    describe_route(decoder, route);
    Reuse followed;  // inherit() has taken these away
    describe(decoder, followed);
    decoder.optional("steps", steps, steps_summary);
    decoder.finish();
    if (node.kind != Node::Kind::mapping) {
        read_.routes = false;
        return;
    }
    route.where = named ? name->where : node.where;
    if (named && !new_name("route", route.name, route.where)) read_.routes = false;
    if (Node const* when = node.find("when");
        when && when->is_scalar() && !when->unusable && route.when.empty()) {
        diagnostics_.error(when->where, "\"when\" is empty",
                           "write an expression, or remove the key to take every message");
    }
    if (steps.kind == Node::Kind::sequence) {
        for (Node const& step : steps.items) this->step(step, what, route.steps);
    } else if (steps.kind != Node::Kind::null) {
        diagnostics_.error(
            steps.where, "\"steps\" of " + what + " should be a list, not " + std::string(steps.kind_name()),
            "begin each step with \"- \"");
    }
    no_empty_list(node, "from", route.from);
    no_empty_list(node, "to", route.to);
    bool const stops = !route.steps.empty() && route.steps.back().kind == "stop";
    if (!node.find("to") && !stops) {
        diagnostics_.error(route.where, what + " has no \"to\": its messages would go nowhere",
                           "add \"to\" with a destination or another route, or end its steps with \"stop\"");
    }
    config_.routes.push_back(std::move(route));
}

void Loader::no_empty_list(Node const& route, std::string_view key, NameList const& names) {
    Node const* node = route.find(key);
    if (!node || node->kind != Node::Kind::sequence || !node->items.empty()) return check_twice(key, names);
    diagnostics_.error(node->where, in_quotes(key) + " is an empty list",
                       "name at least one, or remove the key");
}

void Loader::check_twice(std::string_view key, NameList const& names) {
    std::set<std::string_view> seen;
    for (NameRef const& ref : names) {
        if (seen.insert(ref.name).second) continue;
        diagnostics_.error(ref.where, in_quotes(ref.name) + " stands twice in " + in_quotes(key),
                           "keep it once");
    }
}

void Loader::step(Node const& node, std::string const& route, std::vector<Step>& out) {
    Step step;
    step.where = node.where;
    if (node.is_scalar()) {
        step.kind = node.scalar;
    } else if (node.kind == Node::Kind::mapping && node.entries.size() == 1) {
        step.kind = node.entries[0].key;
        step.where = node.entries[0].where;
        step.options = node.entries[0].value;
    } else if (node.kind == Node::Kind::mapping && node.entries.size() > 1) {
        return diagnostics_.error(node.entries[1].where,
                                  "a step has one key, this one has " + in_quotes(node.entries[0].key) +
                                      " and " + in_quotes(node.entries[1].key),
                                  "begin each step with its own \"- \", and indent the options below it");
    } else {
        return diagnostics_.error(
            node.where,
            "a step of " + route + " should be a mapping with one key, not " + std::string(node.kind_name()),
            "write it as \"- set: {...}\" or \"- stop\"");
    }
    if (!step.options.where.file) step.options.where = step.where;
    auto const& kinds = catalogue_.steps;
    if (std::find(kinds.begin(), kinds.end(), step.kind) == kinds.end()) {
        diagnostics_.error(step.where, "unknown step " + in_quotes(step.kind),
                           suggest(step.kind, kinds, "steps"));
    }
    out.push_back(std::move(step));
}

}  // namespace hilum::config
