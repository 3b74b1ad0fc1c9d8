// Includes, `extends`, parameters, and the configuration that comes of them.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "routes/config/effective.h"
#include "routes/config/secrets.h"
#include "tests/routes/config/catalogue.h"

namespace fs = std::filesystem;
using namespace hilum::config;

namespace {

constexpr char const* base =
    "listeners: { adt_in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
    "destinations: { lab: { mllp: { connect: \"lab.example:2575\" } } }\n";

Config from_text(std::string const& text, Diagnostics& diagnostics,
                 test::FakeEnvironment const& environment = {}) {
    return load_text(text, "x.yaml", ".", test::catalogue(), environment, diagnostics);
}

// A folder of files, gone at the end.
class Folder {
  public:
    Folder() : path_((fs::temp_directory_path() / "hilum-XXXXXX").string()) {
        REQUIRE(mkdtemp(path_.data()));
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    void write(std::string const& name, std::string const& text) const {
        fs::create_directories(fs::path(path_ + '/' + name).parent_path());
        std::ofstream(path_ + '/' + name, std::ios::binary) << text;
    }
    Config load(std::string const& name, std::string& findings) const {
        Diagnostics diagnostics;
        Config config =
            hilum::config::load(path_ + '/' + name, test::catalogue(), test::FakeEnvironment(), diagnostics);
        findings = diagnostics.text();
        for (std::size_t at; (at = findings.find(path_ + '/')) != std::string::npos;)
            findings.erase(at, path_.size() + 1);
        return config;
    }

  private:
    std::string path_;
};

std::string without_header(std::string const& yaml) {
    return yaml.substr(yaml.find('\n') + 1);
}

}  // namespace

TEST_CASE("what an heir takes over") {
    fs::path const good = fs::path(HILUM_TEST_DATA) / "config/good";
    Diagnostics diagnostics;
    Config const config =
        load((good / "extends.yaml").string(), test::catalogue(), test::FakeEnvironment(), diagnostics);
    CHECK(diagnostics.text() == "");
    REQUIRE(config.listeners.size() == 2);  // base_in is abstract
    auto const option = [](Component const& c, char const* key) {
        Node const* found = c.options.find(key);
        return found ? found->scalar : "none";
    };
    CHECK(option(config.listeners[0], "listen") == "0.0.0.0:2575");
    CHECK(option(config.listeners[0], "idle") == "10m");
    CHECK(option(config.listeners[1], "idle") == "none");  // removed by "idle:"
    CHECK(option(config.listeners[1], "max_connections") == "20");
    REQUIRE(config.destinations.size() == 3);
    CHECK(option(config.destinations[0], "connect") == "lab.example:2575");
    CHECK(config.destinations[1].common.find("retry")->find("first")->scalar == "1s");
    CHECK(config.destinations[1].common.find("retry")->find("max")->scalar == "5m");
    CHECK(config.destinations[2].kind == "file");
    REQUIRE(config.routes.size() == 3);
    Route const& icu = config.routes[0];
    CHECK(icu.when.value == "PV1-3.1 = 'ICU'");
    CHECK(icu.when.where.line == 15);
    REQUIRE(icu.when.where.used);
    CHECK(icu.when.where.used->how == "inherited by route \"icu\"");
    CHECK(icu.to.size() == 2);
    CHECK(icu.steps[0].options.find("MSH-6")->scalar == "WARD ICU");
    CHECK(icu.steps[0].options.find("PV1-3.4")->scalar == "${param.ward}");
    Route const& er = config.routes[1];
    CHECK(er.to.size() == 1);    // the default of the ancestor's `with`
    CHECK(er.from.size() == 2);  // lists replace
    Route const& er_ris = config.routes[2];
    CHECK(er_ris.when.value == "PV1-3.1 = 'ER2'");
    CHECK(er_ris.steps.empty());
    CHECK(er_ris.to[0].name == "ris");
}

TEST_CASE("an included file is read once, whoever includes it, and its paths count from itself") {
    Folder const folder;
    folder.write("hilum.yaml", "include: [a.yaml, b.yaml]\nroutes: [ { name: r, from: adt_in, to: lab } ]\n");
    folder.write("a.yaml", "include: shared/base.yaml\n");
    folder.write("b.yaml", "include: ./shared/*.yaml\n");
    folder.write("shared/base.yaml",
                 std::string(base) + "tables: { wards: { csv: ../w.csv, key: local, value: standard } }\n");
    folder.write("w.csv", "local,standard\na,b\n");
    std::string findings;
    Config const config = folder.load("hilum.yaml", findings);
    CHECK(findings == "");
    CHECK(config.listeners.size() == 1);
    REQUIRE(config.tables.size() == 1);
    CHECK(config.tables[0].csv.value.ends_with("/w.csv"));

    // All of a folder, one of which another includes.
    folder.write("conf/a.yaml", "include: b.yaml\n" + std::string(base));
    folder.write("conf/b.yaml", "routes: [ { name: r, from: adt_in, to: lab } ]\n");
    folder.load("conf", findings);
    CHECK(findings == "");
}

TEST_CASE("includes are bounded") {
    Folder const folder;
    for (int i = 0; i < 20; ++i)
        folder.write("deep/" + std::to_string(i) + ".yaml", "include: " + std::to_string(i + 1) + ".yaml\n");
    std::string findings;
    folder.load("deep/0.yaml", findings);
    CHECK(findings.find("deep/15.yaml:1:10: error: includes go more than 16 files deep") !=
          std::string::npos);

    for (int i = 0; i < 1001; ++i) folder.write("many/" + std::to_string(i) + ".yaml", "");
    folder.write("many.yaml", "include: many/*.yaml\n");
    folder.load("many.yaml", findings);
    CHECK(findings.find("many.yaml:1:10: error: more than 1000 files are included") != std::string::npos);

    // Each below the limit of one file, together above it.
    std::string large = "x:\n";
    for (int i = 0; i < 60'000; ++i) large += "- [a, a, a, a, a, a, a]\n";
    for (int i = 0; i < 3; ++i) folder.write("large/" + std::to_string(i) + ".yaml", large);
    folder.write("large.yaml", "include: large/*.yaml\n");
    folder.load("large.yaml", findings);
    CHECK(findings.find("more than 1000000 values or 64 MiB of text in all its files") != std::string::npos);
}

TEST_CASE("inheritance is bounded") {
    // 17 generations.
    std::string text = std::string(base) + "routes:\n  - { name: r0, from: adt_in, to: lab }\n";
    for (int i = 1; i <= 18; ++i)
        text += "  - { name: r" + std::to_string(i) + ", extends: r" + std::to_string(i - 1) + " }\n";
    Diagnostics deep;
    from_text(text, deep);
    CHECK(deep.text().find("\"extends\" goes more than 16 deep") != std::string::npos);

    // A large one with many heirs: what they would have together is counted before it is made.
    text = std::string(base) + "routes:\n  - name: r\n    abstract: true\n    steps:\n";
    for (int i = 0; i < 5000; ++i) text += "      - set: { MSH-5: LAB }\n";
    for (int i = 0; i < 5000; ++i)
        text += "  - { name: r" + std::to_string(i) + ", extends: r, from: adt_in, to: lab }\n";
    auto const begin = std::chrono::steady_clock::now();
    Diagnostics many;
    from_text(text, many);
    CHECK(many.text().find("more than 1000000 values or 64 MiB of text with what is inherited") !=
          std::string::npos);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));

    // Long values in many holes.
    text = std::string(base) +
           "routes:\n  - { name: r, from: adt_in, to: lab, with: { x: " + std::string(200'000, 'x') +
           " }, steps: [ set: { MSH-5: \"";
    for (int i = 0; i < 1000; ++i) text += "${param.x}";
    Diagnostics holes;
    from_text(text + "\" } ] }\n", holes);
    CHECK(holes.text().find("64 MiB of text with what is inherited") != std::string::npos);
}

TEST_CASE("the effective configuration loads to itself") {
    fs::path const good = fs::path(HILUM_TEST_DATA) / "config/good";
    for (auto const& entry : fs::directory_iterator(good)) {
        if (entry.path().extension() != ".yaml") continue;
        CAPTURE(entry.path().filename().string());
        Diagnostics first, second;
        test::FakeEnvironment const environment;
        Config const config = load(entry.path().string(), test::catalogue(), environment, first);
        std::string const printed = effective_yaml(config);
        Config const again = load_text(printed, "again.yaml", "/", test::catalogue(), environment, second);
        CHECK(second.text() == "");
        CHECK(without_header(effective_yaml(again)) == without_header(printed));
        REQUIRE(again.listeners.size() == config.listeners.size());
        for (std::size_t i = 0; i < config.listeners.size(); ++i)
            CHECK(same(again.listeners[i], config.listeners[i]));
        REQUIRE(again.destinations.size() == config.destinations.size());
        for (std::size_t i = 0; i < config.destinations.size(); ++i)
            CHECK(same(again.destinations[i], config.destinations[i]));
        REQUIRE(again.routes.size() == config.routes.size());
        for (std::size_t i = 0; i < config.routes.size(); ++i) {
            CHECK(again.routes[i].when.value == config.routes[i].when.value);
            CHECK(again.routes[i].steps.size() == config.routes[i].steps.size());
        }
        if (config.tables.empty()) CHECK(again.hash == config.hash);
    }
}

TEST_CASE("any text survives being printed") {
    for (std::string const text :
         {"",     " ",     "null", "~",     "true",     "12",       "a: b",   "- a",
          "#a",   "a #b",  "'a",   "\"a\"", "a\nb",     "\t",       "{a}",    "[a]",
          "*a",   "&a",    "!a",   "%a",    "@a",       "`a",       "=PID-3", "\\=a",
          "${X}", "$${X}", "$",    "a\\b",  "\x01\x7f", "\xc3\xa4", "...",    "---",
          "?",    "? a",   "a:",   ":a",    "|",        ">",        "a,b",    "=MSH-9.1 | MSH-9.2"}) {
        CAPTURE(text);
        Node root, value;
        root.kind = Node::Kind::mapping;
        value.kind = Node::Kind::scalar;
        value.scalar = text;
        root.entries.push_back({"k", {}, value});
        Config config;
        config.effective = std::make_shared<Node const>(root);
        Diagnostics diagnostics;
        Node const read = read_yaml(effective_yaml(config), "x.yaml", test::FakeEnvironment(), diagnostics);
        CHECK(diagnostics.text() == "");
        REQUIRE(read.find("k"));
        CHECK(read.find("k")->is_scalar());
        CHECK(read.find("k")->scalar == text);
    }
}

TEST_CASE("secrets are not printed") {
    test::FakeEnvironment environment;
    environment.variables = {{"LAB_HOST", "lab.example"}, {"LAB_TOKEN", "hidden1"}, {"ANY", "hidden2"}};
    environment.files = {{"/run/secrets/x", "hidden3"}};
    Diagnostics diagnostics;
    Config const config = from_text(
        "listeners: { in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
        "destinations:\n"
        "  base: { abstract: true, http: { url: \"http://${LAB_HOST}/\" }, retry: { give_up: \"${param.p}\" "
        "} }\n"
        "  a: { http: { url: \"http://${LAB_HOST}/${LAB_TOKEN}\", password: \"${ANY}\" } }\n"
        "  b: { http: { url: \"http://x:hidden4@lab.example/\", token: hidden5 } }\n"
        "  c: { extends: base, with: { p: \"a${file:/run/secrets/x}b\" } }\n",
        diagnostics, environment);
    std::string const printed = effective_yaml(config);
    CAPTURE(printed);
    CHECK(printed.find("hidden") == std::string::npos);
    for (char const* line :
         {"url: \"http://${LAB_HOST}/${LAB_TOKEN}\"  # a secret", "password: \"${ANY}\"  # a secret",
          "url: \"http://x:***@lab.example/\"  # masked", "token: \"***\"  # masked",
          "url: \"http://lab.example/\"\n", "give_up: \"a${file:/run/secrets/x}b\"  # a secret"}) {
        CHECK_MESSAGE(printed.find(line) != std::string::npos, line);
    }
}

TEST_CASE("names of secrets") {
    for (char const* name :
         {"password", "LAB_PASSWORD", "api_key", "Authorization", "client-secret", "auth.token", "bearer"})
        CHECK_MESSAGE(names_secret(name), name);
    for (char const* name :
         {"key", "PID-3", "tokenize", "key_column", "secretary", "token_url", "secret_file", ""})
        CHECK_MESSAGE(!names_secret(name), name);
    CHECK(holds_password("https://user:pass@host/path"));
    for (char const* url :
         {"https://host:8080/path", "https://user@host", "https://host/a:b@c", "user:pass@host", ""})
        CHECK_MESSAGE(!holds_password(url), url);
}
