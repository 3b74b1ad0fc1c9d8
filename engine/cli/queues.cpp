#include <iomanip>
#include <sstream>

#include "engine/cli/admin_client.h"
#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/mending.h"
#include "engine/cli/output.h"
#include "parsers/percent.h"
#include "parsers/time_text.h"

namespace hilum::cli {
namespace {

using ops::json::Value;

struct Options {
    ApiOptions api;
    std::string name, reason, until;
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

double real(Value const& value) {
    return value.is_natural() ? static_cast<double>(value.natural) : value.real;
}

std::string rate(Value const& per_second) {
    double const count = real(per_second);
    std::ostringstream out;
    out << std::fixed << std::setprecision(count < 10 ? 1 : 0) << count << "/s";
    return out.str();
}

// How much waits, and when that will have gone.
std::string show_waiting(Value const& queue) {
    if (queue.number("queued") == 0) return {};
    std::string out = "\n" + std::to_string(queue.number("queued")) + " wait";
    if (queue.find("bytes"))
        out += (queue["bytes_estimated"].boolean ? ", about " : ", ") +
               std::to_string(queue.number("bytes")) + " bytes";
    auto const* const settled = queue.find("settled_per_second");
    if (!settled) return out + "; none has gone in the last minute, so the time left is not known\n";
    out +=
        "; in the last minute " + rate(*settled) + " went, " + rate(queue["arrived_per_second"]) + " came: ";
    if (queue.find("seconds_left"))
        return out + "empty in about " +
               age(now_us(), now_us() + static_cast<std::int64_t>(queue.number("seconds_left")) * 1'000'000) +
               "\n";
    return out + (queue.text("state") == "running" || queue.text("state") == "retrying"
                      ? "it does not get shorter\n"
                      : "it stands still now\n");
}

// The queue, and below it the messages that others wait behind.
std::string show_queue(Value const& queue) {
    std::string out = show_queues({queue}) + show_waiting(queue);
    if (queue.text("state") == "paused") {
        out += "\npaused";
        if (auto const time = parse_rfc3339(queue.text("paused_until")))
            out += " for " + age(now_us(), *time) + " more";
        if (!queue.text("pause_reason").empty()) out += ": " + printable(queue.text("pause_reason"));
        out += "\n";
    }
    auto const& blocked = queue["blocked_messages"].items;
    if (blocked.empty()) return out;
    out += "\n" + std::to_string(queue.number("blocked")) + " order_by value" +
           (queue.number("blocked") == 1 ? " waits" : "s wait") + " behind its first message";
    if (queue.number("stopped") != 0) out += ", " + std::to_string(queue.number("stopped")) + " for a person";
    out += ":\n";
    std::vector<std::vector<std::string>> rows{{"MESSAGE", "TRIED", "NEXT TRY", "ERROR"}};
    for (auto const& b : blocked) {
        std::string next = b["stopped"].boolean ? "stopped" : "-";
        if (auto const time = parse_rfc3339(b.text("next_attempt"))) next = "in " + age(now_us(), *time);
        rows.push_back({std::to_string(b.number("message")), std::to_string(b.number("attempts")) + "x", next,
                        printable(b.text("error"))});
    }
    return out + table(rows);
}

// A store that fills up is told where one looks for what fills it.
std::string show_store(Value const& store) {
    auto const level = store.text("level");
    if (level.empty() || level == "room") return {};
    auto const used = "the store is " + std::to_string(store.number("used_percent")) + " % full";
    return level == "full" ? "\nNO MESSAGES ARE TAKEN: " + used + "\n" : "\nAttention: " + used + "\n";
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
            ask(options->api, "POST", "/api/v1/queues/" + percent_encoded(options->name) + "/" + action, {},
                [](Value const& queue) { return show_queues({queue}); });
    });
}

void add_pause(App& queues, int& exit_code) {
    auto* const command = queues.add_subcommand("pause", "Stop delivering; messages keep queueing");
    auto const options = std::make_shared<Options>();
    command->add_option("NAME", options->name, "the destination")->required();
    command->add_option("--until", options->until,
                        "it goes on by itself then: 30m, 2h, or 2026-07-14T06:00:00Z");
    command->add_option("--reason", options->reason, "why; `queues show` tells it");
    add_api_options(*command, options->api);
    command->footer(
        "A paused queue stays so after a restart.\n"
        "Example:\n  hilum queues pause lab --until 2h --reason \"the lab updates its system\"");
    command->callback([options, &exit_code] {
        ops::json::Writer w;
        w.object([&] {
            w.field_if("reason", options->reason);
            w.field_if("until", coming_time_parameter(options->until));
        });
        exit_code = ask(options->api, "POST", "/api/v1/queues/" + percent_encoded(options->name) + "/pause",
                        w.text(), [](Value const& queue) { return show_queues({queue}); });
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
        exit_code = ask(options->api, "GET", "/api/v1/queues", {}, [](Value const& reply) {
            return show_queues(reply["queues"].items) + show_store(reply["store"]);
        });
    });
}

void add_show(App& queues, int& exit_code) {
    auto* const command = queues.add_subcommand(
        "show", "One queue: how much waits, when it will be empty, and the messages that others wait behind");
    auto const options = std::make_shared<Options>();
    command->add_option("NAME", options->name, "the destination")->required();
    add_api_options(*command, options->api);
    command->footer("Example:\n  hilum queues show lab");
    command->callback([options, &exit_code] {
        exit_code =
            ask(options->api, "GET", "/api/v1/queues/" + percent_encoded(options->name), {}, show_queue);
    });
}

void add_retry(App& queues, int& exit_code) {
    auto* const command = queues.add_subcommand(
        "retry", "Try again now what waits for its next attempt; start what has stopped");
    auto const options = std::make_shared<Options>();
    command->add_option("NAME", options->name, "the destination")->required();
    command->add_option("--message", options->message, "only this one, as `queues show` lists it");
    add_api_options(*command, options->api);
    command->footer("Example:\n  hilum queues retry lab\n  hilum queues retry lab --message 4711");
    command->callback([options, &exit_code] {
        ops::json::Writer w;
        w.object([&] {
            if (options->message != 0) w.field("message", options->message);
        });
        exit_code = ask(options->api, "POST", "/api/v1/queues/" + percent_encoded(options->name) + "/retry",
                        w.text(), [](Value const& queue) { return show_queues({queue}); });
    });
}

void add_take_out(App& queues, std::string const& action, std::string const& summary,
                  std::string const& footer, int& exit_code) {
    auto* const command = queues.add_subcommand(action, summary);
    auto const options = std::make_shared<Options>();
    command->add_option("NAME", options->name, "the destination")->required();
    command
        ->add_option("--message", options->message,
                     "the number of the message, as `queues list` and `queues show` have it")
        ->required();
    command->add_option("--reason", options->reason, "why; it stays in the trace")->required();
    add_api_options(*command, options->api);
    command->footer(footer);
    command->callback([options, action, &exit_code] {
        ops::json::Writer w;
        w.object([&] {
            w.field("message", options->message);
            w.field("reason", options->reason);
        });
        exit_code =
            ask(options->api, "POST", "/api/v1/queues/" + percent_encoded(options->name) + "/" + action,
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
    add_pause(*queues, exit_code);
    add_action(*queues, "resume", "Go on delivering", "Example:\n  hilum queues resume lab", exit_code);
    add_show(*queues, exit_code);
    add_retry(*queues, exit_code);
    add_take_out(
        *queues, "skip", "Pass over the message at the head, so that the next can go",
        "The message stays in the store and can be resent later. When it is not first any more (of its "
        "order_by\nvalue, where there is one), nothing is done and the exit code is 1.\n"
        "Example:\n  hilum queues skip lab --message 4711 --reason \"the lab has it on paper\"",
        exit_code);
    add_take_out(
        *queues, "hold", "Take the message at the head out for a person, so that the next can go",
        "It is then among those that `hilum messages list --delivery-state held` shows, and can be resent "
        "from there.\nExample:\n  hilum queues hold lab --message 4711 --reason \"the ward is asked\"",
        exit_code);
    add_move(*queues, exit_code);
}

}  // namespace hilum::cli
