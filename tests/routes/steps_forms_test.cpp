// `convert` to XML, JSON and back: the form in which a message leaves its routes.
#include <doctest/doctest.h>

#include "parsers/hl7/message_form.h"
#include "routes/pipeline.h"
#include "routes/steps/step.h"
#include "tests/routes/config/catalogue.h"

using namespace hilum;

namespace {

constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\rPID|1||4711~0815||DOE^JANE||19800203|F\r"
    "OBR|1|A\rOBR|2|B\r";

std::string findings;

std::shared_ptr<routes::Pipeline const> pipeline_of(std::string const& routes) {
    config::Diagnostics diagnostics;
    auto const config = config::load_text(
        "listeners: { in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
        "destinations:\n  lab: { mllp: { connect: \"lab.example:2575\" } }\n"
        "  web: { http: { url: \"http://web.example/\" } }\n"
        "  disk: { file: { dir: out, name: x } }\nroutes:\n" +
            routes,
        "x.yaml", ".", config::test::catalogue(), config::test::FakeEnvironment(), diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE(!diagnostics.failed());
    config::Diagnostics of_steps;
    auto pipeline = routes::Pipeline::compile(config, routes::step_catalogue(), of_steps);
    findings = of_steps.text();
    CAPTURE(findings);
    REQUIRE(!of_steps.failed());
    return pipeline;
}

// "web:xml(MSH-5=X) disk:as it came"; what came is read back from its form.
std::string run(std::string const& routes) {
    auto const pipeline = pipeline_of(routes);
    auto const message = hl7::Message::view(sample);
    routes::Processed out;
    pipeline->process(0, *message, sample, 0, out);
    std::string text;
    for (auto const& v : out.verdicts)
        if (!v.reason.empty()) text += v.reason + " ";
    for (auto const& d : out.deliveries) {
        text += pipeline->destination_names()[d.destination] + ":";
        if (d.body == 0) {
            text += "as it came ";
            continue;
        }
        auto const& body = out.bodies[d.body - 1];
        auto const read = hl7::read_body(body);
        REQUIRE(read.has_value());
        text += std::string(name(hl7::form_of(body))) + "(" + read->text("MSH-5") + "," +
                std::to_string(read->count("OBR")) + ") ";
    }
    return text;
}

}  // namespace

TEST_CASE("convert: the form in which a message leaves") {
    struct Row {
        std::string_view routes;
        std::string_view result;
    };
    constexpr Row rows[] = {
        {"  - { name: a, from: in, steps: [ convert: { to: xml } ], to: [web, disk] }\n",
         "web:xml(LAB,2) disk:xml(LAB,2) "},
        {"  - { name: a, from: in, steps: [ convert: { to: json } ], to: web }\n", "web:json(LAB,2) "},
        // Later steps work on the message.
        {"  - { name: a, from: in, steps: [ convert: { to: xml }, set: { MSH-5: X } ], to: web }\n",
         "web:xml(X,2) "},
        {"  - { name: a, from: in, steps: [ convert: { to: json }, convert: { to: xml } ], to: web }\n",
         "web:xml(LAB,2) "},
        {"  - { name: a, from: in, steps: [ convert: { to: json }, convert: { to: er7 } ], to: web }\n",
         "web:as it came "},
        {"  - { name: a, from: in, steps: [ convert: { to: 2.5.1, otherwise: keep }, convert: { to: xml } ], "
         "to: web }\n",
         "web:xml(LAB,2) "},
        {"  - { name: a, from: in, steps: [ { when: PID-8 = 'F', then: [ convert: { to: xml } ] } ], to: web "
         "}\n",
         "web:xml(LAB,2) "},
        {"  - { name: a, from: in, steps: [ { when: PID-8 = 'M', then: [ convert: { to: xml } ] } ], to: web "
         "}\n",
         "web:as it came "},
        // Each part of a split leaves in its own.
        {"  - { name: a, from: in, steps: [ convert: { to: json }, split: { segment: OBR, otherwise: hold }, "
         "{ when: OBR-1 = '2', then: [ convert: { to: xml } ] } ], to: web }\n",
         "web:json(LAB,1) web:xml(LAB,1) "},
        // One route's form is not that of its neighbour, but that of the routes behind it.
        {"  - { name: a, from: in, steps: [ convert: { to: xml } ], to: web }\n"
         "  - { name: b, from: in, to: disk }\n",
         "web:xml(LAB,2) disk:as it came "},
        {"  - { name: a, from: in, steps: [ convert: { to: xml } ], to: [web, b, c] }\n"
         "  - { name: b, steps: [ set: { MSH-5: B } ], to: disk }\n"
         "  - { name: c, steps: [ convert: { to: er7 } ], to: disk }\n",
         "web:xml(LAB,2) disk:xml(B,2) disk:as it came "},
    };
    for (auto const& row : rows) {
        CAPTURE(row.routes);
        CHECK(run(std::string(row.routes)) == row.result);
        CHECK(findings == "");
    }
}

TEST_CASE("another form over MLLP is a warning") {
    pipeline_of(
        "  - { name: a, from: in, steps: [ convert: { to: xml } ], to: b }\n"
        "  - { name: b, to: [web, lab] }\n");
    CHECK(findings ==
          "x.yaml:8:26: warning: messages may leave for \"lab\" as xml, which receivers of MLLP do not "
          "expect; send them to a file or over HTTP, or end the steps with convert: { to: er7 }\n");
    pipeline_of(
        "  - { name: a, from: in, steps: [ { when: PID-8 = 'F', then: [ convert: { to: json } ] } ], to: lab "
        "}\n");
    CHECK(findings.find("as json") != std::string::npos);
    pipeline_of(
        "  - { name: a, from: in, steps: [ convert: { to: xml }, convert: { to: er7 } ], to: lab }\n");
    CHECK(findings == "");
}
