// Maps from HL7 v2 to FHIR, compiled: which rows make what of which field (docs/mapping.md). Named as the
// HL7 Version 2 to FHIR Implementation Guide names them: "segment/PID[Patient]".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "parsers/hl7/path.h"
#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/expression/conditions.h"
#include "routes/expression/expression.h"
#include "routes/mapping/conversion.h"
#include "routes/tables/table.h"

namespace hilum::routes::mapping {

// A code of the guide's tables in FHIR.
struct Code {
    std::string code, system, display;
};
struct CodeTable {
    std::string name;
    std::map<std::string, Code, std::less<>> codes;
    std::shared_ptr<Table const> site;  // one of the configuration's; then `codes` is empty

    // `code` of what is found is a view that lives as long as the table.
    struct Found {
        std::string_view code, system, display;
    };
    std::optional<Found> find(std::string_view code) const;
};

using Names = std::set<std::string, std::less<>>;

// Where a row's value comes from.
struct HlField {
    enum class Kind : unsigned char { none, field, part, whole };
    Kind kind = Kind::none;
    hl7::Path path;            // of a part the component and subcomponent alone
    bool repetitions = false;  // each one in turn
};

// One step on the way to an element.
struct FhirStep {
    std::string_view name;  // as the JSON has it; kept once for all maps
    std::string url;        // of an extension
    std::string choice;     // of value[x] and the like what its names begin with: there is one of them
    bool list = false;
    bool primitive = false;
    fhir::Type type;
    unsigned char label = 0;  // 0: none was written
};

enum class Lacking : unsigned char { omit, hold, pass, use_default };

struct FhirRow {
    std::string at;   // "PID-3 > identifier", for traces and reasons
    std::string map;  // the name of the map it stands in
    HlField from;
    std::size_t when = none;            // of the map's conditions
    std::vector<hl7::Path> decided_by;  // the paths of `when` and `value`
    std::vector<FhirStep> to;           // empty: what the map itself fills
    bool to_value = false;              // $value: of a map of a primitive
    fhir::Type type;                    // of the element
    Primitive primitive = Primitive::other;
    fhir::ValueSet codes;    // of a required binding
    bool reference = false;  // the map makes a resource that the element refers to
    bool has_value = false;
    expression::ValueSource value;
    std::size_t calls = none;  // a map
    CodeTable const* table = nullptr;
    Lacking lacking = Lacking::omit;
    std::string instead;
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

// What tells one resource from another: a field, or another resource by its label.
struct IdentityPart {
    std::vector<HlField> fields;  // the first that has a value
    std::string label;            // where there are none
};

struct FhirMap {
    std::string name;     // "segment/PID[Patient]"
    std::string segment;  // of a segment map
    fhir::Type type;      // what it fills
    std::vector<IdentityPart> identity;
    std::vector<FhirRow> rows;
    expression::Conditions conditions;  // of the rows
    bool of_part_alone = false;  // no row of it, or of those it calls, names a field: equal parts make equals
};

// Of a message map: what becomes of a segment.
struct SegmentRow {
    std::string segment, after;
    expression::Expression when;
    std::vector<hl7::Path> decided_by;
    std::string label;  // "Patient", "Provenance[source]"
    fhir::Type type;
    bool into = false;  // it adds to the one that is there
    std::size_t calls = FhirRow::none;
    std::vector<IdentityPart> identity;
    struct Reference {
        std::string of;  // a label; empty: what the row makes
        std::vector<FhirStep> element;
        std::string to;
    };
    std::vector<Reference> references;
    enum class Only : unsigned char { always, message, provenance };
    Only only = Only::always;
};

struct SegmentGroup {
    std::string name;
    std::vector<std::string> segments;  // in their order
};

struct MessageMap {
    std::string name;
    std::vector<SegmentGroup> groups;  // each within those before it
    std::vector<std::string> anchors;  // the segments that an `after` names
    std::vector<SegmentRow> rows;
};

// An element that every instance of a type has.
struct RequiredElement {
    std::string_view name;
    bool choice = false;  // its JSON name goes on with a type's
};
using RequiredElements = std::vector<std::vector<RequiredElement>>;  // by the types' numbers

// All of them. Immutable; shared by every route that maps with the same files and tables.
struct FhirMaps {
    std::vector<FhirMap> maps;
    std::vector<MessageMap> messages;
    std::map<std::string, std::size_t, std::less<>> of_event;  // "ADT^A01": a message
    std::map<std::string, std::unique_ptr<CodeTable>, std::less<>> tables;
    RequiredElements required;
    Names names;  // of elements

    // By MSH-9.1 and 9.2; of a message that names no event by the structure in MSH-9.3. null: none is for it.
    MessageMap const* message(std::string_view type, std::string_view event,
                              std::string_view structure) const;
};

// A file of maps: its name for messages, and what it holds.
struct MapFile {
    std::string name;
    std::string text;
};

// The maps that come with Hilum: those of HL7's guide, and what a site may put on top of them by its name
// ("us_core").
std::vector<MapFile> const& map_files();
std::vector<MapFile> guide_files();
MapFile const* extra_file(std::string_view name);

// Those of the guide, and behind them what a site names: an extra file of ours by its name, else a file,
// beside the one that names it.
std::vector<MapFile> files_with(config::NameList const& names, config::Diagnostics& diagnostics);

// Reads maps; those of later files replace, extend or shorten those of earlier ones. `tables` are the
// configuration's, which rows may name too. nullptr when something is wrong in them, and reported.
std::shared_ptr<FhirMaps const> read_fhir_maps(std::vector<MapFile> const& files, Tables const& tables,
                                               config::Diagnostics& diagnostics);

}  // namespace hilum::routes::mapping
