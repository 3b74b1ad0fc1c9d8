// Files of maps as they are written, merged: what a site's files replace, extend or shorten.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/config/node.h"
#include "routes/mapping/fhir_maps.h"

namespace hilum::routes::mapping {

struct FhirRowText {
    config::Text from, when, to, map, value, table, otherwise, by;
    config::Node rows;
};
template <class V>
void describe(V& v, FhirRowText& o) {
    v.optional("from", o.from,
               "the field: PID-3, PID-3.1; in the map of a datatype .1, .4.2 or . for all of it");
    v.optional("when", o.when, "a condition: the row counts only where it holds");
    v.required("to", o.to,
               "the FHIR element: identifier, name.given, extension('URL').valueString, $this, $value");
    v.optional("map", o.map, "the map that makes it, of each repetition");
    v.optional("value", o.value,
               "a text, or an expression that begins with =, in place of what the field has");
    v.optional("table", o.table, "the code table that translates it");
    v.optional(
        "otherwise", o.otherwise,
        "what becomes of a code that is not in the table: omit (the default), hold, pass, or = and the "
        "text that takes its place");
    v.optional("by", o.by, "who says so, where the guide does not");
    v.optional("rows", o.rows, "the rows of a map without a name, in place of map");
}

struct SegmentRowText {
    config::Text segment, after, when, to, into, map, only;
    config::MappingNode refs;
    config::Node identity;
    config::Text by;
};
template <class V>
void describe(V& v, SegmentRowText& o) {
    v.required("segment", o.segment, "the segment: OBX");
    v.optional("after", o.after,
               "only where the last segment before it, of those that any after names, is this one");
    v.optional("when", o.when, "a condition: the row counts only where it holds");
    v.optional("to", o.to, "the resource that it makes: Observation, or Provenance[source]");
    v.optional("into", o.into, "the resource that it adds to");
    v.required("map", o.map, "the segment map: OBX[Observation]");
    v.optional("refs", o.refs, "which elements refer to which resources: subject: Patient");
    v.optional("identity", o.identity, "what tells one such resource from another: labels and fields");
    v.optional("only", o.only, "message or provenance: only where the step asks for it");
    v.optional("by", o.by, "who says so, where the guide does not");
}

struct MapSource {
    config::Location where;
    config::Node identity;  // null: none
    std::vector<FhirRowText> rows;
};

struct MessageSource {
    config::Location where;
    std::vector<config::Text> messages;
    config::Node groups;
    std::vector<SegmentRowText> rows;
};

struct MapSources {
    std::map<std::string, MapSource, std::less<>> maps;  // "segment/PID[Patient]", "datatype/CX[Identifier]"
    std::map<std::string, MessageSource, std::less<>> messages;
    std::map<std::string, std::unique_ptr<CodeTable>, std::less<>> tables;
};

// What is wrong is reported.
MapSources read_map_sources(std::vector<MapFile> const& files, config::Diagnostics& diagnostics);

// The rows of a map without a name.
std::vector<FhirRowText> read_rows(config::Node const& list, std::string const& name,
                                   config::Diagnostics& diagnostics);

}  // namespace hilum::routes::mapping
