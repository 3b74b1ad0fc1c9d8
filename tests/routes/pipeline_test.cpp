#include "routes/pipeline.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "routes/expression/expression.h"
#include "routes/steps/step.h"
#include "routes/subject.h"

using namespace hilum;
using routes::Pipeline;
using routes::Processed;

namespace {

constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\rPID|1||4711~0815||DOE^JANE||19800203|F\rNK1|1|A\r";

class NoEnvironment final : public config::Environment {
  public:
    bool variable(std::string const&, std::string&) const override { return false; }
    bool file(std::string const&, std::string&) const override { return false; }
};

void nothing(config::Component const&, config::Diagnostics&) {}
std::string no_schema() {
    return "{}";
}

config::Config load(std::string const& routes, config::Diagnostics& diagnostics) {
    config::Catalogue catalogue;
    catalogue.listeners.push_back({"mllp", nothing, no_schema});
    catalogue.destinations.push_back({"mllp", nothing, no_schema});
    for (auto const& kind : routes::step_catalogue()) catalogue.steps.push_back(kind.name);
    std::string const yaml =
        "listeners:\n  in: { mllp: {} }\n  other: { mllp: {} }\n"
        "destinations:\n  lab: { mllp: {} }\n  ehr: { mllp: {} }\n"
        "routes:\n" +
        routes;
    return config::load_text(yaml, "hilum.yaml", ".", catalogue, NoEnvironment(), diagnostics);
}

std::shared_ptr<Pipeline const> pipeline_of(std::string const& routes) {
    config::Diagnostics diagnostics;
    auto const config = load(routes, diagnostics);
    auto pipeline = Pipeline::compile(config, routes::step_catalogue(), diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE(!diagnostics.failed());
    return pipeline;
}

Processed process(std::string const& routes, std::string_view listener = "in") {
    auto const pipeline = pipeline_of(routes);
    auto const message = hl7::Message::view(sample);
    Processed out;
    pipeline->process(pipeline->listener(listener), *message, sample, 0, out);
    CHECK(message->bytes() == sample);
    return out;
}

// "a=sent b=filtered(when: x) | lab:0 ehr:1"
std::string summary(std::string const& routes, std::string_view listener = "in") {
    auto const pipeline = pipeline_of(routes);
    auto const out = process(routes, listener);
    std::string text;
    for (auto const& v : out.verdicts) {
        text += pipeline->route_names()[v.route] + "=" + std::string(name(v.outcome));
        if (!v.reason.empty()) text += "(" + v.reason + ")";
        text += " ";
    }
    text += "|";
    for (auto const& d : out.deliveries)
        text += " " + pipeline->destination_names()[d.destination] + ":" + std::to_string(d.body);
    if (out.rejected) text += " rejected " + out.rejection;
    return text;
}

}  // namespace

TEST_CASE("what routes make of a message") {
    struct Row {
        std::string routes;
        std::string_view result;
    };
    std::vector<Row> const rows = {
        {"  - { name: a, from: in, to: lab }\n", "a=sent | lab:0"},
        {"  - { name: a, from: in, to: [lab, ehr] }\n", "a=sent | lab:0 ehr:0"},
        {"  - { name: a, from: [in, other], to: lab }\n", "a=sent | lab:0"},
        {"  - { name: a, from: in, to: lab }\n  - { name: b, from: in, to: lab }\n",
         "a=sent b=sent | lab:0 lab:0"},
        {"  - { name: a, from: other, to: lab }\n  - { name: b, from: in, to: ehr }\n", "b=sent | ehr:0"},
        // when
        {"  - { name: a, from: in, when: PID-8 = 'F', to: lab }\n", "a=sent | lab:0"},
        {"  - { name: a, from: in, when: PID-8 = 'M', to: lab }\n", "a=filtered(when: PID-8 = 'M') |"},
        {"  - { name: a, from: in, when: MSH-9.1 = 'ADT' and MSH-9.2 in ('A02' | 'A03'), to: lab }\n",
         "a=filtered(when: MSH-9.2 in ('A02' | 'A03')) |"},
        {"  - { name: a, from: in, when: PID-30 = 'X', to: lab }\n", "a=filtered(when: PID-30 = 'X') |"},
        {"  - { name: a, from: in, when: 'PID-3[*] = 1 and PID-3[*].upper() = 1', to: lab }\n",
         "a=filtered(when: PID-3[*] = 1) |"},
        {"  - { name: a, from: in, when: 'PID-3[*].upper() = 1', to: lab }\n",
         "a=held(when: the input of upper() has several values where one is expected (column 10)) |"},
        {"  - { name: a, from: in, when: 'PID-3[*].upper() = 1', to: lab, on_error: reject }\n",
         "a=rejected(when: the input of upper() has several values where one is expected (column 10)) | "
         "rejected route a: when: "
         "the input of upper() has several values where one is expected (column 10)"},
        // steps
        {"  - { name: a, from: in, steps: [ set: { MSH-6: X } ], to: lab }\n  - { name: b, from: in, to: lab "
         "}\n",
         "a=sent b=sent | lab:1 lab:0"},
        {"  - { name: a, from: in, steps: [ set: { MSH-6: X } ], to: [lab, ehr] }\n", "a=sent | lab:1 ehr:1"},
        {"  - { name: a, from: in, steps: [ set: { MSH-6: X } ], to: lab }\n"
         "  - { name: b, from: in, steps: [ set: { MSH-6: Y } ], to: lab }\n",
         "a=sent b=sent | lab:1 lab:2"},
        {"  - { name: a, from: in, steps: [ set: { MSH-6: X } ], to: lab }\n"
         "  - { name: b, from: in, steps: [ set: { MSH-6: X } ], to: ehr }\n",
         "a=sent b=sent | lab:1 ehr:1"},
        {"  - { name: a, from: in, steps: [ set: { PID-8: F } ], to: lab }\n", "a=sent | lab:0"},
        {"  - { name: a, from: in, steps: [ delete: ZZZ ], to: lab }\n", "a=sent | lab:0"},
        {"  - { name: a, from: in, steps: [ set: { PID-8: F }, stop: { when: PID-8 = 'F', reason: no women } "
         "], to: lab }\n",
         "a=filtered(step 2 (stop): no women) |"},
        {"  - { name: a, from: in, steps: [ stop ] }\n", "a=filtered(step 1 (stop)) |"},
        {"  - { name: a, from: in, steps: [ set: { 'NK1[7]-2': x } ], to: lab }\n  - { name: b, from: in, "
         "to: ehr }\n",
         "a=held(step 1 (set): NK1[7]-2: the message has 1 segments NK1) b=sent | ehr:0"},
        {"  - { name: a, from: in, steps: [ set: { 'NK1[7]-2': x } ], to: lab, on_error: reject }\n  - { "
         "name: b, from: in, to: ehr }\n",
         "a=rejected(step 1 (set): NK1[7]-2: the message has 1 segments NK1) b=sent | rejected route a: step "
         "1 (set): NK1[7]-2: "
         "the message has 1 segments NK1"},
        // routes behind routes
        {"  - { name: a, from: in, steps: [ set: { MSH-6: X } ], to: b }\n  - { name: b, when: MSH-6 = 'X', "
         "to: lab }\n",
         "a=sent b=sent | lab:1"},
        {"  - { name: a, from: in, steps: [ set: { MSH-6: X } ], to: [b, ehr] }\n"
         "  - { name: b, steps: [ set: { MSH-5: =MSH-6 } ], to: lab }\n",
         "a=sent b=sent | lab:1 ehr:2"},
        {"  - { name: a, from: in, steps: [ set: { MSH-6: X } ], to: [ehr, b] }\n  - { name: b, to: lab }\n",
         "a=sent b=sent | ehr:1 lab:1"},
        {"  - { name: a, from: in, to: b }\n  - { name: b, when: PID-8 = 'M', to: lab }\n",
         "a=sent b=filtered(when: PID-8 = 'M') |"},
        {"  - { name: a, from: in, to: b }\n  - { name: b, from: in, to: lab }\n",
         "a=sent b=sent b=sent | lab:0 lab:0"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.routes);
        CHECK(summary(row.routes) == row.result);
    }
}

TEST_CASE("bodies are what the steps made of the message, all else byte for byte") {
    auto const out = process(
        "  - name: a\n    from: in\n    to: [lab, b]\n    steps:\n      - set: { MSH-6: SOUTH, PID-5.1: "
        "=PID-5.1.lower() }\n      - delete: NK1[*]\n"
        "  - name: b\n    to: ehr\n    steps:\n      - set: { PID-8: X }\n");
    REQUIRE(out.bodies.size() == 2);
    CHECK(
        out.bodies[0] ==
        "MSH|^~\\&|HIS|NORTH|LAB|SOUTH|20260102||ADT^A01|1|P|2.5\rPID|1||4711~0815||doe^JANE||19800203|F\r");
    CHECK(
        out.bodies[1] ==
        "MSH|^~\\&|HIS|NORTH|LAB|SOUTH|20260102||ADT^A01|1|P|2.5\rPID|1||4711~0815||doe^JANE||19800203|X\r");
    CHECK(!out.held());
    CHECK(!out.rejected);
}

TEST_CASE("reasons never hold what is in the message") {
    for (auto const* routes :
         {"  - { name: a, from: in, when: PID-5.1 = 'NOBODY', to: lab }\n",
          "  - { name: a, from: in, steps: [ set: { 'NK1[7]-2': =PID-5.1 } ], to: lab }\n",
          "  - { name: a, from: in, when: \"'x'.matches(PID-5.1 & '(')\", to: lab }\n",
          "  - { name: a, from: in, when: \"PID-7.substring(PID-5.1) = 'x'\", to: lab }\n"}) {
        auto const out = process(routes);
        REQUIRE(out.verdicts.size() == 1);
        CAPTURE(out.verdicts[0].reason);
        CHECK(out.verdicts[0].outcome != routes::RouteOutcome::sent);
        for (auto const* secret : {"DOE", "JANE", "4711", "19800203"})
            CHECK(out.verdicts[0].reason.find(secret) == std::string::npos);
    }
}

TEST_CASE("routes can't multiply without end") {
    // Each level sends to the next twice: two to the power of thirty verdicts, were there no bound.
    std::string routes = "  - { name: r0, from: in, to: [a1, b1] }\n";
    for (int i = 1; i < 30; ++i) {
        auto const next = std::to_string(i + 1);
        for (auto const* side : {"a", "b"})
            routes += "  - { name: " + (side + std::to_string(i)) +
                      ", to: " + (i < 29 ? "[a" + next + ", b" + next + "]" : "lab") + " }\n";
    }
    auto const out = process(routes);
    CHECK(out.held());
    CHECK(out.verdicts.size() < 5000);
}

TEST_CASE("names and unknown listeners") {
    auto const pipeline = pipeline_of("  - { name: a, from: in, to: [lab, ehr] }\n");
    CHECK(pipeline->listener("in") == 0);
    CHECK(pipeline->listener("other") == 1);
    CHECK(pipeline->listener("nowhere") == Pipeline::none);
    CHECK(pipeline->destination_names() == std::vector<std::string>{"lab", "ehr"});
    auto const message = hl7::Message::view(sample);
    Processed out;
    out.rejected = true;
    pipeline->process(Pipeline::none, *message, sample, 0, out);
    CHECK(out.verdicts.empty());
    CHECK(!out.rejected);
}

TEST_CASE("every mistake in routes is found at once, each at its place") {
    config::Diagnostics diagnostics;
    auto const config = load(
        "  - name: a\n"
        "    from: in\n"
        "    when: PID-8 == 'F'\n"
        "    steps:\n"
        "      - set: { PID3: x, MSH-1: y }\n"
        "      - lookup: { field: PV1-3.1, table: wards, otherwise: hold }\n"
        "    to: [lab, ehr]\n",
        diagnostics);
    CHECK(Pipeline::compile(config, routes::step_catalogue(), diagnostics));
    auto const text = diagnostics.text();
    CAPTURE(text);
    CHECK(diagnostics.errors() == 4);
    CHECK(text.find("hilum.yaml:10:17: error: no operator is written ==; did you mean =?") !=
          std::string::npos);
    CHECK(text.find("hilum.yaml:12:16: error: \"PID3\"") != std::string::npos);
    CHECK(text.find("hilum.yaml:12:25: error: MSH-1 can't be changed") != std::string::npos);
    CHECK(text.find("hilum.yaml:13:42: error: no table is called \"wards\"; declare it under tables:") !=
          std::string::npos);
}

TEST_CASE("an observer is told the way of a message in order") {
    struct Recorder final : routes::Observer {
        std::string told;
        void route_begins(std::uint32_t route, routes::Subject const&) override {
            told += "route " + std::to_string(route) + "; ";
        }
        void route_ends(routes::RouteVerdict const& v) override {
            told += std::string(name(v.outcome)) + "; ";
        }
        void condition(config::Location const& where, expression::Expression const& when,
                       expression::Context const&, bool holds) override {
            told += std::to_string(where.line) + ": " + std::string(when.source()) + (holds ? "; " : " no; ");
        }
        void step_begins(routes::StepPlace const& step, routes::Subject const& subject) override {
            told += step.kind + std::to_string(step.number) + " " + subject.message->text("PID-8");
        }
        void step_ends(routes::StepPlace const&, routes::Subject const& subject,
                       routes::StepResult const& result) override {
            bool const on = result.next == routes::StepResult::Next::go_on;
            told += ">" + subject.message->text("PID-8") + (on ? "; " : " ends; ");
        }
    };
    auto const pipeline = pipeline_of(
        "  - name: a\n    from: in\n    when: PID-8 = 'F'\n    to: b\n    steps:\n      - set: { PID-8: X }\n"
        "      - stop: { when: PID-8 = 'F' }\n"
        "  - { name: b, when: PID-8 = 'F', to: lab }\n"
        "  - { name: c, from: in, steps: [ set: { PID-8: Y }, stop ] }\n");
    auto const message = hl7::Message::view(sample);
    Processed out;
    Recorder recorder;
    pipeline->process(0, *message, sample, 0, out, &recorder);
    CHECK(recorder.told ==
          "route 0; 10: PID-8 = 'F'; set1 F>X; stop2 X14: PID-8 = 'F' no; >X; "
          "route 1; 15: PID-8 = 'F' no; filtered; sent; "
          "route 2; set1 F>Y; stop2 Y>Y ends; filtered; ");
}
