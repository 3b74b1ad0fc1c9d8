// The standard's part of the dictionary: constant arrays that generate.mjs writes. For dictionary.cpp only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "parsers/hl7/dictionary.h"

namespace hilum::hl7::standard {

// A segment or a datatype: a run of position ids.
struct Shape {
    std::string_view name;
    std::string_view title;
    std::uint16_t const* ids = nullptr;
    std::size_t count = 0;
};
std::optional<Shape> segment(Version version, std::string_view name);
std::optional<Shape> datatype(Version version, std::string_view name);
Position position(std::uint16_t id);
// Every datatype of every version: a name of several comes several times.
void for_each_datatype(std::function<void(std::string_view)> const& use);

// A message structure: a run of node ids.
struct Tree {
    std::string_view name;
    std::uint16_t const* ids = nullptr;
    std::size_t count = 0;
};
std::optional<Tree> structure(Version version, std::string_view name);
// By "ADT_A04".
std::optional<Tree> structure_of_event(Version version, std::string_view event);
// The first one of a message type: "ORU" gives that of ORU_R01.
std::optional<Tree> structure_of_type(Version version, std::string_view type);
StructureNode node(std::uint16_t id);

struct CodeTable {
    std::uint16_t number = 0;
    std::string_view name;
    TableKind kind = TableKind::unknown;
    std::uint32_t first = 0;
    std::size_t count = 0;
};
std::optional<CodeTable> table(std::uint16_t number);
Code code(std::size_t index);

std::size_t group_count();
std::string_view group_name(std::size_t index);  // in byte order

}  // namespace hilum::hl7::standard
