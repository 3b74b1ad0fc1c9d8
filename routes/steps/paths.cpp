#include "parsers/hl7/message.h"
#include "routes/expression/hints.h"
#include "routes/steps/steps.h"

namespace hilum::routes {

std::optional<hl7::Path> writable_path(config::Text const& text, bool segments,
                                       config::Diagnostics& diagnostics) {
    auto const path = expression::compile_path(text, diagnostics);
    if (!path) return std::nullopt;
    bool const header = path->segment_name() == "MSH" && path->field == 0;
    if (hl7::Message::fixed(*path) || header) {
        diagnostics.error(text.where, path->text() + " can't be changed",
                          "MSH-1 and MSH-2 declare the delimiters of the whole message");
        return std::nullopt;
    }
    if (path->field == 0 && !segments) {
        diagnostics.error(text.where, path->text() + " is a whole segment",
                          "name a field, such as " + path->text() + "-3");
        return std::nullopt;
    }
    return path;
}

std::optional<hl7::Path> single_path(config::Text const& text, config::Diagnostics& diagnostics) {
    auto const path = expression::compile_path(text, diagnostics);
    if (!path) return std::nullopt;
    if (path->many()) {
        diagnostics.error(text.where, path->text() + " names several values where one is expected",
                          "use a number in place of *");
        return std::nullopt;
    }
    if (path->field == 0) {
        diagnostics.error(text.where, path->text() + " is a whole segment",
                          "name a field, such as " + path->text() + "-3");
        return std::nullopt;
    }
    return path;
}

StepResult held(std::string place, Error const& error) {
    StepResult result;
    result.next = StepResult::Next::hold;
    result.reason = place.empty() ? error.what : place + ": " + error.what;
    return result;
}

}  // namespace hilum::routes
