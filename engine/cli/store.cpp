#include "engine/store/store.h"

#include <filesystem>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/ops/json.h"
#include "engine/store/backup.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string dir;
    bool json = false;
};

int refuse(Error const& e) {
    complain(printable(e.text()));
    if (e.code == "store_locked")
        complain("the engine has this store open; stop it first, or ask it: hilum messages, hilum queues");
    return answer_is_no;
}

void write_list(ops::json::Writer& w, std::string_view name, std::vector<std::string> const& lines) {
    w.key(name);
    w.array([&] {
        for (auto const& line : lines) w.value(line);
    });
}

int verify(Options const& options) {
    auto const report = store::verify(options.dir, store::posix_file_system());
    if (!report) return refuse(report.error());
    bool const whole = report->damage.empty();
    if (options.json) {
        ops::json::Writer w;
        w.object([&] {
            w.field("ok", whole);
            w.field("clean", report->clean);
            w.field("torn_bytes", report->cut_bytes);
            write_list(w, "notes", report->notes);
            write_list(w, "damage", report->damage);
        });
        answer(w.text() + "\n");
        return whole ? good : answer_is_no;
    }
    std::string out;
    for (auto const& note : report->notes) out += printable(note) + "\n";
    for (auto const& damage : report->damage) out += "damaged: " + printable(damage) + "\n";
    if (whole) out += "ok: every record can be read\n";
    answer(out);
    return whole ? good : answer_is_no;
}

int reindex(Options const& options) {
    if (auto const done = store::reindex(options.dir, store::posix_file_system()); !done)
        return refuse(done.error());
    answer("the index is deleted; it is rebuilt from the journal at the next start\n");
    return good;
}

// Sizes from the outside: it takes no lock, so it may be asked of a store in use.
int stat(Options const& options) {
    namespace fs = std::filesystem;
    std::uint64_t segments = 0, journal_bytes = 0, index_bytes = 0;
    std::error_code ec;
    for (auto const& entry : fs::directory_iterator(fs::path(options.dir) / "journal", ec)) {
        std::error_code gone;  // retention may be at work
        auto const size = entry.file_size(gone);
        if (gone || entry.path().extension() != ".log") continue;
        ++segments;
        journal_bytes += size;
    }
    if (ec)
        return refuse(error("no_journal", options.dir, "there is no store here: " + ec.message(),
                            "name the folder of store: dir:"));
    for (char const* const name : {"index.sqlite", "index.sqlite-wal"}) {
        std::error_code missing;
        auto const size = fs::file_size(fs::path(options.dir) / name, missing);
        if (!missing) index_bytes += size;
    }
    auto const space = fs::space(options.dir, ec);
    std::uint64_t const free_bytes = ec ? 0 : space.available;
    if (options.json) {
        ops::json::Writer w;
        w.object([&] {
            w.field("segments", segments);
            w.field("journal_bytes", journal_bytes);
            w.field("index_bytes", index_bytes);
            w.field("free_bytes", free_bytes);
        });
        answer(w.text() + "\n");
    } else {
        answer(table({{"journal segments", std::to_string(segments)},
                      {"journal bytes", std::to_string(journal_bytes)},
                      {"index bytes", std::to_string(index_bytes)},
                      {"free bytes", std::to_string(free_bytes)}}));
    }
    return good;
}

void add_backup(App& parent, int& exit_code) {
    auto* const command =
        parent.add_subcommand("backup", "Copy the store into a new folder; also while the engine runs");
    struct Folders {
        std::string from, to;
        bool json = false;
    };
    auto const folders = std::make_shared<Folders>();
    command->add_option("DIR", folders->from, "the store's folder, as in `store: { dir: ./data }`")
        ->required();
    command->add_option("TO", folders->to, "the folder to make; one for each backup")->required();
    command->add_flag("--json", folders->json, "as JSON");
    command->footer(
        "What it makes is a store: to restore it, stop the engine and put it in place of the store's "
        "folder.\n"
        "Example:\n  hilum store backup ./data /backup/hilum-2026-07-14");
    command->callback([folders, &exit_code] {
        auto const report = store::back_up(folders->from, folders->to, store::posix_file_system());
        if (!report) {
            exit_code = refuse(report.error());
            return;
        }
        ops::json::Writer w;
        w.object([&] {
            w.field("segments", report->segments);
            w.field("bytes", report->bytes);
        });
        answer(folders->json ? w.text() + "\n"
                             : std::to_string(report->segments) + " segments, " +
                                   std::to_string(report->bytes) + " bytes\n");
        exit_code = good;
    });
}

void add(App& parent, char const* name, char const* summary, char const* footer, int (*run)(Options const&),
         int& exit_code) {
    auto* const command = parent.add_subcommand(name, summary);
    auto const options = std::make_shared<Options>();
    command->add_option("DIR", options->dir, "the store's folder, as in `store: { dir: ./data }`")
        ->required();
    command->add_flag("--json", options->json, "as JSON");
    command->footer(footer);
    command->callback([options, run, &exit_code] {
        std::error_code ec;
        if (!std::filesystem::is_directory(options->dir, ec)) {
            complain(printable(options->dir) + " is not a folder");
            exit_code = used_wrongly;
            return;
        }
        exit_code = run(*options);
    });
}

}  // namespace

void add_store(App& app, int& exit_code) {
    auto* const store = app.add_subcommand("store", "Look after a store's files");
    store->require_subcommand();
    store->footer(
        "Exit code: 0 good, 1 damaged, locked or missing, 2 used wrongly.\nExample:\n  hilum store verify "
        "./data");
    add(*store, "verify", "Read every record and report damage; changes nothing",
        "Example:\n  hilum store verify ./data", verify, exit_code);
    add(*store, "reindex", "Delete the search index; the next start rebuilds it from the journal",
        "Example:\n  hilum store reindex ./data", reindex, exit_code);
    add_backup(*store, exit_code);
    add(*store, "stat", "How much there is; also while the engine runs",
        "Example:\n  hilum store stat ./data", stat, exit_code);
}

}  // namespace hilum::cli
