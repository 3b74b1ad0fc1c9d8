// Step lists that have a name, and the step that calls them.
#include <doctest/doctest.h>

#include <chrono>

#include "routes/config/changes.h"
#include "routes/config/effective.h"
#include "routes/pipeline.h"
#include "routes/steps/step.h"
#include "routes/testing/coverage.h"
#include "routes/testing/story.h"
#include "tests/routes/config/catalogue.h"

using namespace hilum;

namespace {

constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\rPID|1||4711~0815||DOE^JANE||19800203|F\r";

constexpr std::string_view head =
    "listeners: { in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
    "destinations: { lab: { mllp: { connect: \"lab.example:2575\" } } }\n";

config::Config load(std::string const& text, config::Diagnostics& diagnostics) {
    config::test::FakeEnvironment environment;
    environment.variables = {{"SITE", "WEST"}};
    return config::load_text(std::string(head) + text, "x.yaml", ".", config::test::catalogue(), environment,
                             diagnostics);
}

std::shared_ptr<routes::Pipeline const> pipeline_of(config::Config const& config) {
    config::Diagnostics diagnostics;
    auto pipeline = routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE(!diagnostics.failed());
    return pipeline;
}

config::Config good(std::string const& text) {
    config::Diagnostics diagnostics;
    auto config = load(text, diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE(!diagnostics.failed());
    return config;
}

// The bodies that leave, or why none does.
std::string run(std::string const& text, routes::Observer* observer = nullptr) {
    auto const pipeline = pipeline_of(good(text));
    auto const message = hl7::Message::view(sample);
    routes::Processed out;
    pipeline->process(0, *message, sample, 0, out, observer);
    std::string result;
    for (auto const& v : out.verdicts)
        if (!v.reason.empty()) result += std::string(name(v.outcome)) + ": " + v.reason + "\n";
    for (auto const& d : out.deliveries) {
        if (d.body == 0) {
            result += "as it came\n";
            continue;
        }
        auto const body = hl7::Message::view(out.bodies[d.body - 1]);
        result += std::string(body->segment(1)) + "\n" + std::string(body->segment(2)) + "\n";
    }
    return result;
}

std::string findings(std::string const& text) {
    config::Diagnostics diagnostics;
    auto const config = load(text, diagnostics);
    if (!diagnostics.failed()) routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
    return diagnostics.text();
}

}  // namespace

TEST_CASE("a call does the steps of the list, each time with its own parameters") {
    CHECK(run("step_lists:\n"
              "  name: { with: { suffix: JR }, steps: [ set: { PID-5.4: '${param.suffix}', MSH-5: "
              "'TO-${param.to}' } ] }\n"
              "routes:\n"
              "  - { name: a, from: in, steps: [ call: { steps: name, with: { to: LAB } } ], to: lab }\n"
              "  - { name: b, from: in, steps: [ call: { steps: name, with: { to: '${SITE}', suffix: SR } } "
              "], to: lab }\n") ==
          "MSH|^~\\&|HIS|NORTH|TO-LAB||20260102||ADT^A01|1|P|2.5\n"
          "PID|1||4711~0815||DOE^JANE^^JR||19800203|F\n"
          "MSH|^~\\&|HIS|NORTH|TO-WEST||20260102||ADT^A01|1|P|2.5\n"
          "PID|1||4711~0815||DOE^JANE^^SR||19800203|F\n");
}

TEST_CASE("a call: short form, lists that call lists, whole values as parameters") {
    CHECK(run("step_lists:\n"
              "  sex: { steps: [ set: { PID-8: X } ] }\n"
              "routes: [ { name: a, from: in, steps: [ call: sex ], to: lab } ]\n") ==
          "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\nPID|1||4711~0815||DOE^JANE||19800203|X\n");
    CHECK(run("step_lists:\n"
              "  outer: { steps: [ call: { steps: inner, with: { who: '${param.name}', what: "
              "'${param.values}' } } ] }\n"
              "  inner: { steps: [ set: '${param.what}', set: { PID-5.1: \"='${param.who}' & PID-8\" } ] }\n"
              "routes:\n"
              "  - name: a\n    from: in\n    to: lab\n    steps:\n"
              "      - call: { steps: outer, with: { name: ROE, values: { PID-8: M, MSH-5: L } } }\n") ==
          "MSH|^~\\&|HIS|NORTH|L||20260102||ADT^A01|1|P|2.5\nPID|1||4711~0815||ROEM^JANE||19800203|M\n");
}

TEST_CASE("a list that ends the route says the way to its step") {
    CHECK(run("step_lists:\n"
              "  check: { steps: [ set: { PID-2: x }, { when: PID-8 = 'F', then: [ stop: { reason: enough } "
              "] } ] }\n"
              "routes: [ { name: a, from: in, steps: [ set: { MSH-6: y }, call: check ], to: lab } ]\n") ==
          "filtered: step 2 (call check) > step 2 (when) > step 1 (stop): enough\n");
    CHECK(run("step_lists:\n"
              "  far: { steps: [ set: { 'NK1[9]-1': x } ] }\n"
              "  near: { steps: [ call: far ] }\n"
              "routes: [ { name: a, from: in, steps: [ call: near ], to: lab } ]\n")
              .starts_with("held: step 1 (call near) > step 1 (call far) > step 1 (set): NK1[9]-1: "));
}

TEST_CASE("explain and coverage know the called steps") {
    auto const config = good(
        "step_lists:\n"
        "  tidy: { steps: [ set: { PID-8: M }, { when: PID-2.exists(), then: [ stop ] } ] }\n"
        "routes:\n"
        "  - { name: a, from: in, steps: [ call: tidy, call: tidy ], to: lab }\n");
    auto const pipeline = pipeline_of(config);
    auto const message = hl7::Message::view(sample);
    routes::Processed out;
    testing::Story story;
    pipeline->process(0, *message, sample, 0, out, &story);
    REQUIRE(story.chapters().size() == 1);
    auto const& events = story.chapters()[0].events;
    REQUIRE(events.size() >= 2);
    CHECK(events[0].text == "call");
    CHECK(events[0].detail == "tidy");
    CHECK(events[0].inside);
    CHECK(events[1].text == "set");
    CHECK(events[1].depth == 1);
    testing::Coverage coverage(config, *pipeline);
    pipeline->process(0, *message, sample, 0, out, &coverage);
    auto const counts = coverage.counts();
    CHECK(counts[1].all == 5);        // two calls, and the list's steps once
    CHECK(counts[1].exercised == 4);  // not the stop
    CHECK(counts[2].all == 2);
    CHECK(counts[2].exercised == 1);
    REQUIRE(coverage.gaps().size() == 2);
    CHECK(coverage.gaps()[1].what == "the step stop never ran");
}

TEST_CASE("calls may not grow without end") {
    // Ten lists, each calling the next one ten times.
    std::string lists = "step_lists:\n  l9: { steps: [ set: { PID-2: x } ] }\n";
    for (int i = 8; i >= 0; --i) {
        lists += "  l" + std::to_string(i) + ": { steps: [ ";
        for (int n = 0; n < 10; ++n) lists += "call: l" + std::to_string(i + 1) + (n < 9 ? ", " : " ] }\n");
    }
    auto const begin = std::chrono::steady_clock::now();
    auto const found = findings(lists + "routes: [ { name: a, from: in, steps: [ call: l0 ], to: lab } ]\n");
    CHECK(found.find("more than 1000000 values or 64 MiB of text with the step lists that are called") !=
          std::string::npos);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
    // Seventeen lists in one another.
    lists = "step_lists:\n  m0: { steps: [] }\n";
    for (int i = 1; i <= 17; ++i)
        lists += "  m" + std::to_string(i) + ": { steps: [ call: m" + std::to_string(i - 1) + " ] }\n";
    CHECK(findings(lists + "routes: [ { name: a, from: in, steps: [ call: m17 ], to: lab } ]\n")
              .find("steps stand inside one another more than 16 deep") != std::string::npos);
    CHECK(findings(lists + "routes: [ { name: a, from: in, steps: [ call: m15 ], to: lab } ]\n")
              .find("error") == std::string::npos);
}

TEST_CASE("step lists in the effective configuration, the hash and a reload") {
    std::string const text =
        "step_lists: { tidy: { with: { s: JR }, steps: [ set: { PID-5.4: '${param.s}', PID-5.5: 'x "
        "${param.s} ${SITE}' } ] } }\n"
        "routes: [ { name: a, from: in, steps: [ call: tidy ], to: lab } ]\n";
    auto const config = good(text);
    auto const printed = config::effective_yaml(config);
    CAPTURE(printed);
    CHECK(printed.find("PID-5.4: \"${param.s}\"\n") != std::string::npos);
    CHECK(printed.find("PID-5.5: \"x ${param.s} ${SITE}\"\n") != std::string::npos);
    config::Diagnostics diagnostics;
    config::test::FakeEnvironment environment;
    environment.variables = {{"SITE", "WEST"}};
    auto const again =
        config::load_text(printed, "x.yaml", ".", config::test::catalogue(), environment, diagnostics);
    CHECK(diagnostics.text() == "");
    CHECK(again.hash == config.hash);
    auto changed = text;
    changed.replace(changed.find("PID-5.4: '${param.s}'"), 21, "PID-5.4: '${param.t}'");
    auto const other = good(changed);
    CHECK(other.hash != config.hash);
    auto const changes = config::changes(config, other);
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].section == "step_lists");
    CHECK(changes[0].name == "tidy");
    CHECK(changes[0].kind == "changed");
}
