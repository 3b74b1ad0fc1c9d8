#include "routes/config/dictionary.h"

#include <algorithm>
#include <charconv>

namespace hilum::config {

namespace {

constexpr std::uint32_t field_max = 999;
constexpr std::uint32_t table_max = 65535;

bool is_segment(std::string_view name) {
    auto const capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    return name.size() == 3 && capital(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
               return capital(c) || (c >= '0' && c <= '9');
           });
}

bool number_in(std::string_view text, std::uint32_t max, std::uint32_t& out) {
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc() && end == text.data() + text.size() && out >= 1 && out <= max;
}

// Reads one section; every finding has its place.
class Reader {
  public:
    explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    hl7::DictionaryOverlay read(Node const& node) {
        auto const section = decode_options<DictionarySection>(node, "\"dictionary\"", diagnostics_);
        if (mapping(section.segments, "segments", "name: {...}"))
            for (auto const& entry : section.segments.entries) segment(entry);
        if (mapping(section.tables, "tables", "number: {...}"))
            for (auto const& entry : section.tables.entries) table(entry);
        return std::move(overlay_);
    }

  private:
    bool mapping(Node const& node, std::string_view what, std::string_view form) {
        if (node.kind == Node::Kind::mapping) return true;
        if (node.kind != Node::Kind::null)
            diagnostics_.error(node.where,
                               in_quotes(what) + " should be a mapping, not " + std::string(node.kind_name()),
                               "write each as \"" + std::string(form) + "\"");
        return false;
    }

    void segment(Entry const& entry) {
        if (!is_segment(entry.key)) {
            diagnostics_.error(entry.where, in_quotes(entry.key) + " is no name of a segment",
                               "segments have three capitals or digits, those of a site begin with Z: ZPI");
            return;
        }
        auto const from =
            decode_options<DictionarySegment>(entry.value, "segment " + in_quotes(entry.key), diagnostics_);
        hl7::DictionaryOverlay::Segment segment;
        segment.name = entry.key;
        if (entry.value.find("title")) segment.title = from.title;
        if (mapping(from.fields, "fields", "number: {...}"))
            for (auto const& f : from.fields.entries) field(entry.key, f, segment);
        overlay_.segments.push_back(std::move(segment));
    }

    void field(std::string const& segment, Entry const& entry, hl7::DictionaryOverlay::Segment& out) {
        hl7::DictionaryOverlay::Field field;
        if (!number_in(entry.key, field_max, field.number)) {
            diagnostics_.error(entry.where, in_quotes(entry.key) + " is no field of " + segment,
                               "fields are numbered from 1 to " + std::to_string(field_max));
            return;
        }
        std::string const name = segment + "-" + std::to_string(field.number);
        auto const from = decode_options<DictionaryField>(entry.value, name, diagnostics_);
        auto const said = [&](std::string_view key) { return entry.value.find(key) != nullptr; };
        if (said("name")) field.name = from.name;
        if (said("datatype") && datatype(from.datatype)) field.datatype = from.datatype.value;
        if (said("length")) field.length_max = from.length;
        if (said("repetitions")) field.repetitions_max = repetitions(from.repetitions);
        if (said("table")) field.table = from.table;
        if (said("usage")) field.usage = from.usage;
        out.fields.push_back(std::move(field));
    }

    bool datatype(Text const& text) {
        if (text.empty()) return false;
        auto const known = hl7::Dictionary::standard().datatype_names();
        if (std::binary_search(known.begin(), known.end(), text.value)) return true;
        auto const near = nearest(text.value, known);
        diagnostics_.error(text.where, "no version of HL7 has the datatype " + in_quotes(text.value),
                           near.empty() ? "name one like ST, NM, DTM, CWE or CX"
                                        : "did you mean " + std::string(near) + "?");
        return false;
    }

    std::uint16_t repetitions(Node const& node) {
        std::uint32_t number = 0;
        Text text;
        if (!decode_value(node, text, diagnostics_) || text.value == "any") return 0;
        if (number_in(text.value, table_max, number)) return static_cast<std::uint16_t>(number);
        diagnostics_.error(text.where, in_quotes(text.value) + " is no number of repetitions",
                           "write a number from 1 to 65535, or any");
        return 0;
    }

    void table(Entry const& entry) {
        std::uint32_t number = 0;
        if (!number_in(entry.key, table_max, number)) {
            diagnostics_.error(entry.where, in_quotes(entry.key) + " is no number of a table",
                               "write it like 203 or 9001");
            return;
        }
        auto const from = decode_options<DictionaryTable>(
            entry.value, "table " + std::to_string(number) + " of \"dictionary\"", diagnostics_);
        hl7::DictionaryOverlay::Table table;
        table.number = static_cast<std::uint16_t>(number);
        if (entry.value.find("name")) table.name = from.name;
        table.closed = from.closed;
        if (mapping(from.codes, "codes", "code: meaning")) {
            for (auto const& code : from.codes.entries) {
                std::string meaning;
                if (decode_value(code.value, meaning, diagnostics_)) table.codes.emplace(code.key, meaning);
            }
        }
        overlay_.tables.push_back(std::move(table));
    }

    Diagnostics& diagnostics_;
    hl7::DictionaryOverlay overlay_;
};

std::string by_key(std::string_view pattern, std::string const& schema) {
    return R"({"type":["object","null"],"propertyNames":{"pattern":")" + std::string(pattern) +
           R"("},"additionalProperties":)" + schema + '}';
}

}  // namespace

hl7::Dictionary read_dictionary(Node const& node, Diagnostics& diagnostics) {
    auto const before = diagnostics.errors();
    auto const overlay = Reader(diagnostics).read(node);
    if (diagnostics.errors() != before || overlay.empty()) return hl7::Dictionary::standard();
    auto dictionary = hl7::Dictionary::with(overlay);
    if (dictionary) return *dictionary;
    auto const& e = dictionary.error();
    diagnostics.error(node.where, e.place + ": " + e.what, e.next);
    return hl7::Dictionary::standard();
}

std::string dictionary_schema() {
    DictionarySegment segment;
    SchemaWriter of_segment;
    of_segment.optional("title", segment.title, "what it holds, such as Pet information");
    of_segment.property("fields", by_key("^[0-9]+$", SchemaWriter::of<DictionaryField>()),
                        "its fields by number", false);
    DictionaryTable table;
    SchemaWriter of_table;
    of_table.optional("name", table.name, "what it is called");
    of_table.property(
        "codes",
        R"({"type":["object","null"],"additionalProperties":{"type":["string","number","boolean"]}})",
        "its further codes, each with its meaning", false);
    of_table.optional("closed", table.closed, "whether any other code is wrong");
    SchemaWriter top;
    top.property("segments", by_key("^[A-Z][A-Z0-9]{2}$", of_segment.text()),
                 "segments by name: those of a site (ZPI) and changes to standard ones", false);
    top.property("tables", by_key("^[0-9]+$", of_table.text()),
                 "tables by number: those of a site and further codes of standard ones", false);
    return top.text();
}

}  // namespace hilum::config
