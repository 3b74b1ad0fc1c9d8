#include "routes/order_keys.h"

#include <algorithm>

namespace hilum::routes {
namespace {

using config::Node;

// Whether the two may name the same bytes.
bool touches(hl7::Path const& written, hl7::Path const& key) {
    if (written.segment_name() != key.segment_name()) return false;
    return written.field == 0 || key.field == 0 || written.field == key.field;
}

// Whether all of `key` is in what `written` names.
bool covers(hl7::Path const& written, hl7::Path const& key) {
    if (!touches(written, key)) return false;
    if (written.occurrence != hl7::Path::all && written.occurrence != key.occurrence) return false;
    if (written.field == 0) return true;
    if (key.field == 0) return false;
    // Of a numbered repetition the later ones move up.
    if (written.repetition_given && written.repetition != hl7::Path::all) return false;
    if (written.component == 0) return true;
    if (written.component != key.component) return false;
    return written.subcomponent == 0 || written.subcomponent == key.subcomponent;
}

bool mentions_header(std::string_view text) {
    return text.find("MSH-9") != std::string_view::npos || text.find("MSH-12") != std::string_view::npos;
}

// Trees are at most 64 levels deep (read_yaml).
bool mentions_header(Node const& node) {
    auto const in = [](Node const& n) { return mentions_header(n); };
    return mentions_header(std::string_view(node.scalar)) ||
           std::any_of(node.items.begin(), node.items.end(), in) ||
           std::any_of(node.entries.begin(), node.entries.end(), [&](config::Entry const& entry) {
               return mentions_header(std::string_view(entry.key)) || in(entry.value);
           });
}

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

template <class Set>
void intersect(Set& into, Set const& other) {
    if (into.empty()) {
        into = other;
    } else if (!other.empty()) {
        std::erase_if(into, [&](auto const& one) { return !other.contains(one); });
    }
}

}  // namespace

OrderKeys::OrderKeys(std::vector<hl7::Path> const& paths) {
    for (auto const& path : paths) keys_.push_back({path, State::any, {}});
}

config::Location const* OrderKeys::lost() const {
    bool const all =
        std::all_of(keys_.begin(), keys_.end(), [](Key const& key) { return key.state != State::any; });
    return all && !keys_.empty() ? &keys_.front().where : nullptr;
}

bool OrderKeys::emptied() const {
    return std::all_of(keys_.begin(), keys_.end(), [](Key const& key) { return key.state == State::empty; });
}

void OrderKeys::pass(config::Route const& route) {
    narrow(route.when);
    for (auto const& one : route.steps) step(one);
}

void OrderKeys::narrow(config::Text const& when) {
    if (!restriction_ || when.empty()) return;
    auto const more = restriction_of(when.value);
    if (!more.events.empty()) when_where_ = when.where;
    bool const had = !restriction_->types.empty() && !restriction_->events.empty();
    intersect(restriction_->types, more.types);
    intersect(restriction_->events, more.events);
    if (more.version) restriction_->version = more.version;
    // Nothing comes this way.
    if (had && (restriction_->types.empty() || restriction_->events.empty())) restriction_.reset();
}

void OrderKeys::write(std::string_view text, State state, config::Location const& where) {
    auto const path = hl7::Path::parse(text);
    for (Key& key : keys_) {
        // A path through groups, say: whatever it names.
        if (!path) {
            key.state = State::any;
        } else if (state == State::any ? touches(*path, key.path) : covers(*path, key.path)) {
            key = {key.path, state, where};
        } else if (touches(*path, key.path) && state == State::constant) {
            key.state = State::any;
        }
    }
}

void OrderKeys::step(config::Step const& step) {
    Node const& options = step.options;
    if (step.kind == "delete") {
        if (options.is_scalar()) write(options.scalar, State::empty, options.where);
        for (Node const& item : options.items) write(item.scalar, State::empty, item.where);
    } else if (step.kind == "set") {
        for (auto const& entry : options.entries) {
            bool const constant = !entry.value.scalar.starts_with('=');
            write(entry.key,
                  !constant                    ? State::any
                  : entry.value.scalar.empty() ? State::empty
                                               : State::constant,
                  entry.where);
        }
    } else if (among(step.kind, {"copy", "move"})) {
        for (auto const& entry : options.entries) {
            write(entry.key, State::any, entry.where);
            if (step.kind == "move") write(entry.value.scalar, State::empty, entry.value.where);
        }
    } else if (step.kind == "lookup") {
        Node const* to = options.find("to");
        if (!to) to = options.find("field");
        if (to) write(to->scalar, State::any, to->where);
    } else if (!among(step.kind, {"stop", "hold", "reject", "validate", "deduplicate"})) {
        for (Key& key : keys_) key.state = State::any;
        if (among(step.kind, {"lua", "call", "map", "split", "convert", "rename", "append"}))
            restriction_.reset();
    }
    if (restriction_ && step.kind != "validate" && mentions_header(options)) restriction_.reset();
}

}  // namespace hilum::routes
