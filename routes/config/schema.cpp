// JSON Schema, draft 2020-12: https://json-schema.org/draft/2020-12. It tells editors the shape; `hilum
// check` knows more.
#include "routes/config/config.h"
#include "routes/config/dictionary.h"
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

constexpr std::string_view names_json =
    R"({"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"},"minItems":1}]})";

std::string kind_or_true(std::string schema) {
    return schema.empty() ? "true" : schema;
}

// {"name": {"mllp": {...}, "retry": ...}}: one kind each, and the common keys.
std::string components_schema(std::vector<KindCheck> const& kinds,
                              std::vector<std::string_view> const& common_keys) {
    std::string properties, choices;
    for (KindCheck const& kind : kinds) {
        std::string const comma = properties.empty() ? "" : ",";
        properties += comma + json(kind.kind) + ':' + kind_or_true(kind.schema ? kind.schema() : "");
        choices += comma + R"({"required":[)" + json(kind.kind) + "]}";
    }
    for (std::string_view key : common_keys)
        properties += (properties.empty() ? "" : ",") + json(key) + ":true";
    std::string one = R"({"type":"object","properties":{)" + properties + R"(},"additionalProperties":false)";
    if (!choices.empty()) one += R"(,"oneOf":[)" + choices + ']';
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

std::string SchemaWriter::text() const {
    std::string out = R"({"type":"object","properties":{)" + properties_ + '}';
    if (!required_.empty()) out += R"(,"required":[)" + required_ + ']';
    return out + R"(,"additionalProperties":false})";
}

void SchemaWriter::add(std::string_view key, std::string schema, std::string_view summary, bool is_required) {
    if (!properties_.empty()) properties_ += ',';
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
std::string SchemaWriter::type_of(StepNodes const&) {
    return R"({"$ref":"#/properties/routes/items/properties/steps"})";
}

std::string json_schema(Catalogue const& catalogue, std::string (*step_schema)(std::string_view kind)) {
    SchemaWriter route;
    Route shape;
    describe_route(route, shape);
    route.property("steps", steps_schema(catalogue.steps, step_schema), steps_summary, false);
    SchemaWriter top;
    top.property("listeners", components_schema(catalogue.listeners, catalogue.listener_keys),
                 "where messages come in", true);
    top.property("destinations", components_schema(catalogue.destinations, catalogue.destination_keys),
                 "where messages go", false);
    top.property("routes", R"({"type":"array","items":)" + route.text() + '}',
                 "which messages go where, and what is done to them", true);
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
