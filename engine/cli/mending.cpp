#include "engine/cli/mending.h"

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/cli/replay_client.h"
#include "parsers/percent.h"

namespace hilum::cli {
namespace {

using ops::json::Value;

struct ResendOptions {
    ApiOptions api;
    std::uint64_t number = 0;
    std::string destination, to, route, code, since;
    std::uint64_t rate = 200;
    bool held = false, yes = false, wait = false;
};

std::string names_of(Value const& reply) {
    std::string out;
    for (auto const& name : reply["destinations"].items) out += " " + printable(name.string);
    return out;
}

std::string show_resent(Value const& reply) {
    if (reply.number("reprocessed_as") != 0) {
        return "went through the routes again as message " + std::to_string(reply.number("reprocessed_as")) +
               "\n";
    }
    return "queued for" + names_of(reply) + "\n";
}

int resend_one(ResendOptions const& o) {
    if (!o.route.empty() || !o.code.empty() || !o.since.empty() || o.yes || o.wait) {
        complain("--route, --code, --since, --yes and --wait are for --held");
        return used_wrongly;
    }
    ops::json::Writer w;
    w.object([&] {
        w.field_if("destination", o.destination);
        w.field_if("to", o.to);
        w.field("by", asked_by());
    });
    return ask(o.api, "POST", "/api/v1/messages/" + std::to_string(o.number) + "/resend", w.text(),
               show_resent);
}

int resend_held(ResendOptions const& o) {
    ops::json::Writer w;
    w.object([&] {
        w.field("mode", "held");
        if (!o.since.empty()) w.field("from", time_parameter(o.since));
        w.field_if("destination", o.destination);
        w.field_if("to_destination", o.to);
        w.field_if("route", o.route);
        w.field_if("code", o.code);
        w.field("rate", o.rate);
        w.field("by", asked_by());
    });
    int exit_code = good;
    auto const plan = planned_replay(o.api, w.text(), exit_code);
    if (!plan) return exit_code;
    bool const empty = plan->value["preview"].number("messages") == 0;
    if (o.yes && !empty) {
        if (!o.api.json) answer(preview_text(plan->value));
        return started_replay(o.api, plan->value, o.wait);
    }
    drop_replay(o.api, plan->value);
    answer(o.api.json ? plan->raw + "\n" : preview_text(plan->value));
    if (!o.api.json && !empty) answer("nothing was sent: --yes does it\n");
    return good;
}

struct CancelOptions {
    ApiOptions api;
    std::uint64_t number = 0;
    std::string destination, reason;
};

std::string show_cancelled(Value const& reply) {
    std::string out;
    for (auto const& name : reply["destinations"].items)
        out += name.string.empty() ? std::string("the message is cancelled\n")
                                   : "cancelled for " + printable(name.string) + "\n";
    return out;
}

struct MoveOptions {
    ApiOptions api;
    std::string from, to;
    bool yes = false;
};

int move(MoveOptions const& o) {
    ops::json::Writer w;
    w.object([&] {
        w.field("to", o.to);
        w.field("by", asked_by());
        w.field("dry_run", !o.yes);
    });
    return ask(
        o.api, "POST", "/api/v1/queues/" + percent_encoded(o.from) + "/move", w.text(),
        [&](Value const& reply) {
            auto const n = reply.number("messages");
            std::string out = reply["at_least"].boolean ? "at least " : "";
            out += std::to_string(n) + (n == 1 ? " message, " : " messages, ") +
                   std::to_string(reply.number("bytes")) + " bytes, wait for " + printable(o.from) + "\n";
            if (reply["moving"].boolean)
                out += "they go to " + printable(o.to) + " in their order: `hilum queues list` shows it\n";
            else if (n != 0)
                out += "nothing was moved: --yes moves them to " + printable(o.to) + "\n";
            return out;
        });
}

}  // namespace

void add_resend(App& messages, int& exit_code) {
    auto* const command = messages.add_subcommand("resend", "Deliver a message again, or all that is held");
    auto const options = std::make_shared<ResendOptions>();
    auto* const number = command->add_option("NUMBER", options->number, "the message's number");
    command->add_flag("--held", options->held, "all messages and deliveries that are held")->excludes(number);
    command->add_option("--destination", options->destination, "only to this one of its destinations");
    command->add_option("--to", options->to, "to this destination instead");
    command->add_option("--route", options->route, "with --held: only what this route made or held");
    command->add_option("--code", options->code,
                        "with --held: only what was held with this code, such as AE");
    command->add_option("--since", options->since, "with --held: received since, such as 2h or 2026-11-22");
    command->add_option("--rate", options->rate, "with --held: messages a second at most")
        ->show_default()
        ->between(1, 100'000);
    command->add_flag("--yes", options->yes, "with --held: do it; without it only the preview");
    command->add_flag("--wait", options->wait, "with --held: until all is queued");
    add_api_options(*command, options->api);
    command->footer(
        "A message without --destination: to all destinations whose delivery is held, else to all. It queues "
        "behind\n"
        "what waits already. A message held by a route goes through the routes as they are now.\n"
        "--held is a job like those of `hilum replay`: it goes on after a restart.\n"
        "Example:\n  hilum messages resend 4711 --destination lab\n"
        "  hilum messages resend --held --destination lab --code AE --since 2h --yes");
    command->callback([options, &exit_code] {
        if (!options->held && options->number == 0) {
            complain("which message? give its number, or --held");
            exit_code = used_wrongly;
            return;
        }
        exit_code = options->held ? resend_held(*options) : resend_one(*options);
    });
}

void add_cancel(App& messages, int& exit_code) {
    auto* const command = messages.add_subcommand("cancel", "Never send what is held of a message");
    auto const options = std::make_shared<CancelOptions>();
    command->add_option("NUMBER", options->number, "the message's number")->required();
    command->add_option("--destination", options->destination, "only what is held for this one");
    command->add_option("--reason", options->reason, "why; it stays in the trace")->required();
    add_api_options(*command, options->api);
    command->footer(
        "The message stays in the store. What waits in a queue is not held: its head can be skipped.\n"
        "Example:\n  hilum messages cancel 4711 --destination lab --reason \"the patient was merged\"");
    command->callback([options, &exit_code] {
        ops::json::Writer w;
        w.object([&] {
            w.field_if("destination", options->destination);
            w.field("reason", options->reason);
        });
        exit_code =
            ask(options->api, "POST", "/api/v1/messages/" + std::to_string(options->number) + "/cancel",
                w.text(), show_cancelled);
    });
}

void add_move(App& queues, int& exit_code) {
    auto* const command =
        queues.add_subcommand("move", "Send what waits for a removed destination to another one");
    auto const options = std::make_shared<MoveOptions>();
    command->add_option("FROM", options->from, "the destination that is no longer configured")->required();
    command->add_option("--to", options->to, "the destination that gets it")->required();
    command->add_flag("--yes", options->yes, "do it; without it only the preview");
    add_api_options(*command, options->api);
    command->footer(
        "The order is kept; the messages queue behind what waits there. After a restart in between, what is "
        "left waits\n"
        "in FROM: give the command again.\n"
        "Example:\n  hilum queues move old_lab --to lab --yes");
    command->callback([options, &exit_code] { exit_code = move(*options); });
}

}  // namespace hilum::cli
