// Every tests/data/config/broken/NAME.yaml gets exactly the diagnostics of NAME.expected, every good/*.yaml
// none. HILUM_UPDATE_GOLDEN=1 writes the expected files anew: look at the difference in git before keeping
// it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "routes/advice.h"
#include "routes/advice_order.h"
#include "routes/pipeline.h"
#include "tests/routes/config/catalogue.h"

namespace fs = std::filesystem;
using namespace hilum::config;

namespace {

fs::path const data = fs::path(HILUM_TEST_DATA) / "config";

std::string contents(fs::path const& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<fs::path> yaml_files(fs::path const& folder) {
    std::vector<fs::path> out;
    for (auto const& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() == ".yaml") out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

// Lines only one of the two has, marked as in a diff.
std::string difference(std::string const& expected, std::string const& actual) {
    auto const lines = [](std::string const& text) {
        std::vector<std::string> out;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) out.push_back(line);
        return out;
    };
    auto const wanted = lines(expected), got = lines(actual);
    std::string out;
    for (auto const& line : wanted) {
        if (std::find(got.begin(), got.end(), line) == got.end()) out += "\n  - " + line;
    }
    for (auto const& line : got) {
        if (std::find(wanted.begin(), wanted.end(), line) == wanted.end()) out += "\n  + " + line;
    }
    return out.empty() ? "\n  the same lines in another order" : out;
}

// Named whole, as `hilum check` would: what steps name stands beside it.
void find(fs::path const& path, Diagnostics& diagnostics) {
    Config const config = load_text(contents(path), path.string(), path.parent_path().string(),
                                    test::catalogue(), test::FakeEnvironment(), diagnostics);
    if (diagnostics.failed()) return;
    auto const pipeline =
        hilum::routes::Pipeline::compile(config, hilum::routes::step_catalogue(), diagnostics);
    if (diagnostics.failed()) return;
    hilum::routes::advise(config, diagnostics);
    hilum::routes::advise_on_order(config, *pipeline, diagnostics);
}

std::string diagnostics_of(fs::path const& path, bool& failed) {
    Diagnostics diagnostics;
    find(path, diagnostics);
    failed = diagnostics.failed();
    std::string text = diagnostics.text();
    // Where the repository stands is nobody's business.
    std::string const folder = path.parent_path().string() + '/';
    for (std::size_t at; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
    return text;
}

}  // namespace

TEST_CASE("every broken configuration gets the diagnostics of its golden file") {
    bool const update = std::getenv("HILUM_UPDATE_GOLDEN") != nullptr;
    std::vector<fs::path> const files = yaml_files(data / "broken");
    CHECK(files.size() >= 100);
    for (fs::path const& path : files) {
        bool failed = false;
        std::string const actual = diagnostics_of(path, failed);
        fs::path const golden = fs::path(path).replace_extension(".expected");
        if (update) std::ofstream(golden, std::ios::binary) << actual;
        std::string const expected = contents(golden);
        CHECK_MESSAGE(!actual.empty(), path.filename().string() << " is broken, but nothing was found");
        CHECK_MESSAGE(actual == expected, path.filename().string() << difference(expected, actual));
    }
}

TEST_CASE("every diagnostic of the broken configurations says where, what and what next") {
    for (fs::path const& path : yaml_files(data / "broken")) {
        Diagnostics diagnostics;
        find(path, diagnostics);
        for (Diagnostic const& d : diagnostics.sorted()) {
            CAPTURE(d.text());
            CHECK_FALSE(d.what.empty());
            CHECK_FALSE(d.remedy.empty());
            CHECK(d.text().starts_with(path.parent_path().string()));
            CHECK(d.what.size() + d.remedy.size() < 400);
            CHECK(d.where.line >=
                  (d.what.starts_with("no ") || d.what.find("empty") != std::string::npos ? 0u : 1u));
        }
    }
}

TEST_CASE("good configurations load without findings") {
    std::vector<fs::path> const files = yaml_files(data / "good");
    CHECK(files.size() >= 5);
    for (fs::path const& path : files) {
        bool failed = false;
        std::string const found = diagnostics_of(path, failed);
        CHECK_MESSAGE(found.empty(), path.filename().string() << '\n' << found);
    }
}

TEST_CASE("the example in docs/configuration.md loads without findings") {
    std::string const page = contents(fs::path(HILUM_SOURCE) / "docs/configuration.md");
    std::size_t const begin = page.find("```yaml\n");
    REQUIRE(begin != std::string::npos);
    std::string const example = page.substr(begin + 8, page.find("```", begin + 8) - begin - 8);
    test::FakeEnvironment environment;
    environment.variables = {{"LAB_HOST", "lab.example"}};
    Diagnostics diagnostics;
    load_text(example, "example.yaml", (data / "good").string(), test::catalogue(), environment, diagnostics);
    CHECK(diagnostics.text() == "");
}
