#include "parsers/fhir/edit.h"

#include <string>
#include <utility>
#include <vector>

namespace hilum::fhir {
namespace {

// Of text and of nodes: far more than a resource that was read may have.
constexpr std::size_t bytes_max = std::size_t{512} << 20U;
constexpr std::size_t nodes_max = std::size_t{1} << 26U;

Error too_large() {
    return error("too_large", "", "the resource becomes larger than Hilum handles",
                 "add less to it, or split it");
}

// What is written is read again, here and by the receiver.
Error too_deep() {
    auto const max = std::to_string(Resource::Limits{}.depth);
    return error("too_deep", "", "elements would be nested more than " + max + " deep");
}

}  // namespace

bool Editor::room(std::size_t bytes) const {
    return resource_->bytes_.size() + bytes <= bytes_max && resource_->nodes_.size() < nodes_max;
}

// `text` may be a view of the resource's own bytes.
void Editor::write(std::string_view text, std::uint32_t& at, std::uint32_t& length) {
    std::string const own(text);
    at = static_cast<std::uint32_t>(resource_->bytes_.size());
    length = static_cast<std::uint32_t>(own.size());
    resource_->bytes_ += own;
}

// The node of that written name behind which another one of it goes; none when there is none. Those of one
// name stand together, so that the search goes on from the last one found.
Editor::Index Editor::last_of(Index parent, std::string_view name) {
    auto const named = [&](Index i) { return resource_->written_name(node(i)) == name; };
    auto& known = resource_->last_found_;
    auto found = known;
    if (found == none || node(found).parent != parent || !named(found)) {
        found = node(parent).first;
        while (found != none && !named(found)) found = node(found).next;
    }
    if (found == none) return none;
    while (node(found).next != none && named(node(found).next)) found = node(found).next;
    return known = found;
}

void Editor::note_type(Index parent, Index index) {
    if (node(parent).kind == Kind::object && resource_->written_name(node(index)) == "resourceType")
        node(parent).text_at = index;
}

// Behind `after`; none: behind the last child. A resource without children keeps its first place for it.
void Editor::link(Index parent, Index after, Index index) {
    if (after == none)
        for (auto i = node(parent).first; i != none; i = node(i).next) after = i;
    auto& before = after == none ? node(parent).first : node(after).next;
    node(index).next = before;
    node(index).parent = parent;
    before = index;
    note_type(parent, index);
    share(parent);
}

// False: it is gone already.
bool Editor::unlink(Index index) {
    auto const parent = node(index).parent;
    auto const found_behind = [&](Index& before) {
        auto at = before == none ? node(parent).first : node(before).next;
        for (; at != index && at != none; at = node(at).next) before = at;
        return at == index;
    };
    // Elements are removed in their order mostly: the search goes on where the one before was.
    auto before = resource_->before_removed_;
    bool const known = before != none && node(before).parent == parent;
    if (!known || !found_behind(before)) {
        before = none;
        if (!found_behind(before)) return false;
    }
    (before == none ? node(parent).first : node(before).next) = node(index).next;
    resource_->before_removed_ = before;
    if (resource_->last_found_ == index) resource_->last_found_ = none;
    if (node(parent).kind == Kind::object && node(parent).text_at == index) node(parent).text_at = none;
    share(parent);
    return true;
}

// The id and extensions of a primitive are written from its `_name`: that has the same children.
void Editor::share(Index parent) {
    if (node(parent).kind == Kind::object || node(parent).companion) return;
    auto companion = companion_of(parent);
    std::string const name(resource_->written_name(node(parent)));
    auto const around = node(parent).parent;
    if (companion == none && node(parent).first == none) return;
    if (companion == none) {
        (void)insert(around, "_" + name, node(parent).list, Kind::nothing);
        align_companions(around, name);
        companion = companion_of(parent);
    }
    node(companion).first = node(parent).first;
    node(companion).kind = node(parent).first == none ? Kind::nothing : Kind::object;
    node(companion).text_at = node(companion).kind == Kind::object ? none : 0;
    tidy_companions(around, name);
}

// The node `_name` that stands beside a primitive; none when there is none
// (http://hl7.org/fhir/R4/json.html#primitive: lists correspond place by place).
Editor::Index Editor::companion_of(Index index) {
    auto const parent = node(index).parent;
    if (parent == none || node(index).companion || node(index).kind == Kind::object) return none;
    std::string const name(resource_->written_name(node(index)));
    std::size_t place = 0;
    for (auto i = node(parent).first; i != index; i = node(i).next) {
        if (i == none) return none;  // it is gone already
        if (resource_->written_name(node(i)) == name) ++place;
    }
    for (auto i = node(parent).first; i != none; i = node(i).next) {
        if (resource_->written_name(node(i)) != "_" + name) continue;
        if (place-- == 0) return i;
    }
    return none;
}

// Elements of extensions alone, `_name` without `name`, get a `name` beside them that has no value yet.
void Editor::stand_beside(Index parent, std::string_view name) {
    std::string const companion = "_" + std::string(name);
    if (last_of(parent, name) != none || last_of(parent, companion) == none) return;
    Resource::Node shape;
    shape.kind = Kind::nothing;
    write(name, shape.name_at, shape.name_length);
    Index before = none;
    for (auto i = node(parent).first; i != none; i = node(i).next) {
        if (resource_->written_name(node(i)) != companion) continue;
        auto value = shape;
        value.list = node(i).list;
        value.first = node(i).first;
        auto const added = static_cast<Index>(resource_->nodes_.size());
        resource_->nodes_.push_back(value);
        for (auto c = value.first; c != none; c = node(c).next) node(c).parent = added;
        node(i).in_its_own = false;
        link(parent, before, added);
        before = added;
    }
}

// The element that is written as `name`: where there is `_name` alone, the place beside it.
Editor::Index Editor::value_of(Element element) {
    auto const index = element.index();
    if (!node(index).companion) return index;
    auto const parent = node(index).parent;
    std::string const name(element.name()), companion = "_" + name;
    stand_beside(parent, name);
    std::size_t place = 0;
    for (auto i = node(parent).first; i != index && i != none; i = node(i).next)
        if (resource_->written_name(node(i)) == companion) ++place;
    for (auto i = node(parent).first; i != none; i = node(i).next)
        if (resource_->written_name(node(i)) == name && place-- == 0) return i;
    return index;
}

Result<Element> Editor::set(Element element, Kind kind, std::string_view text) {
    if (!room(text.size() + element.name().size())) return too_large();
    std::string const own(text);  // before anything else is written: it may be a view of our bytes
    auto const index = value_of(element);
    write(own, node(index).text_at, node(index).text_length);
    node(index).kind = kind;
    return Element(resource_, index);
}

// Of objects in each other, it and the root included.
std::size_t Editor::depth_of(Index index) {
    std::size_t depth = 0;
    for (; index != none; index = node(index).parent) ++depth;
    return depth;
}

Result<Element> Editor::append(Element parent, std::string_view name, bool list, Kind kind) {
    if (!room(2 * name.size())) return too_large();
    if (depth_of(parent.index()) + (kind == Kind::object) > Resource::Limits{}.depth) return too_deep();
    std::string const own(name);
    if (kind != Kind::object) stand_beside(parent.index(), own);
    auto const index = insert(parent.index(), own, list, kind);
    if (kind != Kind::object) align_companions(parent.index(), own);
    return Element(resource_, index);
}

// Behind the last of that name.
Editor::Index Editor::insert(Index parent, std::string_view name, bool list, Kind kind) {
    auto const last = last_of(parent, name);
    // An empty list is no place: the first element takes it.
    bool const empty = last != none && node(last).kind == Kind::empty_list;
    Resource::Node added;
    added.kind = kind;
    if (kind == Kind::object) added.text_at = none;
    added.list = list || (last != none && node(last).list);
    added.companion = name.size() > 1 && name[0] == '_';
    write(name, added.name_at, added.name_length);
    auto const index = static_cast<Index>(resource_->nodes_.size());
    resource_->nodes_.push_back(added);
    link(parent, last, index);
    if (empty) unlink(last);
    return index;
}

// Hangs what an object of its own has under `parent`, each property behind those of its name.
void Editor::graft(Index parent, Resource const& part) {
    auto const nodes_before = static_cast<Index>(resource_->nodes_.size());
    auto const bytes_before = static_cast<std::uint32_t>(resource_->bytes_.size());
    auto const moved = [&](Index index) { return index == none ? none : index + nodes_before - 1; };
    resource_->bytes_ += part.bytes_;
    for (std::size_t i = 1; i < part.nodes_.size(); ++i) {  // without its root
        auto n = part.nodes_[i];
        n.name_at += bytes_before;
        n.text_at = n.kind == Kind::object ? moved(n.text_at) : n.text_at + bytes_before;
        n.parent = moved(n.parent);
        n.first = moved(n.first);
        n.next = moved(n.next);
        resource_->nodes_.push_back(n);
    }
    for (auto i = part.nodes_[0].first; i != none; i = part.nodes_[i].next)
        link(parent, last_of(parent, part.written_name(part.nodes_[i])), moved(i));
}

// `_name` gets as many places as `name` has, if it has any.
void Editor::align_companions(Index parent, std::string const& name) {
    auto const companion = "_" + name;
    auto const last = last_of(parent, companion);
    if (last == none) return;
    std::size_t values = 0, companions = 0;
    for (auto i = node(parent).first; i != none; i = node(i).next) {
        values += resource_->written_name(node(i)) == name;
        companions += resource_->written_name(node(i)) == companion;
    }
    for (; companions < values; ++companions) (void)insert(parent, companion, node(last).list, Kind::nothing);
}

Result<Element> Editor::append_copy(Element parent, std::string_view name, bool list, Element source) {
    // As the JSON of an object with this property alone, which puts id and extensions of a primitive where
    // they belong.
    bool const empty = source.kind() == Kind::nothing;
    auto const value = empty ? "null" : source.json();
    auto const extras = source.kind() == Kind::object ? std::string() : source.json_of_children();
    auto const property = [&](std::string const& prefix, std::string const& content) {
        return "\"" + prefix + std::string(name) + (list ? "\":[" : "\":") + content + (list ? "]" : "");
    };
    bool const alone = empty && !list;
    auto text = "{" + (alone ? "" : property("", value)) + (extras.empty() || alone ? "" : ",") +
                (extras.empty() ? "" : property("_", extras)) + "}";
    if (!room(2 * text.size())) return too_large();
    Resource::Limits limits;
    limits.bytes = bytes_max;
    auto const above = depth_of(parent.index()) - 1;  // the object around the copy stands for its parent
    if (above >= limits.depth) return too_deep();
    limits.depth -= above;
    limits.any = true;
    auto const part = Resource::read_json(std::move(text), limits);
    if (!part) return part.error().code == "too_deep" ? too_deep() : part.error();
    std::string const own_name(name);
    auto const index = parent.index();
    bool const primitive = source.kind() != Kind::object;
    if (primitive && !alone) stand_beside(index, own_name);
    auto const last = last_of(index, own_name);
    if (!extras.empty() && last != none && last_of(index, "_" + own_name) == none)
        (void)insert(index, "_" + own_name, node(last).list, Kind::nothing);
    if (primitive) align_companions(index, own_name);
    graft(index, *part);
    if (last != none && node(last).kind == Kind::empty_list) unlink(last);
    if (primitive) align_companions(index, own_name);
    return Element(resource_, last_of(index, alone ? "_" + own_name : own_name));
}

Result<Element> Editor::replace(Element element, Element source) {
    auto const parent = element.parent();
    std::string const name(element.name());
    auto const index = value_of(element);
    auto const added = append_copy(parent, name, node(index).list, source);
    if (!added) return added;
    // It was put behind its like: it moves to the place of the old one, its companion too.
    auto const swap_in = [&](Index old, Index fresh) {
        unlink(fresh);
        Index before = none;
        for (auto i = node(node(old).parent).first; i != old; i = node(i).next) before = i;
        node(fresh).next = node(old).next;
        (before == none ? node(parent.index()).first : node(before).next) = fresh;
        resource_->last_found_ = resource_->before_removed_ = none;
        note_type(parent.index(), fresh);
    };
    auto const old_companion = companion_of(index), companion = companion_of(added->index());
    swap_in(index, added->index());
    if (old_companion != none && companion != none) swap_in(old_companion, companion);
    if (old_companion != none && companion == none) unlink(old_companion);
    tidy_companions(parent.index(), name);
    share(parent.index());
    return added;
}

// Companions of which none says anything go.
void Editor::tidy_companions(Index parent, std::string const& name) {
    auto const companion = "_" + name;
    bool any = false;
    for (auto i = node(parent).first; i != none; i = node(i).next)
        any = any || (resource_->written_name(node(i)) == companion && node(i).kind == Kind::object);
    if (any) return;
    for (auto i = node(parent).first; i != none; i = node(i).next)
        if (resource_->written_name(node(i)) == companion) unlink(i);
}

void Editor::remove(Element element) {
    auto index = element.index();
    while (index != 0) {
        auto const parent = node(index).parent;
        bool const primitive = node(index).kind != Kind::object || node(index).companion;
        std::string const name(Element(resource_, index).name());
        auto const companion = companion_of(index);
        if (!unlink(index)) return;
        if (companion != none) unlink(companion);
        if (primitive) tidy_companions(parent, name);
        // Nothing is left of an object without elements, and of a primitive without value and extensions.
        auto const kind = node(parent).kind;
        bool const empty = resource_->first_visible(node(parent).first) == none &&
                           (kind == Kind::object || kind == Kind::nothing);
        if (!empty) return;
        index = parent;
    }
}

}  // namespace hilum::fhir
