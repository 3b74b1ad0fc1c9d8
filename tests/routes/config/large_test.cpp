// Large configurations are checked quickly, and what is meant to be too large is refused.
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "routes/advice.h"
#include "routes/advice_order.h"
#include "routes/pipeline.h"
#include "tests/routes/config/catalogue.h"
#include "tests/routes/config/thousand.h"

namespace fs = std::filesystem;
using namespace hilum;

namespace {

// All that `hilum check` does but for binding to the machine it runs on.
std::string check(std::string const& text) {
    config::Diagnostics diagnostics;
    auto const config = config::load_text(text, "x.yaml", ".", config::test::catalogue(),
                                          config::test::FakeEnvironment(), diagnostics);
    auto const pipeline = routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
    if (diagnostics.failed()) return diagnostics.text();
    routes::advise(config, diagnostics);
    routes::advise_on_order(config, *pipeline, diagnostics);
    return diagnostics.text();
}

double seconds_since(std::clock_t begin) {
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// Of this processor's time: others may be at work too.
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr double slower = 1;
#else
constexpr double slower = 30;
#endif

class File {
  public:
    explicit File(std::string const& text) : path_((fs::temp_directory_path() / "hilum-XXXXXX").string()) {
        REQUIRE(mkdtemp(path_.data()));
        std::ofstream(csv(), std::ios::binary) << text;
    }
    ~File() { fs::remove_all(path_); }
    File(File const&) = delete;
    File& operator=(File const&) = delete;
    std::string csv() const { return path_ + "/table.csv"; }

  private:
    std::string path_;
};

}  // namespace

TEST_CASE("a thousand routes are checked in less than a second") {
    File const table("local,standard\nW1,WARD-1\n");
    std::string const text = config::test::many_routes(1000, table.csv());
    auto const begin = std::clock();
    CHECK(check(text) == "");
    double const took = seconds_since(begin);
    MESSAGE(took << " s");
    CHECK(took < 1 * slower);
}

TEST_CASE("a table with a million rows is read, an expression that is nested 10,000 deep is refused") {
    std::string rows = "local,standard\n";
    for (int i = 0; i < 1'000'000; ++i) rows += "W" + std::to_string(i) + ",WARD\n";
    File const table(rows);
    auto begin = std::clock();
    CHECK(check(config::test::many_routes(10, table.csv())) == "");
    CHECK(seconds_since(begin) < 5 * slower);

    std::string deep(10'000, '(');
    deep += "true";  // in one expression, g++ 12 sees an overflow that is none (GCC bug 105329)
    deep.append(10'000, ')');
    begin = std::clock();
    std::string const found = check(
        "listeners: { in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
        "destinations: { lab: { mllp: { connect: \"lab.example:2575\" } } }\n"
        "routes: [ { name: r, from: in, when: \"" +
        deep + "\", to: lab } ]\n");
    CAPTURE(found);
    CHECK(found.find("x.yaml:3:") == 0);
    CHECK(found.find("error") != std::string::npos);
    CHECK(found.size() < 1000);
    CHECK(seconds_since(begin) < 1 * slower);
}
