#include "routes/config/inherit.h"

#include <algorithm>
#include <unordered_map>

#include "routes/config/describe.h"
#include "routes/config/parameters.h"

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
    Family(std::vector<Entry>& sections, std::string_view key, std::string_view what, Budget& budget,
           Inherited& out, Diagnostics& diagnostics)
        : sections_(sections),
          key_(key),
          what_(what),
          budget_(budget),
          out_(out),
          diagnostics_(diagnostics) {}

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
            if (i > 0 && !budget_.charge(measure(written), extends->where, diagnostics_)) {
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

    void fill_in_parameters(Member const& member, Node& result) {
        Node const* const found = result.find("with");
        Node const with = found ? *found : Node();
        drop(result, "with");
        Parameters parameters(title(member), with, budget_, diagnostics_);
        parameters.check_values();
        parameters.fill(result);
        Node const* const own = member.node->find("with");
        if (!own || own->kind != Node::Kind::mapping) return;
        for (Entry const& entry : own->entries) {
            if (parameters.used().contains(entry.key)) continue;
            out_.unused.push_back(
                {Severity::warning, entry.where,
                 "nothing in " + title(member) + " uses the parameter " + in_quotes(entry.key),
                 parameters.remedy_of_unused(entry.key)});
        }
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
    Budget& budget_;
    Inherited& out_;
    Diagnostics& diagnostics_;
    std::vector<Member> members_;
    std::unordered_map<std::string, std::size_t> by_name_;
};

void refuse_holes(Node& node, Diagnostics& diagnostics) {
    for (Hole const& hole : node.holes) {
        node.unusable = true;
        diagnostics.error(
            hole.where,
            "there are no parameters here, only in listeners, destinations, routes and step lists",
            "write ${NAME} for an environment variable, or $${ for a literal ${");
    }
    for (Node& item : node.items) refuse_holes(item, diagnostics);
    for (Entry& entry : node.entries) refuse_holes(entry.value, diagnostics);
}

}  // namespace

Inherited inherit(std::vector<Entry>& sections, Diagnostics& diagnostics) {
    Inherited out;
    Budget budget("what is inherited", "extend something smaller");
    for (Entry const& section : sections) budget.add(measure(section.value));
    Family(sections, "listeners", "listener", budget, out, diagnostics).resolve();
    Family(sections, "destinations", "destination", budget, out, diagnostics).resolve();
    Family(sections, "routes", "route", budget, out, diagnostics).resolve();
    for (Entry& section : sections) {
        if (section.key != "listeners" && section.key != "destinations" && section.key != "routes" &&
            section.key != "step_lists")
            refuse_holes(section.value, diagnostics);
    }
    return out;
}

}  // namespace hilum::config
