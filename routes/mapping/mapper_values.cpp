// What becomes of a value: conversion, code tables, and what is said where that fails.
#include <algorithm>
#include <utility>

#include "parsers/fhir/validation/formats.h"
#include "routes/mapping/mapper.h"

namespace hilum::routes::mapping {

namespace {

constexpr std::size_t findings_max = 200;

}  // namespace

void Mapper::find(std::string code, std::string place, std::string row) {
    if (out_.findings.size() >= findings_max) {
        ++out_.more_findings;
        noted_.push_back(unlisted);
    } else {
        noted_.push_back(out_.findings.size());
        out_.findings.push_back({std::move(code), std::move(place), std::move(row)});
    }
}

// The same of a row and a field is said once, and counted.
void Mapper::find(std::string code, FhirRow const& row) {
    auto const* const field = sources_.empty() ? nullptr : sources_.front().from;
    for (auto const& known : found_) {
        if (known.row != &row || known.field != field || out_.findings[known.finding].code != code) continue;
        ++out_.findings[known.finding].count;
        noted_.push_back(known.finding);
        return;
    }
    if (out_.findings.size() < findings_max) found_.push_back({&row, field, out_.findings.size()});
    find(std::move(code), place_of(row), row.map + ": " + row.at);
}

// Which one of its name the segment is that a path means now.
std::uint32_t Mapper::occurrence(std::string_view segment) const {
    auto const last = latest_.of(segment);
    std::uint32_t count = 0;
    for (std::size_t n = 1; n <= last && n <= message_.segment_count(); ++n)
        count += message_.segment(n).substr(0, 3) == segment ? 1 : 0;
    return std::max<std::uint32_t>(count, 1);
}

// "PID-3.4.1": the field that the outermost map is at, and the parts of it that those within it are at.
std::string Mapper::place_of(FhirRow const& row) const {
    using Kind = HlField::Kind;
    if (row.from.kind == Kind::none && sources_.empty()) return row.at.substr(0, row.at.find(" > "));
    std::string out;
    auto const add = [&](HlField const& from, std::uint32_t repetition) {
        if (from.kind == Kind::field) {
            auto path = from.path;
            path.occurrence = occurrence(path.segment_name());
            path.repetition = repetition;
            path.repetition_given = repetition > 1;
            out = path.text();
        } else if (from.kind == Kind::part) {
            out += '.' + std::to_string(from.path.component);
            if (from.path.subcomponent != 0) out += '.' + std::to_string(from.path.subcomponent);
        }
    };
    for (auto const& source : sources_) add(*source.from, source.repetition);
    // The first piece of what has only one is all of it.
    bool const all =
        row.from.kind == Kind::part && context_.part &&
        context_.part->piece(row.from.path.component).raw.size() == context_.part->whole().raw.size();
    if (!all) add(row.from, repetition_);
    return out;
}

// What a text becomes as the element's type; nothing: why is noted.
Mapper::Outcome Mapper::value_for(FhirRow const& row, std::string_view text, FhirValue& value) {
    if (row.has_value && !row.value.computed()) {
        bool const literal = row.primitive == Primitive::boolean || row.primitive == Primitive::integer ||
                             row.primitive == Primitive::decimal;
        value = {literal ? Tree::Kind::literal : Tree::Kind::text, text};
        return Outcome::made;
    }
    auto const translated = translate(row, text);
    if (translated != Outcome::made || text.empty())
        return translated == Outcome::made ? Outcome::nothing : translated;
    auto const converted = fhir_value(text, row.primitive, row.type, zone_, tree_);
    if (converted) {
        value = *converted;
    } else if (row.has_value && fhir::well_formed(row.type, text)) {
        value = {Tree::Kind::text, text};  // what an expression makes may be in FHIR's own form
    } else {
        find("bad_value", row);
        return Outcome::nothing;
    }
    return right_code(row, value.text) ? Outcome::made : Outcome::nothing;
}

Mapper::Outcome Mapper::put(FhirRow const& row, Target target, hl7::Part item, std::size_t index,
                            std::string_view text) {
    Way way;
    auto const node = row.to_value ? target.node : reach(row.to, target, index, way);
    if (node == Tree::none || tree_.at(node).kind != Tree::Kind::object) return Outcome::nothing;
    FhirValue value;
    auto const done = value_for(row, text, value);
    if (done != Outcome::made) {
        leave(way);
        return done;
    }
    auto& made = tree_.at(node);
    made.primitive = true;
    made.kind = value.kind;
    made.value = value.text;
    made.row = &row;
    made.from = item.raw;
    drop_repeated(way, node);
    return Outcome::made;
}

// An item that its list has already is not added again.
void Mapper::drop_repeated(Way const& way, Tree::Id node) {
    if (!way.empty() && way.back().second == node && tree_.at(node).list &&
        tree_.repeats(way.back().first, node))
        tree_.remove_last(way.back().first, node);
}

// Nothing: the code is not in the table, and the row does without.
Mapper::Outcome Mapper::translate(FhirRow const& row, std::string_view& text) {
    if (!row.table || text.empty()) return Outcome::made;
    auto const found = row.table->find(text);
    if (observer_ && row.table->site) observer_->looked_up(row.table->name, text, found.has_value());
    if (found) {
        text = found->code;
        return Outcome::made;
    }
    switch (row.lacking) {
        case Lacking::pass:
            return Outcome::made;
        case Lacking::use_default:
            find("no_code", row);
            text = row.instead;
            return Outcome::made;
        case Lacking::hold:
            return no_code(row);
        case Lacking::omit:
            break;
    }
    // Whether a site says what its namespaces are is its own affair.
    if (row.table->name != "namespaces") find("no_code", row);
    return Outcome::nothing;
}

Mapper::Outcome Mapper::no_code(FhirRow const& row) {
    return fail(error("no_code", "", "no entry in table " + row.table->name,
                      "add it, or write otherwise: for the row"));
}

bool Mapper::right_code(FhirRow const& row, std::string_view& text) {
    if (!row.codes.exists() || !row.codes.listed() || row.codes.has(text)) return true;
    find("bad_code", row);
    if (row.lacking != Lacking::use_default) return false;
    text = row.instead;
    return true;
}

void Mapper::set_text(Tree::Id parent, std::string_view name, std::string_view text, FhirRow const& row) {
    tree_.at(tree_.set_text(parent, name, text)).row = &row;
}

// Of a Coding, or the first of a CodeableConcept, what the table says of its code.
bool Mapper::translate_coding(FhirRow const& row, Tree::Id node) {
    auto const coding = row.type.name() == "CodeableConcept" ? tree_.child(node, "coding") : node;
    auto const code = coding == Tree::none ? Tree::none : tree_.child(coding, "code");
    if (code == Tree::none) return true;
    auto const found = row.table->find(tree_.at(code).value);
    if (observer_ && row.table->site)
        observer_->looked_up(row.table->name, tree_.at(code).value, found.has_value());
    if (found) {
        set_text(coding, "code", found->code, row);
        if (!found->system.empty()) set_text(coding, "system", found->system, row);
        if (!found->display.empty()) set_text(coding, "display", found->display, row);
        return true;
    }
    if (row.lacking == Lacking::hold) return no_code(row), false;
    if (row.lacking == Lacking::use_default) set_text(coding, "code", row.instead, row);
    if (row.lacking != Lacking::pass) find("no_code", row);
    return true;
}

}  // namespace hilum::routes::mapping
