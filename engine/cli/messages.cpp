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

// A search parameter of the API and the option that sets it.
struct Filter {
    char const* parameter;
    char const* option;
    char const* help;
};
constexpr Filter filters[] = {
    {"listener", "--listener", "that came in by this listener"},
    {"type", "--type", "of this MSH-9, such as ADT^A01"},
    {"control_id", "--control-id", "with this MSH-10"},
    {"sender", "--sender", "from this MSH-3|MSH-4, such as \"LAB|NORTH\""},
    {"patient_id", "--patient-id", "of this patient, PID-3.1"},
    {"visit", "--visit", "of this visit, PV1-19.1"},
    {"state", "--state", "accepted, filtered, rejected, held or done"},
    {"destination", "--destination", "with a delivery to this destination"},
    {"delivery_state", "--delivery-state",
     "with a delivery that is queued, retrying, delivered, held, skipped or cancelled"},
};

struct ListOptions {
    ApiOptions api;
    std::string values[std::size(filters)];
    std::string since, until;
    std::uint64_t before = 0;
    std::uint32_t limit = 100;
};

std::string deliveries_of(Value const& message) {
    std::string out;
    for (auto const& d : message["deliveries"].items) {
        if (!out.empty()) out += ' ';
        out += printable(d.text("destination")) + ":" + printable(d.text("state"));
    }
    return out;
}

// Seconds are enough for a table.
std::string short_time(std::string_view rfc3339) {
    return std::string(rfc3339.substr(0, 19)) + (rfc3339.empty() ? "" : "Z");
}

std::string show_list(Value const& reply) {
    std::vector<std::vector<std::string>> rows{
        {"NUMBER", "RECEIVED", "LISTENER", "TYPE", "CONTROL ID", "STATE", "DELIVERIES"}};
    for (auto const& m : reply["messages"].items) {
        rows.push_back({std::to_string(m.number("message")), short_time(m.text("received_at")),
                        printable(m.text("listener")), printable(m.text("type")),
                        printable(m.text("control_id")), printable(m.text("state")), deliveries_of(m)});
    }
    std::string out = table(rows);
    if (reply.number("next_before") != 0) {
        out += "there may be more: --before " + std::to_string(reply.number("next_before")) + "\n";
    }
    return out;
}

std::string search_target(ListOptions const& options) {
    std::string target = "/api/v1/messages?limit=" + std::to_string(options.limit);
    auto const add = [&](std::string_view name, std::string const& value) {
        if (!value.empty()) (((target += '&') += name) += '=') += percent_encoded(value);
    };
    for (std::size_t i = 0; i < std::size(filters); ++i) add(filters[i].parameter, options.values[i]);
    add("since", time_parameter(options.since));
    add("until", time_parameter(options.until));
    if (options.before != 0) add("before", std::to_string(options.before));
    return target;
}

void add_list(App& messages, int& exit_code) {
    auto* const command = messages.add_subcommand("list", "Search the messages, newest first");
    auto const options = std::make_shared<ListOptions>();
    for (std::size_t i = 0; i < std::size(filters); ++i)
        command->add_option(filters[i].option, options->values[i], filters[i].help);
    command->add_option("--since", options->since,
                        "received since: 2026-11-22T03:04:05Z, 2026-11-22, or 2h for two hours ago");
    command->add_option("--until", options->until, "received until, written the same way");
    command->add_option("--before", options->before, "only numbers below this one: the next page");
    command->add_option("--limit", options->limit, "at most so many, 1 to 1000")
        ->show_default()
        ->between(1, 1000);
    add_api_options(*command, options->api);
    command->footer(
        "The table names no patient; --json has patient and visit numbers too.\n"
        "Example:\n  hilum messages list --delivery-state held --destination lab --since 2h");
    command->callback([options, &exit_code] {
        exit_code = ask(options->api, "GET", search_target(*options), {}, show_list);
    });
}

struct ShowOptions {
    ApiOptions api;
    std::uint64_t number = 0;
    bool content = false, raw = false;
};

void append_content(std::string& out, std::string_view title, Value const& content) {
    (out += title) += ", " + std::to_string(content.number("bytes")) + " bytes:\n";
    if (content.text("encoding") != "utf-8") {
        out += "  not UTF-8 or too large to show: " + std::string(content.text("href")) + " has the bytes\n";
        return;
    }
    std::string_view text = content.text("data");
    while (!text.empty()) {
        std::string_view const segment = text.substr(0, text.find_first_of("\r\n"));
        if (!segment.empty()) out += "  " + printable(segment) + "\n";
        text.remove_prefix(std::min(text.size(), segment.size() + 1));
    }
}

std::string show_message(Value const& m, bool content) {
    std::string out = "message " + std::to_string(m.number("message")) + ": " + printable(m.text("type")) +
                      " " + printable(m.text("control_id")) + ", " + printable(m.text("state")) +
                      ", answered " + printable(m.text("answer_code")) + "\nreceived " +
                      printable(m.text("received_at")) + " by " + printable(m.text("listener")) + " from " +
                      printable(m.text("source")) + ", " + std::to_string(m.number("bytes")) + " bytes\n";
    if (!m.text("config_hash").empty())
        out += "handled under configuration " + printable(m.text("config_hash")) + "\n";
    if (m.number("origin") != 0)
        out += "reprocessed from message " + std::to_string(m.number("origin")) +
               (m.text("source").starts_with("replayed by ") ? ", " + printable(m.text("source")) : "") +
               "\n";
    std::vector<std::vector<std::string>> rows{{"ROUTE", "OUTCOME", "REASON"}};
    for (auto const& v : m["verdicts"].items) {
        rows.push_back(
            {printable(v.text("route")), printable(v.text("outcome")), printable(v.text("reason"))});
    }
    if (rows.size() > 1) out += "\n" + table(rows);
    rows = {{"DELIVERY", "DESTINATION", "ROUTE", "STATE", "ATTEMPTS", "TIME", "CODE", "TEXT"}};
    for (auto const& d : m["deliveries"].items) {
        rows.push_back({std::to_string(d.number("ordinal")), printable(d.text("destination")),
                        printable(d.text("route")), printable(d.text("state")),
                        std::to_string(d.number("attempts")), short_time(d.text("time")),
                        printable(d.text("code")), printable(d.text("text"))});
    }
    if (rows.size() > 1) out += "\n" + table(rows);
    rows = {{"ATTEMPT", "DESTINATION", "TIME", "TOOK", "OUTCOME", "CODE", "TEXT"}};
    for (auto const& a : m["attempts"].items) {
        rows.push_back({std::to_string(a.number("attempt")), printable(a.text("destination")),
                        short_time(a.text("time")),
                        std::to_string((a.number("duration_us") + 999) / 1000) + "ms",
                        printable(a.text("outcome")), printable(a.text("code")), printable(a.text("text"))});
    }
    if (rows.size() > 1) out += "\n" + table(rows);
    rows = {{"SENT AGAIN", "DESTINATION", "TIME", "BY"}};
    for (auto const& r : m["resends"].items) {
        rows.push_back({std::to_string(r.number("ordinal")), printable(r.text("destination")),
                        short_time(r.text("time")), printable(r.text("by"))});
    }
    if (rows.size() > 1) out += "\n" + table(rows);
    if (!content) return out;
    append_content(out += "\n", "received", m["received"]);
    for (auto const& d : m["deliveries"].items) {
        if (d["body"].is_object()) {
            append_content(out += "\n", "sent to " + printable(d.text("destination")), d["body"]);
        }
    }
    return out;
}

int show(ShowOptions const& options) {
    std::string const target = "/api/v1/messages/" + std::to_string(options.number);
    if (!options.raw) {
        return ask(options.api, "GET", target, {},
                   [&](Value const& message) { return show_message(message, options.content); });
    }
    auto const reply = call_api(options.api.admin, "GET", target + "/received");
    if (!reply || reply->status != 200) {
        complain(reply ? "there is no message " + std::to_string(options.number) + ", or it can't be read"
                       : reply.error().text());
        return answer_is_no;
    }
    answer(reply->body);
    return good;
}

void add_show(App& messages, int& exit_code) {
    auto* const command = messages.add_subcommand("show", "All that happened to one message: its trace");
    auto const options = std::make_shared<ShowOptions>();
    command->add_option("NUMBER", options->number, "the message's number")->required();
    auto* const content = command->add_flag("--content", options->content,
                                            "also the message itself; it may be about a patient");
    command->add_flag("--raw", options->raw, "nothing but the bytes as they came")->excludes(content);
    add_api_options(*command, options->api);
    command->footer("Example:\n  hilum messages show 4711\n  hilum messages show 4711 --raw > 4711.hl7");
    command->callback([options, &exit_code] { exit_code = show(*options); });
}

std::string per_cent(std::uint64_t part, std::uint64_t all) {
    if (all == 0) return "-";
    // One decimal, rounded down: 100.0 means every one.
    auto const tenths = part * 1000 / all;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

std::string show_conformance(Value const& reply) {
    std::vector<std::vector<std::string>> rows{
        {"LISTENER", "SENDER", "MESSAGES", "CONFORM", "ERRORS (MESSAGES WITH THEM)"}};
    for (auto const& c : reply["conformance"].items) {
        std::string errors;
        for (auto const& rule : c["rules"].items) {
            errors += (errors.empty() ? "" : ", ") + printable(rule.text("rule")) + " " +
                      std::to_string(rule.number("messages"));
        }
        rows.push_back(
            {printable(c.text("listener")), c.text("sender").empty() ? "(all)" : printable(c.text("sender")),
             std::to_string(c.number("messages")), per_cent(c.number("conformant"), c.number("messages")),
             errors.empty() ? "-" : errors});
    }
    return rows.size() == 1 ? std::string("no listener validates, or no message has come\n") : table(rows);
}

void add_conformance(App& messages, int& exit_code) {
    auto* const command = messages.add_subcommand(
        "conformance", "How many messages are as the standard and the profile say, by sender and rule");
    auto const options = std::make_shared<ApiOptions>();
    add_api_options(*command, *options);
    command->footer(
        "Counted since the engine started, for listeners with validate: observe or enforce.\n"
        "Example:\n  hilum messages conformance");
    command->callback([options, &exit_code] {
        exit_code = ask(*options, "GET", "/api/v1/conformance", {}, show_conformance);
    });
}

}  // namespace

void add_messages(App& app, int& exit_code) {
    auto* const messages =
        app.add_subcommand("messages", "Find, show, resend and cancel messages of the running engine");
    messages->require_subcommand();
    messages->footer(
        "Exit code: 0 done, 1 refused or no engine is there, 2 used wrongly.\nExample:\n  hilum messages "
        "list --state held");
    add_list(*messages, exit_code);
    add_show(*messages, exit_code);
    add_resend(*messages, exit_code);
    add_cancel(*messages, exit_code);
    add_conformance(*messages, exit_code);
}

}  // namespace hilum::cli
