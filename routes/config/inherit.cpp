#include "routes/config/inherit.h"

#include <algorithm>
#include <unordered_map>

#include "routes/config/describe.h"
#include "routes/config/environment.h"

namespace hilum::config {
namespace {

constexpr std::size_t ancestors_max = 16;

struct Member {
    Node* node = nullptr;
    std::string name;
    Location where;
    bool is_abstract = false;
    bool is_extended = false;
    bool in_circle = false;
    Node result = {};
};

// A copy that tells by whom it is used. Trees are at most 64 levels deep (read_yaml).
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

void drop(Node& mapping, std::string_view key) {
    std::erase_if(mapping.entries, [&](Entry const& e) { return e.key == key; });
}

void merge(Node& into, Node const& over) {
    std::unordered_map<std::string_view, std::size_t> known;
    for (std::size_t i = 0; i < into.entries.size(); ++i) known.emplace(into.entries[i].key, i);
    std::vector<bool> removed(into.entries.size());
    std::vector<Entry const*> added;
    for (Entry const& entry : over.entries) {
        auto const found = known.find(entry.key);
        if (found == known.end()) {
            added.push_back(&entry);
            continue;
        }
        Entry& there = into.entries[found->second];
        if (entry.value.kind == Node::Kind::null) {
            removed[found->second] = true;
        } else if (entry.value.kind == Node::Kind::mapping && there.value.kind == Node::Kind::mapping) {
            merge(there.value, entry.value);
        } else {
            there.where = entry.where;
            there.value = entry.value;
        }
    }
    std::size_t at = 0;
    std::erase_if(into.entries, [&](Entry const&) { return removed[at++]; });
    for (Entry const* entry : added) into.entries.push_back(*entry);
}

// The members of one section.
class Family {
  public:
    Family(std::vector<Entry>& sections, std::string_view key, std::string_view what, Size& size,
           Inherited& out, Diagnostics& diagnostics)
        : sections_(sections), key_(key), what_(what), size_(size), out_(out), diagnostics_(diagnostics) {}

    void resolve() {
        collect();
        for (Member& member : members_) resolve(member);
        // Only now, for until here each member was an ancestor as it is written.
        for (Member& member : members_) {
            if (member.node->kind == Node::Kind::mapping) *member.node = std::move(member.result);
        }
        for (Member const& member : members_) {
            if (!member.is_abstract || member.is_extended) continue;
            out_.unused.push_back({Severity::warning, member.where,
                                   "nothing extends the abstract " + title(member),
                                   "name it in an \"extends\", or remove it"});
        }
        remove_abstract();
    }

  private:
    std::string title(Member const& member) const {
        return std::string(what_) + ' ' + in_quotes(member.name);
    }

    void collect() {
        for (Entry& section : sections_) {
            if (section.key != key_) continue;
            for (Entry& one : section.value.entries) add(one.value, one.key, one.where);
            for (Node& one : section.value.items) {
                Node const* name = one.find("name");
                bool const named = name && name->is_scalar();
                add(one, named ? name->scalar : "", named ? name->where : one.where);
            }
        }
        for (std::size_t i = 0; i < members_.size(); ++i) {
            Member const& member = members_[i];
            if (member.name.empty()) continue;
            auto const [first, is_new] = by_name_.emplace(member.name, i);
            Member const& other = members_[first->second];
            // Two that both stay are found by the loader.
            if (is_new || !(member.is_abstract || other.is_abstract)) continue;
            diagnostics_.error(
                member.where, "duplicate " + title(member),
                "the first is at " + other.where.text() + "; give one of the two another name");
        }
    }

    void add(Node& node, std::string name, Location where) {
        Member member{&node, std::move(name), std::move(where)};
        if (Node const* word = node.find("abstract")) decode_value(*word, member.is_abstract, diagnostics_);
        if (member.is_abstract) out_.abstracts.insert(title(member));
        members_.push_back(std::move(member));
    }

    void resolve(Member& member) {
        Node& own = *member.node;
        if (own.kind != Node::Kind::mapping) return;
        std::vector<Member*> line{&member};
        bool const complete = ancestors(line);
        if (member.is_abstract) return;
        Node const* extends = own.find("extends");
        auto const used =
            !extends ? nullptr
                     : std::make_shared<Use const>(Use{"inherited by " + title(member), extends->where});
        Node result;
        result.kind = Node::Kind::mapping;
        result.where = own.where;
        for (std::size_t i = line.size(); i-- > 0;) {
            Node const& written = *line[i]->node;
            if (i > 0 && !charge(measure(written), extends->where)) {
                result.unusable = true;
                break;
            }
            Node one = i > 0 ? marked(written, used) : written;
            for (char const* key : {"extends", "abstract"}) drop(one, key);
            if (i > 0) drop(one, "name");
            merge(result, one);
        }
        fill_in_parameters(member, result);
        result.unusable = result.unusable || !complete;
        member.result = std::move(result);
    }

    // Appends what the member extends, and so on; false after a finding.
    bool ancestors(std::vector<Member*>& line) {
        while (Node const* extends = line.back()->node->find("extends")) {
            if (!extends->is_scalar()) {
                diagnostics_.error(extends->where,
                                   "\"extends\" should be a name, not " + std::string(extends->kind_name()),
                                   "name one " + std::string(what_) + "; what it extends comes with it");
                return false;
            }
            auto const found = by_name_.find(extends->scalar);
            if (found == by_name_.end()) {
                unknown(*extends, *line.back());
                return false;
            }
            Member* const next = &members_[found->second];
            if (auto const first = std::find(line.begin(), line.end(), next); first != line.end()) {
                circle(*extends, {first, line.end()});
                return false;
            }
            if (next->node->kind != Node::Kind::mapping) return false;  // reported by the loader
            if (line.size() > ancestors_max) {
                diagnostics_.error(extends->where, "\"extends\" goes more than 16 deep",
                                   "extend one that is nearer to the first");
                return false;
            }
            next->is_extended = true;
            line.push_back(next);
        }
        return true;
    }

    void unknown(Node const& extends, Member const& member) {
        std::vector<std::string_view> names;
        for (Member const& other : members_) {
            if (&other != &member && !other.name.empty()) names.push_back(other.name);
        }
        std::string const remedy = suggest(extends.scalar, names, std::string(what_) + "s");
        diagnostics_.error(
            extends.where,
            "there is no " + std::string(what_) + ' ' + in_quotes(extends.scalar) + " to extend",
            remedy.empty() ? "add it, or remove \"extends\"" : remedy);
    }

    void circle(Node const& extends, std::vector<Member*> const& members) {
        if (members.front()->in_circle) return;
        std::string chain;
        for (Member* member : members) {
            member->in_circle = true;
            chain += member->name + " -> ";
        }
        diagnostics_.error(extends.where, "\"extends\" goes in a circle: " + chain + extends.scalar,
                           "remove one of these \"extends\"");
    }

    bool charge(Size const& more, Location const& where) {
        size_.nodes += more.nodes;
        size_.bytes += more.bytes;
        if (size_.nodes <= nodes_max && size_.bytes <= text_bytes_max) return true;
        diagnostics_.error(
            where, "the configuration has more than 1000000 values or 64 MiB of text with what is inherited",
            "extend something smaller, or split the configuration");
        return false;
    }

    void fill_in_parameters(Member const& member, Node& result) {
        Node const* const found = result.find("with");
        Node const with = found ? *found : Node();
        drop(result, "with");
        if (found && with.kind != Node::Kind::mapping && with.kind != Node::Kind::null) {
            diagnostics_.error(with.where,
                               "\"with\" should be a mapping, not " + std::string(with.kind_name()),
                               "write with: { ward: ICU }");
        }
        for (Entry const& entry : with.entries) {
            for (Hole const& hole : entry.value.holes) {
                diagnostics_.error(hole.where, "a parameter is made of another one",
                                   "write its value out; ${NAME} and ${file:/path} can be used");
            }
        }
        std::set<std::string, std::less<>> used;
        fill(member, with, result, used);
        Node const* const own = member.node->find("with");
        if (!own || own->kind != Node::Kind::mapping) return;
        std::vector<std::string_view> const names(used.begin(), used.end());
        for (Entry const& entry : own->entries) {
            if (used.contains(entry.key)) continue;
            std::string const remedy = suggest(entry.key, names, "parameters");
            out_.unused.push_back(
                {Severity::warning, entry.where,
                 "nothing in " + title(member) + " uses the parameter " + in_quotes(entry.key),
                 remedy.empty() ? "remove it" : remedy});
        }
    }

    void fill(Member const& member, Node const& with, Node& node, std::set<std::string, std::less<>>& used) {
        for (Node& item : node.items) fill(member, with, item, used);
        for (Entry& entry : node.entries) fill(member, with, entry.value, used);
        if (node.holes.empty()) return;
        std::vector<Hole> const holes = std::move(node.holes);
        node.holes.clear();
        std::vector<Node const*> values;
        for (Hole const& hole : holes) {
            Node const* value = with.find(hole.param);
            if (value && value->kind == Node::Kind::null) value = nullptr;
            if (value) {
                used.insert(hole.param);
            } else {
                no_value(member, with, hole);
            }
            if (value && (value->unusable || !charge(measure(*value), hole.where))) value = nullptr;
            if (!value) node.unusable = true;
            values.push_back(value);
        }
        if (node.unusable) return;
        if (*node.written == "${param." + holes.front().param + '}') {
            node = *values.front();  // of any kind
            node.where.used = std::make_shared<Use const>(
                Use{"given for " + hole_text(holes.front()), holes.front().where});
            return;
        }
        insert(node, holes, values);
    }

    static std::string hole_text(Hole const& hole) { return "${param." + hole.param + '}'; }

    void no_value(Member const& member, Node const& with, Hole const& hole) {
        std::vector<std::string_view> names;
        for (Entry const& entry : with.entries) names.push_back(entry.key);
        std::string const near(nearest(hole.param, names));
        diagnostics_.error(hole.where,
                           title(member) + " gives no value for the parameter " + in_quotes(hole.param),
                           near.empty() ? "add it: with: { " + hole.param + ": ... }"
                                        : "rename " + in_quotes(near) + " in its \"with\"");
    }

    // Values into a text that has more than the hole. `written` stays what would be read as the same.
    void insert(Node& node, std::vector<Hole> const& holes, std::vector<Node const*> const& values) {
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
            while (at != std::string::npos && at > 0 && written[at - 1] == '$')
                at = written.find(hole, at + 1);
            std::string const replacement = value.written ? *value.written : escaped(value.scalar);
            if (at != std::string::npos) written.replace(at, hole.size(), replacement);
            from = at == std::string::npos ? from : at + replacement.size();
            node.filled = node.filled || value.filled;
            node.secret = node.secret || value.secret;
        }
        node.scalar = text.append(node.scalar, done);
        node.written = std::make_shared<std::string const>(std::move(written));
    }

    void remove_abstract() {
        std::set<Node const*> gone;
        for (Member const& member : members_) {
            if (member.is_abstract) gone.insert(member.node);
        }
        if (gone.empty()) return;
        auto const is_gone = [&](Node const& node) { return gone.contains(&node); };
        for (Entry& section : sections_) {
            if (section.key != key_) continue;
            // erase_if moves what it keeps, and then addresses mean other members.
            std::vector<Node> items;
            for (Node& one : section.value.items) {
                if (!is_gone(one)) items.push_back(std::move(one));
            }
            std::vector<Entry> entries;
            for (Entry& one : section.value.entries) {
                if (!is_gone(one.value)) entries.push_back(std::move(one));
            }
            section.value.items = std::move(items);
            section.value.entries = std::move(entries);
        }
    }

    std::vector<Entry>& sections_;
    std::string_view key_;
    std::string_view what_;
    Size& size_;
    Inherited& out_;
    Diagnostics& diagnostics_;
    std::vector<Member> members_;
    std::unordered_map<std::string, std::size_t> by_name_;
};

void refuse_holes(Node& node, Diagnostics& diagnostics) {
    for (Hole const& hole : node.holes) {
        node.unusable = true;
        diagnostics.error(hole.where,
                          "there are no parameters here, only in listeners, destinations and routes",
                          "write ${NAME} for an environment variable, or $${ for a literal ${");
    }
    for (Node& item : node.items) refuse_holes(item, diagnostics);
    for (Entry& entry : node.entries) refuse_holes(entry.value, diagnostics);
}

}  // namespace

Inherited inherit(std::vector<Entry>& sections, Diagnostics& diagnostics) {
    Inherited out;
    Size size;
    for (Entry const& section : sections) {
        Size const one = measure(section.value);
        size.nodes += one.nodes;
        size.bytes += one.bytes;
    }
    Family(sections, "listeners", "listener", size, out, diagnostics).resolve();
    Family(sections, "destinations", "destination", size, out, diagnostics).resolve();
    Family(sections, "routes", "route", size, out, diagnostics).resolve();
    for (Entry& section : sections) {
        if (section.key != "listeners" && section.key != "destinations" && section.key != "routes")
            refuse_holes(section.value, diagnostics);
    }
    return out;
}

}  // namespace hilum::config
