// The kinds of steps, one file each. A new kind is its file, one line here and one in catalogue.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "parsers/hl7/group_path.h"
#include "routes/steps/step.h"

namespace hilum::routes {

StepKind set_step();
StepKind copy_step();
StepKind move_step();
StepKind delete_step();
StepKind append_step();
StepKind rename_step();
StepKind replace_step();
StepKind lookup_step();
StepKind number_step();
StepKind date_step();
StepKind lua_step();
StepKind convert_step();
StepKind validate_step();
StepKind when_step();
StepKind for_each_step();
StepKind split_step();
StepKind bundle_step();
StepKind enrich_step();
StepKind deduplicate_step();
StepKind detach_step();
StepKind attach_step();
StepKind map_step();
StepKind call_step();
StepKind stop_step();
StepKind hold_step();
StepKind reject_step();

// For the kinds themselves:

// A path that may be written to. Reports MSH-1, MSH-2, whole segments (unless `segments`) and what is no
// path.
std::optional<hl7::Path> writable_path(config::Text const& text, bool segments,
                                       config::Diagnostics& diagnostics);
// A path that is read as one value.
std::optional<hl7::Path> single_path(config::Text const& text, config::Diagnostics& diagnostics);

// The same with or without groups before the path.
std::optional<hl7::GroupPath> writable_group_path(config::Text const& text, bool segments,
                                                  config::Diagnostics& diagnostics);
std::optional<hl7::GroupPath> single_group_path(config::Text const& text, config::Diagnostics& diagnostics);

// The segments a path through groups names in the message as it is now.
std::vector<hl7::GroupPath::Found> find_in_groups(Work& work, hl7::GroupPath const& path);
// The segments that a path to segments names, plain or through groups, in the order of the message.
std::vector<std::size_t> segments_of(Work& work, hl7::GroupPath const& path);
// The name of a segment that a step may add: reports MSH and what is none.
bool segment_name(config::Text const& text, config::Diagnostics& diagnostics);
// Writes text to every place the path names. Error "no_such_segment" when it names one and there is none.
Result<void> write(Work& work, hl7::GroupPath const& path, std::string_view text);

// The table by its name; nullptr after a diagnostic.
std::shared_ptr<Table const> find_table(config::Text const& name, CompileContext& context);

// Reports an expression that names %answer where no enrich is around it.
void check_answer_named(bool reads_answer, config::Location const& where, CompileContext& context);

// A step that can't do its work: its reason, from an error of the parser or an expression (which hold no
// patient data).
StepResult held(std::string place, Error const& error);

}  // namespace hilum::routes
