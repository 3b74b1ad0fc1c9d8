// What `hilum check` finds that no part of the configuration can find alone.
#include "engine/flow/loading.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/ops/json.h"
#include "routes/advice_order.h"
#include "routes/steps/step.h"

using namespace hilum;

namespace {

struct NoEnvironment final : config::Environment {
    bool variable(std::string const&, std::string&) const override { return false; }
    bool file(std::string const&, std::string&) const override { return false; }
};

// The findings of check_together alone, one a line.
std::string findings(std::string const& listeners, std::string const& rest = {}) {
    config::Diagnostics loading, together;
    std::string const text = "listeners:\n" + listeners +
                             "destinations: { lab: { mllp: { connect: \"lab.example:1\" } } }\n"
                             "routes: [ { name: r, from: a, to: lab } ]\n" +
                             rest;
    auto const config =
        config::load_text(text, "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, loading);
    CAPTURE(loading.text());
    REQUIRE(!loading.failed());
    flow::check_together(config, together);
    return together.text();
}

std::string mllp(std::string const& name, std::string const& listen) {
    return "  " + name + ": { mllp: { listen: \"" + listen + "\" } }\n";
}

}  // namespace

TEST_CASE("two binds that can't both succeed") {
    struct Row {
        char const* a;
        char const* b;
        bool collide;
    };
    Row const rows[] = {
        {"127.0.0.1:2575", "127.0.0.1:2575", true},  {"0.0.0.0:2575", "127.0.0.1:2575", true},
        {"127.0.0.1:2575", "0.0.0.0:2575", true},    {"[::]:2575", "0.0.0.0:2575", true},
        {"[::]:2575", "10.0.0.1:2575", true},        {"localhost:2575", "127.0.0.1:2575", true},
        {"127.0.0.1:2575", "127.0.0.1:2576", false}, {"127.0.0.1:2575", "127.0.0.2:2575", false},
        {"[::1]:2575", "0.0.0.0:2575", false},       {"127.0.0.1:0", "127.0.0.1:0", false},
    };
    for (auto const& row : rows) {
        CAPTURE(row.a);
        CAPTURE(row.b);
        auto const text = findings(mllp("a", row.a) + mllp("b", row.b));
        CHECK(text.empty() != row.collide);
        if (row.collide) {
            CHECK(text.starts_with("c.yaml:3:25: error: listener \"b\" listens where listener \"a\" does"));
        }
    }
}

TEST_CASE("the admin port") {
    struct Row {
        char const* admin;
        char const* expected;
    };
    Row const rows[] = {
        {"127.0.0.1:8080", ""},
        {"localhost:8080", ""},
        {"[::1]:8080", ""},
        {"127.0.0.1:2575", "c.yaml:5:19: error: the admin port listens where listener \"a\" does"},
        {"0.0.0.0:8080", "c.yaml:5:19: error: admin listens on loopback only for now; use 127.0.0.1:8080"},
        {"admin.example:8080", "c.yaml:5:19: error: a listener needs an IP address"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.admin);
        auto const text =
            findings(mllp("a", "0.0.0.0:2575"), "admin: { listen: \"" + std::string(row.admin) + "\" }\n");
        CHECK(text.substr(0, std::string_view(row.expected).size()) == row.expected);
        CHECK(text.empty() == std::string_view(row.expected).empty());
    }
    // The default port, which is written nowhere.
    CHECK(findings(mllp("a", "127.0.0.1:8080"))
              .starts_with("c.yaml: error: the admin port listens where listener \"a\" does"));
}

TEST_CASE("names as listen addresses, folders watched twice, retry keys") {
    CHECK(
        findings(mllp("a", "myhost:2575")).starts_with("c.yaml:2:25: error: a listener needs an IP address"));
    std::string const folders = "  a: { file: { dir: ./in } }\n  b: { file: { dir: in/ } }\n";
    CHECK(findings(folders).starts_with(
        "c.yaml:3:21: error: listener \"b\" watches the folder that listener \"a\" watches"));

    config::Diagnostics diagnostics;
    auto const config = config::load_text(
        "listeners: { a: { mllp: { listen: \"127.0.0.1:1\" } } }\n"
        "destinations: { lab: { mllp: { connect: \"lab.example:1\" }, retry: { frist: 1s } } }\n"
        "routes: [ { name: r, from: a, to: lab } ]\n",
        "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, diagnostics);
    flow::check_together(config, diagnostics);
    CHECK(diagnostics.text().find("did you mean \"first\"?") != std::string::npos);
}

TEST_CASE("hours in which a destination may be tried need a time zone, and are read as they are written") {
    struct Row {
        char const* retry;
        char const* expected;  // "": it is right
    };
    constexpr Row rows[] = {
        {"{ between: \"22:00-05:00\", zone: UTC }", ""},
        {"{ between: [mon-fri 22:00-05:00, sat-sun], zone: UTC }", ""},
        {"{ between: [mon-fri 22:00-05:00, sat-san], zone: UTC }",
         "c.yaml:2:100: error: \"san\" is no day of the week; did you mean \"sat\"?"},
        {"{ between: \"22-05\", zone: UTC }",
         "c.yaml:2:79: error: \"22-05\" are no hours; write \"mon-fri 22:00-05:00\", \"sat,sun\" or "
         "\"08:00-18:00\""},
        {"{ between: \"22:00-05:00\" }",
         "c.yaml:2:67: error: retry.between does not say by which clock; name the time zone, as in zone: "
         "Europe/Berlin"},
        {"{ zone: UTC }",
         "c.yaml:2:75: error: retry.zone is the time zone of retry.between, which is not there; write "
         "between: \"22:00-05:00\", or leave it out"},
        {"{ between: \"22:00-05:00\", zone: Nowhere/Atall }", "there is no time zone \"Nowhere/Atall\""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.retry);
        config::Diagnostics diagnostics;
        auto const config = config::load_text(
            "listeners: { a: { mllp: { listen: \"127.0.0.1:1\" } } }\n"
            "destinations: { lab: { mllp: { connect: \"lab.example:1\" }, retry: " +
                std::string(row.retry) + " } }\nroutes: [ { name: r, from: a, to: lab } ]\n",
            "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, diagnostics);
        flow::check_together(config, diagnostics);
        CAPTURE(diagnostics.text());
        if (*row.expected)
            CHECK(diagnostics.text().find(row.expected) != std::string::npos);
        else
            CHECK(diagnostics.text() == "");
    }
}

TEST_CASE("a path that is not there is a finding") {
    config::Diagnostics diagnostics;
    CHECK(!flow::load_configuration("/nonexistent/hilum.yaml", NoEnvironment{}, diagnostics).has_value());
    CHECK(diagnostics.failed());
}

TEST_CASE("the schema is JSON and knows every kind and step") {
    auto const schema = flow::configuration_schema();
    REQUIRE(ops::json::parse(schema).has_value());
    auto const catalogue = flow::engine_catalogue();
    for (auto const& kind : catalogue.listeners)
        CHECK(schema.find("\"" + std::string(kind.kind) + "\"") != std::string::npos);
    for (auto const step : catalogue.steps)
        CHECK(schema.find("\"" + std::string(step) + "\"") != std::string::npos);
    for (auto const key : catalogue.destination_keys)
        CHECK(schema.find("\"" + std::string(key) + "\"") != std::string::npos);
}

TEST_CASE("where acknowledgements go and come from has to be there, and counts as used") {
    struct Row {
        char const* listener;  // keys of listener a, beside its kind
        char const* lab;       // options of destination lab
        char const* expected;
    };
    Row const rows[] = {
        {"ack: { mode: enhanced, application_to: acks }", "answers_at: a", ""},
        {"ack: { mode: enhanced, application_to: ack }", "answers_at: a",
         "there is no destination \"ack\"; did you mean \"acks\"?"},
        {"sequence: check, ack: { mode: enhanced, application_to: acks }", "answers_at: b",
         "there is no listener \"b\"; known listeners: a"},
        {"ack: original", "answers_at: a", "\"original\" is no way to acknowledge; write stored"},
        {"ack: { mode: both }", "answers_at: a", "\"both\""},
        {"", "release: 3", "MLLP has release 1 and release 2"},
        {"", "start_byte: 28", "start_byte and end_byte are the same"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.listener);
        CAPTURE(row.lab);
        bool const used = std::string_view(row.listener).find("application_to") != std::string_view::npos;
        std::string const acks = used ? ", acks: { mllp: { connect: \"127.0.0.1:2\" } }" : "";
        std::string const keys = *row.listener ? std::string(", ") + row.listener : "";
        config::Diagnostics diagnostics;
        auto const config =
            config::load_text("listeners: { a: { mllp: { listen: \"127.0.0.1:1\" }" + keys + " } }\n" +
                                  "destinations: { lab: { mllp: { connect: \"lab.example:1\", " + row.lab +
                                  " } }" + acks + " }\n" + "routes: [ { name: r, from: a, to: lab } ]\n",
                              "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, diagnostics);
        flow::check_together(config, diagnostics);
        CAPTURE(diagnostics.text());
        if (*row.expected)
            CHECK(diagnostics.text().find(row.expected) != std::string::npos);
        else
            CHECK(diagnostics.text() == "");
    }
}

TEST_CASE("what a destination and an acknowledgement may say, and what is said of the rest") {
    struct Row {
        char const* destination;  // keys of lab, beside its kind
        char const* listener;     // keys of a
        char const* expected;     // "" when nothing is wrong
    };
    Row const rows[] = {
        {"", "", ""},
        {"order_by: PID-3.1, connections: 8, priority: \"ORC-7.6 = 'S'\"", "", ""},
        {"on_ambiguous: hold, retry: { attempts: 3, then: stop }", "", ""},
        {"on_answer: [ { msa: [AE, CE], err: [206, 100-104], then: delivered }, { http: 500-599, then: stop "
         "} ]",
         "", ""},
        {"connections: 4", "",
         "without order_by every message waits for the one before it: only one connection"},
        {"connections: 65, order_by: PID-3.1", "", "connections is a number from 1 to 64"},
        {"connections: 0", "", "connections is a number from 1 to 64"},
        {"priority: PID-3.1 = '1'", "",
         "without order_by every message waits for the one before it: none can go"},
        {"order_by: PID-3.1.uper()", "", "did you mean \"upper\""},
        {"on_answer: { msa: AE, then: hold }", "", "\"on_answer\" of destination \"lab\" is a list"},
        {"on_answer: [ { msa: AX, then: hold } ]", "",
         "\"AX\" is no acknowledgement code; use one of AA, AE"},
        {"on_answer: [ { err: 20x, then: hold } ]", "", "\"20x\" is no error code of HL7 table 0357"},
        {"on_answer: [ { http: 599-500, then: hold } ]", "", "\"599-500\" is no HTTP status"},
        {"on_answer: [ { failure: timout, then: hold } ]", "",
         "\"timout\" is no kind of failure; use one of connect"},
        {"on_answer: [ { msa: AE, then: ignore } ]", "",
         "nothing can be \"ignore\" after an answer; use delivered"},
        {"on_answer: [ { then: hold } ]", "", "this rule of on_answer fits every answer"},
        {"on_answer: [ { msa: AE } ]", "", "then"},
        {"on_ambiguous: resent", "", "did you mean \"resend\""},
        {"retry: { then: retry }", "", "\"then\" can't be \"retry\""},
        {"", "ack: { mode: delivered, from: lab, within: 5s, late: cancel }", ""},
        {"", "ack: delivered", "ack: delivered does not say whose answer the sender gets"},
        {"", "ack: { mode: delivered }", "mode: delivered does not say whose answer the sender gets"},
        {"", "ack: { from: lab }", "from has no effect without mode: delivered"},
        {"", "ack: { mode: delivered, from: labb }", "labb"},
        {"", "ack: { mode: delivered, from: lab, application_to: lab }", "application_to has no effect"},
        {"", "ack: { mode: delivered, from: lab, within: 0s }", "ack.within is no time at all"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.destination);
        CAPTURE(row.listener);
        auto const keys = [](std::string const& text) { return text.empty() ? text : ", " + text; };
        config::Diagnostics diagnostics;
        auto const config =
            config::load_text("listeners: { a: { mllp: { listen: \"127.0.0.1:1\" }" + keys(row.listener) +
                                  " } }\ndestinations: { lab: { mllp: { connect: \"lab.example:1\" }" +
                                  keys(row.destination) + " } }\nroutes: [ { name: r, from: a, to: lab } ]\n",
                              "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, diagnostics);
        flow::check_together(config, diagnostics);
        auto const text = diagnostics.text();
        if (std::string(row.expected).empty()) {
            CHECK(text == "");
        } else {
            CHECK_MESSAGE(text.find(row.expected) != std::string::npos, text);
        }
    }
}

TEST_CASE("what a batch may say") {
    struct Row {
        char const* destination;
        char const* expected;  // "" when nothing is wrong
    };
    Row const rows[] = {
        {"file: { dir: ., name: x.hl7 }, batch: { max: 500, every: 1m, max_bytes: 1MiB, file_header: true }",
         ""},
        {"file: { dir: ., name: x.hl7 }, batch: { max: 1 }", ""},
        {"mllp: { connect: \"lab.example:1\" }, batch: { max: 500 }",
         "destination \"lab\" (mllp) sends messages one by one; leave out batch, or send to one of kind "
         "file"},
        {"file: { dir: ., name: x.hl7 }, batch: { every: 1m }", "\"max\""},
        {"file: { dir: ., name: x.hl7 }, batch: { max: 0 }",
         "a batch has from 1 to 5000 messages; write max: 500"},
        {"file: { dir: ., name: x.hl7 }, batch: { max: 5001 }", "a batch has from 1 to 5000 messages"},
        {"file: { dir: ., name: x.hl7 }, batch: { max: 5, every: 0s }",
         "messages wait for others for some time"},
        {"file: { dir: ., name: x.hl7 }, batch: { max: 5, every: 2d }", "a day at most"},
        {"file: { dir: ., name: x.hl7 }, batch: { max: 5, max_bytes: 1GiB }", "from 1 byte to 256MiB"},
        {"file: { dir: ., name: x.hl7 }, batch: { max: 5 }, order_by: PID-3.1",
         "whatever order_by says; leave out batch, or order_by"},
        {"file: { dir: ., name: x.hl7 }, batch: { maximum: 5 }", "maximum"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.destination);
        config::Diagnostics diagnostics;
        auto const config =
            config::load_text(std::string("listeners: { a: { mllp: { listen: \"127.0.0.1:1\" } } }\n"
                                          "destinations: { lab: { ") +
                                  row.destination + " } }\nroutes: [ { name: r, from: a, to: lab } ]\n",
                              "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, diagnostics);
        flow::check_together(config, diagnostics);
        auto const text = diagnostics.text();
        CHECK_MESSAGE((*row.expected ? text.find(row.expected) != std::string::npos : text.empty()), text);
    }
    config::Diagnostics diagnostics;
    auto const config = config::load_text(
        "listeners: { b: { fhir: { listen: \"127.0.0.1:8088\" } } }\n"
        "destinations: { lab: { file: { dir: ., name: x.hl7 }, batch: { max: 5 } } }\n"
        "routes: [ { name: r, from: b, to: lab } ]\n",
        "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, diagnostics);
    flow::check_together(config, diagnostics);
    CHECK(diagnostics.text().find("a batch is made of HL7 v2 messages, and FHIR comes here") !=
          std::string::npos);
}

TEST_CASE("duplicates that are remembered for longer than they are kept") {
    auto const listener = [](std::string const& deduplicate) {
        return "  a: { mllp: { listen: \"127.0.0.1:2575\" }, deduplicate: " + deduplicate + " }\n";
    };
    CHECK(findings(listener("control_id")) == "");
    CHECK(findings(listener("control_id"), "store: { retain: 2h }\n")
              .starts_with("c.yaml:2:57: warning: listener \"a\" is to remember messages for longer than"));
    CHECK(findings(listener("{ by: content, within: 2h }"), "store: { retain: { age: 2h } }\n") == "");
}

TEST_CASE("an order_by to which both HL7 v2 and FHIR come") {
    config::Diagnostics diagnostics;
    auto const config = config::load_text(
        "listeners:\n"
        "  a: { mllp: { listen: \"127.0.0.1:2575\" } }\n"
        "  b: { fhir: { listen: \"127.0.0.1:8088\" } }\n"
        "destinations: { archive: { file: { dir: ., name: x.hl7 }, order_by: id } }\n"
        "routes: [ { name: r, from: a, to: archive }, { name: s, from: b, to: archive } ]\n",
        "c.yaml", ".", flow::engine_catalogue(), NoEnvironment{}, diagnostics);
    auto const pipeline = routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
    CHECK(diagnostics.text() == "");
    routes::advise_on_order(config, *pipeline, diagnostics);
    CHECK(
        diagnostics.text() ==
        "c.yaml:4:69: warning: HL7 v2 messages come to destination \"archive\" as well, and this is about "
        "FHIR: they have no value, and pass the resources or are passed; give each of the two a destination "
        "of its own\n");
}
