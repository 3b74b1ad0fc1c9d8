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
    if (work.structures) return path.resolve(work.message, work.structures->get());
    return path.resolve(work.message, hl7::MessageStructure::of(work.message));
}

Result<void> write(Work& work, hl7::GroupPath const& path, std::string_view text) {
    if (path.plain()) return work.message.set(path.path, text);
    auto const found = find_in_groups(work, path);
    if (found.empty() && !path.many()) return nothing_there(path);
    for (auto const& f : found)
        if (auto done = work.message.set_in(f.segment, path.path, text); !done) return done;
    return {};
}

StepResult held(std::string place, Error const& error) {
    StepResult result;
    result.next = StepResult::Next::hold;
    result.reason = place.empty() ? error.what : place + ": " + error.what;
    return result;
}

}  // namespace hilum::routes
