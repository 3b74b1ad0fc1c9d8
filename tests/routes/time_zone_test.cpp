// Time zones: TZif files (RFC 8536), the rule at their end, and the folder they come from. That every zone
// of the machine gives what Python reads in it is tests/e2e/test_time_zones.py's.
#include "routes/tables/time_zone.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "routes/steps/date_format.h"
#include "routes/tables/time_zones.h"

using namespace hilum;
using routes::PosixZone;
using routes::TimeZone;
using routes::TimeZones;

namespace {

std::string big_endian(std::int64_t value, int bytes) {
    std::string out;
    for (int i = bytes; i-- > 0;) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    return out;
}

struct Made {
    std::vector<std::int64_t> times;
    std::string types;                  // of the transitions
    std::vector<std::int32_t> offsets;  // of the types
    std::string rule;
    char version = '2';
    std::int64_t leaps = 0;

    // A first block without anything, as `zic -b slim` writes it, and the second.
    std::string bytes() const {
        auto const head = [&](std::int64_t leap, std::size_t time_count, std::size_t type_count) {
            return "TZif" + std::string(1, version) + std::string(15, '\0') + big_endian(0, 4) +
                   big_endian(0, 4) + big_endian(leap, 4) +
                   big_endian(static_cast<std::int64_t>(time_count), 4) +
                   big_endian(static_cast<std::int64_t>(type_count), 4) + big_endian(4, 4);
        };
        std::string out = head(0, 0, 1) + std::string(6, '\0') + "AAA" + std::string(1, '\0');
        out += head(leaps, times.size(), offsets.size());
        for (auto const time : times) out += big_endian(time, 8);
        out += types;
        for (auto const offset : offsets) out += big_endian(offset, 4) + std::string(2, '\0');
        out += "AAA" + std::string(1, '\0') + std::string(static_cast<std::size_t>(leaps) * 12, '\0');
        return out + "\n" + rule + "\n";
    }
};

std::int64_t seconds(std::string_view iso) {
    return routes::DateFormat::compile("iso")->read(iso)->local_seconds();
}

}  // namespace

TEST_CASE("the rule at the end of a zone") {
    struct Row {
        std::string_view rule;
        std::string_view utc;
        int offset;  // in minutes
    };
    constexpr Row rows[] = {
        {"EST5", "2026-07-01T00:00:00", -300},
        {"<+0330>-3:30", "2026-07-01T00:00:00", 210},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59", 60},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00", 120},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59", 120},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00", 60},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2025-12-31T23:59:59", 60},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2126-07-01T00:00:00", 120},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59", -300},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00", -240},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00", -300},
        // South of the equator summer has the turn of the year in it.
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00", 660},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00", 600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2025-12-31T23:00:00", 660},
        // Dublin's winter is its daylight saving, one hour back.
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00", 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00", 60},
        // Half an hour, at Lord Howe; beyond a day, in Greenland and Gaza.
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-01T00:00:00", 660},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00", -60},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59", -120},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00", 180},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59", 120},
        // Days of the year, without and with the 29th of February.
        {"AAA0BBB,J60/0,J61/0", "2024-03-01T00:00:00", 60},
        {"AAA0BBB,J60/0,J61/0", "2024-02-29T23:59:59", 0},
        {"AAA0BBB,J60/0,J61/0", "2026-03-01T00:00:00", 60},
        {"AAA0BBB,59/0,60/0", "2024-02-29T00:00:00", 60},
        {"AAA0BBB,59/0,60/0", "2026-03-01T00:00:00", 60},
        {"XXX3EDT4,0/0,J365/23", "2026-07-01T00:00:00", -240},  // summer all year
    };
    for (auto const& row : rows) {
        CAPTURE(row.rule);
        CAPTURE(row.utc);
        auto const zone = PosixZone::parse(row.rule);
        REQUIRE(zone.has_value());
        CHECK(zone->offset_at(seconds(row.utc)) == row.offset * 60);
    }
    for (char const* wrong :
         {"", "E5", "EST", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0",
          "EST5EDT,M3.2.7,M11.1.0", "EST25", "EST5EDT,J0,J1", "EST5EDT,366,1", "EST5EDT,M3.2.0/168,M11.1.0",
          "<+03-3", "EST5 ", "EST5:60", "EST5EDT,M3.2.0,M11.1.0x", "<+3>-3"}) {
        CAPTURE(wrong);
        CHECK(!PosixZone::parse(wrong));
    }
}

TEST_CASE("what a clock shows when it is changed") {
    auto const berlin = PosixZone::parse("CET-1CEST,M3.5.0,M10.5.0/3");
    struct Row {
        std::string_view local;
        int offset;
    };
    constexpr Row rows[] = {
        {"2026-03-29T01:59:59", 60},  {"2026-03-29T02:00:00", 60},   // left out: as before
        {"2026-03-29T02:59:59", 60},  {"2026-03-29T03:00:00", 120},  //
        {"2026-10-25T01:59:59", 120}, {"2026-10-25T02:00:00", 120},  // twice: the first
        {"2026-10-25T02:59:59", 120}, {"2026-10-25T03:00:00", 60},
    };
    for (auto const& row : rows) {
        CAPTURE(row.local);
        CHECK(berlin->offset_of_local(seconds(row.local)) == row.offset * 60);
    }
}

TEST_CASE("a zone's file: transitions, what is before them and after them") {
    Made made{{0, 1000, 5000}, std::string("\1\2\1", 3), {-100, 3600, 7200}, "AAA-1"};
    auto const zone = TimeZone::parse(made.bytes());
    REQUIRE(zone.has_value());
    CHECK(zone->offset_at(-1'000'000'000'000) == -100);
    CHECK(zone->offset_at(-1) == -100);
    CHECK(zone->offset_at(0) == 3600);
    CHECK(zone->offset_at(999) == 3600);
    CHECK(zone->offset_at(1000) == 7200);
    CHECK(zone->offset_at(5000) == 3600);
    CHECK(zone->offset_at(1'000'000'000'000'000) == 3600);
    CHECK(zone->offset_of_local(-101) == -100);
    CHECK(zone->offset_of_local(3599) == -100);  // left out
    CHECK(zone->offset_of_local(3600) == 3600);
    CHECK(zone->offset_of_local(8600) == 7200);
    CHECK(zone->offset_of_local(12199) == 7200);  // twice
    CHECK(zone->offset_of_local(12200) == 3600);
    made.times.clear();
    made.types.clear();
    CHECK(TimeZone::parse(made.bytes())->offset_at(0) == 3600);  // the rule alone
    made.rule.clear();
    CHECK(TimeZone::parse(made.bytes())->offset_at(0) == -100);  // the first type alone
}

TEST_CASE("files that are no zones") {
    Made const good{{0, 1000}, std::string("\1\0", 2), {0, 3600}, "AAA0"};
    REQUIRE(TimeZone::parse(good.bytes()).has_value());
    auto const bytes = good.bytes();
    // Cut anywhere, it is refused; any byte changed, it is read or refused.
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK(!TimeZone::parse(bytes.substr(0, n)).has_value());
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        for (char const c : {'\0', '\1', '\x7f', '\xff'}) {
            auto changed = bytes;
            changed[n] = c;
            if (auto const zone = TimeZone::parse(changed)) {
                (void)zone->offset_at(1'700'000'000);
                (void)zone->offset_of_local(1'700'000'000);
            }
        }
    }
    auto const code = [](Made const& made) {
        auto const zone = TimeZone::parse(made.bytes());
        return zone ? std::string("read") : zone.error().code;
    };
    Made made = good;
    made.version = '\0';
    CHECK(code(made) == "bad_zone");
    made = good;
    made.types = std::string("\1\5", 2);
    CHECK(code(made) == "bad_zone");
    made = good;
    made.times = {1000, 1000};
    CHECK(code(made) == "bad_zone");
    made = good;
    made.offsets = {0, 100'000};
    CHECK(code(made) == "bad_zone");
    made = good;
    made.rule = "nonsense";
    CHECK(code(made) == "bad_zone");
    made = good;
    made.times = {0, std::numeric_limits<std::int64_t>::max()};
    CHECK(code(made) == "bad_zone");
    made = good;
    made.leaps = 1;
    CHECK(code(made) == "bad_zone");
    made = good;
    made.offsets.clear();
    made.times.clear();
    made.types.clear();
    CHECK(code(made) == "bad_zone");
}

TEST_CASE("names of zones can't leave the folder") {
    for (char const* name : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT",
                             "America/Port-au-Prince"})
        CHECK(TimeZones::is_name(name));
    for (char const* name : {"", "/Europe/Berlin", "Europe/", "Europe//Berlin", "../passwd", "Europe/../UTC",
                             "Europe/.", ".", "..", "localtime", "posixrules", "right/UTC", "tzdata.zi",
                             "Europe/Ber lin", "Europe\\Berlin", "Europe/Berl\xc3\xadn", "E\nTC"})
        CHECK(!TimeZones::is_name(name));
    CHECK(!TimeZones::is_name(std::string("UTC\0x", 5)));
    CHECK(!TimeZones::is_name(std::string(65, 'A')));
}

TEST_CASE("zones are found in their folder, and what is none is said") {
    namespace fs = std::filesystem;
    std::string folder = (fs::temp_directory_path() / "hilum-zones-XXXXXX").string();
    REQUIRE(mkdtemp(folder.data()));
    fs::create_directories(folder + "/Europe");
    std::ofstream(folder + "/Europe/Berlin", std::ios::binary)
        << Made{{}, "", {3600}, "CET-1CEST,M3.5.0,M10.5.0/3"}.bytes();
    std::ofstream(folder + "/Broken", std::ios::binary) << "TZif";
    std::ofstream(folder + "/Large", std::ios::binary) << std::string((1U << 20U) + 1, 'x');
    TimeZones zones(folder);
    auto const said = [&](std::string_view name) {
        auto const zone = zones.find(name);
        return zone ? std::string("read") : zone.error().code + ": " + zone.error().next;
    };
    CHECK(said("Europe/Berlin") == "read");
    CHECK(zones.find("Europe/Berlin")->get() == zones.find("Europe/Berlin")->get());
    CHECK(said("Europe/Berln") == "no_zone: did you mean \"Europe/Berlin\"?");
    CHECK(said("europe/berlin") == "no_zone: did you mean \"Europe/Berlin\"?");
    CHECK(said("Europe") == "no_zone: name one of the tz database, such as Europe/Berlin");
    CHECK(said("../../etc/passwd") == "no_zone: name one of the tz database, such as Europe/Berlin");
    CHECK(said("Broken") == "bad_zone: install the package tzdata anew");
    CHECK(said("Large") == "bad_zone: install the package tzdata anew");
    fs::remove_all(folder);
    TimeZones nowhere(folder);
    CHECK(nowhere.find("Europe/Berlin").error().next.find("install the package tzdata") == 0);
}
