#include "parsers/hl7/structure.h"

#include <algorithm>

namespace hilum::hl7 {

namespace {

constexpr std::size_t findings_max = 1000;
constexpr std::uint32_t none = GroupOccurrence::none;

// The three characters of a segment name as one number; 0 for what is none.
std::uint32_t key_of(std::string_view name) {
    if (name.size() != 3) return 0;
    auto const byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(name[i]));
    };
    return byte(0) << 16U | byte(1) << 8U | byte(2);
}

std::string_view name_of(std::string_view segment, char field_delimiter) {
    return segment.substr(0, segment.find(field_delimiter));
}

}  // namespace

std::string_view name(StructureFinding::Code code) {
    switch (code) {
        case StructureFinding::Code::unknown_structure:
            return "unknown_structure";
        case StructureFinding::Code::unexpected:
            return "unexpected";
        case StructureFinding::Code::out_of_place:
            return "out_of_place";
        case StructureFinding::Code::too_many:
            return "too_many";
        case StructureFinding::Code::missing:
            return "missing";
        case StructureFinding::Code::local:
            return "local";
    }
    return "";
}

// Puts one segment after the other into its place. `at_` is the place of the last one that was in order; the
// occurrences it stands in are the newest of their groups, so what is known of a group is kept once per
// node, not per occurrence.
class StructureBuilder {
  public:
    StructureBuilder(Message const& message, Structure const& structure, MessageStructure& result);
    void run();

  private:
    struct Node {
        std::string_view name;
        std::uint32_t parent = 0;
        std::uint32_t span = 1;
        std::uint16_t depth = 0;
        std::uint16_t order = 0;            // among its siblings, from 1
        std::uint16_t required_before = 0;  // how many required siblings stand before it
        std::uint16_t required = 0;         // of a group: how many required children it has
        std::uint16_t min = 0;
        std::uint16_t max = 1;
        bool group = false;
        // Of the newest occurrence of its parent:
        std::uint32_t count = 0;
        std::uint32_t newest = none;   // of a group: its newest occurrence
        std::uint32_t began_with = 0;  // of a group: the key of the segment its newest occurrence began with
    };

    // A way to a place; ways compare by how well they follow the structure.
    struct Way {
        enum Rank : unsigned char {
            exact,      // nothing required is left out
            gap,        // something required was left out before
            headless,   // the group it begins lacks its first segments
            doubtful,   // it fits late into a new group, but a group we are in began with its like
            behind,     // its place is before the last one
            too_many,   // there, it is one too many
            far_group,  // it would begin a group of which it is a late part
            nowhere,
        };
        Rank rank = nowhere;
        int level = 0;               // depth of the group that grows: deeper is nearer
        int distance = 0;            // in siblings
        std::uint32_t node = 0;      // the segment
        std::uint32_t repeated = 0;  // the group that repeats for it; 0: none

        bool better_than(Way const& other) const {
            if (rank != other.rank) return rank < other.rank;
            if (level != other.level) return level > other.level;
            return distance < other.distance;
        }
    };

    void load(Structure const& structure);
    void put(std::size_t number, std::string_view name);
    void put_aside(std::size_t number, Way const& way);
    bool follow_aside(std::size_t number, std::uint32_t key);
    Way best(std::uint32_t node) const;
    std::uint32_t common(std::uint32_t a, std::uint32_t b) const;
    std::uint32_t child_towards(std::uint32_t group, std::uint32_t node) const;
    bool full(Node const& n) const { return n.max != 0 && n.count >= n.max; }
    bool live(std::uint32_t group) const;
    bool inside_one_begun_with(std::uint32_t key) const;
    bool encloses(std::uint32_t group, std::uint32_t node) const {
        return node >= group && node < group + nodes_[group].span;
    }
    void consider(Way& best, Way const& way) const {
        if (way.better_than(best)) best = way;
    }
    void begin(std::uint32_t group, std::size_t number, std::uint32_t key);
    void close(std::uint32_t group);
    void place(std::size_t number, std::uint32_t node);
    void report(StructureFinding::Code code, std::size_t number, std::uint32_t group, std::string_view what);

    Message const& message_;
    MessageStructure& result_;
    std::vector<Node> nodes_;          // 0: the message
    std::vector<std::uint32_t> keys_;  // of the segments among them
    std::uint32_t at_ = 0;
    std::uint32_t aside_ = 0;  // the last segment out of order, if in a group that at_ is not in
};

StructureBuilder::StructureBuilder(Message const& message, Structure const& structure,
                                   MessageStructure& result)
    : message_(message), result_(result) {
    load(structure);
    result_.places_.reserve(message.segment_count());
}

void StructureBuilder::load(Structure const& structure) {
    std::size_t const size = structure.size();
    nodes_.resize(size + 1);
    keys_.resize(size + 1);
    nodes_[0].span = static_cast<std::uint32_t>(size + 1);
    nodes_[0].group = true;
    std::uint32_t parent = 0;
    for (std::uint32_t i = 1; i <= size; ++i) {
        while (!encloses(parent, i)) parent = nodes_[parent].parent;
        StructureNode const from = structure.node(i - 1);
        Node& n = nodes_[i];
        n.name = from.name;
        n.parent = parent;
        // A subtree never reaches beyond that of its parent.
        n.span =
            std::min<std::uint32_t>(std::max<std::uint32_t>(from.span, 1), parent + nodes_[parent].span - i);
        n.depth = static_cast<std::uint16_t>(nodes_[parent].depth + 1);
        // Of a group, until its last child is loaded, `count` numbers its children.
        n.order = static_cast<std::uint16_t>(++nodes_[parent].count);
        n.required_before = nodes_[parent].required;
        n.min = from.min;
        n.max = from.max;
        n.group = from.group;
        if (n.min > 0) ++nodes_[parent].required;
        if (n.group) {
            parent = i;
        } else {
            keys_[i] = key_of(n.name);
        }
    }
    for (Node& n : nodes_) n.count = 0;
}

// The innermost group that both are in; a segment is in its parent.
std::uint32_t StructureBuilder::common(std::uint32_t a, std::uint32_t b) const {
    std::uint32_t group = nodes_[a].group ? a : nodes_[a].parent;
    while (!encloses(group, b)) group = nodes_[group].parent;
    return group;
}

std::uint32_t StructureBuilder::child_towards(std::uint32_t group, std::uint32_t node) const {
    while (nodes_[node].parent != group) node = nodes_[node].parent;
    return node;
}

// Whether the newest occurrence of the group is in the newest one of its parent, and so up to the message.
bool StructureBuilder::live(std::uint32_t group) const {
    while (group != 0) {
        if (nodes_[group].newest == none) return false;
        group = nodes_[group].parent;
    }
    return true;
}

bool StructureBuilder::inside_one_begun_with(std::uint32_t key) const {
    for (std::uint32_t group = nodes_[at_].parent; group != 0; group = nodes_[group].parent)
        if (nodes_[group].began_with == key) return true;
    return false;
}

// The best way to one of the places that carry the segment's name.
StructureBuilder::Way StructureBuilder::best(std::uint32_t node) const {
    Way best;
    std::uint32_t const shared = common(at_, node);
    std::uint32_t const x = child_towards(shared, node);
    Node const& to = nodes_[x];
    // What a new occurrence of each group on the way down would lack in front.
    int entry = 0;
    bool late = false;  // not the first segment of the new group
    for (std::uint32_t n = node; n != x; n = nodes_[n].parent) {
        entry += nodes_[n].required_before;
        late = late || nodes_[n].order > 1;
    }

    // What is left unfinished in the groups that are left, up to the shared one.
    int left = 0;
    std::uint32_t inner = at_;
    auto const leave = [&](std::uint32_t group) {
        Node const& n = nodes_[inner];
        if (inner != group) left += nodes_[group].required - n.required_before - (n.min > 0 ? 1 : 0);
        inner = group;
    };
    while (inner != shared && nodes_[inner].parent != shared) leave(nodes_[inner].parent);

    // Onwards in the shared group: the same segment again, or a later child.
    int from_order = 0;
    int between = to.required_before;
    if (at_ != shared) {
        Node const& y = nodes_[inner];
        from_order = y.order;
        between = to.order <= y.order ? 0 : to.required_before - y.required_before - (y.min > 0 ? 1 : 0);
    }
    bool const onwards = to.order > from_order || x == at_;
    if (onwards && !full(to)) {
        // After ORC OBR OBX, an ORC is the next order and no prior result, though both would be right.
        auto const rank = late && inside_one_begun_with(keys_[node]) ? Way::doubtful
                          : entry > 0                                ? Way::headless
                          : left + between > 0                       ? Way::gap
                                                                     : Way::exact;
        consider(best, {rank, nodes_[shared].depth, to.order - from_order, node, 0});
    } else {
        auto const rank = full(to) && x == node ? Way::too_many : Way::behind;
        consider(best, {rank, nodes_[shared].depth, from_order - to.order, node, 0});
    }

    // Or one of the groups we are in, once more.
    bool const used_up = live(nodes_[node].parent) && full(nodes_[node]);
    for (std::uint32_t group = shared; group != 0; group = nodes_[group].parent) {
        leave(group);
        entry += nodes_[child_towards(group, node)].required_before;
        if (full(nodes_[group])) continue;
        std::uint32_t const parent = nodes_[node].parent;
        // RXA without ORC, OBR without ORC: the next order, as the one before has its own.
        bool const next_of_kind =
            used_up &&
            (parent == group || (nodes_[parent].parent == group && nodes_[node].required_before == 0));
        auto const rank = entry == 0     ? (left > 0 ? Way::gap : Way::exact)
                          : next_of_kind ? Way::headless
                                         : Way::far_group;
        consider(best, {rank, nodes_[group].depth - 1, 0, node, group});
    }
    return best;
}

void StructureBuilder::run() {
    auto& groups = result_.groups_;
    nodes_[0].newest = 0;
    std::size_t const count = message_.segment_count();
    char const delimiter = message_.delimiters().field;
    for (std::size_t number = 1; number <= count; ++number)
        put(number, name_of(message_.segment(number), delimiter));
    groups[0].last = count;
    close(0);
    std::stable_sort(
        result_.findings_.begin(), result_.findings_.end(),
        [](StructureFinding const& a, StructureFinding const& b) { return a.segment < b.segment; });
}

void StructureBuilder::put(std::size_t number, std::string_view name) {
    std::uint32_t const key = key_of(name);
    if (aside_ != 0 && follow_aside(number, key)) return;
    Way way;
    if (key != 0) {
        for (std::uint32_t n = 1; n < keys_.size(); ++n)
            if (keys_[n] == key) consider(way, best(n));
    }
    if (way.rank == Way::nowhere) {
        std::uint32_t const group = nodes_[nodes_[at_].group ? at_ : nodes_[at_].parent].newest;
        result_.places_.push_back({group, SegmentPlace::nowhere});
        for (std::uint32_t g = group; g != none; g = result_.groups_[g].parent)
            result_.groups_[g].last = number;
        bool const local = !name.empty() && name[0] == 'Z';
        report(local ? StructureFinding::Code::local : StructureFinding::Code::unexpected, number, group,
               name);
        return;
    }
    if (way.rank == Way::behind || way.rank == Way::too_many) {
        put_aside(number, way);
        return;
    }
    std::uint32_t top = common(at_, way.node);
    if (way.repeated != 0) {
        begin(way.repeated, number, key);
        top = way.repeated;
    }
    for (std::uint32_t n = top; nodes_[way.node].parent != n;) {
        n = child_towards(n, way.node);
        begin(n, number, key);
    }
    place(number, way.node);
    at_ = way.node;
    aside_ = 0;
}

// Into the newest occurrence there is of its group, or a new one next to it; `at_` stays.
void StructureBuilder::put_aside(std::size_t number, Way const& way) {
    std::uint32_t const node = way.node;
    std::uint32_t const parent = nodes_[node].parent;
    bool extra = false;
    for (std::uint32_t n = common(at_, node); n != parent;) {
        n = child_towards(n, node);
        bool const another = n == parent && nodes_[n].newest != none && full(nodes_[node]) &&
                             !full(nodes_[n]) && !encloses(n, at_);
        if (nodes_[n].newest != none && !another) continue;
        extra = extra || full(nodes_[n]);
        begin(n, number, keys_[node]);
    }
    extra = extra || full(nodes_[node]);
    place(number, node);
    report(extra ? StructureFinding::Code::too_many : StructureFinding::Code::out_of_place, number,
           nodes_[parent].newest, nodes_[node].name);
    aside_ = encloses(parent, at_) ? 0 : node;
}

// What follows a misplaced segment in its own group belongs to it: PV2 after a PV1 that came too late.
bool StructureBuilder::follow_aside(std::size_t number, std::uint32_t key) {
    std::uint32_t const parent = nodes_[aside_].parent;
    for (std::uint32_t n = aside_; key != 0 && n < parent + nodes_[parent].span; n += nodes_[n].span) {
        if (keys_[n] != key || full(nodes_[n])) continue;
        place(number, n);
        report(StructureFinding::Code::out_of_place, number, nodes_[parent].newest, nodes_[n].name);
        aside_ = n;
        return true;
    }
    aside_ = 0;
    return false;
}

// A new occurrence of the group in the newest one of its parent.
void StructureBuilder::begin(std::uint32_t group, std::size_t number, std::uint32_t key) {
    Node& g = nodes_[group];
    if (g.newest != none) close(group);
    ++g.count;
    g.began_with = key;
    g.newest = static_cast<std::uint32_t>(result_.groups_.size());
    result_.groups_.push_back({g.name, nodes_[g.parent].newest, g.count, number, number});
    for (std::uint32_t n = group + 1; n < group + g.span; n += nodes_[n].span) {
        nodes_[n].count = 0;
        nodes_[n].newest = none;
    }
}

// The newest occurrence of a group gets no more segments: says what it lacks. Recursion ends at the depth of
// the structure (16 for a declared one, less in the standard).
void StructureBuilder::close(std::uint32_t group) {
    Node& g = nodes_[group];
    for (std::uint32_t n = group + 1; n < group + g.span; n += nodes_[n].span) {
        if (nodes_[n].newest != none) close(n);
        if (nodes_[n].min > 0 && nodes_[n].count == 0)
            report(StructureFinding::Code::missing, result_.groups_[g.newest].last, g.newest, nodes_[n].name);
    }
    g.newest = none;
}

void StructureBuilder::place(std::size_t number, std::uint32_t node) {
    Node& n = nodes_[node];
    ++n.count;
    std::uint32_t const group = nodes_[n.parent].newest;
    result_.places_.push_back({group, node - 1});
    for (std::uint32_t g = group; g != none; g = result_.groups_[g].parent) result_.groups_[g].last = number;
}

void StructureBuilder::report(StructureFinding::Code code, std::size_t number, std::uint32_t group,
                              std::string_view what) {
    ++result_.finding_count_;
    if (result_.findings_.size() < findings_max) result_.findings_.push_back({code, number, group, what});
}

MessageStructure const& StructureCache::get() {
    if (!structure_ || revision_ != message_->structure_revision()) {
        structure_ = MessageStructure::of(*message_, *dictionary_);
        revision_ = message_->structure_revision();
    }
    return *structure_;
}

MessageStructure MessageStructure::of(Message const& message, Structure const& structure) {
    MessageStructure result;
    result.structure_ = structure;
    result.groups_.push_back({.name = structure.name(), .first = 1, .last = message.segment_count()});
    StructureBuilder(message, structure, result).run();
    return result;
}

MessageStructure MessageStructure::of(Message const& message, Dictionary const& dictionary) {
    auto const component = [&](std::uint32_t field, std::uint32_t number) {
        Path path;
        std::copy_n("MSH", 3, path.segment);
        path.field = field;
        path.component = number;
        return message.get(path).raw;
    };
    std::string_view type = component(9, 1);
    std::string_view event = component(9, 2);
    // "ORU_R01" in the first component alone
    if (event.empty() && type.size() == 7 && type[3] == '_') {
        event = type.substr(4);
        type = type.substr(0, 3);
    }
    auto const structure = dictionary.structure(version_of(component(12, 1)), type, event, component(9, 3));
    if (structure) return of(message, *structure);
    MessageStructure result;
    result.groups_.push_back({.name = {}, .first = 1, .last = message.segment_count()});
    result.places_.resize(message.segment_count());
    result.finding_count_ = 1;
    result.findings_.push_back({StructureFinding::Code::unknown_structure, 1, 0, "MSH"});
    return result;
}

}  // namespace hilum::hl7
