// JSON Schema, draft 2020-12: https://json-schema.org/draft/2020-12. It tells editors the shape; `hilum
// check` knows more.
#include "routes/config/config.h"
#include "routes/config/dictionary.h"
#include "routes/config/inherit.h"
#include "routes/config/sections.h"

namespace hilum::config {
namespace {

std::string json(std::string_view text) {
    constexpr char const* hex = "0123456789abcdef";
    std::string out = "\"";
    for (char c : text) {
        auto const u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (u < 0x20) {
            out += std::string("\\u00") + hex[u >> 4] + hex[u & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

// A value that ${...} will fill in is right for an editor whatever its type.
std::string text_like(std::string_view pattern) {
    return R"({"type":"string","pattern":)" + json("^(" + std::string(pattern) + R"(|.*\$\{.*)$)") + '}';
}
std::string number_like(std::string_view type, std::string_view bounds) {
    return R"({"type":[")" + std::string(type) + R"(","string"],)" + std::string(bounds) + R"("pattern":)" +
           json(R"(\$\{)") + '}';
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};
constexpr Unit duration_units[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}};
constexpr Unit byte_units[] = {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}};

// In the largest unit that leaves a whole number.
template <std::size_t N>
std::string shortest(std::uint64_t value, Unit const (&units)[N]) {
    for (Unit const& unit : units) {
        if (value != 0 && value % unit.factor == 0)
            return std::to_string(value / unit.factor) + std::string(unit.name);
    }
    return std::to_string(value) + (units[0].name == "d" ? "ms" : "");
}

constexpr std::string_view names_json =
    R"({"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"},"minItems":1}]})";

std::string kind_or_true(std::string schema) {
    return schema.empty() ? "true" : schema;
}

// A schema without the keys it requires, and those: what is inherited need not be written again.
struct Relaxed {
    std::string schema;
    std::string required;  // `["listen"]`, or ""
};
Relaxed relaxed(std::string schema) {  // as SchemaWriter::text() makes it
    constexpr std::string_view before = R"(,"required":[)", after = R"(,"additionalProperties":false})";
    std::size_t const at = schema.rfind(before);
    if (at == std::string::npos || !schema.ends_with(after) ||
        schema.find(']', at) != schema.size() - after.size() - 1)
        return {std::move(schema), ""};
    std::string required =
        schema.substr(at + before.size() - 1, schema.size() - after.size() - at - before.size() + 1);
    schema.erase(at, before.size() + required.size() - 1);
    return {std::move(schema), std::move(required)};
}

// With nothing after the key too: no options, or none of what is inherited.
std::string nullable(std::string schema) {
    constexpr std::string_view one = R"({"type":")", list = R"({"type":[)", any = R"({"anyOf":[)",
                               words = R"({"enum":[)";
    if (schema.starts_with(one)) {
        std::size_t const end = schema.find('"', one.size());
        schema.insert(end + 1, R"(,"null"])").insert(one.size() - 1, "[");
    } else if (schema.starts_with(list)) {
        if (schema.substr(0, schema.find(']')).find("null") == std::string::npos)
            schema.insert(list.size(), R"("null",)");
    } else if (schema.starts_with(any)) {
        schema.insert(any.size(), R"({"type":"null"},)");
    } else if (schema.starts_with(words)) {
        schema.insert(words.size(), "null,");
    }
    return schema;
}

// `strict` holds unless what is missing may be inherited.
std::string unless_reused(std::string_view strict) {
    return R"("anyOf":[{"required":["extends"]},{"required":["abstract"]},)" + std::string(strict) + ']';
}

// {"name": {"mllp": {...}, "retry": ...}}: one kind each, and the common keys.
std::string components_schema(std::vector<KindCheck> const& kinds, std::vector<std::string_view> const& keys,
                              std::string (*keys_schema)()) {
    std::string properties = SchemaWriter::properties_of<Reuse>(), choices;
    for (KindCheck const& kind : kinds) {
        Relaxed const options = relaxed(kind.schema ? kind.schema() : "{}");
        std::string const name = json(kind.kind);
        properties += ',' + name + ':' + described(nullable(options.schema), kind.summary);
        choices += (choices.empty() ? "" : ",") + std::string(R"({"required":[)") + name + ']';
        if (!options.required.empty())
            choices +=
                R"(,"properties":{)" + name + R"(:{"type":"object","required":)" + options.required + "}}";
        choices += '}';
    }
    if (keys_schema) {
        properties += ',' + keys_schema();
    } else {
        for (std::string_view key : keys) properties += ',' + json(key) + ":true";
    }
    std::string one = R"({"type":"object","properties":{)" + properties + R"(},"additionalProperties":false)";
    if (!choices.empty()) one += ',' + unless_reused(R"({"oneOf":[)" + choices + "]}");
    one += '}';
    return R"({"type":["object","null"],"propertyNames":{"$ref":"#/$defs/name"},"additionalProperties":)" +
           one + '}';
}

std::string steps_schema(std::vector<std::string_view> const& steps,
                         std::string (*step_schema)(std::string_view)) {
    std::string properties, words, block;
    for (std::string_view step : steps) {
        if (step == block_step) {
            block = ',' + kind_or_true(step_schema ? step_schema(step) : "");
            continue;
        }
        std::string const comma = properties.empty() ? "" : ",";
        properties += comma + json(step) + ':' + kind_or_true(step_schema ? step_schema(step) : "");
        words += comma + json(step);
    }
    std::string out = R"({"type":["array","null"],"items":{"anyOf":[{"type":"object","properties":{)" +
                      properties + R"(},"additionalProperties":false,"minProperties":1,"maxProperties":1})";
    if (!words.empty()) out += R"(,{"enum":[)" + words + "]}";
    return out + block + "]}}";
}

}  // namespace

std::string described(std::string schema, std::string_view summary) {
    if (summary.empty() || schema.size() <= 2 || schema[0] != '{') return schema;
    return R"({"description":)" + json(summary) + ',' + schema.substr(1);
}

std::string SchemaWriter::text() const {
    std::string out = R"({"type":"object","properties":{)" + properties_ + '}';
    if (!required_.empty()) out += R"(,"required":[)" + required_ + ']';
    return out + R"(,"additionalProperties":false})";
}

std::string SchemaWriter::default_of(unsigned char const& value) {
    return std::to_string(value);
}
std::string SchemaWriter::default_of(Duration const& value) {
    return shortest(static_cast<std::uint64_t>(value.count()), duration_units);
}
std::string SchemaWriter::default_of(Bytes const& value) {
    return shortest(value.count, byte_units);
}
std::string SchemaWriter::plain_number(double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

// Every schema given here is an object.
std::string SchemaWriter::with_default(std::string schema, std::string_view value) {
    if (value.empty() || !schema.ends_with('}') || schema == "{}") return schema;
    schema.pop_back();
    bool const bare = value == "true" || value == "false" ||
                      value.find_first_not_of("0123456789") == std::string_view::npos;
    return schema + R"(,"default":)" + (bare ? std::string(value) : json(value)) + '}';
}

void SchemaWriter::add(std::string_view key, std::string schema, std::string_view summary, bool is_required) {
    if (!properties_.empty()) properties_ += ',';
    if (!is_required) schema = nullable(std::move(schema));
    // Every schema given here is an object, or `true`.
    std::string const rest = schema.size() > 2 && schema[0] == '{' ? ',' + schema.substr(1) : "}";
    properties_ += json(key) + R"(:{"description":)" + json(summary) + rest;
    if (is_required) required_ += (required_.empty() ? "" : ",") + json(key);
}

// Unquoted YAML such as `name: 7` is a number to an editor and a text to Hilum.
std::string SchemaWriter::type_of(std::string const&) {
    return R"({"type":["string","number","boolean"]})";
}
std::string SchemaWriter::type_of(Text const&) {
    return R"({"type":["string","number","boolean"]})";
}
std::string SchemaWriter::type_of(bool const&) {
    return number_like("boolean", "");
}
std::string SchemaWriter::type_of(std::uint16_t const&) {
    return number_like("integer", R"("minimum":0,"maximum":65535,)");
}
std::string SchemaWriter::type_of(std::uint32_t const&) {
    return number_like("integer", R"("minimum":0,"maximum":4294967295,)");
}
std::string SchemaWriter::type_of(std::uint64_t const&) {
    return number_like("integer", R"("minimum":0,)");
}
std::string SchemaWriter::type_of(unsigned char const&) {
    return R"({"anyOf":[{"type":"integer","minimum":0,"maximum":255},)" + text_like("0[xX][0-9a-fA-F]{1,2}") +
           "]}";
}
std::string SchemaWriter::type_of(double const&) {
    return number_like("number", "");
}
std::string SchemaWriter::type_of(Duration const&) {
    return text_like("[0-9]+(ms|s|m|h|d)");
}
std::string SchemaWriter::type_of(Bytes const&) {
    return R"({"anyOf":[{"type":"integer","minimum":0},)" + text_like("[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)?") +
           "]}";
}
std::string SchemaWriter::type_of(Endpoint const&) {
    return text_like(R"(.+:[0-9]{1,5})");
}
std::string SchemaWriter::type_of(NameList const&) {
    return std::string(names_json);
}
std::string SchemaWriter::type_of(std::vector<std::string> const&) {
    return std::string(names_json);
}
std::string SchemaWriter::type_of(Node const&) {
    return "{}";
}
std::string SchemaWriter::type_of(MappingNode const&) {
    return R"({"type":["object","null"]})";
}
std::string SchemaWriter::type_of(StepNodes const&) {
    return R"({"$ref":"#/properties/routes/items/properties/steps"})";
}

std::string json_schema(Catalogue const& catalogue, std::string (*step_schema)(std::string_view kind)) {
    SchemaWriter route;
    Route shape;
    describe_route(route, shape);
    Reuse reuse;
    describe(route, reuse);
    route.property("steps", steps_schema(catalogue.steps, step_schema), steps_summary, false);
    SchemaWriter top;
    // None is required: a file may be a part of a configuration.
    top.property(
        "include", std::string(names_json),
        "other files, relative to this one; * and ? stand for any text and any character of a file's name",
        false);
    top.property(
        "listeners",
        components_schema(catalogue.listeners, catalogue.listener_keys, catalogue.listener_keys_schema),
        "where messages come in", false);
    top.property("destinations",
                 components_schema(catalogue.destinations, catalogue.destination_keys,
                                   catalogue.destination_keys_schema),
                 "where messages go", false);
    top.property("routes", R"({"type":"array","items":)" + route.text() + '}',
                 "which messages go where, and what is done to them", false);
    top.property(
        "step_lists",
        R"({"type":["object","null"],"propertyNames":{"$ref":"#/$defs/name"},"additionalProperties":)" +
            SchemaWriter::of<NamedSteps>() + '}',
        "steps with a name, for the step call", false);
    top.property(
        "tables",
        R"({"type":["object","null"],"propertyNames":{"$ref":"#/$defs/name"},"additionalProperties":)" +
            SchemaWriter::of<Table>() + '}',
        "code tables for lookups", false);
    top.property("store", SchemaWriter::of<Store>(), "the journal on disk", false);
    top.property("admin", SchemaWriter::of<Admin>(), "the admin API", false);
    top.property("dictionary", dictionary_schema(), "segments, fields and codes beyond the HL7 standard",
                 false);
    std::string const body = top.text();
    return R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Hilum configuration","$defs":{"name":{"type":"string","pattern":"^[A-Za-z][A-Za-z0-9_-]{0,63}$"}},)" +
           body.substr(1);
}

}  // namespace hilum::config
