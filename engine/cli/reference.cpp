#include "engine/cli/reference.h"

#include <algorithm>

#include "engine/ops/json.h"
#include "routes/config/config.h"

namespace hilum::cli {
namespace {

using ops::json::Value;

constexpr std::size_t levels_max = 4;  // of keys in keys; what is deeper has a page of its own

bool names(Value const& list, std::string_view word) {
    return std::any_of(list.items.begin(), list.items.end(),
                       [&](Value const& v) { return v.string == word; });
}

// What may be written, for people.
std::string type_text(Value const& schema) {
    if (auto const* words = schema.find("enum")) {
        std::string out;
        for (Value const& word : words->items) {
            if (word.is_string()) out += (out.empty() ? "`" : ", `") + word.string + '`';
        }
        return out;
    }
    std::string const pattern(schema.text("pattern"));
    if (pattern.find("(ms|s|m|h|d)") != std::string::npos) return "duration";
    if (pattern.find(":[0-9]{1,5}") != std::string::npos) return "address and port";
    if (auto const* any = schema.find("anyOf")) {
        std::string out;
        for (Value const& one : any->items) {
            std::string const text = type_text(one);
            if (one.text("pattern").find("KiB") != std::string_view::npos) return "size";
            if (one.text("pattern").find("0[xX]") != std::string_view::npos) return "byte";
            if (!text.empty()) out += (out.empty() ? "" : " or ") + text;
        }
        return out;
    }
    Value const& type = schema["type"];
    auto const takes = [&](std::string_view word) { return type.string == word || names(type, word); };
    // Of a text, bare numbers and flags are texts too.
    if (takes("string") && takes("number") && takes("boolean")) return "text";
    constexpr std::pair<std::string_view, std::string_view> types[] = {
        {"integer", "whole number"}, {"boolean", "`true` or `false`"},
        {"number", "number"},        {"object", "mapping"},
        {"array", "list"},           {"string", "text"}};
    for (auto const& [word, text] : types) {
        if (takes(word)) return std::string(text);
    }
    return "";
}

std::string cell(std::string_view text) {
    std::string out;
    for (char const c : text) out += c == '|' ? "\\|" : std::string(1, c);
    return out;
}

std::string default_text(Value const& schema, bool required) {
    if (required) return "required";
    Value const* value = schema.find("default");
    if (!value) return "";
    if (value->is_string()) return '`' + value->string + '`';
    if (value->kind == Value::Kind::boolean) return value->boolean ? "`true`" : "`false`";
    return '`' + std::to_string(value->natural) + '`';
}

// The mapping a key may hold, itself or as one of several things; nullptr when it holds none.
Value const* mapping_of(Value const& schema) {
    if (schema.find("properties")) return &schema;
    for (Value const& one : schema["anyOf"].items) {
        if (one.find("properties")) return &one;
    }
    return nullptr;
}

void rows(Value const& mapping, Value const& required, std::string const& before, std::size_t level,
          std::string& out) {
    for (auto const& [key, schema] : mapping["properties"].members) {
        bool const needed = names(required, key) || names(mapping["required"], key);
        out += "| `" + before + key + "` | " + type_text(schema) + " | " + default_text(schema, needed) +
               " | " + cell(schema.text("description")) + " |\n";
        Value const* inner = mapping_of(schema);
        if (inner && level < levels_max) rows(*inner, Value(), before + key + '.', level + 1, out);
    }
}

void section(std::string const& title, std::string_view summary, Value const& mapping, Value const& required,
             std::string& out) {
    out += "\n### " + title + '\n';
    if (!summary.empty()) out += std::string(summary) + ".\n";
    std::string table;
    rows(mapping, required, "", 1, table);
    if (table.empty()) return;
    out += "\n| Key | Value | Default | |\n|---|---|---|---|\n" + table;
}

// The kinds of listeners or destinations, then the keys beside them.
void components(std::string const& title, Value const& schema, std::string& out) {
    out += "\n## " + title + '\n';
    Value const& one = schema["additionalProperties"];
    auto const required_of = [&](std::string const& kind) {
        for (Value const& branch : one["anyOf"].items) {
            for (Value const& choice : branch["oneOf"].items) {
                if (names(choice["required"], kind)) return choice["properties"][kind]["required"];
            }
        }
        return Value();
    };
    Value beside;
    beside.kind = Value::Kind::object;
    auto& rest = beside.members.emplace_back(ops::json::Member{"properties", {}}).value;
    rest.kind = Value::Kind::object;
    for (auto const& member : one["properties"].members) {
        bool is_kind = false;
        for (Value const& branch : one["anyOf"].items) {
            for (Value const& choice : branch["oneOf"].items)
                is_kind = is_kind || names(choice["required"], member.name);
        }
        if (is_kind) {
            section(member.name, member.value.text("description"), member.value, required_of(member.name),
                    out);
        } else {
            rest.members.push_back(member);
        }
    }
    section("beside the kind", "", beside, Value(), out);
}

void steps(Value const& items, std::string& out) {
    out += "\n## Steps\n";
    for (Value const& form : items["anyOf"].items) {
        // A block has keys of its own beside the one that names it.
        std::string const block(config::block_step);
        if (form["properties"].find(block)) {
            section(block, form.text("description"), form, form["required"], out);
            continue;
        }
        for (auto const& [name, schema] : form["properties"].members) {
            Value const* const mapping = mapping_of(schema);
            section(name, schema.text("description"), mapping ? *mapping : schema, Value(), out);
        }
    }
}

}  // namespace

std::string configuration_reference(std::string const& schema) {
    auto const parsed = ops::json::parse(schema);
    std::string out =
        "# Reference of the configuration\n\n"
        "Every key, its value and its default, as `hilum check --reference` prints them. What they are for:\n"
        "[configuration](configuration.md), [listeners](listeners.md), [destinations](destinations.md), "
        "[steps](steps.md).\n";
    if (!parsed) return out;
    Value const& top = (*parsed)["properties"];
    components("Listeners", top["listeners"], out);
    components("Destinations", top["destinations"], out);
    out += "\n## Routes\n";
    section("a route", "", top["routes"]["items"], Value(), out);
    steps(top["routes"]["items"]["properties"]["steps"]["items"], out);
    out += "\n## Other sections\n";
    section("a step list", top["step_lists"].text("description"), top["step_lists"]["additionalProperties"],
            Value(), out);
    section("a table", top["tables"].text("description"), top["tables"]["additionalProperties"], Value(),
            out);
    for (char const* name : {"store", "admin"})
        section(name, top[name].text("description"), top[name], Value(), out);
    return out;
}

}  // namespace hilum::cli
