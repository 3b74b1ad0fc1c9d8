// The configuration as typed values (DESIGN §5): names resolved later, by routes/pipeline and the engine's
// catalogues.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/dictionary.h"
#include "routes/config/content.h"
#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::config {

// A listener or destination: `lab: { mllp: {...}, retry: {...} }` has name lab, kind mllp, options the inner
// mapping, and `common` the mapping without the kind's key (retry, ... : read by the engine).
struct Component {
    std::string name;
    Location where;
    std::string kind;
    Location kind_where;
    Node options;
    Node common;
    std::optional<Content> content{};  // of its kind: what a listener gives, a destination takes
};

// The same configuration, wherever it stands in the file: what a reload needs not touch.
bool same(Node const& a, Node const& b);
bool same(Component const& a, Component const& b);

struct Step {
    std::string kind;  // "set"
    Location where;
    Node options;  // what stands after "set:"
};

// The step that has further keys beside its own: `- when: ...` with `then:` and `else:`.
inline constexpr std::string_view block_step = "when";

// Steps as they are written: the list behind `key` of `owner`, a route or another step. Unknown kinds are
// reported.
std::vector<Step> read_steps(Node const& list, std::string_view key, std::string const& owner,
                             std::vector<std::string_view> const& kinds, Diagnostics& diagnostics);

enum class OnError : unsigned char { hold, reject };

struct Route {
    std::string name;
    Location where;
    NameList from;
    Text when;  // empty: always
    std::vector<Step> steps;
    NameList to;
    OnError on_error = OnError::hold;
};

// Steps with a name, which the step `call` does. They hold ${param.NAME} until then.
struct NamedSteps {
    std::string name;
    Location where;
    MappingNode with;  // parameters that have a value when a call gives none
    StepNodes steps;
};

struct Table {
    std::string name;
    Location where;
    Text csv;  // path, relative to the file that names it (already resolved against its folder)
    std::vector<std::string> key;
    std::string value;
    std::string from{};  // columns with the first and the last day a row holds; empty: always
    std::string to{};
    Text fallback{};  // no place: there is none
};

struct Retention {
    Duration age = std::chrono::hours(24 * 30);
    Bytes size{};  // 0: any
};
bool decode_value(Node const& node, Retention& out, Diagnostics& diagnostics);  // "30d" or a mapping

struct Store {
    std::string dir = "./data";
    Retention retain;
    Bytes budget{};  // 0: what the disk has
    Bytes segment_size{64u << 20};
};

struct Admin {
    Endpoint listen{"127.0.0.1", 8080};
    Location where;  // of the address; no file when it is not written
};

struct Config {
    std::vector<Component> listeners;
    std::vector<Component> destinations;
    std::vector<Route> routes;
    std::vector<NamedSteps> step_lists;
    std::vector<Table> tables;
    Store store;
    Admin admin;
    hl7::Dictionary dictionary = hl7::Dictionary::standard();  // with what "dictionary" adds
    std::set<std::uint16_t> closed_tables;  // those of "dictionary" in which any other code is wrong
    std::string source;                     // the path it was loaded from
    std::string hash;                       // 12 hex digits over the effective configuration, for the trace
    std::shared_ptr<Node const>
        effective;  // all files as one, with what is inherited; never null once loaded
};

// A kind of listener or destination as the loader needs to know it: the engine passes its catalogues, so that
// routes/ need not know the engine. `check` decodes the options and reports what is wrong; `common_keys` are
// further keys beside the kind's.
struct KindCheck {
    std::string_view kind;
    void (*check)(Component const& component, Diagnostics& diagnostics);
    std::string (*schema)();  // JSON Schema of the options
    std::string_view summary = {};
    // What a listener gives; what a destination takes, none when it takes any.
    std::optional<Content> content = {};
};
struct Catalogue {
    std::vector<KindCheck> listeners;
    std::vector<KindCheck> destinations;
    std::vector<std::string_view> listener_keys;     // common keys, e.g. "ack"
    std::vector<std::string_view> destination_keys;  // common keys, e.g. "retry"
    std::vector<std::string_view> steps;             // known step kinds
    // The common keys as SchemaWriter::properties_of() gives them. May be null.
    std::string (*listener_keys_schema)() = nullptr;
    std::string (*destination_keys_schema)() = nullptr;
    // Destinations that a listener names by itself, such as the one for its acknowledgements. May be null.
    NameList (*listener_destinations)(Component const& listener) = nullptr;
};

// Loads one file or every *.yaml/*.yml of a directory (sorted; the same name in two files is an error).
// Checks: shape, unknown keys, unknown kinds, from/to that name nothing, duplicate names, route loops,
// destinations never used (warning), tables never used are left to the steps. All findings go to
// `diagnostics`.
Config load(std::string const& path, Catalogue const& catalogue, Environment const& environment,
            Diagnostics& diagnostics);
// The same from text, for tests, fuzzing and `explain`. Relative paths are resolved against `folder`.
Config load_text(std::string_view text, std::string file_name, std::string const& folder,
                 Catalogue const& catalogue, Environment const& environment, Diagnostics& diagnostics);

// The JSON Schema of the whole configuration, for editors (`hilum check --schema`). step_schema(kind) gives
// that of a step's options.
std::string json_schema(Catalogue const& catalogue, std::string (*step_schema)(std::string_view kind));

}  // namespace hilum::config
