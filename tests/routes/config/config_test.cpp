// Values, suggestions, the loader's results, folders of files and the JSON Schema.
#include <doctest/doctest.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/schema.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/routes/config/catalogue.h"

namespace fs = std::filesystem;
using namespace hilum::config;

namespace {

Node scalar(std::string text) {
    Node node;
    node.kind = Node::Kind::scalar;
    node.scalar = std::move(text);
    return node;
}

template <class T>
bool decodes(std::string text, T const& expected) {
    T value{};
    Diagnostics diagnostics;
    return decode_value(scalar(std::move(text)), value, diagnostics) && value == expected &&
           !diagnostics.failed();
}
template <class T>
bool refuses(std::string text) {
    T value{};
    Diagnostics diagnostics;
    return !decode_value(scalar(std::move(text)), value, diagnostics) && diagnostics.errors() == 1;
}

class Folder {
  public:
    Folder() : path_((fs::temp_directory_path() / "hilum-XXXXXX").string()) {
        REQUIRE(mkdtemp(path_.data()));
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    std::string operator/(std::string const& name) const { return path_ + '/' + name; }
    std::string const& path() const { return path_; }
    void write(std::string const& name, std::string const& text) const {
        fs::create_directories(fs::path(*this / name).parent_path());
        std::ofstream(*this / name, std::ios::binary) << text;
    }

  private:
    std::string path_;
};

// Findings of load(), with the folder's name taken out.
std::string findings(std::string const& path, Folder const& folder, Config* out = nullptr) {
    Diagnostics diagnostics;
    Config config = load(path, test::catalogue(), test::FakeEnvironment(), diagnostics);
    if (out) *out = std::move(config);
    std::string text = diagnostics.text();
    for (std::size_t at; (at = text.find(folder.path())) != std::string::npos;)
        text.replace(at, folder.path().size(), "DIR");
    return text;
}

std::string contents(fs::path const& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

constexpr char const* in_yaml = "listeners:\n  adt_in: { mllp: { listen: \"127.0.0.1:2575\" } }\n";
constexpr char const* out_yaml = "destinations:\n  lab: { mllp: { connect: \"lab.example:2575\" } }\n";
constexpr char const* routes_yaml = "routes:\n  - { name: adt-to-lab, from: adt_in, to: lab }\n";

}  // namespace

TEST_CASE("values with units") {
    using std::chrono::hours;
    CHECK(decodes("0ms", Duration(0)));
    CHECK(decodes("500ms", Duration(500)));
    CHECK(decodes("30s", Duration(30'000)));
    CHECK(decodes("5m", Duration(300'000)));
    CHECK(decodes("2h", Duration(hours(2))));
    CHECK(decodes("30d", Duration(hours(720))));
    for (char const* bad : {"", "s", "30", "30 s", "30S", "1.5h", "-1s", "+1s", "0x10s", "30sec", "1h30m",
                            "18446744073709551615d", "36601d"}) {
        CHECK_MESSAGE(refuses<Duration>(bad), bad);
    }
    CHECK(decodes("36600d", Duration(hours(36600 * 24))));
    CHECK(decodes("512", Bytes{512}));
    CHECK(decodes("512B", Bytes{512}));
    CHECK(decodes("16KiB", Bytes{16'384}));
    CHECK(decodes("16MiB", Bytes{16u << 20}));
    CHECK(decodes("2GiB", Bytes{2ull << 30}));
    CHECK(decodes("10kB", Bytes{10'000}));
    CHECK(decodes("10MB", Bytes{10'000'000}));
    CHECK(decodes("1GB", Bytes{1'000'000'000}));
    for (char const* bad :
         {"", "MiB", "16 MiB", "16mib", "16M", "-1", "1.5MiB", "18446744073709551616", "9999999999999GiB"}) {
        CHECK_MESSAGE(refuses<Bytes>(bad), bad);
    }
}

TEST_CASE("numbers, bytes, flags") {
    CHECK(decodes("65535", std::uint16_t{65535}));
    CHECK(decodes("4294967295", std::uint32_t{4294967295}));
    CHECK(decodes("18446744073709551615", std::uint64_t{18446744073709551615u}));
    for (char const* bad : {"", "65536", "-1", "1.0", "1e3", " 1", "1 ", "0x10", "1_000"})
        CHECK_MESSAGE(refuses<std::uint16_t>(bad), bad);
    CHECK(refuses<std::uint32_t>("4294967296"));
    CHECK(refuses<std::uint64_t>("18446744073709551616"));
    using Byte = unsigned char;
    CHECK(decodes("11", Byte{11}));
    CHECK(decodes("0x0b", Byte{11}));
    CHECK(decodes("0XFF", Byte{255}));
    for (char const* bad : {"", "256", "0x", "0x100", "b", "-1"}) CHECK_MESSAGE(refuses<Byte>(bad), bad);
    CHECK(decodes("true", true));
    CHECK(decodes("false", false));
    for (char const* bad : {"", "yes", "True", "1"}) CHECK_MESSAGE(refuses<bool>(bad), bad);
    CHECK(decodes("0.5", 0.5));
    CHECK(decodes("-2e3", -2000.0));
    for (char const* bad : {"", "x", "1,5", "nan", "inf", "1e999", "1 "})
        CHECK_MESSAGE(refuses<double>(bad), bad);
}

TEST_CASE("endpoints are read and written") {
    struct Row {
        char const* text;
        Endpoint endpoint;
    };
    Row const rows[] = {
        {"0.0.0.0:2575", {"0.0.0.0", 2575}},
        {"lab.example:1", {"lab.example", 1}},
        {"[::]:2575", {"::", 2575}},
        {"[2001:db8::7]:65535", {"2001:db8::7", 65535}},
        {"[fe80::1%eth0]:2575", {"fe80::1%eth0", 2575}},
        {"a_b-c:0", {"a_b-c", 0}},
    };
    for (Row const& row : rows) {
        CAPTURE(row.text);
        CHECK(decodes(row.text, row.endpoint));
        CHECK(row.endpoint.text() == row.text);
    }
    for (char const* bad : {"", ":", "a:", ":1", "*:1", "a", "1", "a:65536", "a:-1", "a:1x", "::1:1", "[::1]",
                            "[::1:1", "[]:1", "[x]:1", "a b:1", "http://a:1", "a/b:1", "[::1]x:1"}) {
        CHECK_MESSAGE(refuses<Endpoint>(bad), bad);
    }
}

TEST_CASE("the nearest word, or none") {
    std::string_view const words[] = {"port", "listen", "idle", "max_frame", "on_error", "to"};
    struct Row {
        std::string_view word, near;
    };
    Row const rows[] = {
        {"prot", "port"},
        {"Port", "port"},
        {"prt", "port"},
        {"listne", "listen"},
        {"max-frame", "max_frame"},
        {"maxframe", "max_frame"},
        {"onerror", "on_error"},
        {"ot", "to"},
        {"idel", "idle"},
        {"x", ""},
        {"", ""},
        {"url", ""},
        {"timeout", ""},
        {"tls", ""},
    };
    for (Row const& row : rows) {
        CAPTURE(row.word);
        CHECK(nearest(row.word, words) == row.near);
    }
    CHECK(nearest(std::string(1000, 'x'), words).empty());
    CHECK(nearest("x", {}).empty());
    CHECK(suggest("prot", words, "keys") == "did you mean \"port\"?");
    CHECK(suggest("zzz", words, "keys") == "known keys: port, listen, idle, max_frame, on_error, to");
}

TEST_CASE("words in messages are short and printable") {
    CHECK(in_quotes("a\nb\x01") == "\"a\\nb\\x01\"");
    CHECK(in_quotes(std::string(100, 'x')) == '"' + std::string(60, 'x') + "...\"");
    CHECK(in_quotes(std::string(59, 'x') + "\xc3\xa4 and more") ==
          '"' + std::string(59, 'x') + "...\"");  // no half character
}

TEST_CASE("diagnostics come sorted, once each, and not without end") {
    auto const file = std::make_shared<std::string const>("b.yaml");
    Diagnostics diagnostics;
    diagnostics.error({file, 10, 1}, "third");
    diagnostics.warning({file, 2, 5}, "second", "do this");
    diagnostics.error({file, 2, 1}, "first");
    diagnostics.error({file, 2, 1}, "first");
    diagnostics.error({file, 0, 0}, "whole");
    CHECK(diagnostics.errors() == 3);
    CHECK(diagnostics.text() ==
          "b.yaml: error: whole\nb.yaml:2:1: error: first\nb.yaml:2:5: warning: second; do "
          "this\nb.yaml:10:1: error: third\n");
    for (std::uint32_t i = 0; i < 500; ++i) diagnostics.error({file, 20 + i, 1}, "more");
    CHECK(diagnostics.errors() == 503);
    CHECK(diagnostics.sorted().size() == 200);
    CHECK(diagnostics.text().ends_with("and 304 more\n"));
    CHECK(diagnostics.full());
    CHECK(Location{file, 3, 4}.shifted(5).text() == "b.yaml:3:9");
}

TEST_CASE("a configuration comes out as values") {
    fs::path const good = fs::path(HILUM_TEST_DATA) / "config/good";
    Diagnostics diagnostics;
    Config const config =
        load((good / "design.yaml").string(), test::catalogue(), test::FakeEnvironment(), diagnostics);
    CHECK(diagnostics.text().empty());
    REQUIRE(config.listeners.size() == 3);
    CHECK(config.listeners[0].name == "adt_in");
    CHECK(config.listeners[0].kind == "mllp");
    CHECK(config.listeners[0].where.line == 2);
    CHECK(config.listeners[0].options.find("listen")->scalar == "0.0.0.0:2575");
    REQUIRE(config.destinations.size() == 3);
    CHECK(config.destinations[0].common.find("retry")->find("give_up")->scalar == "never");
    CHECK(config.destinations[0].common.find("mllp") == nullptr);
    REQUIRE(config.routes.size() == 2);
    Route const& route = config.routes[0];
    CHECK(route.when.value == "MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04' | 'A08')");
    CHECK(route.when.where.column == 11);
    REQUIRE(route.steps.size() == 3);
    CHECK(route.steps[0].kind == "set");
    CHECK(route.steps[0].options.find("PID-5.1")->scalar == "=PID-5.1.upper()");
    CHECK(route.steps[2].options.scalar == "NK1[*]");
    REQUIRE(route.to.size() == 2);
    CHECK(route.to[1].name == "archive");
    CHECK(config.routes[1].on_error == OnError::reject);
    REQUIRE(config.tables.size() == 1);
    CHECK(config.tables[0].csv.value == (good / "tables/wards.csv").string());
    CHECK(config.store.retain.age == std::chrono::hours(720));
    CHECK(config.store.segment_size == Bytes{64u << 20});
    CHECK(config.admin.listen == Endpoint{"127.0.0.1", 8080});
    CHECK(config.hash.size() == 12);
    CHECK(config.hash.find_first_not_of("0123456789abcdef") == std::string::npos);
}

TEST_CASE("the hash follows the values, not their form") {
    auto const hash = [](std::string const& text) {
        Diagnostics diagnostics;
        test::FakeEnvironment environment;
        environment.variables = {{"LAB", "lab"}};
        return load_text(text, "x.yaml", ".", test::catalogue(), environment, diagnostics).hash;
    };
    std::string const base = std::string(in_yaml) + out_yaml + routes_yaml;
    std::string with_variable = base, changed = base;
    with_variable.replace(with_variable.rfind("lab"), 3, "\"${LAB}\"");
    changed.replace(changed.rfind("2575"), 4, "2576");
    CHECK(hash(base) == hash("# a comment\n" + base));
    CHECK(hash(base) == hash(with_variable));
    CHECK(hash(base) != hash(changed));
}

TEST_CASE("a folder is one configuration") {
    Folder const folder;
    folder.write("conf/b-routes.yml", routes_yaml);
    folder.write("conf/a-in.yaml", in_yaml);
    folder.write("conf/c-out.yaml",
                 std::string(out_yaml) + "tables:\n  wards: { csv: w.csv, key: a, value: b }\n");
    folder.write("conf/w.csv", "a,b\n");
    folder.write("conf/empty.yaml", "# later\n");
    folder.write("conf/notes.txt", "{ not yaml");
    Config config;
    CHECK(findings(folder / "conf", folder, &config) == "");
    CHECK(config.listeners.size() == 1);
    CHECK(config.routes.size() == 1);
    CHECK(config.source == folder / "conf");
    REQUIRE(config.tables.size() == 1);
    CHECK(config.tables[0].csv.value == folder / "conf/w.csv");

    folder.write("conf/d.yaml", std::string(in_yaml) + "store: { dir: ./a }\n");
    folder.write("conf/e.yaml", std::string(routes_yaml) + "store: { dir: ./b }\n");
    CHECK(findings(folder / "conf", folder) ==
          "DIR/conf/d.yaml:2:3: error: duplicate listener \"adt_in\"; the first is at "
          "DIR/conf/a-in.yaml:2:3; give one of the two another name\n"
          "DIR/conf/e.yaml:2:13: error: duplicate route \"adt-to-lab\"; the first is at "
          "DIR/conf/b-routes.yml:2:13; give one of the two another name\n"
          "DIR/conf/e.yaml:3:1: error: a second \"store\"; the first is at DIR/conf/d.yaml:3:1; keep one of "
          "the two\n");
}

TEST_CASE("files that can't be loaded") {
    Folder const folder;
    CHECK(findings(folder / "none.yaml", folder) ==
          "DIR/none.yaml: error: cannot read this file; check that it exists and may be read by this user\n");
    CHECK(
        findings(folder.path(), folder) ==
        "DIR: error: no *.yaml or *.yml file in this folder; name the configuration file or put one there\n");
    folder.write("large.yaml", std::string((16u << 20) + 1, '#'));
    CHECK(findings(folder / "large.yaml", folder) ==
          "DIR/large.yaml: error: the file is larger than 16 MiB; split it, or move tables into CSV files\n");
}

TEST_CASE("a very long chain and a very long circle of routes are walked without recursion") {
    std::string text = std::string(in_yaml) + out_yaml + "routes:\n  - { name: r0, from: adt_in, to: r1 }\n";
    constexpr int count = 30'000;
    for (int i = 1; i < count; ++i)
        text += "  - { name: r" + std::to_string(i) + ", to: r" + std::to_string(i + 1) + " }\n";
    for (bool const circle : {false, true}) {
        Diagnostics diagnostics;
        std::string const last =
            "  - { name: r" + std::to_string(count) + ", to: " + (circle ? "r0" : "lab") + " }\n";
        load_text(text + last, "x.yaml", ".", test::catalogue(), test::FakeEnvironment(), diagnostics);
        CHECK(diagnostics.failed() == circle);
        CHECK(diagnostics.text().size() < 400);
    }
}

namespace {

// As an editor sees the file: bare numbers and flags are no texts.
void to_json(Node const& node, rapidjson::Value& out, rapidjson::Document::AllocatorType& allocator) {
    switch (node.kind) {
        case Node::Kind::null:
            out.SetNull();
            return;
        case Node::Kind::scalar: {
            std::uint32_t number = 0;
            Diagnostics ignored;
            std::string const& text = node.written ? *node.written : node.scalar;
            if (!node.quoted && (node.scalar == "true" || node.scalar == "false")) {
                out.SetBool(node.scalar == "true");
            } else if (!node.quoted && decode_value(node, number, ignored)) {
                out.SetUint(number);
            } else {
                out.SetString(text.c_str(), static_cast<rapidjson::SizeType>(text.size()), allocator);
            }
            return;
        }
        case Node::Kind::sequence:
            out.SetArray();
            for (Node const& item : node.items) {
                rapidjson::Value value;
                to_json(item, value, allocator);
                out.PushBack(value, allocator);
            }
            return;
        case Node::Kind::mapping:
            out.SetObject();
            for (Entry const& entry : node.entries) {
                rapidjson::Value value;
                to_json(entry.value, value, allocator);
                out.AddMember(rapidjson::Value(entry.key.c_str(), allocator), value, allocator);
            }
    }
}

std::string step_schema(std::string_view kind) {
    if (kind == "stop") return R"({"type":"null"})";
    // RapidJSON can't follow a schema into itself, which that of a step inside a step does.
    if (kind == block_step) return R"({"type":"object","required":["when","then"]})";
    return "";
}

}  // namespace

TEST_CASE("the JSON Schema is well-formed, takes what is good and refuses what has another shape") {
    std::string const text = json_schema(test::catalogue(), step_schema);
    rapidjson::Document schema;
    schema.Parse(text.c_str());
    REQUIRE_MESSAGE(!schema.HasParseError(), rapidjson::GetParseError_En(schema.GetParseError())
                                                 << " at " << schema.GetErrorOffset());
    CHECK(std::string(schema["$schema"].GetString()) == "https://json-schema.org/draft/2020-12/schema");
    for (char const* key : {"listeners", "destinations", "routes", "tables", "store", "admin"}) {
        CAPTURE(key);
        REQUIRE(schema["properties"].HasMember(key));
        CHECK(schema["properties"][key].HasMember("description"));
    }
    auto const& one = schema["properties"]["listeners"]["additionalProperties"];
    // Only what extends nothing has to have everything itself.
    auto const& kinds = one["anyOf"][2]["oneOf"];
    CHECK(std::string(kinds[0]["properties"]["mllp"]["required"][0].GetString()) == "listen");
    CHECK(schema["properties"]["routes"]["items"]["properties"]["steps"]["items"]["anyOf"][0]["properties"]
              .HasMember("set"));

    // RapidJSON validates draft 4, whose keywords these are but for $defs, which is only a place.
    rapidjson::SchemaDocument const document(schema);
    auto const valid = [&](fs::path const& path) {
        Diagnostics diagnostics;
        test::FakeEnvironment const environment;
        rapidjson::Document tree;
        to_json(read_yaml(contents(path), "x.yaml", environment, diagnostics), tree, tree.GetAllocator());
        rapidjson::SchemaValidator validator(document);
        return tree.Accept(validator);
    };
    fs::path const data = fs::path(HILUM_TEST_DATA) / "config";
    for (auto const& entry : fs::directory_iterator(data / "good")) {
        if (entry.path().extension() == ".yaml")
            CHECK_MESSAGE(valid(entry.path()), entry.path().filename().string());
    }
    for (char const* name :
         {"unknown_top_key", "unknown_listener_option", "unknown_listener_kind", "two_kinds", "no_kind",
          "routes_as_mapping", "missing_listen", "missing_route_name", "durations", "sizes", "unknown_step",
          "step_with_two_keys", "on_error_word", "unknown_store_key", "table_keys_missing"}) {
        CHECK_MESSAGE(!valid(data / "broken" / (std::string(name) + ".yaml")), std::string(name));
    }
}

TEST_CASE("a member of a described struct that is itself described is an object in the schema") {
    rapidjson::Document schema;
    schema.Parse(SchemaWriter::of<test::Common>().c_str());
    REQUIRE_FALSE(schema.HasParseError());
    CHECK(schema["properties"]["retry"]["properties"].HasMember("give_up"));
    CHECK(schema["properties"]["retry"].HasMember("description"));
}
