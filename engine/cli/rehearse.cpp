#include <chrono>
#include <memory>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/differences.h"
#include "engine/cli/output.h"
#include "engine/flow/as_stored.h"
#include "engine/flow/dry_run.h"
#include "engine/ops/json.h"
#include "engine/store/snapshot.h"
#include "routes/testing/rehearsal.h"

namespace hilum::cli {
namespace {

using testing::Rehearsal;

struct Options {
    std::string candidate, store, running, last;
    bool values = false, json = false;
};

constexpr std::string_view outcome_names[] = {"sent", "filtered", "held", "rejected"};

struct Result {
    explicit Result(routes::Pipeline const& pipeline) : rehearsal(pipeline) {}
    Rehearsal rehearsal;
    std::map<std::string, std::uint64_t> elsewhere;  // by listener: the candidate has none of that name
    std::uint64_t reprocessed = 0, unreadable = 0;
    double seconds = 0;
};

hilum::Result<void> go_through(store::Snapshot& snapshot, flow::Loaded const& loaded, Result& result) {
    auto const began = std::chrono::steady_clock::now();
    flow::DryRun door(loaded);
    store::MessageRecord record;
    auto const name = [&](store::NameId id) { return snapshot.name(id); };
    for (;;) {
        auto const more = snapshot.next(record);
        if (!more) return more.error();
        if (!*more) break;
        auto const listener = loaded.pipeline->listener(snapshot.name(record.listener));
        if (listener == routes::Pipeline::none) {
            ++result.elsewhere[std::string(snapshot.name(record.listener))];
        } else if (record.origin != 0) {
            ++result.reprocessed;  // it went only through the routes that a person chose
        } else {
            result.rehearsal.compare(
                flow::as_stored(record, name),
                door.take(listener, record.received, record.received_us, nullptr, nullptr));
        }
    }
    result.unreadable = snapshot.unreadable();
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return {};
}

std::string subject_of(Rehearsal::Cluster const& cluster) {
    return printable(cluster.subject + (cluster.path.empty() ? "" : ": " + cluster.path));
}

std::string as_text(Result const& result, bool values) {
    auto const& rehearsal = result.rehearsal;
    std::vector<std::vector<std::string>> routes{{"route", "", "sent", "filtered", "held", "rejected"}};
    for (auto const& [name, counts] : rehearsal.routes()) {
        for (bool const now : {false, true}) {
            std::vector<std::string> row{now ? "" : name, now ? "now" : "was"};
            for (auto const n : now ? counts.now : counts.was) row.push_back(std::to_string(n));
            routes.push_back(std::move(row));
        }
    }
    std::string out = table(routes) + "\n";
    for (auto const& cluster : rehearsal.clusters()) {
        auto const title = field_name(cluster.path);
        out += std::to_string(cluster.messages) + (cluster.messages == 1 ? " message  " : " messages  ") +
               subject_of(cluster) + (title.empty() ? "" : " (" + std::string(title) + ")") + " " +
               cluster.kind + (cluster.reason.empty() ? "" : "; " + printable(cluster.reason)) +
               "; the first is " + std::to_string(cluster.example) + "\n";
        if (values && !(cluster.before.empty() && cluster.after.empty()))
            out += "    " + printable(cluster.before) + " -> " + printable(cluster.after) + "\n";
    }
    if (rehearsal.unclustered() != 0)
        out += std::to_string(rehearsal.unclustered()) + " further differences of other kinds\n";
    for (auto const& [listener, count] : result.elsewhere)
        out += std::to_string(count) + " messages of " + printable(listener) +
               " were left out: the candidate has no such listener\n";
    if (result.reprocessed != 0)
        out += std::to_string(result.reprocessed) + " reprocessed messages were left out\n";
    if (result.unreadable != 0)
        out += std::to_string(result.unreadable) + " places of the journal can't be read\n";
    out += std::to_string(rehearsal.messages()) + " messages, " + std::to_string(rehearsal.alike()) +
           " as before, " + std::to_string(rehearsal.messages() - rehearsal.alike()) + " otherwise";
    if (result.seconds > 0)
        out += "; " +
               std::to_string(
                   static_cast<std::uint64_t>(static_cast<double>(rehearsal.messages()) / result.seconds)) +
               " a second";
    return out + "\n";
}

std::string as_json(Result const& result, bool values) {
    auto const& rehearsal = result.rehearsal;
    ops::json::Writer w;
    w.object([&] {
        w.field("messages", rehearsal.messages());
        w.field("alike", rehearsal.alike());
        w.field("seconds", result.seconds);
        w.key("routes");
        w.object([&] {
            for (auto const& [name, counts] : rehearsal.routes()) {
                w.key(name);
                w.object([&, c = &counts] {
                    for (bool const now : {false, true}) {
                        w.key(now ? "now" : "was");
                        w.object([&] {
                            for (std::size_t i = 0; i < std::size(outcome_names); ++i)
                                w.field(outcome_names[i], (now ? c->now : c->was)[i]);
                        });
                    }
                });
            }
        });
        w.key("clusters");
        w.array([&] {
            for (auto const& cluster : rehearsal.clusters()) {
                w.object([&] {
                    w.field("messages", cluster.messages);
                    w.field("subject", cluster.subject);
                    w.field_if("path", cluster.path);
                    w.field_if("name", field_name(cluster.path));
                    w.field("kind", cluster.kind);
                    w.field_if("reason", cluster.reason);
                    w.field("example", cluster.example);
                    if (!values) return;
                    w.field("before", cluster.before);
                    w.field("after", cluster.after);
                });
            }
        });
        w.field("unclustered", rehearsal.unclustered());
        w.field("reprocessed", result.reprocessed);
        w.field("unreadable", result.unreadable);
        w.key("left_out");
        w.object([&] {
            for (auto const& [listener, count] : result.elsewhere) w.field(listener, count);
        });
    });
    return w.text() + "\n";
}

std::optional<flow::Loaded> load(std::string const& path) {
    config::Diagnostics diagnostics;
    auto loaded = flow::load_configuration(path, diagnostics);
    if (!loaded)
        for (auto const& d : diagnostics.sorted()) complain(printable(d.text()));
    return loaded;
}

int rehearse(Options const& options) {
    auto const loaded = load(options.candidate);
    if (!loaded) return used_wrongly;
    std::string dir = options.store.empty() ? loaded->config.store.dir : options.store;
    if (!options.running.empty()) {
        auto const running = load(options.running);
        if (!running) return used_wrongly;
        dir = running->config.store.dir;
    }
    std::int64_t since_us = 0;
    if (!options.last.empty()) {
        auto const ms = parse_duration_ms(options.last);
        if (!ms) {
            complain("--last: " + config::in_quotes(options.last) +
                     " is no duration; write it like 30d or 12h");
            return used_wrongly;
        }
        since_us = now_us() - *ms * 1000;
    }
    auto snapshot = store::Snapshot::open(dir, store::posix_file_system(), since_us);
    if (!snapshot) {
        complain(printable(snapshot.error().text()));
        return used_wrongly;
    }
    Result result(*loaded->pipeline);
    if (auto const done = go_through(**snapshot, *loaded, result); !done) {
        complain(printable(done.error().text()));
        return used_wrongly;
    }
    answer(options.json ? as_json(result, options.values) : as_text(result, options.values));
    return result.rehearsal.alike() == result.rehearsal.messages() ? good : answer_is_no;
}

}  // namespace

void add_rehearse(App& app, int& exit_code) {
    auto* const command = app.add_subcommand(
        "rehearse", "A changed configuration over stored messages: what would be otherwise");
    auto const options = std::make_shared<Options>();
    command->add_option("NEW", options->candidate, "the candidate: a YAML file or a folder of them")
        ->required();
    auto* const store = command->add_option("--store", options->store,
                                            "the store's folder; without it that of the candidate");
    command->add_option("--config", options->running, "the running configuration, for its store")
        ->excludes(store);
    command->add_option("--last", options->last, "only messages of the last 30d, 12h ...; without it all");
    command->add_flag("--show-values", options->values, "what an example has before and after");
    command->add_flag("--json", options->json, "as one JSON object");
    command->footer(
        "Reads the journal, also while the engine runs; nothing is sent, stored or changed. Differences are\n"
        "gathered by destination, field and kind, each with the number of its first message (messages "
        "show).\n"
        "Exit code: 0 everything as before, 1 something is otherwise, 2 the candidate or the store can't be\n"
        "used.\n\n"
        "Example:\n"
        "  hilum rehearse new.yaml --config hilum.yaml --last 30d");
    command->callback([options, &exit_code] { exit_code = rehearse(*options); });
}

}  // namespace hilum::cli
