#include <doctest/doctest.h>

#include <string>

#include "engine/store/paused.h"
#include "support/memory_file_system.h"

using hilum::store::Pause;
using hilum::store::PausedQueues;
using hilum::testing::MemoryFileSystem;

namespace {

// "lab ris" of what is found there, or the error.
std::string found(std::shared_ptr<MemoryFileSystem> disk) {
    PausedQueues paused(disk, "data");
    if (auto const loaded = paused.load(); !loaded) return loaded.error().code;
    std::string out;
    for (auto const* name : {"ehr", "lab", "ris"})
        if (paused.find(name).has_value()) out += (out.empty() ? "" : " ") + std::string(name);
    return out;
}

std::shared_ptr<MemoryFileSystem> disk_with_folder() {
    auto disk = std::make_shared<MemoryFileSystem>();
    REQUIRE(disk->make_dirs("data").has_value());
    return disk;
}

}  // namespace

TEST_CASE("paused queues are found again, and resumed ones are not") {
    auto const disk = disk_with_folder();
    CHECK(found(disk) == "");
    PausedQueues paused(disk, "data");
    REQUIRE(paused.load().has_value());
    CHECK(paused.set("lab", Pause{}).has_value());
    CHECK(paused.set("ris", Pause{}).has_value());
    CHECK(found(disk->after_power_cut(1)) == "lab ris");
    CHECK(paused.set("lab", std::nullopt).has_value());
    CHECK(found(disk->after_power_cut(2)) == "ris");
    CHECK(paused.set("ris", std::nullopt).has_value());
    CHECK(found(disk->after_power_cut(3)) == "");
}

TEST_CASE("a power cut at any step leaves the old pauses or the new ones") {
    for (std::uint64_t step = 1; step < 12; ++step) {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            CAPTURE(step);
            CAPTURE(seed);
            auto const disk = disk_with_folder();
            PausedQueues paused(disk, "data");
            REQUIRE(paused.set("lab", Pause{}).has_value());
            disk->cut_power_at(disk->counts().steps + step);
            bool const said = paused.set("ehr", Pause{}).has_value();
            auto const after = found(disk->after_power_cut(seed));
            CHECK((after == "lab" || after == "ehr lab"));
            if (said) CHECK(after == "ehr lab");
        }
    }
}

TEST_CASE("what can't be written is paused until the restart, and said") {
    auto const disk = disk_with_folder();
    PausedQueues paused(disk, "data");
    disk->fail_step(disk->counts().steps + 1);
    CHECK_FALSE(paused.set("lab", Pause{}).has_value());
    CHECK(paused.find("lab").has_value());
    CHECK(found(disk) == "");
    // The next change writes all of it.
    CHECK(paused.set("ris", Pause{}).has_value());
    CHECK(found(disk) == "lab ris");
}

TEST_CASE("a pause has its reason and its end, and one of before has neither") {
    auto const disk = disk_with_folder();
    PausedQueues paused(disk, "data");
    REQUIRE(paused.set("lab", Pause{1'767'225'600'000'000, "their update\tat\nnight"}).has_value());
    PausedQueues again(disk, "data");
    REQUIRE(again.load().has_value());
    CHECK(again.find("lab").value().until_us == 1'767'225'600'000'000);
    CHECK(again.find("lab").value().reason == "their update at night");
    disk->put("data/paused", "ris\nehr\n");
    PausedQueues old(disk, "data");
    REQUIRE(old.load().has_value());
    CHECK(old.find("ris").value().until_us == 0);
    CHECK(old.find("ehr").value().reason.empty());
}
