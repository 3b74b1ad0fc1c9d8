// Steps that ask the world outside, and routes that wait for it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "routes/pipeline.h"
#include "routes/steps/step.h"
#include "routes/testing/outside.h"
#include "tests/routes/small_configuration.h"

using namespace hilum;
using routes::Pipeline;
using routes::Processed;

namespace {

constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\rPID|1||47/11^^^N||DOE^JANE||19800203|F\r"
    "PV1|1|I|W1^101\rOBX|1|ED|REPORT||^application^pdf^Base64^aGVsbG8=\r";

std::shared_ptr<Pipeline const> compiled(std::string const& routes, config::Diagnostics& diagnostics) {
    config::KindCheck const mllp{"mllp", [](config::Component const&, config::Diagnostics&) {},
                                 [] { return std::string("{}"); }};
    config::Catalogue catalogue;
    catalogue.listeners.push_back(mllp);
    catalogue.destinations.push_back(mllp);
    for (auto const& kind : routes::step_catalogue()) catalogue.steps.push_back(kind.name);
    auto const config = config::load_text(
        "listeners:\n  in: { mllp: {} }\n"
        "destinations:\n  lab: { mllp: {} }\n  ehr: { mllp: {} }\nroutes:\n" +
            routes,
        "hilum.yaml", "/etc/site", catalogue, test::NoEnvironment(), diagnostics);
    return Pipeline::compile(config, routes::step_catalogue(), diagnostics);
}

std::shared_ptr<Pipeline const> compiled(std::string const& routes) {
    config::Diagnostics diagnostics;
    auto pipeline = compiled(routes, diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE(!diagnostics.failed());
    return pipeline;
}

std::string steps(std::string const& list) {
    return "  - { name: r, from: in, to: lab, steps: [ " + list +
           " ] }\n  - { name: all, from: in, to: ehr }\n";
}

std::vector<testing::OutsideReply> replies(std::string const& list) {
    config::Diagnostics diagnostics;
    auto const file = testing::read_test_file(
        "config: c\ncases:\n  - { name: c, input: a.hl7, outside: [ " + list + " ] }\n", "t.yaml",
        test::NoEnvironment(), diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE(!diagnostics.failed());
    return file.cases.at(0).outside;
}

// "sent | PV1|1|I|W1^101^B7": the verdicts of the route and its notes, then the segments of its body that are
// not in the sample.
std::string told(Pipeline const& pipeline, Processed const& processed, std::string_view route) {
    std::string out;
    for (auto const& v : processed.verdicts) {
        if (pipeline.route_names()[v.route] != route) continue;
        out += (out.empty() ? "" : "; ") + std::string(name(v.outcome)) +
               (v.reason.empty() ? "" : " " + v.reason);
    }
    if (processed.retry) out += " (again)";
    for (auto const& d : processed.deliveries) {
        if (pipeline.route_names()[d.route] != route || d.body == 0) continue;
        auto const message = hl7::Message::view(processed.bodies[d.body - 1]);
        for (std::size_t i = 1; i <= message->segment_count(); ++i)
            if (sample.find(message->segment(i)) == std::string_view::npos)
                out += " | " + std::string(message->segment(i));
    }
    return out;
}

std::string run(std::string const& list, std::string const& answers) {
    auto const pipeline = compiled(steps(list));
    auto const script = replies(answers);
    testing::ScriptedOutside outside(script);
    outside.begin(1, 0);
    auto const message = hl7::Message::view(sample);
    Processed processed;
    pipeline->resume(pipeline->route("r"), routes::Subject{&*message}, sample, 0, outside, processed);
    auto out = told(*pipeline, processed, "r");
    for (auto const& [path, text] : outside.written()) out += " > " + path + "=" + text;
    for (auto const& question : outside.unanswered()) out += " ? " + question;
    return out;
}

constexpr std::string_view get = "enrich: { http: { url: 'http://mpi:81/p/{PID-3.1}' }, otherwise: hold, ";

}  // namespace

TEST_CASE("enrich: what is asked, and what becomes of the answer") {
    struct Row {
        std::string steps, answers;
        std::string_view outcome;
    } const rows[] = {
        {std::string(get) + "then: [ set: { PV1-3.3: =%answer.bed } ] }", "{ asks: x, answer: { bed: B7 } }",
         "held step 1 (enrich): http: the test does not say what the answer is (again) ? GET "
         "http://mpi:81/p/47%2F11"},
        {std::string(get) + "then: [ set: { PV1-3.3: =%answer.bed } ] }",
         "{ asks: /p/47%2F11, answer: { bed: B7 } }", "sent | PV1|1|I|W1^101^B7"},
        {std::string(get) + "then: [ set: { PV1-3.3: =%answer } ] }", "{ asks: /p/, answer: ICU }",
         "sent | PV1|1|I|W1^101^ICU"},
        {std::string(get) + "then: [ set: { PV1-3.3: '=%answer.where(id = 2).bed.first()' } ] }",
         "{ asks: /p/, answer: [ { id: 1, bed: A }, { id: 2, bed: B }, { id: 2, bed: C } ] }",
         "sent | PV1|1|I|W1^101^B"},
        {std::string(get) +
             "then: [ { when: '%answer.dead = true', then: [ { stop: { reason: dead } } ] } ] }",
         "{ asks: /p/, answer: { dead: true } }",
         "filtered step 1 (enrich) > step 1 (when) > step 1 (stop): dead"},
        {std::string(get) + "then: [ set: { PV1-3.3: =%answer.bed } ] }", "{ asks: /p/, answer: nothing }",
         "held step 1 (enrich): http: nothing was found"},
        {"enrich: { http: { url: 'http://mpi/{PID-3.1}' }, otherwise: pass, then: [ set: { PV1-3.3: x } ] }",
         "{ asks: mpi, answer: nothing }", "sent"},
        {"enrich: { http: { url: 'http://mpi/{PID-3.1}' }, otherwise: stop, then: [ set: { PV1-3.3: x } ] }",
         "{ asks: mpi, answer: nothing }", "filtered step 1 (enrich): http: nothing was found"},
        {std::string(get) + "then: [ set: { PV1-3.3: x } ] }", "{ asks: mpi, fails: timeout }",
         "held step 1 (enrich): http: timeout (again)"},
        {std::string(get) + "on_failure: hold, then: [ set: { PV1-3.3: x } ] }",
         "{ asks: mpi, fails: timeout }", "held step 1 (enrich): http: timeout"},
        {std::string(get) + "on_failure: pass, then: [ set: { PV1-3.3: x } ] }",
         "{ asks: mpi, fails: timeout }", "sent; noted enrich: http: timeout"},
        // What the message lacks for the question stays so, however often it is asked.
        {"enrich: { http: { url: 'http://mpi/{PID-5.1 | PID-5.2}' }, otherwise: hold, then: [ set: { "
         "PV1-3.3: x } ] }",
         "", "held step 1 (enrich): http: the expression gives several values where one is expected"},
        // Bound, never pasted.
        {"enrich: { sqlite: { file: w.db, query: 'SELECT bed FROM beds WHERE mrn = ?1 AND ward = ?2', "
         "values: "
         "[=PID-3.1, W1] }, otherwise: hold, then: [ set: { PV1-3.3: '=%answer[0].bed' } ] }",
         "{ asks: '?2 [47/11, W1]', answer: [ { bed: B9 } ] }", "sent | PV1|1|I|W1^101^B9"},
        {"enrich: { postgres: { connect: host=db, query: 'SELECT 1', values: [x] }, otherwise: hold, then: "
         "[ set: { PV1-3.3: '=%answer.n' } ] }",
         "{ asks: 'SELECT 1 [x]', answer: [ { n: 12 } ] }", "sent | PV1|1|I|W1^101^12"},
        // One enrich in another has its own answer, and the outer one its own again.
        {std::string(get) + "then: [ { enrich: { http: { url: 'http://b/{%answer.id}' }, otherwise: hold, "
                            "then: [ set: { PV1-3.3: "
                            "=%answer.bed } ] } }, { set: { PV1-3.4: =%answer.id } } ] }",
         "{ asks: mpi, answer: { id: 7 } }, { asks: 'b/7', answer: { bed: B } }",
         "sent | PV1|1|I|W1^101^B^7"},
        {std::string(get) +
             "then: [ set: { PV1-3.3: \"=%answer.beds.where(ward = PV1-3.1 and free).name\" } ] }",
         "{ asks: mpi, answer: { beds: [ { ward: W2, name: A, free: true }, { ward: W1, name: B, free: false "
         "}, { ward: "
         "W1, name: C, free: true } ] } }",
         "sent | PV1|1|I|W1^101^C"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.steps);
        CHECK(run(row.steps, row.answers) == row.outcome);
    }
}

TEST_CASE("detach and attach: documents between fields and files") {
    std::string const detach =
        "detach: { field: OBX-5.5, file: { dir: docs, name: '{MSH-10}-{PID-3.1}.txt' }, otherwise: hold }";
    struct Row {
        std::string steps, answers;
        std::string_view outcome;
    } const rows[] = {
        {detach, "", "sent | OBX|1|ED|REPORT||^application^pdf^Base64^1-47_11.txt > docs/1-47_11.txt=hello"},
        {"detach: { field: OBX-5.5, file: { dir: docs, name: 'a/../{MSH-10}' }, address: 'http://d/', "
         "otherwise: hold }",
         "", "sent | OBX|1|ED|REPORT||^application^pdf^Base64^http://d/a/__/1 > docs/a/__/1=hello"},
        {"detach: { field: PV1-3, file: { dir: docs, name: x }, otherwise: hold }", "",
         "held step 1 (detach): PV1-3 holds no base64"},
        {"detach: { field: OBX-5.1, file: { dir: docs, name: x }, otherwise: hold }", "",
         "held step 1 (detach): OBX-5.1 is empty"},
        {"detach: { field: OBX-5.1, file: { dir: docs, name: x }, otherwise: pass }", "", "sent"},
        {detach, "{ asks: docs, fails: disk full }", "held step 1 (detach): disk full (again)"},
        {"{ " + detach +
             " }, { attach: { field: OBX-5.5, file: { dir: docs, name: '{OBX-5.5}' }, otherwise: hold } }",
         "", "sent > docs/1-47_11.txt=hello"},
        {"attach: { field: OBX-5.5, file: { dir: docs, name: a/b.txt }, otherwise: hold }",
         "{ asks: docs/a/b.txt, answer: hi }", "sent | OBX|1|ED|REPORT||^application^pdf^Base64^aGk="},
        {"attach: { field: OBX-5.5, file: { dir: docs, name: a/b.txt }, max_size: 1, otherwise: hold }",
         "{ asks: docs/a/b.txt, answer: hi }", "held step 1 (attach): the file is too large"},
        {"attach: { field: OBX-5.5, file: { dir: docs, name: b.txt }, otherwise: pass }",
         "{ asks: docs, answer: nothing }", "sent"},
        {"attach: { field: OBX-5.5, file: { dir: docs, name: b.txt }, otherwise: pass }",
         "{ asks: docs, fails: EIO }", "held step 1 (attach): EIO (again)"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.steps);
        CHECK(run(row.steps, row.answers) == row.outcome);
    }
}

TEST_CASE("deduplicate: the second of two ends here, the same one again does not") {
    auto const pipeline =
        compiled(steps("deduplicate: { key: MSH-3 & MSH-10, within: 1h, otherwise: hold }"));
    std::vector<testing::OutsideReply> const none;
    testing::ScriptedOutside outside(none);
    constexpr std::int64_t minute = 60'000'000;
    auto const pass = [&](std::size_t number, std::int64_t now_us, std::string_view text) {
        outside.begin(number, now_us);
        auto const message = hl7::Message::view(text);
        Processed processed;
        pipeline->resume(pipeline->route("r"), routes::Subject{&*message}, text, now_us, outside, processed);
        return told(*pipeline, processed, "r");
    };
    CHECK(pass(1, 0, sample) == "sent");
    CHECK(pass(2, 30 * minute, sample) == "filtered step 1 (deduplicate): the same was here 30 min before");
    CHECK(pass(1, 30 * minute, sample) == "sent");  // after a crash, or sent again by a person
    CHECK(pass(3, 61 * minute, sample) == "sent");
    CHECK(pass(4, 62 * minute, sample) == "filtered step 1 (deduplicate): the same was here 60 s before");
    CHECK(pass(5, 0, "MSH|^~\\&|||||||ADT^A01||P|2.5\r") == "held step 1 (deduplicate): there is no key");
}

TEST_CASE("routes that wait: the commit comes first, and the rest of it is theirs") {
    auto const pipeline = compiled(
        "  - { name: a, from: in, when: PID-8 = 'F', steps: [ set: { MSH-5: A } ], to: [ lab, b ] }\n"
        "  - { name: b, when: MSH-5 = 'A', steps: [ " +
        std::string(get) + "then: [ set: { PV1-3.3: =%answer } ] } ], to: [ lab, c, d ] }\n" +
        "  - { name: c, to: ehr }\n"
        "  - { name: d, steps: [ deduplicate: { key: MSH-10, within: 1h, otherwise: hold } ], to: ehr }\n"
        "  - { name: e, from: in, when: PID-8 = 'M', steps: [ deduplicate: { key: MSH-10, within: 1h, "
        "otherwise: hold } "
        "], to: ehr }\n");
    auto const message = hl7::Message::view(sample);
    auto const summary = [&](Processed const& processed) {
        std::string out;
        for (auto const& v : processed.verdicts)
            out += pipeline->route_names()[v.route] + "=" + std::string(name(v.outcome)) + " ";
        for (auto const& d : processed.deliveries)
            out += pipeline->destination_names()[d.destination] + ":" + std::to_string(d.body) + " ";
        return out;
    };
    Processed first;
    pipeline->process(pipeline->listener("in"), *message, sample, 0, first);
    CHECK(summary(first) == "a=sent b=sent e=filtered lab:1 (route b):1 ");
    REQUIRE(first.bodies.size() == 1);

    auto const script = replies("{ asks: mpi, answer: B }");
    testing::ScriptedOutside outside(script);
    auto const changed = hl7::Message::view(first.bodies[0]);
    Processed second;
    pipeline->resume(pipeline->route("b"), routes::Subject{&*changed}, first.bodies[0], 0, outside, second);
    CHECK(summary(second) == "b=sent c=sent d=sent lab:1 ehr:1 (route d):1 ");

    // With a world outside at hand, as tests have it, all of it at once.
    Processed whole;
    pipeline->process(pipeline->listener("in"), *message, sample, 0, whole, nullptr, &outside);
    CHECK(summary(whole) == "a=sent b=sent c=sent d=sent e=filtered lab:1 lab:2 ehr:2 ehr:2 ");
    CHECK(pipeline->waiting_routes() == std::vector<std::uint32_t>{1, 3, 4});
}

TEST_CASE("routes that wait: what is wrong is said") {
    struct Row {
        std::string routes;
        std::string_view found;
    } const rows[] = {
        {steps("enrich: { otherwise: hold, then: [ set: { MSH-5: x } ] }"),
         "enrich does not say what it asks"},
        {steps("enrich: { http: { url: 'http://a' }, sqlite: { file: a, query: b }, otherwise: hold, then: "
               "[] }"),
         "enrich asks in several ways"},
        {steps("enrich: { http: { url: 'http://a' }, then: [ set: { MSH-5: x } ] }"),
         "enrich does not say what becomes of a message of which nothing is known there"},
        {steps("enrich: { http: { url: 'https://a' }, otherwise: hold, then: [ set: { MSH-5: x } ] }"),
         "https comes with TLS"},
        {steps("enrich: { http: { url: 'http://a', within: 10m }, otherwise: hold, then: [ set: { MSH-5: x } "
               "] }"),
         "within must be some time, and at most 5m"},
        {steps("enrich: { http: { url: 'http://a', headers: { 'a b': c } }, otherwise: hold, then: [ set: { "
               "MSH-5: x } "
               "] }"),
         "\"a b\" is not the name of a header"},
        {steps("set: { MSH-5: =%answer.x }"), "%answer means nothing here"},
        {steps("{ when: '%answer.x = 1', then: [ set: { MSH-5: x } ] }"), "%answer means nothing here"},
        {steps("{ deduplicate: { key: MSH-10, within: 1h } }"),
         "deduplicate does not say what becomes of a message without a key"},
        {steps("{ deduplicate: { key: MSH-10, within: 40d, otherwise: hold } }"), "at most 31d"},
        {steps("{ detach: { field: OBX-5.5, file: { dir: a, name: b } } }"),
         "detach does not say what becomes of a message without a document"},
        {steps("{ detach: { field: MSH-1, file: { dir: a, name: b }, otherwise: hold } }"), "MSH-1"},
        {steps("{ deduplicate: { key: MSH-10, within: 1h, otherwise: hold } }, { reject: { reason: no } }"),
         "too late to reject"},
        {"  - { name: r, from: in, to: lab, on_error: reject, steps: [ deduplicate: { key: MSH-10, within: "
         "1h, "
         "otherwise: hold } ] }\n",
         "can't reject then"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.routes);
        config::Diagnostics diagnostics;
        compiled(row.routes, diagnostics);
        CAPTURE(diagnostics.text());
        CHECK(diagnostics.failed());
        CHECK(diagnostics.text().find(row.found) != std::string::npos);
    }
}
