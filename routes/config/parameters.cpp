#include "routes/config/parameters.h"

#include "routes/config/environment.h"

namespace hilum::config {
namespace {

std::string hole_text(Hole const& hole) {
    return "${param." + hole.param + '}';
}

}  // namespace

void Budget::add(Size const& more) {
    size_.nodes += more.nodes;
    size_.bytes += more.bytes;
}

bool Budget::spent() const {
    return size_.nodes > nodes_max || size_.bytes > text_bytes_max;
}

bool Budget::charge(Size const& more, Location const& where, Diagnostics& diagnostics) {
    add(more);
    if (!spent()) return true;
    if (!told_)
        diagnostics.error(where,
                          "the configuration has more than 1000000 values or 64 MiB of text with " +
                              std::string(with_what_),
                          std::string(instead_) + ", or split the configuration");
    told_ = true;
    return false;
}

// Trees are at most 64 levels deep (read_yaml).
Node marked(Node const& node, std::shared_ptr<Use const> const& used) {
    Node out = node;
    auto const mark = [&](auto const& self, Node& one) -> void {
        one.where.used = used;
        for (Hole& hole : one.holes) hole.where.used = used;
        for (Node& item : one.items) self(self, item);
        for (Entry& entry : one.entries) {
            entry.where.used = used;
            self(self, entry.value);
        }
    };
    mark(mark, out);
    return out;
}

bool Parameters::check_values() {
    if (with_.kind != Node::Kind::mapping && with_.kind != Node::Kind::null) {
        diagnostics_.error(with_.where, "\"with\" should be a mapping, not " + std::string(with_.kind_name()),
                           "write with: { ward: ICU }");
        return false;
    }
    for (Entry const& entry : with_.entries) {
        for (Hole const& hole : entry.value.holes) {
            diagnostics_.error(hole.where, "a parameter is made of another one",
                               "write its value out; ${NAME} and ${file:/path} can be used");
        }
    }
    return true;
}

void Parameters::fill(Node& node) {
    for (Node& item : node.items) fill(item);
    for (Entry& entry : node.entries) fill(entry.value);
    if (node.holes.empty()) return;
    std::vector<Hole> const holes = std::move(node.holes);
    node.holes.clear();
    std::vector<Node const*> values;
    for (Hole const& hole : holes) {
        Node const* value = with_.find(hole.param);
        if (value && value->kind == Node::Kind::null) value = nullptr;
        used_.insert(hole.param);
        if (!value) no_value(hole);
        if (value && (value->unusable || !budget_.charge(measure(*value), hole.where, diagnostics_)))
            value = nullptr;
        if (!value) node.unusable = true;
        values.push_back(value);
    }
    if (node.unusable) return;
    if (*node.written == hole_text(holes.front())) {
        node = *values.front();  // of any kind
        node.where.used =
            std::make_shared<Use const>(Use{"given for " + hole_text(holes.front()), holes.front().where});
        return;
    }
    insert(node, holes, values);
}

void Parameters::no_value(Hole const& hole) {
    std::vector<std::string_view> names;
    for (Entry const& entry : with_.entries) names.push_back(entry.key);
    std::string const near(nearest(hole.param, names));
    diagnostics_.error(expected_at_.value_or(hole.where),
                       giver_ + " gives no value for the parameter " + in_quotes(hole.param),
                       near.empty() ? "add it: with: { " + hole.param + ": ... }"
                                    : "rename " + in_quotes(near) + " in its \"with\"");
}

std::string Parameters::remedy_of_unused(std::string_view name) const {
    std::vector<std::string_view> const names(used_.begin(), used_.end());
    std::string remedy = suggest(name, names, "parameters");
    return remedy.empty() ? "remove it" : remedy;
}

// Values into a text that has more than the hole. `written` stays what would be read as the same.
void Parameters::insert(Node& node, std::vector<Hole> const& holes, std::vector<Node const*> const& values) {
    std::string text, written = *node.written;
    std::size_t done = 0, from = 0;
    for (std::size_t i = 0; i < holes.size(); ++i) {
        Node const& value = *values[i];
        if (!value.is_scalar()) {
            diagnostics_.error(holes[i].where,
                               "the parameter " + in_quotes(holes[i].param) + " is " +
                                   std::string(value.kind_name()) + ", which can't stand inside a text",
                               "give it a text, or write " + hole_text(holes[i]) + " alone");
            node.unusable = true;
            return;
        }
        text.append(node.scalar, done, holes[i].at - done).append(value.scalar);
        done = holes[i].at;
        std::string const hole = hole_text(holes[i]);
        std::size_t at = written.find(hole, from);
        while (at != std::string::npos && at > 0 && written[at - 1] == '$') at = written.find(hole, at + 1);
        std::string const replacement = value.written ? *value.written : escaped(value.scalar);
        if (at != std::string::npos) written.replace(at, hole.size(), replacement);
        from = at == std::string::npos ? from : at + replacement.size();
        node.filled = node.filled || value.filled;
        node.secret = node.secret || value.secret;
    }
    node.scalar = text.append(node.scalar, done);
    node.written = std::make_shared<std::string const>(std::move(written));
}

}  // namespace hilum::config
