// YAML to nodes: places, ${...}, anchors, and bounds.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/routes/config/catalogue.h"

using namespace hilum::config;

namespace {

Node read(std::string_view text, Diagnostics& diagnostics,
          Environment const& environment = test::FakeEnvironment()) {
    return read_yaml(text, "x.yaml", environment, diagnostics);
}

// The value under "k", which must be there.
Node value_of(std::string_view text) {
    Diagnostics diagnostics;
    Node const root = read(text, diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE_FALSE(diagnostics.failed());
    Node const* found = root.find("k");
    REQUIRE(found);
    return *found;
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

}  // namespace

TEST_CASE("a scalar's place is that of its first character") {
    struct Row {
        std::string_view name, yaml, value, place;
    };
    Row const rows[] = {
        {"plain", "k: abc", "abc", "x.yaml:1:4"},
        {"double quotes", "k: \"abc\"", "abc", "x.yaml:1:5"},
        {"single quotes", "k: 'a''c'", "a'c", "x.yaml:1:5"},
        {"second line", "j: 1\nk: abc", "abc", "x.yaml:2:4"},
        {"on the next line", "k:\n  abc", "abc", "x.yaml:2:3"},
        {"CRLF", "j: 1\r\nk: abc\r\n", "abc", "x.yaml:2:4"},
        {"after a byte order mark", "\xef\xbb\xbfk: abc", "abc", "x.yaml:1:4"},
        {"columns are characters", "{ j: \"\xc3\xa4\xc3\xb6\xe2\x82\xac\", k: abc }", "abc", "x.yaml:1:16"},
        {"flow", "{ j: [1, 2], k: abc }", "abc", "x.yaml:1:17"},
        {"literal block", "k: |\n  abc\n  d\n", "abc\nd\n", "x.yaml:2:3"},
        {"folded block", "k: >-\n    abc\n    d\n", "abc d", "x.yaml:2:5"},
        {"anchor", "k: &a abc", "abc", "x.yaml:1:7"},
        {"anchor and quotes", "k: &a \"abc\"", "abc", "x.yaml:1:8"},
        {"tag", "k: !!str 12", "12", "x.yaml:1:10"},
        {"alias keeps the place of what it names", "j: &a abc\nk: *a", "abc", "x.yaml:1:7"},
    };
    for (Row const& row : rows) {
        CAPTURE(row.name);
        Node const node = value_of(row.yaml);
        CHECK(node.scalar == row.value);
        CHECK(node.where.text() == row.place);
    }
}

TEST_CASE("what is written is told apart") {
    CHECK(value_of("k: true").quoted == false);
    CHECK(value_of("k: 'true'").quoted);
    CHECK(value_of("k:").kind == Node::Kind::null);
    CHECK(value_of("k: ~").kind == Node::Kind::null);
    CHECK(value_of("k: null").kind == Node::Kind::null);
    CHECK(value_of("k: ''").kind == Node::Kind::scalar);
    CHECK(value_of("k: []").kind == Node::Kind::sequence);
    CHECK(value_of("k: {}").kind == Node::Kind::mapping);
    CHECK(value_of("k: {}").find("x") == nullptr);
    CHECK(value_of("k: &a [x, y]\nj: *a").items.size() == 2);
    CHECK(value_of("k: { b: 1, a: 2 }").entries[0].key == "b");  // order of writing
}

TEST_CASE("<< adds the keys that are not there") {
    Node const node = value_of("d: &d { a: 1, b: 2 }\ne: &e { b: 3, c: 4 }\nk: { <<: [*d, *e], a: 0 }");
    REQUIRE(node.entries.size() == 3);
    CHECK(node.find("a")->scalar == "0");
    CHECK(node.find("b")->scalar == "2");
    CHECK(node.find("c")->scalar == "4");
}

TEST_CASE("${...} is filled in") {
    test::FakeEnvironment environment;
    environment.variables = {
        {"HOST", "lab.example"}, {"PORT", "2575"}, {"TRICKY", "${HOST}: [*"}, {"EMPTY", ""}, {"BAD", "\xff"}};
    environment.files = {{"/run/secrets/token", "s3cret"}};
    struct Row {
        std::string_view written, value, problem;
    };
    Row const rows[] = {
        {"nothing", "nothing", ""},
        {"${HOST}", "lab.example", ""},
        {"${HOST}:${PORT}", "lab.example:2575", ""},
        {"<${EMPTY}>", "<>", ""},
        {"Bearer ${file:/run/secrets/token}", "Bearer s3cret", ""},
        {"$${HOST}", "${HOST}", ""},
        {"$${${PORT}}", "${2575}", ""},
        {"$ { $} $HOST }", "$ { $} $HOST }", ""},
        {"${TRICKY}", "${HOST}: [*", ""},  // not read again
        {"a${NOPE}b", "ab",
         "x.yaml:1:6: error: the environment variable \"NOPE\" is not set; set it, or write $${ for a "
         "literal ${\n"},
        {"${}", "",
         "x.yaml:1:5: error: \"\" is not the name of an environment variable; write ${NAME} or "
         "${file:/path}, or $${ for a literal ${\n"},
        {"${BAD}", "",
         "x.yaml:1:5: error: the environment variable \"BAD\" holds bytes that are not UTF-8 text; store it "
         "as UTF-8 without NUL bytes\n"},
        {"a${HOST", "a", "x.yaml:1:6: error: a ${ is not closed; add the }, or write $${ for a literal ${\n"},
    };
    for (Row const& row : rows) {
        CAPTURE(row.written);
        Diagnostics diagnostics;
        Node const root = read("k: \"" + std::string(row.written) + '"', diagnostics, environment);
        CHECK(diagnostics.text() == row.problem);
        REQUIRE(root.find("k"));
        CHECK(root.find("k")->scalar == row.value);
        CHECK(root.find("k")->unusable == !row.problem.empty());
    }
    Diagnostics diagnostics;
    CHECK(read("${HOST}: x", diagnostics, environment).find("${HOST}"));  // keys stay as they are
}

TEST_CASE("a value that ${...} filled in is not shown") {
    test::FakeEnvironment environment;
    environment.files = {{"/run/secrets/token", "s3cret"}};
    Diagnostics diagnostics;
    Node const root = read("k: ${file:/run/secrets/token}", diagnostics, environment);
    Node const& node = *root.find("k");
    std::uint32_t number = 0;
    bool flag = false;
    double fraction = 0;
    unsigned char byte = 0;
    Duration duration{};
    Bytes bytes;
    Endpoint endpoint;
    CHECK_FALSE(decode_value(node, number, diagnostics));
    CHECK_FALSE(decode_value(node, flag, diagnostics));
    CHECK_FALSE(decode_value(node, fraction, diagnostics));
    CHECK_FALSE(decode_value(node, byte, diagnostics));
    CHECK_FALSE(decode_value(node, duration, diagnostics));
    CHECK_FALSE(decode_value(node, bytes, diagnostics));
    CHECK_FALSE(decode_value(node, endpoint, diagnostics));
    CHECK(diagnostics.errors() == 7);
    CHECK(diagnostics.text().find("s3cret") == std::string::npos);
}

TEST_CASE("SystemEnvironment reads variables and small regular files") {
    SystemEnvironment const environment;
    std::string value;
    CHECK(environment.variable("PATH", value));
    CHECK_FALSE(environment.variable("HILUM_TEST_NOT_SET", value));
    std::string folder = (std::filesystem::temp_directory_path() / "hilum-XXXXXX").string();
    REQUIRE(mkdtemp(folder.data()));
    std::ofstream(folder + "/lf") << "s3cret\n";
    std::ofstream(folder + "/two") << "a\n\n";
    std::ofstream(folder + "/none") << "a";
    std::ofstream(folder + "/large") << std::string((1u << 20) + 1, 'x');
    CHECK((environment.file(folder + "/lf", value) && value == "s3cret"));
    CHECK((environment.file(folder + "/two", value) && value == "a\n"));
    CHECK((environment.file(folder + "/none", value) && value == "a"));
    CHECK_FALSE(environment.file(folder + "/large", value));
    CHECK_FALSE(environment.file(folder + "/missing", value));
    CHECK_FALSE(environment.file(folder, value));
    CHECK_FALSE(environment.file("/dev/zero", value));
    std::filesystem::remove_all(folder);
}

TEST_CASE("hostile files are refused in bounded time") {
    struct Row {
        std::string_view name;
        std::string yaml;
        std::string_view problem;
    };
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'z'; ++c) {
        std::string const alias = std::string("*") + static_cast<char>(c - 1) + ", ";
        bomb += std::string(1, c) + ": &" + c + " [" + repeated(alias, 9) + alias.substr(0, 2) + "]\n";
    }
    Row const rows[] = {
        {"alias bomb", bomb, "more than 1000000 values"},
        {"long text by alias", "a: &a " + std::string(1u << 20, 'x') + "\nb: [" + repeated("*a,", 100) + "]",
         "more than 64 MiB of text"},
        {"merge bomb", "a: &a { <<: *a }", "an alias stands inside what it names"},
        {"brackets on one line", std::string(900'000, '['), "more than 64 levels"},
        {"braces on one line", repeated("{a: ", 200'000), "more than 64 levels"},
        {"explicit keys", repeated("? ", 900'000), "more than 64 levels"},
        {"dashes on one line", repeated("- ", 500'000), "more than 64 levels"},
        {"more brackets", std::string(16u << 20, '['), "more than 1000000 brackets"},
        {"items", "[" + repeated("a,", 100'000) + "a]", ""},
        {"items on lines", repeated("- a\n", 1'000'001), "more than 1000000 values"},
        {"too large", std::string((16u << 20) + 1, ' '), "larger than 16 MiB"},
        {"one long text", "k: " + std::string(2u << 20, 'x'), ""},
        {"one long line", "k: " + repeated("x ", 1u << 20), ""},
        {"quotes", repeated("\"a\" ", 249'000), "a text where none may stand"},
        {"blank lines", std::string(2u << 20, '\n'), ""},
        {"comments", repeated("#\n", 1u << 20), ""},
        {"keys",
         [] {
             std::string out;
             for (int i = 0; i < 50'000; ++i) out += 'k' + std::to_string(i) + ": 1\n";
             return out;
         }(),
         ""},
        {"duplicate keys", repeated("k: 1\n", 50'000), "duplicate key"},
    };
    for (Row const& row : rows) {
        CAPTURE(row.name);
        auto const start = std::chrono::steady_clock::now();
        Diagnostics diagnostics;
        read(row.yaml, diagnostics);
        std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - start;
        std::string const found = diagnostics.text().substr(0, 300);
        CAPTURE(found);
        CHECK(taken.count() < 60);  // generous: sanitizers, slow machines; growth is what must not be
        if (row.problem.empty()) {
            CHECK(found.empty());
        } else {
            CHECK(found.find(row.problem) != std::string::npos);
        }
    }
}
