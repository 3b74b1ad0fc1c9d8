// The kinds of steps, one file each. A new kind is its file, one line here and one in catalogue.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "parsers/hl7/path.h"
#include "routes/steps/step.h"

namespace hilum::routes {

StepKind set_step();
StepKind copy_step();
StepKind delete_step();
StepKind lookup_step();
StepKind stop_step();

// For the kinds themselves:

// A path that may be written to. Reports MSH-1, MSH-2, whole segments (unless `segments`) and what is no
// path.
std::optional<hl7::Path> writable_path(config::Text const& text, bool segments,
                                       config::Diagnostics& diagnostics);
// A path that is read as one value.
std::optional<hl7::Path> single_path(config::Text const& text, config::Diagnostics& diagnostics);

// A step that can't do its work: its reason, from an error of the parser or an expression (which hold no
// patient data).
StepResult held(std::string place, Error const& error);

}  // namespace hilum::routes
