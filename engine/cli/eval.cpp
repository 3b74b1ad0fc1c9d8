#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/cli/resource_file.h"
#include "engine/ops/json.h"
#include "parsers/fhir/definitions.h"
#include "parsers/fhir/resource.h"
#include "parsers/hl7/batch.h"
#include "routes/expression/expression.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string expression, path;
    bool json = false;
};

// One result a line, or with --json an object; `head` writes what it is about. False: the evaluation failed.
template <class Head>
bool print(expression::Expression const& expression, expression::Context const& context,
           Options const& options, std::string const& place, Head head, bool& any) {
    auto const items = expression.items(context);
    auto const types = expression.types(context);
    if (!items || !types) {
        complain(place + ": " + (items ? types.error() : items.error()).text());
        return false;
    }
    any = any || !items->empty();
    if (!options.json) {
        std::string lines;
        for (auto const& item : *items) (lines += printable(item)) += '\n';
        answer(lines);
        return true;
    }
    ops::json::Writer w;
    w.object([&] {
        head(w);
        w.key("items");
        w.array([&] {
            for (std::size_t i = 0; i < items->size(); ++i) {
                w.object([&] {
                    w.field("type", (*types)[i]);
                    w.field("text", (*items)[i]);
                });
            }
        });
    });
    answer(w.text() + "\n");
    return true;
}

int eval_messages(Options const& options, std::string const& text) {
    auto const expression = expression::Expression::compile(options.expression);
    if (!expression) {
        complain(expression.error().text());
        return used_wrongly;
    }
    auto const split = hl7::split_messages(text);
    if (split.messages.empty()) {
        complain(printable(options.path) +
                 ": there is no message in it; one begins with MSH, a FHIR resource in JSON with {");
        return used_wrongly;
    }
    bool any = false, failed = false;
    std::size_t number = 0;
    for (std::string_view const bytes : split.messages) {
        auto const place = printable(options.path) + "#" + std::to_string(++number);
        auto const message = hl7::Message::view(bytes);
        if (!message) {
            complain(place + ": " + message.error().text());
            failed = true;
            continue;
        }
        auto const head = [&](ops::json::Writer& w) { w.field("message", number); };
        failed = !print(*expression, {&*message, now_us()}, options, place, head, any) || failed;
    }
    return any && !failed ? good : answer_is_no;
}

int eval_resource(Options const& options, std::string text) {
    auto const resource = read_resource(std::move(text));
    if (!resource) {
        complain(printable(options.path) + ": " + resource.error().text());
        return used_wrongly;
    }
    bool const known = fhir::Type::find(resource->type()).exists();
    expression::Options how;
    how.fhir = true;
    if (known) how.root = resource->type();
    auto const expression = expression::Expression::compile(options.expression, how);
    if (!expression) {
        complain(expression.error().text());
        return used_wrongly;
    }
    expression::Context context{nullptr, now_us()};
    context.resource = &*resource;
    bool any = false;
    auto const head = [&](ops::json::Writer& w) { w.field("resource", resource->type()); };
    bool const ran = print(*expression, context, options, printable(options.path), head, any);
    return any && ran ? good : answer_is_no;
}

int eval(Options const& options) {
    auto text = read_file(options.path);
    if (!text) {
        complain(text.error().text());
        return used_wrongly;
    }
    return is_resource(*text) ? eval_resource(options, std::move(*text)) : eval_messages(options, *text);
}

}  // namespace

void add_eval(App& app, int& exit_code) {
    auto* const command =
        app.add_subcommand("eval", "What an expression makes of a message or resource, one result a line");
    auto const options = std::make_shared<Options>();
    command->add_option("EXPRESSION", options->expression, "as in `when:` and after `=` in a configuration")
        ->required();
    command
        ->add_option("FILE", options->path,
                     "HL7 v2 messages, one or several, or a FHIR resource in JSON or XML; - for standard "
                     "input")
        ->required();
    command->add_flag("--json", options->json,
                      R"(a JSON object a message: {"message":1,"items":[{"type":"string","text":"..."}]})");
    command->footer(
        "Exit code: 0 when there is a result (also `false`), 1 when the result is empty in every message or "
        "the evaluation\n"
        "fails in one, 2 when the expression or the file can't be read.\n\n"
        "Example:\n"
        "  hilum eval \"PID-5.1.upper()\" adt.hl7\n"
        "  hilum eval \"MSH-9.1 = 'ADT' and PV1-2 in ('I' | 'E')\" adt.hl7\n"
        "  hilum eval \"name.where(use = 'official').given\" patient.json");
    command->callback([options, &exit_code] { exit_code = eval(*options); });
}

}  // namespace hilum::cli
