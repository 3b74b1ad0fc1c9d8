#include "engine/cli/admin_client.h"
#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/mending.h"
#include "engine/cli/output.h"
#include "parsers/time_text.h"

namespace hilum::cli {
namespace {

using ops::json::Value;

struct Options {
    ApiOptions api;
    std::string name, reason;
    std::uint64_t message = 0;
};

std::string ago(Value const& object, std::string_view member) {
    auto const time = parse_rfc3339(object.text(member));
    return time ? age(*time, now_us()) : "-";
}

std::vector<std::string> row(Value const& q) {
    std::string head = "-", next = "-";
    if (q.number("head_message") != 0) {
        head = std::to_string(q.number("head_message"));
        if (q.number("head_attempts") != 0)
            head += " (tried " + std::to_string(q.number("head_attempts")) + "x)";
    }
    if (auto const time = parse_rfc3339(q.text("next_attempt"))) next = "in " + age(now_us(), *time);
    std::string error = "-";
    if (!q.text("last_error").empty())
        error = printable(q.text("last_error")) + ", " + ago(q, "last_error_at") + " ago";
    return {printable(q.text("destination")),
            printable(q.text("state")),
            std::to_string(q.number("queued")),
            std::to_string(q.number("held")),
            ago(q, "oldest"),
            head,
            next,
            ago(q, "last_delivered"),
            error};
}

std::string show_queues(std::vector<Value> const& queues) {
    std::vector<std::vector<std::string>> rows{
        {"DESTINATION", "STATE", "QUEUED", "HELD", "OLDEST", "HEAD", "NEXT TRY", "DELIVERED", "LAST ERROR"}};
    for (auto const& q : queues) rows.push_back(row(q));
    return table(rows);
}

void add_action(App& queues, std::string const& action, std::string const& summary, std::string const& footer,
                int& exit_code) {
    auto* const command = queues.add_subcommand(action, summary);
    auto const options = std::make_shared<Options>();
    command->add_option("NAME", options->name, "the destination")->required();
    add_api_options(*command, options->api);
    command->footer(footer);
    command->callback([options, action, &exit_code] {
        exit_code =
            ask(options->api, "POST", "/api/v1/queues/" + percent_encode(options->name) + "/" + action, {},
                [](Value const& queue) { return show_queues({queue}); });
    });
}

void add_list(App& queues, int& exit_code) {
    auto* const command = queues.add_subcommand("list", "Every queue: how much waits, since when, and why");
    auto const options = std::make_shared<Options>();
    add_api_options(*command, options->api);
    command->footer(
        "OLDEST and DELIVERED are ages; HEAD is the number of the message that goes next.\n"
        "Example:\n  hilum queues list");
    command->callback([options, &exit_code] {
        exit_code = ask(options->api, "GET", "/api/v1/queues", {},
                        [](Value const& reply) { return show_queues(reply["queues"].items); });
    });
}

void add_skip(App& queues, int& exit_code) {
    auto* const command =
        queues.add_subcommand("skip", "Pass over the message at the head, so that the next can go");
    auto const options = std::make_shared<Options>();
    command->add_option("NAME", options->name, "the destination")->required();
    command
        ->add_option("--message", options->message,
                     "the number of the message at the head, as `queues list` shows it")
        ->required();
    command->add_option("--reason", options->reason, "why; it stays in the trace")->required();
    add_api_options(*command, options->api);
    command->footer(
        "The message stays in the store and can be resent later. When another message is at the head by now, "
        "nothing\n"
        "is done and the exit code is 1.\n"
        "Example:\n  hilum queues skip lab --message 4711 --reason \"the lab has it on paper\"");
    command->callback([options, &exit_code] {
        ops::json::Writer w;
        w.object([&] {
            w.field("message", options->message);
            w.field("reason", options->reason);
        });
        exit_code = ask(options->api, "POST", "/api/v1/queues/" + percent_encode(options->name) + "/skip",
                        w.text(), [](Value const& queue) { return show_queues({queue}); });
    });
}

}  // namespace

void add_queues(App& app, int& exit_code) {
    auto* const queues = app.add_subcommand("queues", "See and steer the queues of the running engine");
    queues->require_subcommand();
    queues->footer(
        "Exit code: 0 done, 1 refused or no engine is there, 2 used wrongly.\nExample:\n  hilum queues list");
    add_list(*queues, exit_code);
    add_action(*queues, "pause", "Stop delivering; messages keep queueing",
               "Example:\n  hilum queues pause lab", exit_code);
    add_action(*queues, "resume", "Go on delivering", "Example:\n  hilum queues resume lab", exit_code);
    add_action(*queues, "retry", "Try the head now instead of at its next attempt",
               "Example:\n  hilum queues retry lab", exit_code);
    add_skip(*queues, exit_code);
    add_move(*queues, exit_code);
}

}  // namespace hilum::cli
