#include "parsers/hl7/validation/compiled.h"

#include <algorithm>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/validation/conditions.h"

namespace hilum::hl7::validation {

namespace {

constexpr int depth_max = 4;  // field, component, subcomponent, and TS inside DR inside XPN

// The messages whose structures are compiled; the events are those of table 0003.
struct Frequent {
    std::string_view type;
    char letter;
    int first, last;
};
constexpr Frequent frequent[] = {
    {"ADT", 'A', 1, 62},  {"ORU", 'R', 1, 1},   {"ORU", 'R', 30, 32}, {"ORM", 'O', 1, 1},
    {"OML", 'O', 21, 21}, {"OML", 'O', 33, 35}, {"OMI", 'O', 23, 23}, {"OMG", 'O', 19, 19},
    {"ORR", 'O', 2, 2},   {"ORL", 'O', 22, 22}, {"SIU", 'S', 12, 26}, {"SRM", 'S', 1, 11},
    {"MDM", 'T', 1, 11},  {"VXU", 'V', 4, 4},   {"DFT", 'P', 3, 3},   {"BAR", 'P', 1, 6},
    {"RDE", 'O', 1, 1},   {"RDE", 'O', 11, 11}, {"RDS", 'O', 13, 13}, {"RAS", 'O', 17, 17},
    {"MFN", 'M', 1, 13},  {"QRY", 'A', 19, 19}, {"QBP", 'Q', 11, 22}, {"RSP", 'K', 11, 22}};

// What OBX-2 may name.
constexpr std::string_view value_type_names[] = {
    "AD",  "AUI", "CCD", "CCP", "CD",  "CE",  "CF",  "CK",  "CN",  "CNE", "CNN", "CP",  "CQ",  "CSU",
    "CWE", "CX",  "DDI", "DIN", "DLD", "DLN", "DLT", "DR",  "DT",  "DTM", "DTN", "ED",  "EI",  "EIP",
    "ELD", "ERL", "FC",  "FN",  "FT",  "GTS", "HD",  "ICD", "ID",  "IS",  "JCC", "LA1", "LA2", "MA",
    "MO",  "MOC", "MOP", "NA",  "NDL", "NM",  "NR",  "OCD", "OG",  "OSD", "OSP", "PIP", "PL",  "PLN",
    "PN",  "PPN", "PRL", "PT",  "PTA", "QIP", "QSC", "RCD", "RFR", "RI",  "RMC", "RP",  "RPT", "SAD",
    "SCV", "SI",  "SN",  "SNM", "SPD", "SPS", "SRT", "ST",  "TM",  "TN",  "TQ",  "TS",  "TX",  "UVC",
    "VH",  "VID", "VR",  "WVI", "WVS", "XAD", "XCN", "XON", "XPN", "XTN"};

Together together_of(Version version, std::string_view datatype) {
    if (datatype == "HD") return Together::pair_2_3;
    if (datatype == "EI") return Together::pair_3_4;
    if (version >= Version::v2_7 && (datatype == "CWE" || datatype == "CNE")) return Together::coding_name;
    return Together::nothing;
}

bool coded(std::string_view datatype) {
    return datatype == "CE" || datatype == "CWE" || datatype == "CNE";
}

}  // namespace

void Codes::add(std::string_view code) {
    if (code.empty()) return;
    ++count_;
    if (code.size() <= packed_max) {
        short_.push_back(packed(code));
    } else {
        long_.push_back(code);
    }
}

void Codes::finish() {
    std::sort(long_.begin(), long_.end());
    std::size_t size = 4;
    while (size < short_.size() * 2) size *= 2;
    std::vector<std::uint64_t> open(size, 0);
    for (std::uint64_t const key : short_) {
        std::size_t at = (key * 0x9e3779b97f4a7c15u) >> 40 & (size - 1);
        while (open[at] != 0 && open[at] != key) at = (at + 1) & (size - 1);
        open[at] = key;
    }
    short_ = std::move(open);
}

bool Codes::contains(std::string_view code) const {
    if (code.size() > packed_max) return std::binary_search(long_.begin(), long_.end(), code);
    std::uint64_t const key = packed(code);
    std::size_t const mask = short_.size() - 1;
    std::size_t at = (key * 0x9e3779b97f4a7c15u) >> 40 & mask;
    while (short_[at] != 0) {
        if (short_[at] == key) return true;
        at = (at + 1) & mask;
    }
    return false;
}

Compiled::Compiled(Dictionary of, std::set<std::uint16_t> closed_tables)
    : dictionary(std::move(of)), closed_(std::move(closed_tables)) {
    for (std::size_t v = 0; v < version_count; ++v) compile_segments(static_cast<Version>(v));
    for (std::size_t v = 0; v < version_count; ++v) compile_structures(static_cast<Version>(v));
}

CompiledSegment const* Compiled::segment(Version version, std::uint32_t key) const {
    auto const& segments = versions[static_cast<std::size_t>(version)].segments;
    auto const found = segments.find(key);
    return found == segments.end() ? nullptr : found->second.get();
}

Type const* Compiled::type(Version version, std::string_view name) const {
    if (name.size() > packed_max) return nullptr;
    auto const& types = versions[static_cast<std::size_t>(version)].types;
    auto const found = types.find(packed(name));
    return found == types.end() ? nullptr : found->second.get();
}

std::uint64_t Compiled::structure_key(Version version, std::string_view type, std::string_view event) {
    if (type.size() != 3 || event.size() > 3) return 0;
    return packed(type) << 32 ^ packed(event) << 4 ^ static_cast<std::uint64_t>(version);
}

// The codes that a value has to be one of; nullptr where other codes are right too: a table that a site fills
// (IS, §2.A.37; CE, CWE), or one of which the dictionary has none.
Codes const* Compiled::codes_of(Version version, Position const& position, bool coded_first) {
    if (position.table == 0) return nullptr;
    bool const closed = closed_.contains(position.table);
    bool const by_hl7 = position.datatype == "ID";
    if (!closed && !by_hl7) return nullptr;
    if (position.datatype != "ID" && position.datatype != "IS" && !coded_first) return nullptr;
    if (position.table == 125) return value_types[static_cast<std::size_t>(version)].get();
    auto const [at, is_new] = codes.try_emplace(position.table);
    if (is_new) {
        auto const table = dictionary.table(position.table);
        if (table && table->size() != 0 && (closed || table->kind() == TableKind::hl7)) {
            at->second = std::make_unique<Codes>(position.table);
            for (std::size_t i = 0; i < table->size(); ++i) at->second->add(table->code(i).code);
            at->second->finish();
        }
    }
    return at->second.get();
}

Type const* Compiled::compile_type(Version version, std::string_view name, int depth) {
    auto& of = versions[static_cast<std::size_t>(version)];
    auto const known = of.types.find(packed(name));
    if (known != of.types.end()) return known->second.get();
    auto const datatype = dictionary.datatype(version, name);
    if (!datatype || name.size() > packed_max || depth > depth_max) return nullptr;
    auto const [at, is_new] = of.types.emplace(packed(name), std::make_unique<Type>());
    Type& type = *at->second;
    type.name = datatype->name;
    type.together = together_of(version, name);
    for (std::size_t i = 1; i <= datatype->components.size(); ++i) {
        type.components.push_back(compile_slot(version, *datatype->components.at(i), depth + 1));
        if (type.components.back().usage == Usage::required)
            type.last_required = static_cast<std::uint32_t>(i);
    }
    if (name == "SN" && type.components.size() >= 3) {
        type.components[0].form = Lexical::comparator;  // §2.A.69
        type.components[2].form = Lexical::separator;
    }
    if (name == "TS" && !type.components.empty()) type.components[0].form = lexical_of(version, name);
    return &type;
}

Slot Compiled::compile_slot(Version version, Position const& position, int depth) {
    Slot slot;
    slot.name = position.name;
    slot.datatype = position.datatype;
    slot.length_max = position.length_max;
    // Its table has codes of three characters (CWE, DTM) since 2.3, the length of OBX-2 only since 2.7.
    if (position.table == 125 && slot.length_max == 2) slot.length_max = 3;
    slot.repetitions_max = position.repetitions_max;
    slot.usage = position.usage;
    slot.form = lexical_of(version, position.datatype);
    slot.codes = codes_of(version, position, coded(position.datatype));
    auto const datatype = dictionary.datatype(version, position.datatype);
    slot.known = datatype && position.datatype != "varies" && position.datatype.size() <= packed_max;
    if (!datatype || datatype->primitive()) return slot;
    slot.type = compile_type(version, position.datatype, depth);
    if (!slot.type || slot.type->components.empty()) return slot;
    Slot const& first = slot.type->components[0];
    slot.form = first.form;
    if (!slot.codes) slot.codes = first.codes;
    slot.more_needed = first.more_needed || slot.type->together == Together::coding_name;
    for (std::size_t i = 1; i < slot.type->components.size(); ++i)
        slot.more_needed = slot.more_needed || slot.type->components[i].usage == Usage::required;
    return slot;
}

// The dictionary is asked for every name that a segment may have: it keeps no list of them.
void Compiled::compile_segments(Version version) {
    auto& of = versions[static_cast<std::size_t>(version)];
    auto types = std::make_unique<Codes>(std::uint16_t{125});
    // Table 0125 names datatypes: every one of the version may be a value (§7.4.2.2). The sources' list lacks
    // those that later versions withdrew.
    for (std::string_view const name : value_type_names) {
        if (!dictionary.datatype(version, name)) continue;
        types->add(name);
        compile_type(version, name, 1);
    }
    types->finish();
    value_types[static_cast<std::size_t>(version)] = std::move(types);
    std::uint32_t index = 0;
    std::string_view const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (char const a : letters.substr(0, 26)) {
        // Only segments of a site have a digit there.
        for (char const b : letters.substr(0, a == 'Z' ? 36 : 26)) {
            for (char const c : letters) {
                char const name[] = {a, b, c};
                auto const segment = dictionary.segment(version, {name, 3});
                if (!segment) continue;
                auto compiled = std::make_unique<CompiledSegment>();
                compiled->name = segment->name;
                compiled->index = index++;
                compiled->msh_like = header_name(compiled->name);
                compiled->conditional = has_conditions(compiled->name);
                for (std::size_t i = 1; i <= segment->fields.size(); ++i) {
                    compiled->fields.push_back(compile_slot(version, *segment->fields.at(i), 1));
                    if (compiled->fields.back().usage == Usage::required)
                        compiled->last_required = static_cast<std::uint32_t>(i);
                }
                of.segments.emplace(segment_key(compiled->name), std::move(compiled));
            }
        }
    }
}

void Compiled::compile_structures(Version version) {
    std::map<std::string_view, std::shared_ptr<CompiledStructure const>> known;
    for (Frequent const& f : frequent) {
        for (int number = f.first; number <= f.last; ++number) {
            char const event[] = {f.letter, static_cast<char>('0' + number / 10),
                                  static_cast<char>('0' + number % 10)};
            auto const structure = dictionary.structure(version, f.type, {event, 3});
            if (!structure) continue;
            auto& compiled = known[structure->name()];
            if (!compiled) compiled = std::make_shared<CompiledStructure>(*structure);
            structures.emplace(structure_key(version, f.type, {event, 3}), compiled);
        }
    }
}

CompiledStructure::CompiledStructure(Structure const& of) : structure(of) {
    Node root;
    root.group = true;
    root.min = 1;
    root.span = static_cast<std::uint16_t>(of.size() + 1);
    nodes.push_back(root);
    std::vector<std::uint16_t> open{0};
    for (std::size_t i = 0; i < of.size(); ++i) {
        auto const n = of.node(i);
        std::size_t const at = i + 1;
        while (at >= std::size_t{open.back()} + nodes[open.back()].span) open.pop_back();
        Node node;
        node.key = n.group ? 0 : segment_key(n.name);
        node.min = n.min;
        node.max = n.max;
        node.span = n.span;
        node.parent = open.back();
        node.group = n.group;
        node.choice = n.choice;
        nodes.push_back(node);
        if (n.group) open.push_back(static_cast<std::uint16_t>(at));
    }
}

namespace {

// One walk through a structure, greedily: a segment takes the first place that is reachable from where the
// one before it stood.
class Fitting {
  public:
    using Node = CompiledStructure::Node;
    Fitting(std::vector<Node> const& nodes, std::span<std::uint16_t> counts)
        : nodes_(nodes), counts_(counts) {
        std::fill(counts_.begin(), counts_.end(), std::uint16_t{0});
    }

    bool take(std::uint32_t key) {
        std::size_t node = at_;
        std::size_t parent = nodes_[node].parent;
        bool own = true;  // the node itself may come again
        while (true) {
            if (try_from(node, own, parent, key)) return true;
            if (failed_ || parent == 0) return false;
            // The end of this group: its own turn to repeat, then what follows it.
            node = parent;
            parent = nodes_[node].parent;
            own = true;
        }
    }

    // Nothing that is still to come may be required.
    bool finish() const {
        std::size_t node = at_;
        while (true) {
            std::size_t const parent = nodes_[node].parent;
            if (!rest_is_optional(node, parent)) return false;
            if (parent == 0) return true;
            node = parent;
        }
    }

  private:
    bool may_repeat(std::size_t n) const { return nodes_[n].max == 0 || counts_[n] < nodes_[n].max; }

    bool rest_is_optional(std::size_t node, std::size_t parent) const {
        if (nodes_[parent].choice) return true;
        if (counts_[node] < nodes_[node].min) return false;
        std::size_t const end = parent + nodes_[parent].span;
        for (std::size_t n = node + nodes_[node].span; n < end; n += nodes_[n].span)
            if (nodes_[n].min > counts_[n]) return false;
        return true;
    }

    // The siblings from `node` on, each from its beginning.
    bool try_from(std::size_t node, bool own, std::size_t parent, std::uint32_t key) {
        std::size_t const end = parent + nodes_[parent].span;
        for (std::size_t n = node; n < end; n += nodes_[n].span) {
            bool const again = own && n == node;
            if (again ? may_repeat(n) : counts_[n] == 0) {
                if (enter(n, key)) return true;
            }
            if (again && nodes_[parent].choice) return false;
            if (counts_[n] < nodes_[n].min) {
                failed_ = true;
                return false;
            }
        }
        return false;
    }

    // A new occurrence of `n`, if it can begin with the segment.
    bool enter(std::size_t n, std::uint32_t key) {
        if (!nodes_[n].group) {
            if (nodes_[n].key != key) return false;
            if (counts_[n] < 0xffff) ++counts_[n];
            at_ = n;
            return true;
        }
        if (!begins_with(n, key)) return false;
        if (counts_[n] < 0xffff) ++counts_[n];
        std::fill(counts_.begin() + static_cast<std::ptrdiff_t>(n + 1),
                  counts_.begin() + static_cast<std::ptrdiff_t>(n + nodes_[n].span), std::uint16_t{0});
        for (std::size_t c = n + 1; c < n + nodes_[n].span; c += nodes_[c].span)
            if (enter(c, key)) return true;
        return false;  // not reached: begins_with has found it
    }

    bool begins_with(std::size_t group, std::uint32_t key) const {
        std::size_t const end = group + nodes_[group].span;
        for (std::size_t c = group + 1; c < end; c += nodes_[c].span) {
            if (nodes_[c].group ? begins_with(c, key) : nodes_[c].key == key) return true;
            if (nodes_[c].min > 0 && !nodes_[group].choice) return false;
        }
        return false;
    }

    std::vector<Node> const& nodes_;
    std::span<std::uint16_t> counts_;
    std::size_t at_ = 1;
    bool failed_ = false;
};

}  // namespace

bool CompiledStructure::plainly_fits(std::span<std::uint32_t const> keys,
                                     std::span<std::uint16_t> counts) const {
    if (keys.empty() || nodes.size() < 2) return false;
    Fitting fitting(nodes, counts);
    for (std::uint32_t const key : keys) {
        if (!fitting.take(key)) return false;
    }
    return fitting.finish();
}

}  // namespace hilum::hl7::validation
