// lookup: { field: PV1-3.1, table: wards, otherwise: hold }
#include <utility>

#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

enum class Otherwise : unsigned char { unsaid, hold, pass, use_default };

struct LookupOptions {
    config::Text field;
    config::Text table;
    config::Text to;
    Otherwise otherwise = Otherwise::unsaid;
    config::Text fallback;
};

template <class V>
void describe(V& v, LookupOptions& o) {
    v.required("field", o.field, "the path whose value is looked up, such as PV1-3.1; [*] for each");
    v.required("table", o.table, "the table to look in");
    v.optional("to", o.to, "the path that gets the answer; without it the field itself");
    v.choice("otherwise", o.otherwise,
             {{"hold", Otherwise::hold}, {"pass", Otherwise::pass}, {"default", Otherwise::use_default}},
             "what to do with a value that is not in the table: hold the message, pass it as it is, or write "
             "the default");
    v.optional("default", o.fallback,
               "the text to write for a value that is not in the table (otherwise: default)");
}

class LookupStep final : public Step {
  public:
    LookupStep(hl7::Path field, hl7::Path to, std::string table_name, std::shared_ptr<Table const> table,
               Otherwise otherwise, std::string fallback)
        : field_(field),
          to_(to),
          table_name_(std::move(table_name)),
          table_(std::move(table)),
          otherwise_(otherwise),
          fallback_(std::move(fallback)) {}

    StepResult run(Work& work) const override {
        if (!field_.many()) return one(work, field_, to_);
        // Each occurrence and repetition in its place.
        hl7::Path path = field_;
        auto const segments = field_.occurrence == hl7::Path::all ? work.message.count(field_.segment_name())
                                                                  : field_.occurrence;
        path.occurrence = field_.occurrence == hl7::Path::all ? 1 : field_.occurrence;
        for (; path.occurrence <= segments; ++path.occurrence) {
            path.repetition = field_.repetition == hl7::Path::all ? 1 : field_.repetition;
            auto const last =
                field_.repetition == hl7::Path::all ? work.message.repetitions(path) : path.repetition;
            for (; path.repetition <= last; ++path.repetition)
                if (auto result = one(work, path, path); result.next != StepResult::Next::go_on)
                    return result;
        }
        return StepResult::ok();
    }

  private:
    StepResult one(Work& work, hl7::Path const& from, hl7::Path const& to) const {
        auto const value = work.message.get(from);
        // Nothing there (or the explicit null) is no code; `when` can ask for one.
        if (value.presence != hl7::Presence::value) return StepResult::ok();
        std::string scratch;
        auto const key = work.message.text(from, scratch);
        auto const answer = table_->find(key);
        if (work.observer) work.observer->looked_up(table_name_, key, answer.has_value());
        if (answer) return write(work, to, *answer);
        if (otherwise_ == Otherwise::use_default) return write(work, to, fallback_);
        if (otherwise_ == Otherwise::pass) return StepResult::ok();
        StepResult result;
        result.next = StepResult::Next::hold;
        result.reason = "no entry in table " + table_name_ + " for " + from.text();
        return result;
    }

    static StepResult write(Work& work, hl7::Path const& to, std::string_view text) {
        auto const done = work.message.set(to, text);
        return done ? StepResult::ok() : held(to.text(), done.error());
    }

    hl7::Path field_;
    hl7::Path to_;
    std::string table_name_;
    std::shared_ptr<Table const> table_;
    Otherwise otherwise_;
    std::string fallback_;
};

// The table by its name; nullptr after a diagnostic.
std::shared_ptr<Table const> find_table(config::Text const& name, CompileContext& context) {
    if (name.empty()) return nullptr;
    auto const found = context.tables.find(name.value);
    if (found != context.tables.end())
        return found->second;  // nullptr when it could not be loaded: reported there
    std::vector<std::string_view> names;
    for (auto const& [known, table] : context.tables) names.push_back(known);
    context.diagnostics.error(
        name.where, "no table is called \"" + name.value + "\"",
        names.empty() ? "declare it under tables:" : config::suggest(name.value, names, "tables"));
    return nullptr;
}

bool check_otherwise(config::Step const& step, LookupOptions const& o, config::Diagnostics& diagnostics) {
    auto const* fallback = step.options.find("default");
    if (o.otherwise == Otherwise::unsaid && !step.options.find("otherwise")) {
        diagnostics.error(step.where, "lookup does not say what becomes of a value that is not in the table",
                          "add otherwise: hold, otherwise: pass, or otherwise: default with default: TEXT");
        return false;
    }
    if (o.otherwise == Otherwise::use_default && !fallback) {
        diagnostics.error(step.options.find("otherwise")->where, "otherwise: default needs the text to write",
                          "add default: TEXT");
        return false;
    }
    if (o.otherwise != Otherwise::use_default && o.otherwise != Otherwise::unsaid && fallback) {
        diagnostics.error(fallback->where, "the default is never written",
                          "say otherwise: default, or remove it");
        return false;
    }
    return true;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<LookupOptions>(step.options, "lookup", diagnostics);
    if (step.options.kind != config::Node::Kind::mapping && step.options.kind != config::Node::Kind::null)
        return nullptr;
    bool const said = check_otherwise(step, o, diagnostics);
    auto const table = find_table(o.table, context);
    std::optional<hl7::Path> field;
    std::optional<hl7::Path> to;
    if (!o.field.empty()) field = writable_path(o.field, false, diagnostics);
    to = o.to.empty() ? field : writable_path(o.to, false, diagnostics);
    if (field && field->many() && !o.to.empty()) {
        diagnostics.error(
            o.to.where,
            "each value of " + field->text() + " is written back where it was, so \"to\" can't be used",
            "remove \"to\", or use a number in place of *");
        return nullptr;
    }
    if (to && to->many() && !o.to.empty()) {
        diagnostics.error(o.to.where, to->text() + " names several places for one answer",
                          "use a number in place of *");
        return nullptr;
    }
    if (!field || !to || !table || !said || diagnostics.errors() != before) return nullptr;
    return std::make_unique<LookupStep>(*field, *to, o.table.value, table, o.otherwise, o.fallback.value);
}

}  // namespace

StepKind lookup_step() {
    return {"lookup", "translates a code by a table", compile, config::SchemaWriter::of<LookupOptions>};
}

}  // namespace hilum::routes
