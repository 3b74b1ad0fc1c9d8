// What a site declares, merged with the standard once, when it is loaded. For dictionary.cpp only.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/hl7/dictionary.h"

namespace hilum::hl7 {

struct Dictionary::Overlay {
    struct Segment {
        std::string_view name, title;
        std::vector<Position> positions;
    };
    struct Table {
        std::string_view name;
        TableKind kind = TableKind::user;
        std::vector<Code> codes;  // in byte order
    };
    struct Structure {
        std::string_view name;
        std::vector<StructureNode> nodes;
    };

    static Result<std::shared_ptr<Overlay const>> build(DictionaryOverlay const& wanted);

    Segment const* segment(Version version, std::string_view name) const;
    Table const* table(std::uint16_t number) const;
    Structure const* structure(std::string_view name) const;
    Structure const* structure_of_event(std::string_view event) const;  // "ORU_R01"

    std::set<std::string, std::less<>> texts;  // what the views point into; addresses are stable
    std::map<std::pair<std::string_view, Version>, Segment> segments;
    std::map<std::uint16_t, Table> tables;
    std::map<std::string_view, Structure> structures;
    std::map<std::string_view, std::string_view> events;  // to a structure's name
    std::set<std::string_view> groups;

  private:
    std::string_view keep(std::string_view text) { return *texts.emplace(text).first; }
    Result<void> add(DictionaryOverlay::Segment const& wanted);
    Result<void> change(std::string const& segment, DictionaryOverlay::Field const& wanted,
                        std::vector<Position>& positions);
    Result<void> add(DictionaryOverlay::Table const& wanted);
    Result<void> add(DictionaryOverlay::Structure const& wanted);
    Result<void> flatten(std::string const& place, std::vector<DictionaryOverlay::Node> const& wanted,
                         std::size_t depth, std::vector<StructureNode>& nodes);
};

}  // namespace hilum::hl7
