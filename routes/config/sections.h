// The parts of a configuration file that routes/ itself knows, declared once for the loader and for the JSON
// Schema.
#pragma once

#include "routes/config/config.h"

namespace hilum::config {

inline constexpr std::string_view top_level_keys[] = {
    "include", "listeners", "destinations", "routes", "step_lists", "tables", "store", "admin", "dictionary"};

// The mapping behind `retain`.
struct RetentionOptions {
    Retention retain;
};
template <class V>
void describe(V& v, RetentionOptions& o) {
    v.optional("age", o.retain.age, "how long messages are kept, 1h or more, such as 30d");
    v.optional(
        "size", o.retain.size,
        "how much of them is kept at most: beyond it the oldest go that are owed to nobody; 0: no limit");
}

template <class V>
void describe(V& v, Store& o) {
    constexpr std::string_view retain_summary =
        "how long messages are kept after their last delivery, 1h or more, such as 30d; or a mapping: age, "
        "size";
    v.optional("dir", o.dir, "folder of the journal and its index");
    if constexpr (std::is_same_v<V, SchemaWriter>) {
        v.property("retain",
                   R"({"anyOf":[)" + SchemaWriter::of_value(o.retain.age) + "," +
                       SchemaWriter::of<RetentionOptions>() + "]}",
                   retain_summary, false);
    } else {
        v.optional("retain", o.retain, retain_summary);
    }
    v.optional(
        "budget", o.budget,
        "how much of its disk the store may use, at least four segments, such as 20GiB; 0: all that is free");
    v.optional("segment_size", o.segment_size, "size of one journal file, 1MiB to 1GiB, such as 64MiB");
}

template <class V>
void describe(V& v, Admin& o) {
    v.optional("listen", o.listen, "address and port of the admin API, such as 127.0.0.1:8080");
}

template <class V>
void describe(V& v, Table& o) {
    v.required("csv", o.csv, "path of the CSV file, relative to this configuration file");
    v.required("key", o.key, "the column that is looked up, or a list of them");
    v.required("value", o.value, "the column that is the answer");
    v.optional("from", o.from,
               "the column with the first day a row holds, such as 2026-01-31; empty: always");
    v.optional("to", o.to, "the column with the last day a row holds");
    v.optional("default", o.fallback, "what lookups with otherwise: default write");
}

template <class V>
void describe(V& v, NamedSteps& o) {
    v.optional("with", o.with, "values for each ${param.NAME} in it that a call need not give");
    v.required("steps", o.steps, "what a call of it does, in this order");
}

// All of a route but its steps, which the callers add: their kinds come from the catalogue.
template <class V>
void describe_route(V& v, Route& o) {
    v.required("name", o.name, "a name for this route, such as adt-to-lab");
    v.optional("from", o.from, "the listener, or a list of listeners, whose messages it takes");
    v.optional("when", o.when, "an expression; messages for which it is not true are filtered");
    v.optional("to", o.to, "the destination or route, or a list of them, that gets the messages");
    v.choice(
        "on_error", o.on_error, {{"hold", OnError::hold}, {"reject", OnError::reject}},
        "what becomes of a message that a step can't handle: hold it for a person, or reject it with a NAK");
}

inline constexpr std::string_view steps_summary = "what is done to each message, in this order";
inline constexpr std::size_t name_length_max = 64;

// [A-Za-z][A-Za-z0-9_-]*, at most 64 characters.
bool is_name(std::string_view name);

// Checks that names lead somewhere: from, to, circles, what nothing reaches. `listeners_read` and
// `destinations_read` tell whether those sections could be read; when not, names aren't held against them.
struct SectionsRead {
    bool listeners = true;
    bool destinations = true;
    bool routes = true;
    std::set<std::string, std::less<>> const* abstracts = nullptr;  // `route "base"`
};
void check_references(Config const& config, SectionsRead read, Catalogue const& catalogue,
                      Diagnostics& diagnostics);

}  // namespace hilum::config
