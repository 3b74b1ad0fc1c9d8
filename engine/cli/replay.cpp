#include <charconv>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/cli/replay_client.h"

namespace hilum::cli {
namespace {

struct Options {
    ApiOptions api;
    std::string from, to, listener, route, destination, where, to_destination, rate;
    bool as_sent = false, reprocess = false, dry_run = false, wait = false;
    bool other = false;  // a subcommand was chosen
};

// "50/s" or "50"
std::optional<std::uint64_t> rate_of(std::string_view text) {
    if (text.ends_with("/s")) text.remove_suffix(2);
    std::uint64_t rate = 0;
    auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), rate);
    if (ec != std::errc{} || end != text.data() + text.size() || rate == 0) return std::nullopt;
    return rate;
}

int replay(Options const& o) {
    if (o.from.empty()) {
        complain("--from is missing: say since when, as in --from 2h or --from 2026-11-22T03:00:00Z");
        return used_wrongly;
    }
    auto const rate = rate_of(o.rate.empty() ? "200" : o.rate);
    if (!rate) {
        complain("--rate: " + printable(o.rate) + " is no rate; write it like 50/s");
        return used_wrongly;
    }
    ops::json::Writer w;
    w.object([&] {
        w.field("mode", o.reprocess ? "reprocess" : "as-sent");
        w.field("from", time_parameter(o.from));
        if (!o.to.empty()) w.field("to", time_parameter(o.to));
        w.field_if("listener", o.listener);
        w.field_if("route", o.route);
        w.field_if("destination", o.destination);
        w.field_if("where", o.where);
        w.field_if("to_destination", o.to_destination);
        w.field("rate", *rate);
        w.field("by", asked_by());
    });
    int exit_code = good;
    auto const plan = planned_replay(o.api, w.text(), exit_code);
    if (!plan) return exit_code;
    bool const empty = plan->value["preview"].number("messages") == 0;
    if (o.dry_run || empty) {
        answer(o.api.json ? plan->raw + "\n" : preview_text(plan->value));
        drop_replay(o.api, plan->value);
        return good;
    }
    if (!o.api.json) answer(preview_text(plan->value));
    return started_replay(o.api, plan->value, o.wait);
}

struct JobOptions {
    ApiOptions api;
    std::uint64_t job = 0;
};

void add_job_command(App& replay, std::string const& name, std::string const& summary,
                     std::string const& method, std::string const& action,
                     std::shared_ptr<Options> const& owner, int& exit_code) {
    auto* const command = replay.add_subcommand(name, summary);
    auto const options = std::make_shared<JobOptions>();
    command->add_option("JOB", options->job, "the job's number")->required();
    add_api_options(*command, options->api);
    command->footer("Example:\n  hilum replay " + name + " 3");
    command->callback([options, owner, method, action, &exit_code] {
        owner->other = true;
        exit_code = ask(options->api, method, "/api/v1/replays/" + std::to_string(options->job) + action, {},
                        replay_text);
    });
}

}  // namespace

void add_replay(App& app, int& exit_code) {
    auto* const command = app.add_subcommand(
        "replay",
        "Send again what the running engine has stored, as it was sent or through the routes of now");
    auto const options = std::make_shared<Options>();
    command->add_option("--from", options->from,
                        "received since: 2026-11-22T03:04:05Z, 2026-11-22, or 2h for two hours ago");
    command->add_option("--to", options->to, "received until, written the same way; without it until now");
    command->add_option("--listener", options->listener, "only what came in by this listener");
    command->add_option("--route", options->route,
                        "only what this route sent, or with --reprocess only this route");
    command->add_option("--destination", options->destination, "only what was delivered to this one");
    command->add_option("--where", options->where, "only messages for which this expression is true");
    auto* const elsewhere =
        command->add_option("--to-destination", options->to_destination, "to this one instead");
    auto* const as_sent = command->add_flag("--as-sent", options->as_sent,
                                            "the bodies that were delivered go again (the default)");
    command
        ->add_flag("--reprocess", options->reprocess,
                   "what was received goes through the routes as they are now")
        ->excludes(as_sent)
        ->excludes(elsewhere);
    command->add_option("--rate", options->rate, "messages a second at most; without it 200/s");
    command->add_flag("--dry-run", options->dry_run, "only the preview");
    command->add_flag("--wait", options->wait,
                      "until it has ended; exit code 1 when it did not get to its end");
    add_api_options(*command, options->api);
    command->footer(
        "Prints what would go, then begins: a job of the engine, in the order in which the messages were\n"
        "accepted, never more than 1000 waiting in a queue. It goes on after a restart, and sends each "
        "message\n"
        "once. `replay list`, `show JOB` and `cancel JOB` look after it.\n"
        "Exit code: 0 done, 1 refused or no engine is there, 2 used wrongly.\n\n"
        "Example:\n"
        "  hilum replay --from 2026-11-22T03:00:00Z --to 2026-11-22T04:00:00Z --destination lab --dry-run");
    auto* const list = command->add_subcommand("list", "The jobs there are, and how far they are");
    auto const list_options = std::make_shared<ApiOptions>();
    add_api_options(*list, *list_options);
    list->footer("Example:\n  hilum replay list");
    list->callback([options, list_options, &exit_code] {
        options->other = true;
        exit_code = ask(*list_options, "GET", "/api/v1/replays", {}, replays_text);
    });
    add_job_command(*command, "show", "One job: what it does and how far it is", "GET", "", options,
                    exit_code);
    add_job_command(*command, "cancel", "End a job where it is; what it has sent stays sent", "POST",
                    "/cancel", options, exit_code);
    // Called after that of a subcommand.
    command->callback([options, &exit_code] {
        if (!options->other) exit_code = replay(*options);
    });
}

}  // namespace hilum::cli
