#include "routes/mapping/tree.h"

#include <cstring>
#include <functional>

namespace hilum::routes::mapping {

namespace {

constexpr std::size_t compared_max = 256;
constexpr std::size_t block_bytes = 16 * 1024;

}  // namespace

Tree::Id Tree::root() {
    nodes_.emplace_back();
    return static_cast<Id>(nodes_.size() - 1);
}

Tree::Id Tree::child(Id parent, std::string_view name) const {
    auto head = nodes_[parent].first;
    while (head != none && !same(nodes_[head].name, name)) head = nodes_[head].next_name;
    return head;
}

Tree::Id Tree::add(Id parent, std::string_view name, bool list) {
    auto const id = static_cast<Id>(nodes_.size());
    auto& node = nodes_.emplace_back();
    node.name = name;
    node.list = list;
    node.last_same = id;
    Id* link = &nodes_[parent].first;
    while (*link != none && !same(nodes_[*link].name, name)) link = &nodes_[*link].next_name;
    if (*link == none) {
        *link = id;
    } else {
        auto& head = nodes_[*link];
        nodes_[head.last_same].next_same = id;
        head.last_same = id;
    }
    return id;
}

Tree::Id Tree::set_text(Id parent, std::string_view name, std::string_view text) {
    auto const there = child(parent, name);
    auto const id = there == none ? add(parent, name, false) : there;
    auto& node = nodes_[id];
    node.primitive = true;
    node.kind = Kind::text;
    node.value = text;
    return id;
}

Tree::Id Tree::set_reference(Id element, std::uint32_t resource) {
    auto const id = add(element, "reference", false);
    auto& node = nodes_[id];
    node.primitive = true;
    node.kind = Kind::reference;
    node.made = resource;
    return id;
}

void Tree::remove_last(Id parent, Id child) {
    Id* link = &nodes_[parent].first;
    while (!same(nodes_[*link].name, nodes_[child].name)) link = &nodes_[*link].next_name;
    auto const head = *link;
    if (head == child) {
        *link = nodes_[child].next_name;
        return;
    }
    auto before = head;
    while (nodes_[before].next_same != child) before = nodes_[before].next_same;
    nodes_[before].next_same = none;
    nodes_[head].last_same = before;
}

bool Tree::equal(Id a, Id b) const {
    auto const& one = nodes_[a];
    auto const& other = nodes_[b];
    if (one.kind != other.kind || one.value != other.value || one.made != other.made) return false;
    auto left = one.first, right = other.first;
    for (; left != none && right != none; left = nodes_[left].next_name, right = nodes_[right].next_name) {
        if (!same(nodes_[left].name, nodes_[right].name)) return false;
        auto i = left, j = right;
        for (; i != none && j != none; i = nodes_[i].next_same, j = nodes_[j].next_same)
            if (!equal(i, j)) return false;
        if (i != j) return false;
    }
    return left == right;
}

bool Tree::repeats(Id parent, Id child) const {
    auto i = this->child(parent, nodes_[child].name);
    for (std::size_t n = 0; n < compared_max && i != none && i != child; ++n, i = nodes_[i].next_same)
        if (equal(i, child)) return true;
    return false;
}

void Tree::merge(Id from, Id into) {
    for (auto head = nodes_[from].first; head != none;) {
        auto const next = nodes_[head].next_name;
        auto const there = child(into, nodes_[head].name);
        if (there == none) {
            Id* link = &nodes_[into].first;
            while (*link != none) link = &nodes_[*link].next_name;
            *link = head;
            nodes_[head].next_name = none;
        } else if (nodes_[there].list) {
            for (auto i = head; i != none;) {
                auto const following = nodes_[i].next_same;
                nodes_[i].next_same = none;
                auto const last = nodes_[there].last_same;
                nodes_[last].next_same = i;
                nodes_[there].last_same = i;
                if (repeats(into, i)) {
                    nodes_[last].next_same = none;
                    nodes_[there].last_same = last;
                }
                i = following;
            }
        } else if (!nodes_[there].primitive) {
            merge(head, there);
        }
        head = next;
    }
}

Tree::Copy Tree::copy(Id id, std::size_t since) const {
    auto const from = nodes_.begin() + static_cast<std::ptrdiff_t>(since);
    return {nodes_[id], static_cast<Id>(since), {from, nodes_.end()}};
}

void Tree::paste(Copy const& copy, Id into, std::string_view first, std::string_view again) {
    auto const shift = static_cast<Id>(nodes_.size()) - copy.first;
    auto const moved = [&](std::string_view from) {
        auto const before = std::less<>();
        bool const inside =
            !before(from.data(), first.data()) && !before(first.data() + first.size(), from.data());
        return from.data() && inside
                   ? std::string_view(again.data() + (from.data() - first.data()), from.size())
                   : from;
    };
    for (auto node : copy.below) {
        for (auto* const link : {&node.first, &node.next_name, &node.next_same, &node.last_same})
            if (*link != none) *link += shift;
        node.from = moved(node.from);
        nodes_.push_back(node);
    }
    auto& to = nodes_[into];
    auto const& top = copy.top;
    to.value = top.value;
    to.from = moved(top.from);
    to.row = top.row;
    to.made = top.made;
    to.kind = top.kind;
    to.primitive = top.primitive;
    to.first = top.first == none ? none : top.first + shift;
}

std::string_view Tree::keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > left_) {
        auto const size = text.size() > block_bytes / 4 ? text.size() : block_bytes;
        // A large text has a block of its own, and the one that was begun goes on.
        blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
        if (size == text.size()) {
            std::memcpy(blocks_.back().get(), text.data(), size);
            return {blocks_.back().get(), size};
        }
        free_ = blocks_.back().get();
        left_ = size;
    }
    std::memcpy(free_, text.data(), text.size());
    std::string_view const kept{free_, text.size()};
    free_ += text.size();
    left_ -= text.size();
    return kept;
}

}  // namespace hilum::routes::mapping
