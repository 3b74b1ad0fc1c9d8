#include "parsers/hl7/message_view.h"

#include <map>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/charset.h"
#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

struct MessageView::Place {
    std::string path;
    std::uint32_t field = 0, repetition = 1, component = 0, subcomponent = 0;
    std::string_view name, datatype;
    std::uint16_t table = 0;
};

namespace {

bool has(std::string_view raw, char delimiter) {
    return delimiter != '\0' && raw.find(delimiter) != std::string_view::npos;
}

// Calls f(number, part) for each part, from 1.
template <class F>
void for_parts(std::string_view raw, char delimiter, F&& f) {
    for (std::uint32_t number = 1;; ++number) {
        std::size_t const end = delimiter == '\0' ? std::string_view::npos : find_nth(raw, delimiter, 1);
        f(number, raw.substr(0, end));
        if (end == std::string_view::npos) return;
        raw.remove_prefix(end + 1);
    }
}

}  // namespace

MessageView::MessageView(Message const& message, Dictionary const& dictionary)
    : message_(message), lookup_(dictionary, message), structure_(MessageStructure::of(message, dictionary)) {
    std::map<std::string_view, std::uint32_t> seen;
    for (std::size_t i = 1; i <= message.segment_count(); ++i) {
        std::string_view const text = message.segment(i);
        occurrences_.push_back(++seen[text.substr(0, text.find(message.delimiters().field))]);
    }
}

std::string MessageView::as_it_stands(std::string_view raw) const {
    std::string bytes, text;
    message_.append_bytes(raw, bytes);
    to_utf8(bytes, message_.charset(), text);
    return text;
}

std::string MessageView::line(std::size_t number) const {
    return as_it_stands(message_.segment(number));
}

std::string MessageView::segment_path(std::size_t number) const {
    std::string_view const text = message_.segment(number);
    std::string path = as_it_stands(text.substr(0, text.find(message_.delimiters().field)));
    std::uint32_t const occurrence = occurrences_[number - 1];
    return occurrence == 1 ? path : path + "[" + std::to_string(occurrence) + "]";
}

std::string MessageView::group_path(std::uint32_t group) const {
    std::string path;
    for (; group != 0; group = structure_.groups()[group].parent) {
        auto const& occurrence = structure_.groups()[group];
        std::string step(occurrence.name);
        if (occurrence.number != 1) step += "[" + std::to_string(occurrence.number) + "]";
        path = path.empty() ? step : step + "/" + path;
    }
    return path;
}

SegmentView MessageView::segment(std::size_t number) const {
    auto const& d = message_.delimiters();
    std::string_view const text = message_.segment(number);
    std::size_t const name_end = text.find(d.field);
    SegmentView out;
    out.number = number;
    out.name = as_it_stands(text.substr(0, name_end));
    out.path = segment_path(number);
    out.group = structure_.place(number).group;
    if (auto const known = lookup_.segment(out.name)) out.title = known->title;
    if (name_end == std::string_view::npos) return out;
    bool const header = header_name(out.name);
    if (header) add_field(out, 1, text.substr(name_end, 1), text);
    for_parts(text.substr(name_end + 1), d.field, [&](std::uint32_t n, std::string_view raw) {
        if (!raw.empty()) add_field(out, header ? n + 1 : n, raw, text);
    });
    return out;
}

void MessageView::add_field(SegmentView& out, std::size_t number, std::string_view raw,
                            std::string_view text) const {
    auto const& d = message_.delimiters();
    Place place;
    place.path = out.path + "-" + std::to_string(number);
    place.field = static_cast<std::uint32_t>(number);
    place.datatype = lookup_.datatype_of(text, number, d);
    if (auto const position = lookup_.field(out.name, number)) {
        place.name = position->name;
        place.table = position->table;
    }
    bool const fixed = number <= 2 && (header_name(out.name));
    if (fixed || !(has(raw, d.repetition) || has(raw, d.component) || has(raw, d.subcomponent))) {
        add(out, place, raw, fixed);
        return;
    }
    add(out, place, raw, true);
    bool const repeats = has(raw, d.repetition);
    for_parts(raw, d.repetition, [&](std::uint32_t n, std::string_view repetition) {
        if (repetition.empty()) return;
        Place one = place;
        one.repetition = n;
        if (repeats) one.path += "[" + std::to_string(n) + "]";
        bool const parts = has(repetition, d.component) || has(repetition, d.subcomponent);
        if (parts) {
            add_parts(out, one, repetition, 1);
        } else {
            add(out, one, repetition, false);
        }
    });
}

// Level 1: the components of a repetition; level 2: the subcomponents of a component.
void MessageView::add_parts(SegmentView& out, Place const& place, std::string_view raw, int level) const {
    auto const& d = message_.delimiters();
    auto const datatype = lookup_.datatype(place.datatype);
    for_parts(raw, level == 1 ? d.component : d.subcomponent, [&](std::uint32_t n, std::string_view one) {
        if (one.empty()) return;
        Place part = place;
        part.path += "." + std::to_string(n);
        (level == 1 ? part.component : part.subcomponent) = n;
        part.name = {};
        part.datatype = {};
        // The table of a coded field is that of its identifier.
        part.table = n == 1 ? place.table : std::uint16_t{0};
        if (auto const position = datatype ? datatype->components.at(n) : std::nullopt) {
            part.name = position->name;
            part.datatype = position->datatype;
            if (position->table != 0) part.table = position->table;
        }
        bool const deeper = level == 1 && has(one, d.subcomponent);
        add(out, part, one, deeper);
        if (deeper) add_parts(out, part, one, 2);
    });
}

void MessageView::add(SegmentView& out, Place const& place, std::string_view raw, bool whole) const {
    ValueView value;
    value.path = place.path;
    value.field = place.field;
    value.repetition = place.repetition;
    value.component = place.component;
    value.subcomponent = place.subcomponent;
    bool const header = place.field <= 2 && (header_name(out.name));
    value.whole = whole && !header;
    value.null = !whole && raw == "\"\"";
    std::string scratch;
    value.text = whole ? as_it_stands(raw) : std::string(message_.decode(raw, scratch));
    value.name = place.name;
    value.datatype = place.datatype;
    if (auto const table = place.table != 0 ? lookup_.dictionary().table(place.table) : std::nullopt) {
        value.table = place.table;
        value.table_name = table->name();
        if (auto const code = value.whole ? std::nullopt : table->find(value.text))
            value.meaning = code->meaning;
    }
    out.values.push_back(std::move(value));
}

}  // namespace hilum::hl7
