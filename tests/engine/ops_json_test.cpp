#include <doctest/doctest.h>

#include "engine/ops/api_json.h"
#include "engine/ops/json.h"
#include "parsers/time_text.h"

using namespace hilum::ops;
using hilum::parse_rfc3339;
using hilum::rfc3339;

TEST_CASE("writing") {
    json::Writer w;
    w.object([&] {
        w.field("text", "a\"b\\\n\x01");
        w.field("bad", "Z\xfc");
        w.field_if("left_out", "");
        w.field("empty", std::string_view());
        w.field("big", UINT64_MAX);
        w.field("small", INT64_MIN);
        w.field("yes", true);
        w.key("list");
        w.array([&] {
            w.value(1);
            w.null();
        });
    });
    CHECK(
        w.text() ==
        R"({"text":"a\"b\\\n\u0001","bad":"Z)"
        "\xef\xbf\xbd"
        R"(","empty":"","big":18446744073709551615,"small":-9223372036854775808,"yes":true,"list":[1,null]})");
}

TEST_CASE("reading what was written") {
    auto const value = json::parse(R"( {"a":[1,-2,2.5,true,null,"x\u0000y"],"b":{"c":"d"}} )");
    REQUIRE(value.has_value());
    CHECK((*value)["a"].items.size() == 6);
    CHECK((*value)["a"].items[0].natural == 1);
    CHECK((*value)["a"].items[1].integer == -2);
    CHECK((*value)["a"].items[2].real == 2.5);
    CHECK((*value)["a"].items[3].boolean);
    CHECK((*value)["a"].items[5].string == std::string("x\0y", 3));
    CHECK((*value)["b"].text("c") == "d");
    CHECK((*value)["nothing"]["at"].text("all") == "");
    CHECK(value->number("b") == 0);
}

TEST_CASE("what is no JSON is refused with its place") {
    struct Row {
        std::string text;
        char const* code;
    };
    Row const rows[] = {
        {"", "not_json"},
        {"{", "not_json"},
        {"{}x", "not_json"},
        {"{'a':1}", "not_json"},
        {"[1,]", "not_json"},
        {"\"\xff\"", "not_json"},
        {std::string("\0", 1), "not_json"},
        {R"("\ud800")", "not_json"},
        {R"({"a":1,"a":2})", "duplicate_key"},
        {std::string(100'000, '['), "json_too_deep"},
        {std::string(65, '[') + std::string(65, ']'), "json_too_deep"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text.substr(0, 30));
        auto const value = json::parse(row.text);
        REQUIRE(!value);
        CHECK(value.error().code == row.code);
        CHECK(value.error().place.starts_with("byte "));
    }
    CHECK(json::parse(std::string(64, '[') + std::string(64, ']')).has_value());
    std::string many = "{";
    for (int i = 0; i < 1001; ++i) many += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
    CHECK(json::parse(many + "}").error().code == "json_too_large");
}

TEST_CASE("every prefix and every changed byte of a document ends in a value or an error") {
    std::string const text = R"({"a":[1,-2,2.5e3,true,null,"x\u00e9"],"b":{"c":"d"}})";
    for (std::size_t i = 0; i < text.size(); ++i) {
        CHECK(!json::parse(text.substr(0, i)));
        for (int c = 0; c < 256; ++c) {
            std::string changed = text;
            changed[i] = static_cast<char>(c);
            (void)json::parse(changed);
        }
    }
}

TEST_CASE("times") {
    CHECK(rfc3339(0) == "1970-01-01T00:00:00.000000Z");
    CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
    CHECK(rfc3339(INT64_MAX) == "9999-12-31T23:59:59.999999Z");
    CHECK(rfc3339(INT64_MIN) == "0000-01-01T00:00:00.000000Z");
    struct Row {
        char const* text;
        std::optional<std::int64_t> us;
    };
    Row const rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T19:30:00.5-04:30", 500'000},
        {"1970-01-01t00:00:01.1234567z", 1'123'456},
        {"2024-02-29T12:00:00Z", 1'709'208'000'000'000},
        {"2016-12-31T23:59:60Z", 1'483'228'800'000'000},
        {"2023-02-29T12:00:00Z", {}},
        {"1970-13-01", {}},
        {"1970-01-01T00:00:00", {}},
        {"1970-01-01T24:00:00Z", {}},
        {"1970-01-01T00:00:00.Z", {}},
        {"1970-01-01T00:00:00Zx", {}},
        {"1970-01-01T00:00:00+25:00", {}},
        {"1970-1-1", {}},
        {"yesterday", {}},
        {"", {}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_rfc3339(row.text) == row.us);
    }
    for (std::int64_t us = -62'000'000'000'000'000; us < 250'000'000'000'000'000;
         us += 1'234'567'890'123'457) {
        CHECK(parse_rfc3339(rfc3339(us)) == us);
    }
}
