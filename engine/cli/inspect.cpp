#include <algorithm>
#include <memory>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/differences.h"
#include "engine/cli/message_file.h"
#include "engine/cli/output.h"
#include "engine/cli/resource_file.h"
#include "engine/cli/terminal.h"
#include "engine/ops/json.h"
#include "engine/ops/story_json.h"
#include "parsers/hl7/group_path.h"
#include "parsers/hl7/message_diff.h"
#include "parsers/hl7/message_findings.h"
#include "parsers/hl7/message_json.h"
#include "parsers/hl7/message_view.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string file, path, other, color = "auto";
    std::size_t message = 0;
    bool json = false;
};

// A row of the listing; what is indented says what it belongs to.
struct Row {
    std::size_t indent = 0;
    Style style = Style::plain;
    std::string place, name, value, meaning;
};

std::string_view heading(hl7::MessageFinding const& finding) {
    return finding.severity == "information" ? "note" : finding.severity;
}

Style style_of(hl7::MessageFinding const& finding) {
    if (finding.severity == "information") return Style::faint;
    return finding.severity == "warning" ? Style::warning : Style::error;
}

std::size_t depth_of(hl7::MessageView const& view, std::uint32_t group) {
    std::size_t depth = 0;
    for (; group != 0; group = view.structure().groups()[group].parent) ++depth;
    return depth;
}

// Group and segment lines, and below each segment its values.
std::vector<Row> rows_of(hl7::MessageView const& view) {
    std::vector<Row> rows;
    std::uint32_t group = 0;
    auto const& groups = view.structure().groups();
    for (std::size_t n = 1; n <= view.segment_count(); ++n) {
        auto const segment = view.segment(n);
        if (segment.group != group) {
            // The groups that were not around the segment before, from the outermost.
            std::vector<std::uint32_t> entered;
            auto const around_last = [&](std::uint32_t g) {
                for (std::uint32_t last = group; last != 0; last = groups[last].parent)
                    if (last == g) return true;
                return false;
            };
            for (std::uint32_t g = segment.group; g != 0 && !around_last(g); g = groups[g].parent)
                entered.push_back(g);
            std::reverse(entered.begin(), entered.end());
            for (std::uint32_t const g : entered) {
                std::string name(groups[g].name);
                if (groups[g].number != 1) name += "[" + std::to_string(groups[g].number) + "]";
                rows.push_back({2 * (depth_of(view, g) - 1), Style::group, name, {}, {}, {}});
            }
            group = segment.group;
        }
        std::size_t const depth = 2 * depth_of(view, segment.group);
        rows.push_back({depth, Style::heading, printable(segment.path), std::string(segment.title), {}, {}});
        for (auto const& value : segment.values) {
            Row row;
            row.indent = depth + 2 * static_cast<std::size_t>(value.level());
            row.style = value.whole ? Style::faint : Style::plain;
            row.place = printable(value.path);
            row.name = value.name;
            row.value = printable(value.text);
            if (value.null) row.value = "\"\" (null)";
            row.meaning = value.meaning;
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

std::string listing(std::vector<Row> const& rows, Paint const& paint) {
    std::size_t places = 0, names = 0;
    for (auto const& row : rows) {
        places = std::max(places, row.indent + columns(row.place));
        if (row.style != Style::heading) names = std::max(names, columns(row.name));
    }
    std::string out;
    for (auto const& row : rows) {
        std::string line(row.indent, ' ');
        line += paint(row.style, row.place);
        std::size_t const place_pad = places - row.indent - columns(row.place) + 2;
        if (!row.name.empty() || !row.value.empty()) line.append(place_pad, ' ');
        bool const segment = row.style == Style::heading;
        line += paint(segment ? Style::heading : Style::faint, row.name);
        if (!row.value.empty()) {
            line.append(names - std::min(names, columns(row.name)) + 2, ' ');
            line += paint(row.style, row.value);
            if (!row.meaning.empty()) line += "  " + paint(Style::meaning, "(" + row.meaning + ")");
        }
        (out += line) += '\n';
    }
    return out;
}

void show(hl7::MessageView const& view, MessageFile::One const& one, Paint const& paint) {
    auto const& message = view.message();
    std::string out = "message " + std::to_string(one.number) + ": " + printable(message.text("MSH-9")) +
                      ", version " + printable(message.text("MSH-12")) + ", " +
                      std::to_string(one.bytes.size()) + " bytes, " +
                      std::to_string(message.segment_count()) + " segments\n";
    for (auto const& [tolerance, name] : hl7::tolerance_names) {
        if (message.has(tolerance))
            out += paint(Style::warning, "tolerated") + ": " + std::string(name) + "\n";
    }
    for (auto const& finding : findings_of(view)) {
        out += paint(style_of(finding), heading(finding)) + ": " + printable(finding.place) + ": " +
               finding.text + "\n";
    }
    answer(out + listing(rows_of(view), paint));
}

std::vector<std::string> values_at(hl7::MessageView const& view, hl7::GroupPath const& path) {
    auto const& message = view.message();
    std::vector<std::string> values;
    auto const add = [&](hl7::Value const& value) {
        std::string scratch;
        if (value.presence == hl7::Presence::value) values.emplace_back(message.decode(value.raw, scratch));
    };
    if (path.plain()) {
        message.for_each(path.path, add);
        return values;
    }
    for (auto const& found : path.resolve(message, view.structure())) {
        hl7::Path one = path.path;
        one.occurrence = found.occurrence;
        message.for_each(one, add);
    }
    return values;
}

// Returns whether there was any value.
bool show_path(hl7::MessageView const& view, std::size_t number, hl7::GroupPath const& path, bool json) {
    auto const values = values_at(view, path);
    if (json) {
        ops::json::Writer w;
        w.object([&] {
            w.field("message", number);
            w.field("path", path.text());
            w.key("values");
            w.array([&] {
                for (auto const& value : values) w.value(value);
            });
        });
        answer(w.text() + "\n");
    } else {
        std::string lines;
        for (auto const& value : values) (lines += printable(value)) += '\n';
        answer(lines);
    }
    return !values.empty();
}

void show_difference_json(std::vector<hl7::Difference> const& all, std::size_t number) {
    ops::json::Writer w;
    w.object([&] {
        w.field("message", number);
        w.field("equal", all.empty());
        w.key("differences");
        ops::write_differences(w, all, true);
    });
    answer(w.text() + "\n");
}

void show_difference(std::vector<hl7::Difference> const& all, std::size_t number, Paint const& paint) {
    std::string out = "message " + std::to_string(number) + ": " +
                      (all.empty() ? "no difference" : std::to_string(all.size()) + " differences") + "\n";
    if (all.size() == 1) out.erase(out.size() - 2, 1);
    answer(out + difference_lines(all, 0, paint));
}

std::string of_message(std::string const& file, std::size_t number) {
    return printable(file) + "#" + std::to_string(number) + ": ";
}

int compare(Options const& options, MessageFile const& file) {
    auto const other = read_messages(options.other, options.message);
    if (!other) {
        complain(printable(options.other) + ": " + other.error().text());
        return used_wrongly;
    }
    Paint const paint(options.color);
    int code = good;
    std::size_t const pairs = std::min(file.messages.size(), other->messages.size());
    for (std::size_t i = 0; i < pairs; ++i) {
        auto const& [number, bytes] = file.messages[i];
        auto const first = hl7::Message::view(bytes);
        auto const second = hl7::Message::view(other->messages[i].bytes);
        if (!first) complain(of_message(options.file, number) + first.error().text());
        if (!second) complain(of_message(options.other, number) + second.error().text());
        if (!first || !second) {
            code = answer_is_no;
            continue;
        }
        auto const all = hl7::differences(hl7::MessageView(*first), hl7::MessageView(*second));
        if (!all.empty()) code = answer_is_no;
        options.json ? show_difference_json(all, number) : show_difference(all, number, paint);
    }
    if (file.messages.size() != other->messages.size()) {
        complain(printable(options.file) + " has " + std::to_string(file.messages.size()) + " messages, " +
                 printable(options.other) + " has " + std::to_string(other->messages.size()));
        code = answer_is_no;
    }
    return code;
}

int inspect(Options const& options) {
    std::string const name = printable(options.file);
    auto text = read_file(options.file);
    if (!text) {
        complain(text.error().text());
        return used_wrongly;
    }
    if (is_resource(*text)) {
        if (options.path.empty() && options.other.empty())
            return inspect_resource(options.file, std::move(*text), options.json, Paint(options.color));
        complain(
            name +
            ": --path and --diff are for HL7 v2; of a FHIR resource `hilum eval` shows what is at a path");
        return used_wrongly;
    }
    hl7::GroupPath path;
    if (!options.path.empty()) {
        auto const parsed = hl7::GroupPath::parse(options.path);
        if (!parsed) {
            complain("--path: " + parsed.error().text());
            return used_wrongly;
        }
        path = *parsed;
    }
    auto const file = messages_of(*text, options.message);
    if (!file) {
        complain(name + ": " + file.error().text());
        return answer_is_no;
    }
    if (!options.other.empty()) return compare(options, *file);
    Paint const paint(options.color);
    bool any = options.path.empty(), readable = true;
    for (auto const& one : file->messages) {
        auto const message = hl7::Message::view(one.bytes);
        if (!message) {
            complain(of_message(options.file, one.number) + message.error().text());
            readable = false;
            continue;
        }
        hl7::MessageView const view(*message);
        if (!options.path.empty()) {
            any = show_path(view, one.number, path, options.json) || any;
        } else if (options.json) {
            auto const json = hl7::to_json(view, one.number, one.bytes.size());
            if (json) {
                answer(*json + "\n");
            } else {
                complain(of_message(options.file, one.number) + json.error().text());
                readable = false;
            }
        } else {
            show(view, one, paint);
        }
    }
    for (auto const& finding : file->batch_findings) complain(name + ": " + finding.text());
    if (file->leftover) complain(name + ": there is text that belongs to no message");
    return any && readable ? good : answer_is_no;
}

}  // namespace

void add_inspect(App& app, int& exit_code) {
    auto* const command = app.add_subcommand("inspect", "What is in a message, with the standard's names");
    auto const options = std::make_shared<Options>();
    command
        ->add_option("FILE", options->file,
                     "HL7 v2 messages: one, several or a batch; or one in XML; or a FHIR resource in "
                     "JSON or XML; - for standard input")
        ->required();
    command
        ->add_option("--message", options->message, "only the message with this number in the file, from 1")
        ->positive();
    auto* const path = command->add_option(
        "--path", options->path,
        "only the values at this path, one a line: PID-3.1, OBX[*]-5, ORDER_OBSERVATION[2]/OBX-5");
    auto* const diff = command->add_option(
        "--diff", options->other, "only what differs from this file, message by message, value by value");
    diff->excludes(path);
    command->add_flag("--json", options->json,
                      "one JSON object a message; of a FHIR resource the OperationOutcome");
    command->add_option("--color", options->color, "always, never or auto (default: auto)")
        ->one_of({"always", "never", "auto"});
    command->footer(
        "Every value that is there, unescaped, with its name and the meaning of its code; a field with "
        "components is shown as it\nstands, then part by part; groups by indentation; before it, what is "
        "wrong "
        "with the message.\n"
        "Exit code: 0 shown, 1 a message can't be read, nothing is at the path or the messages differ, 2 the "
        "file can't be\nread.\n\n"
        "Example:\n"
        "  hilum inspect adt.hl7\n"
        "  hilum inspect adt.hl7 --path \"PID-3[*].1\"\n"
        "  hilum inspect before.hl7 --diff after.hl7");
    command->callback([options, &exit_code] { exit_code = inspect(*options); });
}

}  // namespace hilum::cli
