// Maps: how a message is made of one in the other language. A map is rows, each of which says where a value
// goes and where it comes from; rows of a map may call others, as a segment's fields have datatypes.
//
//   message: ADT^A31^ADT_A05
//   of: Patient
//   rows:
//     - { to: PID, map: patient }
//   maps:
//     patient:
//       - { to: PID-3, from: identifier, map: identifier }
//       - { to: PID-7, from: birthDate }
//     identifier:
//       - { to: .1, from: value }
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/expression/expression.h"
#include "routes/tables/table.h"

namespace hilum::routes::mapping {

// A place in the HL7 v2 message that is made; 0: not named. Numbers count from 1.
struct Target {
    std::string group;    // "ORDER": the segments that a map makes stand together; nothing else is named then
    std::string segment;  // empty: of the segment that the map is about
    std::size_t field = 0, component = 0, subcomponent = 0;
    bool here = false;  // ".": what the map fills, for another map
};

// What a map fills: a message or a group of its segments, one segment, one repetition of a field, one
// component.
enum class Level : unsigned char { message, segment, field, component };

// A code table that stands in a file of maps.
using Codes = std::map<std::string, std::string, std::less<>>;

enum class Missing : unsigned char { hold, pass, use_default };

struct Row {
    Target to;
    std::string at;                 // as it is written, for reasons: "PID-3"
    expression::Expression when;    // invalid: always
    expression::Expression from;    // invalid: what the map is about
    expression::ValueSource value;  // instead of `from`
    bool has_value = false;
    std::size_t map = none;  // which map makes it of each item
    std::shared_ptr<Table const> table;
    std::shared_ptr<Codes const> codes;  // in place of `table`: one that stands among the maps
    std::string table_name;
    Missing missing = Missing::hold;
    std::string instead;  // of a code that is not in the table
    bool joined = false;
    std::string join;  // between several items
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

struct Map {
    std::string name;
    Level level = Level::message;
    std::string segment;  // of Level::segment
    std::vector<Row> rows;
};

// One file, compiled. Immutable.
struct MapSet {
    std::string type, event, structure;  // of the message that is made: "ADT", "A31", "ADT_A05"
    std::string version = "2.5.1";
    std::string of;         // the type of resource that it is made of; empty: any
    std::vector<Map> maps;  // the first is the message
};

// Reads what a step names: the maps that come with Hilum ("fhir-to-v2/oru_r01") or a file, and on top of it
// the files in `with`, whose rows replace, extend or shorten those that are there. nullptr when something is
// wrong, and reported.
std::shared_ptr<MapSet const> load_maps(config::Text const& name, Tables const& tables,
                                        config::Diagnostics& diagnostics, config::NameList const& with = {});
// One file, from text; `file` is what its places name.
std::shared_ptr<MapSet const> read_maps(std::string_view text, std::string file, Tables const& tables,
                                        config::Diagnostics& diagnostics);

// The maps that come with Hilum begin so.
inline constexpr std::string_view fhir_to_v2 = "fhir-to-v2/";
std::vector<std::string> own_hl7_maps();  // their names

}  // namespace hilum::routes::mapping
