#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "routes/tables/table.h"

using namespace hilum;
using routes::Table;

namespace {

config::Table described(std::string key = "local", std::string value = "standard") {
    auto const file = std::make_shared<std::string const>("hilum.yaml");
    return {"wards", {file, 5, 3}, {"wards.csv", {file, 5, 17}}, {std::move(key)}, std::move(value)};
}

}  // namespace

TEST_CASE("CSV as RFC 4180 has it") {
    struct Row {
        std::string_view csv;
        std::string_view key;
        std::string_view value;
    };
    constexpr Row rows[] = {
        {"local,standard\nW1,IC\nW2,ER\n", "W2", "ER"},
        {"local,standard\r\nW1,IC\r\n", "W1", "IC"},
        {"local,standard\rW1,IC\r", "W1", "IC"},
        {"local,standard\nW1,IC", "W1", "IC"},
        {"\xef\xbb\xbflocal,standard\nW1,IC\n", "W1", "IC"},
        {"standard,other,local\nIC,x,W1\n", "W1", "IC"},
        {"\"local\",\"standard\"\n\"W,1\",\"the \"\"IC\"\"\"\n", "W,1", "the \"IC\""},
        {"local,standard\n\"W\n1\",\"a\r\nb\"\nW2,x\n", "W\n1", "a\r\nb"},
        {"local,standard\nW1,\n", "W1", ""},
        {"local,standard\nW1,\"\"\n", "W1", ""},
        {"local,standard\n,none\n", "", "none"},
        {"local,standard\n\n\nW1,IC\n\n", "W1", "IC"},
        {"local,standard\n W1 , IC \n", " W1 ", " IC "},
        {"local,standard\na\"b,c\"d\n", "a\"b", "c\"d"},
        {"local,standard\n\"\"\"\",q\n", "\"", "q"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.csv);
        config::Diagnostics diagnostics;
        auto const table = Table::parse(row.csv, described(), diagnostics);
        CHECK(diagnostics.text() == "");
        REQUIRE(table);
        auto const found = table->find(row.key);
        REQUIRE(found.has_value());
        CHECK(*found == row.value);
        CHECK(!table->find("no such key").has_value());
    }
}

TEST_CASE("a table of the key column to itself") {
    config::Diagnostics diagnostics;
    auto const table = Table::parse("local,standard\nW1,IC\n", described("local", "local"), diagnostics);
    REQUIRE(table);
    CHECK(*table->find("W1") == "W1");
}

TEST_CASE("what is wrong with a table is said with its line") {
    struct Row {
        std::string_view csv;
        std::string_view found;
    };
    constexpr Row rows[] = {
        {"", "wards.csv:1:1: error: the table \"wards\" is empty"},
        {"lokal,standard\n",
         "hilum.yaml:5:3: error: table \"wards\": its key column \"local\" is not in wards.csv; did you mean "
         "\"lokal\"?"},
        {"local,std\n", "its value column \"standard\" is not in wards.csv"},
        {"local,standard,local\nW1,IC,W2\n", "wards.csv:1:1: error: two columns are called \"local\""},
        {"local,standard\nW1,IC\n\"a\nb\",x\nW1,ER\n",
         "wards.csv:5:1: error: the key stands already on line 2"},
        {"local,standard\nW1\n", "wards.csv:2:1: error: the row has 1 fields, the header line has 2"},
        {"local,standard\nW1,IC,x\n", "wards.csv:2:1: error: the row has 3 fields, the header line has 2"},
        {"local,standard\nW1,IC\nW2,\"open\n", "wards.csv:3:1: error: a quote is opened and never closed"},
        {"local,standard\n\"W1\"x,IC\n", "wards.csv:2:1: error: text follows the closing quote"},
        {"\"local,standard\n", "wards.csv:1:1: error: a quote is opened and never closed"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.csv);
        config::Diagnostics diagnostics;
        CHECK(!Table::parse(row.csv, described(), diagnostics));
        CAPTURE(diagnostics.text());
        CHECK(diagnostics.text().find(row.found) != std::string::npos);
    }
}

TEST_CASE("a wrong file gives a handful of findings, not one for every row") {
    std::string csv = "local,standard\n";
    for (int i = 0; i < 1000; ++i) csv += "same,x\n";
    config::Diagnostics diagnostics;
    CHECK(!Table::parse(csv, described(), diagnostics));
    CHECK(diagnostics.errors() == 21);
}

TEST_CASE("keys are not repeated in findings, for they may be patients' numbers") {
    config::Diagnostics diagnostics;
    CHECK(!Table::parse("local,standard\nSECRET,1\nSECRET,2\n", described(), diagnostics));
    CHECK(diagnostics.text().find("SECRET") == std::string::npos);
}

TEST_CASE("a hundred thousand rows") {
    std::string csv = "local,standard\n";
    for (int i = 0; i < 100000; ++i) csv += "key" + std::to_string(i) + ",value" + std::to_string(i) + "\n";
    config::Diagnostics diagnostics;
    auto const table = Table::parse(csv, described(), diagnostics);
    REQUIRE(table);
    CHECK(table->size() == 100000);
    CHECK(*table->find("key99999") == "value99999");
}

TEST_CASE("a million rows") {
    std::string csv = "local,standard\n";
    for (int i = 0; i < 1'000'000; ++i)
        csv += "key" + std::to_string(i) + ",value" + std::to_string(i) + "\n";
    config::Diagnostics diagnostics;
    auto const table = Table::parse(csv, described(), diagnostics);
    REQUIRE(table);
    CHECK(table->size() == 1'000'000);
    CHECK(*table->find("key999999") == "value999999");
    CHECK(!table->find("key1000000"));
    csv += "key77,again\n";
    CHECK(!Table::parse(csv, described(), diagnostics));
    CHECK(diagnostics.text().find("wards.csv:1000002:1: error: the key stands already on line 79") !=
          std::string::npos);
}

TEST_CASE("several key columns") {
    auto described_by_two = described();
    described_by_two.key = {"site", "local"};
    config::Diagnostics diagnostics;
    auto const table =
        Table::parse("local,site,standard\n1,1A,x\nA1,1,y\n1,1,z\n", described_by_two, diagnostics);
    REQUIRE(table);
    auto const find = [&](std::string_view site, std::string_view local) {
        std::vector<std::string_view> const keys{site, local};
        return table->find(Table::join(keys)).value_or("none");
    };
    CHECK(find("1A", "1") == "x");
    CHECK(find("1", "A1") == "y");
    CHECK(find("1", "1") == "z");
    CHECK(find("1", "2") == "none");
    CHECK(!Table::parse("local,site,standard\n1,1,x\n1,1,y\n", described_by_two, diagnostics));
}

TEST_CASE("rows that hold from one day to another") {
    auto dated = described();
    dated.from = "from";
    dated.to = "to";
    config::Diagnostics diagnostics;
    auto const table =
        Table::parse("local,standard,from,to\nW1,OLD,,2025-12-31\nW1,NEW,20260101,\n", dated, diagnostics);
    CHECK(diagnostics.text() == "");
    REQUIRE(table);
    CHECK(table->find("W1", 20251231) == "OLD");
    CHECK(table->find("W1", 20260101) == "NEW");
    struct Wrong {
        std::string_view rows;
        std::string_view found;
    };
    constexpr Wrong wrong[] = {
        {"W1,OLD,,2026-01-01\nW1,NEW,2026-01-01,\n",
         "wards.csv:3:1: error: the key stands already on line 2; let one of the two end"},
        {"W1,OLD,2026-02-30,\n", "wards.csv:2:1: error: a date of the row is none"},
        {"W1,OLD,2026-02-02,2026-02-01\n", "wards.csv:2:1: error: the row ends before it begins"},
    };
    for (auto const& row : wrong) {
        config::Diagnostics found;
        CHECK(!Table::parse("local,standard,from,to\n" + std::string(row.rows), dated, found));
        CAPTURE(found.text());
        CHECK(found.text().find(row.found) != std::string::npos);
    }
    CHECK(Table::day_at(1767225599999999) == 20251231);
    CHECK(Table::day_at(1767225600000000) == 20260101);
}

TEST_CASE("files") {
    auto const dir = std::filesystem::temp_directory_path() /
                     ("hilum-table-" + std::to_string(std::hash<std::string>{}(__TIME__)));
    std::filesystem::create_directories(dir);
    auto const path = (dir / "wards.csv").string();
    auto table = described();
    table.csv.value = path;
    config::Diagnostics missing;
    CHECK(!Table::load(table, missing));
    CHECK(missing.text().empty());  // loading the configuration says so, once
    std::ofstream(path) << "local,standard\nW1,IC\n";
    config::Diagnostics diagnostics;
    auto const loaded = Table::load(table, diagnostics);
    REQUIRE(loaded);
    CHECK(*loaded->find("W1") == "IC");
    table.csv.value = dir.string();
    config::Diagnostics folder;
    CHECK(!Table::load(table, folder));
    CHECK(folder.errors() == 1);
    std::filesystem::remove_all(dir);
}
