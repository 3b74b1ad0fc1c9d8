// lookup: { field: PV1-3.1, table: wards, otherwise: hold }
// lookup: { field: OBX-3.1, keys: [MSH-4, OBX-3.1], on: OBX-14, table: tests, otherwise: pass }
#include <array>
#include <utility>

#include "routes/steps/no_entry.h"
#include "routes/steps/places.h"

namespace hilum::routes {
namespace {

struct LookupOptions {
    config::Text field;
    config::Text table;
    config::NameList keys;
    config::Text to;
    config::Text on;
    Fallback fallback;
};

template <class V>
void describe(V& v, LookupOptions& o) {
    v.required("field", o.field, "the path whose value is looked up, such as PV1-3.1; [*] for each");
    v.required("table", o.table, "the table to look in");
    v.optional(
        "keys", o.keys,
        "for a table with several key columns: the paths of their values, in the order of the columns");
    v.optional("to", o.to, "the path that gets the answer; without it the field itself");
    v.optional(
        "on", o.on,
        "for a table with dates: the path of the day that counts, such as PV1-44; without it today, in "
        "UTC");
    describe_fallback(v, o.fallback);
}

struct Lookup {
    ValuePath field;
    std::optional<ValuePath> to;
    std::vector<expression::Expression> keys;  // empty: the field's value is the key
    expression::Expression on;
    std::string on_text;
    std::string table_name;
    std::shared_ptr<Table const> table;
    Fallback fallback;
};

class LookupStep final : public Step {
  public:
    explicit LookupStep(Lookup lookup) : lookup_(std::move(lookup)) {}

    StepResult run(Work& work) const override {
        // A field without value has no code; `when` can ask for one.
        return each_value(work, lookup_.field,
                          [&](Place const& place, std::string_view text) { return one(work, place, text); });
    }

  private:
    StepResult one(Work& work, Place const& place, std::string_view text) const {
        std::optional<std::int32_t> const day = lookup_.table->dated() ? day_of(work) : 0;
        std::optional<std::string_view> answer;
        if (day) {
            std::string joined;
            if (!lookup_.keys.empty()) {
                auto composed = key_of(work);
                if (!composed) return held("keys", composed.error());
                joined = std::move(*composed);
            }
            auto const key = lookup_.keys.empty() ? text : std::string_view(joined);
            answer = lookup_.table->find(key, *day);
            if (work.observer) work.observer->looked_up(lookup_.table_name, key, answer.has_value());
        }
        if (answer) return put(work, place, *answer);
        if (lookup_.fallback.otherwise == Otherwise::use_default)
            return put(work, place, lookup_.fallback.text.value);
        auto const name = place.text();
        return fall_back(work, place, lookup_.fallback,
                         day ? routes::text(NoEntry{lookup_.table_name, name})
                             : lookup_.on_text + " holds no day to look up " + name + " on");
    }

    StepResult put(Work& work, Place const& place, std::string_view text) const {
        if (!lookup_.to) return write(work, place, text);
        auto const done = lookup_.to->set(work, text);
        return done ? StepResult::ok() : held(lookup_.to->text(), done.error());
    }

    Result<std::string> key_of(Work& work) const {
        std::array<std::string, Table::keys_max> texts;
        std::vector<std::string_view> values;
        for (std::size_t i = 0; i < lookup_.keys.size(); ++i) {
            auto text = lookup_.keys[i].text(work.context());
            if (!text) return text;
            texts[i] = std::move(*text);
            values.push_back(texts[i]);
        }
        return {boost::system::in_place_value, Table::join(values)};
    }

    std::optional<std::int32_t> day_of(Work& work) const {
        if (!lookup_.on.valid()) return Table::day_at(work.now_us);
        auto const text = lookup_.on.text(work.context());
        if (!text) return std::nullopt;
        // FHIR writes 2024-05-01, HL7 v2 20240501.
        std::string day = *text;
        std::erase(day, '-');
        return Table::day(day.substr(0, 8));
    }

    Lookup lookup_;
};

// A path of HL7 v2 is checked as one before it is read as an expression, which it is, too.
expression::Expression value_at(config::Text const& text, CompileContext& context) {
    if (context.content == Content::hl7 && !single_path(text, context.diagnostics)) return {};
    return expression::Expression::compile(text, 0, context.diagnostics, context.language());
}

void check_keys(LookupOptions const& o, Lookup& lookup, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    for (auto const& ref : o.keys) lookup.keys.push_back(value_at({ref.name, ref.where}, context));
    auto const columns = lookup.table->key_columns();
    if (o.keys.empty() ? columns > 1 : o.keys.size() != columns)
        diagnostics.error(o.keys.empty() ? o.table.where : o.keys.front().where,
                          "table \"" + o.table.value + "\" has " + std::to_string(columns) +
                              (columns == 1 ? " key column" : " key columns"),
                          "name as many paths in \"keys\"");
    if (!o.on.empty()) {
        lookup.on = value_at(o.on, context);
        lookup.on_text = o.on.value;
        if (!lookup.table->dated())
            diagnostics.error(o.on.where, "table \"" + o.table.value + "\" has no dates",
                              "name their columns in \"from\" and \"to\" of the table, or remove \"on\"");
    }
}

void check_target(LookupOptions const& o, Lookup& lookup, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    if (o.to.empty()) return;
    if (context.content == Content::hl7 && !writable_path(o.to, false, diagnostics)) return;
    lookup.to = ValuePath::compile(o.to, context);
    if (!lookup.to) return;
    if (lookup.field.many()) {
        diagnostics.error(
            o.to.where,
            "each value of " + lookup.field.text() + " is written back where it was, so \"to\" can't be used",
            "remove \"to\", or use a number in place of *");
    } else if (lookup.to->many()) {
        diagnostics.error(o.to.where, lookup.to->text() + " names several places for one answer",
                          "use a number in place of *");
    }
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<LookupOptions>(step.options, "lookup", diagnostics);
    if (step.options.kind != config::Node::Kind::mapping && step.options.kind != config::Node::Kind::null)
        return nullptr;
    Lookup lookup;
    lookup.fallback = o.fallback;
    lookup.table_name = o.table.value;
    lookup.table = find_table(o.table, context);
    // A table may have a default of its own.
    bool const by_table = lookup.table && lookup.table->fallback() &&
                          o.fallback.otherwise == Otherwise::use_default && !step.options.find("default");
    if (by_table) lookup.fallback.text.value = *lookup.table->fallback();
    if (!by_table) check_fallback(step, o.fallback, "that is not in the table", diagnostics);
    auto field = o.field.empty() ? std::nullopt : ValuePath::compile(o.field, context);
    bool const has_field = field.has_value();
    if (field) {
        lookup.field = std::move(*field);
        check_target(o, lookup, context);
    }
    if (lookup.table) check_keys(o, lookup, context);
    if (!has_field || !lookup.table || diagnostics.errors() != before) return nullptr;
    return std::make_unique<LookupStep>(std::move(lookup));
}

}  // namespace

StepKind lookup_step() {
    return {"lookup",     "translates a code by a table",
            compile,      config::SchemaWriter::of<LookupOptions>,
            true,         false,
            WorksOn::both};
}

}  // namespace hilum::routes
