#include "engine/cli/replay_client.h"

#include <chrono>
#include <thread>

#include "engine/cli/commands.h"
#include "engine/cli/differences.h"
#include "engine/cli/output.h"
#include "parsers/time_text.h"

namespace hilum::cli {

using ops::json::Value;
using namespace std::chrono_literals;

namespace {

constexpr auto look_often = 50ms;
constexpr auto look_seldom = 500ms;

std::string target_of(Value const& job) {
    return "/api/v1/replays/" + std::to_string(job.number("job"));
}

bool ended(Value const& job) {
    auto const state = job.text("state");
    return state == "done" || state == "cancelled" || state == "failed";
}

// Asks again until `enough` says so; often at first, for most are small.
template <class Enough>
std::optional<ApiAnswer> watch(ApiOptions const& options, Value const& job, Enough enough, int& exit_code) {
    std::chrono::milliseconds pause = look_often;
    for (;;) {
        auto now = fetch(options, "GET", target_of(job), {}, exit_code);
        if (!now || enough(now->value)) return now;
        std::this_thread::sleep_for(pause);
        pause = std::min<std::chrono::milliseconds>(pause * 2, look_seldom);
    }
}

std::string number(Value const& object, std::string_view name) {
    return std::to_string(object.number(name));
}

std::string plural(std::uint64_t n, std::string_view one) {
    return std::to_string(n) + " " + std::string(one) + (n == 1 ? "" : "s");
}

std::string deliveries(std::uint64_t n) {
    return n == 1 ? "1 delivery" : std::to_string(n) + " deliveries";
}

// "as-sent, from ... to ..., listener adt_in, route to-lab"
std::string asked_text(Value const& job) {
    std::string out = printable(job.text("mode"));
    auto const add = [&](std::string_view name, std::string_view title) {
        if (!job.text(name).empty()) out += ", " + std::string(title) + " " + printable(job.text(name));
    };
    add("from", "received from");
    add("to", "to");
    add("listener", "listener");
    add("route", "route");
    add("destination", "destination");
    add("code", "code");
    add("where", "where");
    add("to_destination", "sent to");
    return out;
}

std::string cluster_text(Value const& c) {
    auto const title = field_name(c.text("path"));
    auto const n = c.number("messages");
    return (n == 1 ? "1 message  " : std::to_string(n) + " messages  ") + printable(c.text("subject")) +
           (c.text("path").empty() ? "" : ": " + printable(c.text("path"))) +
           (title.empty() ? "" : " (" + std::string(title) + ")") + " " + printable(c.text("kind")) +
           (c.text("reason").empty() ? "" : "; " + printable(c.text("reason"))) + "; the first is " +
           number(c, "example") + "\n";
}

}  // namespace

std::string preview_text(Value const& job) {
    auto const& preview = job["preview"];
    std::string out = asked_text(job) + "\n";
    std::vector<std::vector<std::string>> rows{{"DESTINATION", "DELIVERIES", "BYTES"}};
    std::uint64_t count = 0, bytes = 0;
    for (auto const& d : preview["destinations"].items) {
        rows.push_back({printable(d.text("destination")), number(d, "deliveries"), number(d, "bytes")});
        count += d.number("deliveries");
        bytes += d.number("bytes");
    }
    if (rows.size() > 1) out += table(rows);
    if (job.text("mode") == "reprocess") {
        out += number(preview, "alike") + " come out as they were sent before, " +
               number(preview, "different") + " otherwise";
        for (auto const* what : {"filtered", "held", "rejected"})
            if (preview.number(what) != 0) out += ", " + number(preview, what) + " " + what;
        out += "\n";
        for (auto const& c : preview["clusters"].items) out += "  " + cluster_text(c);
        if (preview.number("unclustered") != 0)
            out += "  " + number(preview, "unclustered") + " further differences of other kinds\n";
    }
    for (auto const& l : preview["left_out"].items)
        out += plural(l.number("messages"), "message") + " left out: " + printable(l.text("reason")) + "\n";
    return out + plural(preview.number("messages"), "message") + ", " + deliveries(count) + ", " +
           plural(bytes, "byte") + ", " + number(job, "rate") + " messages a second at most\n";
}

std::string replay_text(Value const& job) {
    std::string out = "job " + number(job, "job") + ": " + printable(job.text("state")) + ", asked by " +
                      printable(job.text("by")) + "\n" + asked_text(job) + "\n" + number(job, "messages") +
                      " of " + plural(job["preview"].number("messages"), "message") + ", " +
                      deliveries(job.number("deliveries")) + " so far\n";
    if (!job.text("waits_for").empty()) out += "waits for " + printable(job.text("waits_for")) + "\n";
    if (!job.text("why").empty()) out += printable(job.text("why")) + "\n";
    return out;
}

std::string replays_text(Value const& reply) {
    std::vector<std::vector<std::string>> rows{
        {"JOB", "MODE", "STATE", "MESSAGES", "OF", "DELIVERIES", "ASKED", "BY", "WAITS FOR"}};
    for (auto const& job : reply["replays"].items) {
        auto const asked = parse_rfc3339(job.text("asked"));
        rows.push_back({number(job, "job"), printable(job.text("mode")), printable(job.text("state")),
                        number(job, "messages"), number(job["preview"], "messages"),
                        number(job, "deliveries"), asked ? age(*asked, now_us()) + " ago" : "-",
                        printable(job.text("by")),
                        job.text("waits_for").empty() ? "-" : printable(job.text("waits_for"))});
    }
    return rows.size() == 1 ? std::string("no replay job\n") : table(rows);
}

std::optional<ApiAnswer> planned_replay(ApiOptions const& options, std::string const& body, int& exit_code) {
    auto const plan = fetch(options, "POST", "/api/v1/replays", body, exit_code);
    if (!plan) return std::nullopt;
    auto const worked_out = [](Value const& job) { return job.text("state") != "previewing"; };
    auto previewed = watch(options, plan->value, worked_out, exit_code);
    if (previewed && previewed->value.text("state") == "failed") {
        complain(printable(previewed->value.text("why")));
        exit_code = answer_is_no;
        return std::nullopt;
    }
    return previewed;
}

void drop_replay(ApiOptions const& options, Value const& job) {
    int ignored = good;  // it would be dropped by itself, too
    (void)fetch(options, "POST", target_of(job) + "/cancel", {}, ignored);
}

int started_replay(ApiOptions const& options, Value const& job, bool wait) {
    int exit_code = good;
    auto now = fetch(options, "POST", target_of(job) + "/start", {}, exit_code);
    if (now && wait) now = watch(options, job, ended, exit_code);
    if (!now) return exit_code;
    auto const& value = now->value;
    if (options.json) {
        answer(now->raw + "\n");
    } else if (wait) {
        answer(replay_text(value));
    } else {
        answer("started as job " + number(value, "job") + ": `hilum replay show " + number(value, "job") +
               "` tells how far it is\n");
    }
    return !wait || value.text("state") == "done" ? good : answer_is_no;
}

}  // namespace hilum::cli
