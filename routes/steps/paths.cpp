#include "parsers/hl7/characters.h"
#include "parsers/hl7/message.h"
#include "routes/expression/hints.h"
#include "routes/steps/steps.h"

namespace hilum::routes {

namespace {

// `name` is the path as written, groups included.
bool writable(hl7::Path const& path, std::string const& name, bool segments, config::Location const& where,
              config::Diagnostics& diagnostics) {
    bool const header = path.segment_name() == "MSH" && path.field == 0;
    if (hl7::Message::fixed(path) || header) {
        diagnostics.error(where, name + " can't be changed",
                          "MSH-1 and MSH-2 declare the delimiters of the whole message");
        return false;
    }
    if (path.field == 0 && !segments) {
        diagnostics.error(where, name + " is a whole segment", "name a field, such as " + name + "-3");
        return false;
    }
    return true;
}

bool single(bool many, hl7::Path const& path, std::string const& name, config::Location const& where,
            config::Diagnostics& diagnostics) {
    if (many) {
        diagnostics.error(where, name + " names several values where one is expected",
                          "use a number in place of *");
        return false;
    }
    if (path.field == 0) {
        diagnostics.error(where, name + " is a whole segment", "name a field, such as " + name + "-3");
        return false;
    }
    return true;
}

Error nothing_there(hl7::GroupPath const& path) {
    return error("no_such_segment", path.text(), "the message has no such segment in such a group",
                 "ask for it in when, or use [*], which also means none");
}

}  // namespace

std::optional<hl7::Path> writable_path(config::Text const& text, bool segments,
                                       config::Diagnostics& diagnostics) {
    auto const path = expression::compile_path(text, diagnostics);
    if (!path || !writable(*path, path->text(), segments, text.where, diagnostics)) return std::nullopt;
    return path;
}

std::optional<hl7::GroupPath> writable_group_path(config::Text const& text, bool segments,
                                                  config::Diagnostics& diagnostics) {
    auto path = expression::compile_group_path(text, diagnostics);
    if (!path || !writable(path->path, path->text(), segments, text.where, diagnostics)) return std::nullopt;
    return path;
}

std::optional<hl7::Path> single_path(config::Text const& text, config::Diagnostics& diagnostics) {
    auto const path = expression::compile_path(text, diagnostics);
    if (!path || !single(path->many(), *path, path->text(), text.where, diagnostics)) return std::nullopt;
    return path;
}

std::optional<hl7::GroupPath> single_group_path(config::Text const& text, config::Diagnostics& diagnostics) {
    auto path = expression::compile_group_path(text, diagnostics);
    if (!path || !single(path->many(), path->path, path->text(), text.where, diagnostics))
        return std::nullopt;
    return path;
}

std::vector<hl7::GroupPath::Found> find_in_groups(Work& work, hl7::GroupPath const& path) {
    return path.resolve(work.message(), work.structures().get());
}

std::vector<std::size_t> segments_of(Work& work, hl7::GroupPath const& path) {
    std::vector<std::size_t> numbers;
    if (!path.plain()) {
        for (auto const& found : find_in_groups(work, path)) numbers.push_back(found.segment);
        return numbers;
    }
    auto const name = path.path.segment_name();
    if (path.path.occurrence != hl7::Path::all) {
        if (auto const number = work.message().find(name, path.path.occurrence); number != 0)
            numbers.push_back(number);
        return numbers;
    }
    auto const revision = work.message().structure_revision();
    for (std::size_t n = 0; (n = work.message().next_segment(name, n, revision)) != 0;) numbers.push_back(n);
    return numbers;
}

bool segment_name(config::Text const& text, config::Diagnostics& diagnostics) {
    auto const path = hl7::Path::parse(text.value);
    if (path && path->field == 0 && text.value.size() == 3 && !hl7::header_name(text.value)) return true;
    diagnostics.error(text.where, config::in_quotes(text.value) + " can't be the name of a segment here",
                      "write three capitals or digits, such as NTE or ZPD");
    return false;
}

Result<void> write(Work& work, hl7::GroupPath const& path, std::string_view text) {
    if (path.plain()) return work.message().set(path.path, text);
    auto const found = find_in_groups(work, path);
    if (found.empty() && !path.many()) return nothing_there(path);
    for (auto const& f : found)
        if (auto done = work.message().set_in(f.segment, path.path, text); !done) return done;
    return {};
}

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

void check_answer_named(bool reads_answer, config::Location const& where, CompileContext& context) {
    if (!reads_answer || context.enriched) return;
    context.diagnostics.error(where, "%answer means nothing here", "it stands in the steps of an enrich");
}

StepResult held(std::string place, Error const& error) {
    StepResult result;
    result.next = StepResult::Next::hold;
    result.reason = place.empty() ? error.what : place + ": " + error.what;
    return result;
}

}  // namespace hilum::routes
