// Replay jobs in their files, and the table of them.
#include <doctest/doctest.h>

#include "engine/replay/job.h"
#include "engine/replay/table.h"
#include "engine/store/numbered_files.h"
#include "support/memory_file_system.h"

using namespace hilum;
using hilum::testing::MemoryFileSystem;
using replay::Job;
using replay::Table;

namespace {

std::shared_ptr<MemoryFileSystem> disk_with_folder() {
    auto disk = std::make_shared<MemoryFileSystem>();
    REQUIRE(disk->make_dirs("data").has_value());
    return disk;
}

store::NumberedFiles files(std::shared_ptr<MemoryFileSystem> disk) {
    return {std::move(disk), "data", "replays"};
}

Job job(std::string state) {
    Job job;
    auto& v = job.view;
    v.request = {.mode = ops::ReplayMode::held,
                 .from_us = -5,
                 .to_us = 1'700'000'000'000'000,
                 .listener = "in",
                 .route = "r",
                 .destination = "lab",
                 .code = "AE",
                 .cause = "step 1 (lookup): no entry",
                 .where = "PID-5.1 = '\"é\n'",
                 .to_destination = "lab2",
                 .by = "cli:ada",
                 .rate = 50};
    v.state = std::move(state);
    v.why = "why";
    v.asked_us = 1;
    v.started_us = 2;
    v.ended_us = 3;
    v.preview.messages = 9;
    v.messages = 4;
    v.deliveries = 5;
    v.last_message = 77;
    job.made = {78, 2, 9};
    job.last = 100;
    job.planned_at = store::Position::at(3, 4000);
    job.counted_to = store::Position::at(3, 5000);
    return job;
}

// "1 queued, 2 done"
std::string states(Table const& table) {
    std::string out;
    for (auto const& j : table.all())
        out += (out.empty() ? "" : ", ") + std::to_string(j.view.job) + " " + j.view.state;
    return out;
}

}  // namespace

TEST_CASE("a replay job comes back from its file as it was") {
    auto const was = job("done");
    auto const text = replay::encode(was);
    auto const is = replay::decode(7, text);
    REQUIRE(is.has_value());
    CHECK(is->view.job == 7);
    CHECK(replay::encode(*is) == text);
    CHECK(is->view.request.from_us == -5);
    CHECK(is->view.request.where == was.view.request.where);
    CHECK(is->view.request.cause == was.view.request.cause);
    CHECK(is->counted_to == was.counted_to);
    CHECK(is->made.ordinal == 2);
    CHECK(is->made.destination == 9);
    CHECK(replay::signature(*is) == "replayed by job 7, asked by cli:ada");
    CHECK(replay::signature(*is).starts_with(replay::signature_begin(7)));
    CHECK_FALSE(replay::signature(*is).starts_with(replay::signature_begin(70)));
    for (std::string const bad : {"", "{", "[]", "{}", R"({"mode":"other","state":"done"})"})
        CHECK(replay::decode(1, bad).error().code == "bad_job_file");
}

TEST_CASE("jobs that were started outlive the process, plans don't, and a number is given once") {
    auto const disk = disk_with_folder();
    {
        Table table(files(disk));
        REQUIRE(table.load().has_value());
        CHECK(table.add(job("previewed")).value() == 1);
        CHECK(table.add(job("previewed")).value() == 2);
        CHECK(table.add(job("done")).value() == 3);
        table.update(2, [](Job& j) { j.view.state = "running"; });
        REQUIRE(table.save(2).has_value());
        REQUIRE(table.save(3).has_value());
        CHECK(table.save(9).error().code == "no_such_job");
    }
    Table table(files(disk->after_power_cut(1)));
    REQUIRE(table.load().has_value());
    CHECK(states(table) == "2 queued, 3 done");
    CHECK(table.next().value() == 2);
    CHECK(table.add(job("previewing")).value() == 4);
}

TEST_CASE("plans and ended jobs make room") {
    auto const disk = disk_with_folder();
    Table table(files(disk));
    REQUIRE(table.load().has_value());
    for (std::size_t i = 0; i < Table::plans_max; ++i) REQUIRE(table.add(job("previewing")).has_value());
    CHECK(table.add(job("previewing")).error().code == "not_now");
    table.update(3, [](Job& j) { j.view.state = "previewed"; });
    CHECK(table.add(job("previewing")).has_value());
    CHECK_FALSE(table.get(3).has_value());
    for (auto const& j : table.all()) table.forget(j.view.job);
    for (std::size_t i = 0; i < Table::kept_max + 5; ++i)
        REQUIRE(table.save(table.add(job("done")).value()).has_value());
    CHECK(table.all().size() == Table::kept_max + 1);
    Table after(files(disk));
    REQUIRE(after.load().has_value());
    CHECK(states(after) == states(table));
}

TEST_CASE("a job file that is damaged stops the start; one that was half written is removed") {
    auto const disk = disk_with_folder();
    auto all = files(disk);
    REQUIRE(all.load().has_value());
    REQUIRE(all.write(5, "no job").has_value());
    auto const aside = disk->open("data/replays/00000006.new", store::FileSystem::Open::create_or_write);
    REQUIRE(aside.has_value());
    Table table(files(disk));
    CHECK(table.load().error().code == "bad_job_file");
    REQUIRE(all.remove(5).has_value());
    CHECK(table.load().has_value());
    CHECK(all.load().value().empty());
    CHECK(disk->list("data/replays").value().empty());
}
