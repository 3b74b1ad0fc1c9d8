#include <algorithm>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/differences.h"
#include "engine/cli/message_file.h"
#include "engine/cli/output.h"
#include "engine/flow/dry_run.h"
#include "engine/ops/json.h"
#include "engine/ops/story_json.h"
#include "parsers/hl7/message_form.h"
#include "routes/testing/outside.h"
#include "routes/testing/story.h"

namespace hilum::cli {
namespace {

using routes::Pipeline;
using routes::RouteOutcome;
using testing::Story;

struct Options {
    std::string config, file, listener, outside, color = "auto";
    std::size_t message = 0;
    bool json = false;
};

// One message, what became of it and how.
struct Explained {
    std::size_t number = 0;
    std::string_view bytes;
    testing::Taken const& taken;
    Story const& story;
    Pipeline const& pipeline;
};

std::vector<std::string> destinations_of(Explained const& one, std::uint32_t route) {
    std::vector<std::string> names;
    for (auto const& d : one.taken.processed.deliveries) {
        if (d.route != route) continue;
        names.push_back(one.pipeline.destination_names()[d.destination]);
        auto const form = d.body == 0 ? hl7::Form::er7 : hl7::form_of(one.taken.processed.bodies[d.body - 1]);
        if (form != hl7::Form::er7) names.back().append(" as ").append(name(form));
    }
    return names;
}

std::string reads_text(std::vector<expression::Read> const& reads) {
    std::string out;
    for (auto const& read : reads) out += (out.empty() ? "" : ", ") + printable(read.text());
    return out;
}

// A message that a step has made, segment by segment.
void add_lines(std::string& out, std::string_view made, std::size_t indent) {
    while (!made.empty()) {
        auto const end = std::min(made.find('\r'), made.size());
        out.append(indent, ' ') += printable(made.substr(0, end)) + "\n";
        made.remove_prefix(std::min(end + 1, made.size()));
    }
}

void add_event(std::string& out, Story::Event const& event, std::size_t indent, Paint const& paint) {
    out.append(indent, ' ');
    if (!event.is_step) {
        out += "when " + printable(event.text) + ": " +
               paint(event.holds ? Style::added : Style::removed, event.holds ? "true" : "false") + "\n";
        if (event.holds) return;
        out.append(indent + 2, ' ');
        out += "not so: " + printable(event.failed);
        if (!event.reads.empty()) out += "; " + reads_text(event.reads);
        out += '\n';
        return;
    }
    out += "step " + std::to_string(event.number) + " " + event.text +
           (event.detail.empty() ? "" : " " + printable(event.detail)) +
           paint(Style::faint, " (" + event.where.text() + ")");
    if (!event.ended.empty()) {
        out += ": " + paint(Style::warning, event.ended);
        if (!event.reason.empty()) out += ", " + printable(event.reason);
    } else if (!event.made.empty()) {
        out += ": makes";
    } else if (event.differences.empty() && !event.inside && event.detail.empty()) {
        out += ": changes nothing";
    }
    out += '\n' + difference_lines(event.differences, indent + 2, paint);
    add_lines(out, event.made, indent + 2);
}

std::string as_text(Explained const& one, std::string_view listener, Paint const& paint) {
    std::string out = "message " + std::to_string(one.number) + " at " + std::string(listener) +
                      ": answered " + one.taken.answer_code;
    if (auto const told = hl7::read_ack(one.taken.answer); told && !told->text.empty())
        out += ", " + printable(told->text);
    out += '\n';
    for (auto const& chapter : one.story.chapters()) {
        std::size_t const indent = 2 * chapter.depth;
        auto const outcome = chapter.verdict.outcome;
        out += std::string(indent, ' ') +
               paint(Style::heading, "route " + one.pipeline.route_names()[chapter.route]) + ": " +
               std::string(name(outcome));
        auto const names = destinations_of(one, chapter.route);
        for (std::size_t i = 0; outcome == RouteOutcome::sent && i < names.size(); ++i)
            out += (i == 0 ? " to " : ", ") + names[i];
        if (outcome == RouteOutcome::held || outcome == RouteOutcome::rejected)
            out += ", " + printable(chapter.verdict.reason);
        out += '\n';
        for (auto const& event : chapter.events) add_event(out, event, indent + 2 + 2 * event.depth, paint);
    }
    if (!one.taken.refused && one.taken.processed.deliveries.empty()) out += "nothing is delivered\n";
    return out;
}

std::string as_json(Explained const& one, std::string_view listener) {
    ops::json::Writer w;
    w.object([&] {
        w.field("message", one.number);
        w.field("listener", listener);
        w.field("answer", one.taken.answer_code);
        w.key("routes");
        w.array([&] {
            for (auto const& chapter : one.story.chapters()) {
                w.object([&] {
                    w.field("route", one.pipeline.route_names()[chapter.route]);
                    w.field("depth", chapter.depth);
                    w.field("outcome", name(chapter.verdict.outcome));
                    w.field_if("reason", chapter.verdict.reason);
                    w.key("events");
                    w.array([&] {
                        for (auto const& event : chapter.events) ops::write_event(w, event, true);
                    });
                });
            }
        });
        w.key("deliveries");
        w.array([&] {
            for (auto const& d : one.taken.processed.deliveries) {
                w.object([&] {
                    w.field("destination", one.pipeline.destination_names()[d.destination]);
                    w.field("route", one.pipeline.route_names()[d.route]);
                    w.field("body", d.body == 0 ? one.bytes
                                                : std::string_view(one.taken.processed.bodies[d.body - 1]));
                });
            }
        });
    });
    return w.text() + "\n";
}

// The listener that is meant, or none after a complaint.
std::uint32_t listener_of(Options const& options, Pipeline const& pipeline) {
    auto const& names = pipeline.listener_names();
    if (options.listener.empty() && names.size() == 1) return 0;
    auto const index = pipeline.listener(options.listener);
    std::vector<std::string_view> const known(names.begin(), names.end());
    if (options.listener.empty()) {
        complain("the configuration has several listeners; choose one with --listener; " +
                 config::suggest("", known, "listeners"));
    } else if (index == Pipeline::none) {
        complain("--listener: there is no listener " + config::in_quotes(options.listener) + "; " +
                 config::suggest(options.listener, known, "listeners"));
    }
    return index;
}

// False after a complaint.
bool read_replies(std::string const& path, std::vector<testing::OutsideReply>& replies) {
    if (path.empty()) return true;
    auto const text = read_file(path);
    if (!text) {
        complain(printable(text.error().text()));
        return false;
    }
    config::Diagnostics diagnostics;
    replies = testing::read_outside(*text, path, config::SystemEnvironment{}, diagnostics);
    for (auto const& d : diagnostics.sorted()) complain(printable(d.text()));
    return !diagnostics.failed();
}

// A resource, or a request with one.
Result<MessageFile> read_interaction(std::string const& path) {
    auto text = read_file(path);
    if (!text) return text.error();
    if (auto request = fhir::from_request_line(*text)) *text = std::move(*request);
    MessageFile file;
    file.messages.push_back({1, std::move(*text)});
    return file;
}

int explain(Options const& options) {
    config::Diagnostics diagnostics;
    auto const loaded = flow::load_configuration(options.config, diagnostics);
    if (!loaded) {
        for (auto const& d : diagnostics.sorted()) complain(printable(d.text()));
        return used_wrongly;
    }
    auto const listener = listener_of(options, *loaded->pipeline);
    if (listener == Pipeline::none) return used_wrongly;
    bool const fhir = loaded->pipeline->content(listener) == routes::Content::fhir;
    auto const file = fhir ? read_interaction(options.file) : read_messages(options.file, options.message);
    if (!file) {
        complain(printable(options.file) + ": " + file.error().text());
        return file.error().code == "unreadable" ? used_wrongly : answer_is_no;
    }
    std::vector<testing::OutsideReply> replies;
    if (!read_replies(options.outside, replies)) return used_wrongly;
    testing::ScriptedOutside scripted(replies);
    flow::NotAsked not_asked;
    Paint const paint(options.color);
    flow::DryRun door(*loaded);
    auto const& name = loaded->pipeline->listener_names()[listener];
    int code = good;
    for (auto const& one : file->messages) {
        Story story;
        auto const now = now_us();
        scripted.begin(one.number, now);
        routes::Outside& outside =
            options.outside.empty() ? static_cast<routes::Outside&>(not_asked) : scripted;
        auto const taken = door.take(listener, one.bytes, now, &story, &outside);
        Explained const explained{one.number, one.bytes, taken, story, *loaded->pipeline};
        answer(options.json ? as_json(explained, name) : as_text(explained, name, paint));
        if (taken.refused || taken.processed.rejected || taken.processed.held()) code = answer_is_no;
    }
    return code;
}

}  // namespace

void add_explain(App& app, int& exit_code) {
    auto* const command =
        app.add_subcommand("explain", "What a configuration does with a message, step by step");
    auto const options = std::make_shared<Options>();
    command->add_option("CONFIG", options->config, "a YAML file, or a folder whose *.yaml files count as one")
        ->required();
    command
        ->add_option("FILE", options->file,
                     "HL7 v2 messages, one or several; a FHIR resource, or a request such as "
                     "PUT Patient/7 with the resource behind it; - for standard input")
        ->required();
    command->add_option("--listener", options->listener, "where they come in; needed when there are several");
    command
        ->add_option("--message", options->message, "only the message with this number in the file, from 1")
        ->positive();
    command->add_option("--outside", options->outside,
                        "a YAML file with what other systems answer, as \"outside\" of a route test; without "
                        "it none is asked");
    command->add_flag("--json", options->json, "a JSON object a message");
    command->add_option("--color", options->color, "always, never or auto (at a terminal)")
        ->one_of({"always", "never", "auto"});
    command->footer(
        "Nothing is sent or stored.\n"
        "Exit code: 0 every message would be taken, 1 one would be held, rejected or refused, 2 the\n"
        "configuration or the file can't be used.\n\n"
        "Example:\n"
        "  hilum explain hilum.yaml adt.hl7\n"
        "  hilum messages show 4711 --raw | hilum explain hilum.yaml -");
    command->callback([options, &exit_code] { exit_code = explain(*options); });
}

}  // namespace hilum::cli
