// Routes and their steps.
#include <algorithm>

#include "routes/config/loader.h"
#include "routes/config/parameters.h"

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
    route.steps = read_steps(steps, "steps", what, catalogue_.steps, diagnostics_);
    no_empty_list(node, "from", route.from);
    no_empty_list(node, "to", route.to);
    bool const stops = !route.steps.empty() && route.steps.back().kind == "stop";
    if (!node.find("to") && !stops) {
        diagnostics_.error(route.where, what + " has no \"to\": its messages would go nowhere",
                           "add \"to\" with a destination or another route, or end its steps with \"stop\"");
    }
    config_.routes.push_back(std::move(route));
}

void Loader::step_list(Entry const& entry) {
    if (!new_name("step list", entry.key, entry.where)) return;
    NamedSteps list =
        decode_options<NamedSteps>(entry.value, "step list " + in_quotes(entry.key), diagnostics_);
    list.name = entry.key;
    list.where = entry.where;
    Budget none("", "");
    Parameters("step list " + in_quotes(list.name), list.with.mapping, none, diagnostics_).check_values();
    config_.step_lists.push_back(std::move(list));
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

namespace {

// A step as it is written: `- stop`, `- set: {...}`; `when` has its own keys beside it.
bool read_step(Node const& node, std::string const& owner, Step& step, Diagnostics& diagnostics) {
    step.where = node.where;
    bool const mapping = node.kind == Node::Kind::mapping && !node.entries.empty();
    if (node.is_scalar()) {
        step.kind = node.scalar;
    } else if (mapping && node.find(block_step)) {
        step.kind = block_step;
        step.options = node;
    } else if (mapping && node.entries.size() == 1) {
        step.kind = node.entries[0].key;
        step.where = node.entries[0].where;
        step.options = node.entries[0].value;
    } else if (mapping) {
        diagnostics.error(node.entries[1].where,
                          "a step has one key, this one has " + in_quotes(node.entries[0].key) + " and " +
                              in_quotes(node.entries[1].key),
                          "begin each step with its own \"- \", and indent the options below it");
        return false;
    } else {
        diagnostics.error(
            node.where,
            "a step of " + owner + " should be a mapping with one key, not " + std::string(node.kind_name()),
            "write it as \"- set: {...}\" or \"- stop\"");
        return false;
    }
    if (!step.options.where.file) step.options.where = step.where;
    return true;
}

}  // namespace

std::vector<Step> read_steps(Node const& list, std::string_view key, std::string const& owner,
                             std::vector<std::string_view> const& kinds, Diagnostics& diagnostics) {
    std::vector<Step> steps;
    if (list.kind == Node::Kind::sequence) {
        for (Node const& node : list.items) {
            Step step;
            if (!read_step(node, owner, step, diagnostics)) continue;
            if (std::find(kinds.begin(), kinds.end(), step.kind) == kinds.end()) {
                diagnostics.error(step.where, "unknown step " + in_quotes(step.kind),
                                  suggest(step.kind, kinds, "steps"));
            }
            steps.push_back(std::move(step));
        }
    } else if (list.kind != Node::Kind::null && !list.unusable) {
        diagnostics.error(
            list.where,
            in_quotes(key) + " of " + owner + " should be a list, not " + std::string(list.kind_name()),
            "begin each step with \"- \"");
    }
    return steps;
}

}  // namespace hilum::config
