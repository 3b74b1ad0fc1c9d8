#include <algorithm>
#include <filesystem>
#include <fstream>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/differences.h"
#include "engine/cli/output.h"
#include "engine/flow/dry_run.h"
#include "engine/ops/json.h"
#include "engine/ops/story_json.h"
#include "routes/testing/coverage.h"
#include "routes/testing/junit.h"
#include "routes/testing/runner.h"

namespace hilum::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::vector<std::string> paths;
    std::string only, junit, color = "auto";
    bool update = false, coverage = false, json = false;
};

constexpr std::size_t files_max = 10'000;

class DiskFiles final : public testing::Files {
  public:
    explicit DiskFiles(fs::path folder) : folder_(std::move(folder)) {}
    std::optional<std::string> read(std::string const& path) override {
        auto text = read_file((folder_ / path).string());
        if (!text) return std::nullopt;
        return std::move(*text);
    }
    bool write(std::string const& path, std::string_view text) override {
        auto const place = folder_ / path;
        std::error_code ec;
        fs::create_directories(place.parent_path(), ec);
        std::ofstream out(place, std::ios::binary);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        return static_cast<bool>(out.flush());
    }

  private:
    fs::path folder_;
};

// A configuration that test files name, with what its tests have exercised.
struct Tested {
    std::optional<flow::Loaded> loaded;
    std::unique_ptr<flow::DryRun> door;
    std::unique_ptr<testing::Coverage> coverage;
};

class Session {
  public:
    explicit Session(Options const& options) : options_(options), paint_(options.color) {}

    int run() {
        for (auto const& path : options_.paths) find(path);
        if (files_.empty() && !wrong_)
            complain("there is no *.test.yaml in " + printable(options_.paths.front()));
        if (files_.empty() || wrong_) return used_wrongly;
        for (auto const& file : files_) test(file);
        if (!results_.empty()) report();
        if (!options_.junit.empty()) {
            std::ofstream out(options_.junit, std::ios::binary);
            out << testing::junit(results_);
            if (!out.flush()) {
                complain(printable(options_.junit) + " can't be written");
                wrong_ = true;
            }
        }
        if (wrong_) return used_wrongly;
        return failed_ == 0 ? good : answer_is_no;
    }

  private:
    void find(std::string const& path) {
        std::error_code ec;
        if (!fs::is_directory(path, ec)) {
            files_.push_back(path);
            return;
        }
        std::vector<std::string> found;
        for (fs::recursive_directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
            auto const name = it->path().filename().string();
            if (name.ends_with(".test.yaml") || name.ends_with(".test.yml"))
                found.push_back(it->path().lexically_normal().string());
        }
        if (ec || found.size() > files_max) {
            complain(printable(path) + ": " + (ec ? ec.message() : "more than 10,000 test files"));
            wrong_ = true;
        }
        std::sort(found.begin(), found.end());
        files_.insert(files_.end(), found.begin(), found.end());
    }

    // The configuration, loaded once however many files name it; nullptr when it is wrong.
    Tested* configuration(std::string const& path, config::Diagnostics& diagnostics) {
        auto const [entry, is_new] = tested_.try_emplace(path);
        Tested& tested = entry->second;
        if (is_new) {
            tested.loaded = flow::load_configuration(path, diagnostics);
            if (tested.loaded) {
                tested.door = std::make_unique<flow::DryRun>(*tested.loaded);
                tested.coverage =
                    std::make_unique<testing::Coverage>(tested.loaded->config, *tested.loaded->pipeline);
            }
        }
        return tested.loaded ? &tested : nullptr;
    }

    void test(std::string const& path) {
        auto const text = read_file(path);
        if (!text) {
            complain(printable(text.error().text()));
            wrong_ = true;
            return;
        }
        config::Diagnostics diagnostics;
        auto const file = testing::read_test_file(*text, path, config::SystemEnvironment{}, diagnostics);
        auto const folder = fs::path(path).parent_path();
        Tested* tested = nullptr;
        if (!diagnostics.failed()) {
            auto const config = (folder / file.config.value).lexically_normal().string();
            tested = configuration(config, diagnostics);
            if (!tested && !diagnostics.failed())
                diagnostics.error(file.config.where, "the configuration is wrong", "hilum check " + config);
        }
        DiskFiles files(folder);
        if (tested) {
            testing::Subject const subject{tested->loaded->config, *tested->loaded->pipeline, *tested->door,
                                           files, tested->coverage.get()};
            config::Diagnostics mistakes;
            testing::check_names(file, subject, mistakes);
            if (!mistakes.failed()) {
                std::vector<std::string> updated;
                results_.push_back(
                    {path, testing::run(file, subject, {options_.update, options_.only}, updated)});
                for (auto const& golden : updated)
                    updated_.push_back((folder / golden).lexically_normal().string());
                return;
            }
            diagnostics = mistakes;
        }
        wrong_ = true;
        for (auto const& d : diagnostics.sorted()) complain(printable(d.text()));
    }

    void report() {
        for (auto const& file : results_) {
            for (auto const& one : file.cases) ++(one.passed() ? passed_ : failed_);
        }
        options_.json ? report_json() : report_text();
    }

    void report_text() {
        std::string out;
        for (auto const& file : results_) {
            for (auto const& one : file.cases) {
                if (one.passed()) continue;
                out += one.where.text() + ": " + paint_(Style::error, "failed") + ": " + printable(one.name) +
                       "\n";
                for (auto const& failure : one.failures)
                    out += "  " + failure.where.text() + ": " + printable(failure.what) + "\n" +
                           difference_lines(failure.differences, 4, paint_);
            }
        }
        for (auto const& golden : updated_) out += "wrote " + printable(golden) + "\n";
        if (options_.coverage) out += coverage_text();
        out += std::to_string(passed_) + " passed";
        if (failed_ != 0) out += ", " + std::to_string(failed_) + " failed";
        answer(out + "\n");
    }

    std::string coverage_text() const {
        std::string out;
        for (auto const& [path, tested] : tested_) {
            if (!tested.coverage) continue;
            out += "coverage of " + printable(path) + ":";
            for (auto const& count : tested.coverage->counts())
                out += (out.ends_with(':') ? " " : ", ") + std::string(count.what) + " " +
                       std::to_string(count.exercised) + "/" + std::to_string(count.all);
            out += '\n';
            for (auto const& gap : tested.coverage->gaps())
                out += "  " + gap.where.text() + ": " + printable(gap.what) + "\n";
        }
        return out;
    }

    void report_json() {
        ops::json::Writer w;
        w.object([&] {
            w.field("passed", passed_);
            w.field("failed", failed_);
            w.key("cases");
            w.array([&] {
                for (auto const& file : results_)
                    for (auto const& one : file.cases) write_case(w, file.file, one);
            });
            w.key("updated");
            w.array([&] {
                for (auto const& golden : updated_) w.value(golden);
            });
            if (options_.coverage) write_coverage(w);
        });
        answer(w.text() + "\n");
    }

    static void write_place(ops::json::Writer& w, config::Location const& where) {
        if (where.file) w.field("file", *where.file);
        w.field("line", where.line);
        w.field("column", where.column);
    }

    static void write_case(ops::json::Writer& w, std::string const& file, testing::CaseResult const& one) {
        w.object([&] {
            w.field("file", file);
            w.field("line", one.where.line);
            w.field("name", one.name);
            w.field("passed", one.passed());
            w.key("failures");
            w.array([&] {
                for (auto const& failure : one.failures) {
                    w.object([&] {
                        write_place(w, failure.where);
                        w.field("what", failure.what);
                        w.key("differences");
                        ops::write_differences(w, failure.differences, true);
                    });
                }
            });
        });
    }

    void write_coverage(ops::json::Writer& w) const {
        w.key("coverage");
        w.array([&] {
            for (auto const& [path, tested] : tested_) {
                if (!tested.coverage) continue;
                w.object([&, p = path, c = tested.coverage.get()] {
                    w.field("configuration", p);
                    for (auto const& count : c->counts()) {
                        w.key(count.what == "table rows" ? "table_rows" : count.what);
                        w.object([&] {
                            w.field("exercised", count.exercised);
                            w.field("all", count.all);
                        });
                    }
                    w.key("never");
                    w.array([&] {
                        for (auto const& gap : c->gaps()) {
                            w.object([&] {
                                write_place(w, gap.where);
                                w.field("what", gap.what);
                            });
                        }
                    });
                });
            }
        });
    }

    Options const& options_;
    Paint paint_;
    std::vector<std::string> files_;
    std::map<std::string, Tested> tested_;
    std::vector<testing::FileResult> results_;
    std::vector<std::string> updated_;
    std::size_t passed_ = 0, failed_ = 0;
    bool wrong_ = false;
};

}  // namespace

void add_test(App& app, int& exit_code) {
    auto* const command = app.add_subcommand("test", "Route tests: messages in, what has to come out");
    auto const options = std::make_shared<Options>();
    command->add_option("PATH", options->paths, "*.test.yaml files, or folders with such files in or below")
        ->required();
    command->add_flag("--update", options->update, "write golden files that are missing or no longer right");
    command->add_flag("--coverage", options->coverage, "say what no case has exercised");
    command->add_option("--only", options->only, "only cases whose name has this text");
    command->add_option("--junit", options->junit, "also write the results as JUnit XML to this file");
    command->add_flag("--json", options->json, "the results as one JSON object");
    command->add_option("--color", options->color, "always, never or auto (at a terminal)")
        ->one_of({"always", "never", "auto"});
    command->footer(
        "A test file names its configuration and cases (docs/testing.md). Nothing is sent or stored.\n"
        "Exit code: 0 every case passed, 1 one failed, 2 a test file or its configuration is wrong.\n\n"
        "Example:\n"
        "  hilum test routes/\n"
        "  hilum test --coverage routes/admissions.test.yaml");
    command->callback([options, &exit_code] { exit_code = Session(*options).run(); });
}

}  // namespace hilum::cli
