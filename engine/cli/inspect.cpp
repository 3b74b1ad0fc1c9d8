#include <CLI/CLI.hpp>

#include "engine/cli/commands.h"
#include "engine/cli/field_names.h"
#include "engine/cli/output.h"
#include "engine/ops/json.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/charset_check.h"
#include "parsers/hl7/message.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string file, path;
    bool json = false;
};

std::vector<std::string_view> split(std::string_view text, char delimiter) {
    if (delimiter == '\0') return {text};
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0;;) {
        std::size_t const end = text.find(delimiter, begin);
        parts.push_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) return parts;
        begin = end + 1;
    }
}

// One value that is there: a field, or a component of one that has several.
struct Line {
    std::string path, text;
    std::string_view name;
};

struct SegmentLines {
    std::string_view segment, title;
    std::vector<Line> lines;
};

std::string decoded(std::string_view raw, hl7::Message const& message) {
    std::string scratch;
    return std::string(message.decode(raw, scratch));
}

// With its delimiters and escapes, for people.
std::string as_it_stands(std::string_view raw, hl7::Message const& message) {
    std::string bytes, text;
    message.append_bytes(raw, bytes);
    hl7::to_utf8(bytes, message.charset(), text);
    return text;
}

void add_field(SegmentLines& out, std::string const& path, std::size_t field, std::string_view raw,
               hl7::Message const& message) {
    auto const& d = message.delimiters();
    auto const name = field_name(out.segment, field);
    auto const repetitions = split(raw, d.repetition);
    if (repetitions.size() == 1 && split(raw, d.component).size() == 1) {
        out.lines.push_back({path, decoded(raw, message), name});
        return;
    }
    out.lines.push_back({path, as_it_stands(raw, message), name});
    for (std::size_t r = 0; r < repetitions.size(); ++r) {
        std::string const of = path + (repetitions.size() == 1 ? "" : "[" + std::to_string(r + 1) + "]");
        auto const components = split(repetitions[r], d.component);
        for (std::size_t c = 0; c < components.size(); ++c) {
            if (components[c].empty()) continue;
            std::string const at = components.size() == 1 ? of : of + "." + std::to_string(c + 1);
            out.lines.push_back({at, decoded(components[c], message), {}});
        }
    }
}

// `occurrence` is that of the segment among those of its name.
SegmentLines lines_of(std::string_view text, std::size_t occurrence, hl7::Message const& message) {
    auto const& d = message.delimiters();
    auto fields = split(text, d.field);
    SegmentLines out{fields[0], segment_title(fields[0]), {}};
    std::string const prefix =
        std::string(out.segment) + (occurrence > 1 ? "[" + std::to_string(occurrence) + "]" : "") + "-";
    bool const header = out.segment == "MSH";
    if (header) out.lines.push_back({prefix + "1", std::string(1, d.field), field_name("MSH", 1)});
    for (std::size_t i = 1; i < fields.size(); ++i) {
        std::size_t const field = header ? i + 1 : i;
        if (fields[i].empty()) continue;
        std::string const path = prefix + std::to_string(field);
        if (header && field == 2) {
            out.lines.push_back({path, std::string(fields[i]), field_name("MSH", 2)});
        } else {
            add_field(out, path, field, fields[i], message);
        }
    }
    return out;
}

std::vector<SegmentLines> all_lines(hl7::Message const& message) {
    std::vector<SegmentLines> all;
    std::map<std::string_view, std::size_t> seen;
    for (std::size_t i = 1; i <= message.segment_count(); ++i) {
        std::string_view const text = message.segment(i);
        auto const occurrence = ++seen[text.substr(0, text.find(message.delimiters().field))];
        all.push_back(lines_of(text, occurrence, message));
    }
    return all;
}

std::vector<std::string> values_at(hl7::Message const& message, hl7::Path const& path) {
    std::vector<std::string> values;
    message.for_each(path, [&](hl7::Value const& value) {
        if (value.presence == hl7::Presence::value) values.push_back(decoded(value.raw, message));
    });
    return values;
}

void show(hl7::Message const& message, std::size_t number, std::size_t bytes) {
    std::string out = "message " + std::to_string(number) + ": " + printable(message.text("MSH-9")) +
                      ", version " + printable(message.text("MSH-12")) + ", " + std::to_string(bytes) +
                      " bytes, " + std::to_string(message.segment_count()) + " segments\n";
    for (auto const& [tolerance, name] : hl7::tolerance_names) {
        if (message.has(tolerance)) ((out += "tolerated: ") += name) += '\n';
    }
    for (auto const& finding : hl7::check_charset(message))
        out += "found: " + printable(finding.text()) + '\n';
    std::vector<std::vector<std::string>> rows;
    for (auto const& segment : all_lines(message)) {
        rows.push_back({printable(segment.segment), std::string(segment.title)});
        for (auto const& line : segment.lines) {
            rows.push_back({(line.name.empty() ? "    " : "  ") + printable(line.path),
                            std::string(line.name), printable(line.text)});
        }
    }
    answer(out + table(rows));
}

void show_json(hl7::Message const& message, std::size_t number, std::size_t bytes) {
    ops::json::Writer w;
    w.object([&] {
        w.field("message", number);
        w.field("type", message.text("MSH-9"));
        w.field("version", message.text("MSH-12"));
        w.field("bytes", bytes);
        w.key("tolerated");
        w.array([&] {
            for (auto const& [tolerance, name] : hl7::tolerance_names) {
                if (message.has(tolerance)) w.value(name);
            }
        });
        w.field("charset", message.charset().name());
        w.key("findings");
        w.array([&] {
            for (auto const& finding : hl7::check_charset(message)) w.value(finding.text());
        });
        w.key("segments");
        w.array([&] {
            for (auto const& segment : all_lines(message)) {
                w.object([&] {
                    w.field("segment", segment.segment);
                    w.field_if("name", segment.title);
                    w.key("values");
                    w.array([&] {
                        for (auto const& line : segment.lines) {
                            w.object([&] {
                                w.field("path", line.path);
                                w.field_if("name", line.name);
                                w.field("value", line.text);
                            });
                        }
                    });
                });
            }
        });
    });
    answer(w.text() + "\n");
}

// Returns whether there was any value.
bool show_path(hl7::Message const& message, std::size_t number, hl7::Path const& path, bool json) {
    auto const values = values_at(message, path);
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

int inspect(Options const& options) {
    hl7::Path path;
    if (!options.path.empty()) {
        auto const parsed = hl7::Path::parse(options.path);
        if (!parsed) {
            complain("--path: " + parsed.error().text());
            return used_wrongly;
        }
        path = *parsed;
    }
    auto const text = read_file(options.file);
    if (!text) {
        complain(text.error().text());
        return used_wrongly;
    }
    auto const split = hl7::split_messages(*text);
    std::string const name = printable(options.file);
    if (split.messages.empty()) {
        complain(name + ": there is no message in it; one begins with MSH");
        return answer_is_no;
    }
    bool any = options.path.empty(), readable = true;
    std::size_t number = 0;
    for (std::string_view const bytes : split.messages) {
        ++number;
        auto const message = hl7::Message::view(bytes);
        if (!message) {
            complain(name + "#" + std::to_string(number) + ": " + message.error().text());
            readable = false;
        } else if (!options.path.empty()) {
            any = show_path(*message, number, path, options.json) || any;
        } else if (options.json) {
            show_json(*message, number, bytes.size());
        } else {
            show(*message, number, bytes.size());
        }
    }
    if (split.leftover) complain(name + ": there is text that belongs to no message");
    return any && readable ? good : answer_is_no;
}

}  // namespace

void add_inspect(CLI::App& app, int& exit_code) {
    auto* const command = app.add_subcommand("inspect", "What is in a message, with the standard's names");
    auto const options = std::make_shared<Options>();
    command
        ->add_option("FILE", options->file, "HL7 v2 messages: one, several or a batch; - for standard input")
        ->required();
    command->add_option("--path", options->path,
                        "only the values at this path, one a line: PID-3.1, OBX[2]-5, OBX[*]-5");
    command->add_flag("--json", options->json, "one JSON object a message");
    command->footer(
        "Every value that is there, unescaped; a field with components is shown as it stands, then part by "
        "part.\n"
        "Exit code: 0 shown, 1 a message can't be read or nothing is at the path, 2 the file can't be "
        "read.\n\n"
        "Example:\n"
        "  hilum inspect adt.hl7\n"
        "  hilum inspect adt.hl7 --path \"PID-3[*].1\"");
    command->callback([options, &exit_code] { exit_code = inspect(*options); });
}

}  // namespace hilum::cli
