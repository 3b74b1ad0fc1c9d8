#include <CLI/CLI.hpp>

#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/ops/json.h"
#include "parsers/hl7/batch.h"
#include "routes/expression/expression.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string expression, path;
    bool json = false;
};

int eval(Options const& options) {
    auto const expression = expression::Expression::compile(options.expression);
    if (!expression) {
        complain(expression.error().text());
        return used_wrongly;
    }
    auto const text = read_file(options.path);
    if (!text) {
        complain(text.error().text());
        return used_wrongly;
    }
    auto const split = hl7::split_messages(*text);
    if (split.messages.empty()) {
        complain(printable(options.path) + ": there is no message in it; one begins with MSH");
        return used_wrongly;
    }
    bool any = false, failed = false;
    std::size_t number = 0;
    for (std::string_view const bytes : split.messages) {
        ++number;
        auto const refuse = [&](Error const& e) {
            complain(printable(options.path) + "#" + std::to_string(number) + ": " + e.text());
            failed = true;
        };
        auto const message = hl7::Message::view(bytes);
        if (!message) {
            refuse(message.error());
            continue;
        }
        expression::Context const context{&*message, now_us()};
        auto const items = expression->items(context);
        auto const types = expression->types(context);
        if (!items || !types) {
            refuse(items ? types.error() : items.error());
            continue;
        }
        any = any || !items->empty();
        if (options.json) {
            ops::json::Writer w;
            w.object([&] {
                w.field("message", number);
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
        } else {
            std::string lines;
            for (auto const& item : *items) (lines += printable(item)) += '\n';
            answer(lines);
        }
    }
    return any && !failed ? good : answer_is_no;
}

}  // namespace

void add_eval(CLI::App& app, int& exit_code) {
    auto* const command =
        app.add_subcommand("eval", "What an expression makes of a message, one result a line");
    auto const options = std::make_shared<Options>();
    command->add_option("EXPRESSION", options->expression, "as in `when:` and after `=` in a configuration")
        ->required();
    command->add_option("FILE", options->path, "HL7 v2 messages, one or several; - for standard input")
        ->required();
    command->add_flag("--json", options->json,
                      R"(a JSON object a message: {"message":1,"items":[{"type":"string","text":"..."}]})");
    command->footer(
        "Exit code: 0 when there is a result (also `false`), 1 when the result is empty in every message or "
        "the evaluation\n"
        "fails in one, 2 when the expression or the file can't be read.\n\n"
        "Example:\n"
        "  hilum eval \"PID-5.1.upper()\" adt.hl7\n"
        "  hilum eval \"MSH-9.1 = 'ADT' and PV1-2 in ('I' | 'E')\" adt.hl7");
    command->callback([options, &exit_code] { exit_code = eval(*options); });
}

}  // namespace hilum::cli
