// How differences between what was and what would be are gathered.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "parsers/hl7/message_form.h"
#include "routes/testing/field_changes.h"
#include "routes/testing/rehearsal.h"
#include "tests/routes/small_configuration.h"

using namespace hilum;
using routes::RouteOutcome;

namespace {

constexpr std::string_view msh = "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\r";

std::string changes(std::string const& before, std::string const& after) {
    std::string out;
    testing::field_changes(std::string(msh) + before, std::string(msh) + after,
                           [&](std::string_view path, testing::FieldChange change) {
                               out += std::string(path) + " " + std::string(name(change)) + "; ";
                           });
    return out;
}

}  // namespace

TEST_CASE("fields in which messages differ") {
    struct Row {
        std::string_view name;
        std::string before, after;
        std::string_view changes;
    };
    std::vector<Row> const rows = {
        {"nothing", "PID|1||A\r", "PID|1||A\r", " other bytes, no other value; "},
        {"terminators", "PID|1||A\r", "PID|1||A", " other bytes, no other value; "},
        {"a component", "PID|1||A^B\r", "PID|1||A^C\r", "PID-3 changed; "},
        {"a repetition", "PID|1||A~B\r", "PID|1||A\r", "PID-3 changed; "},
        {"gone", "PID|1||A\r", "PID|1||\r", "PID-3 gone; "},
        {"cut off", "PID|1||A|B\r", "PID|1||A\r", "PID-4 gone; "},
        {"new", "PID|1\r", "PID|1|||B\r", "PID-4 new; "},
        {"two fields", "PID|1|A|B\r", "PID|1|B|A\r", "PID-2 changed; PID-3 changed; "},
        {"the second of two segments", "OBX|1||X\rOBX|2||Y\r", "OBX|1||X\rOBX|2||Z\r", "OBX-3 changed; "},
        {"a segment gone", "PID|1\rNK1|1|A\r", "PID|1\r", "NK1 gone; "},
        {"a segment new", "PID|1\r", "PID|1\rNK1|1|A\r", "NK1 new; "},
        {"a segment gone and a field", "PID|1||A^B\rNK1|1|A\r", "PID|1||A^C\r", "NK1 gone; PID-3 changed; "},
        {"one of three gone", "OBX|1||X\rOBX|2||Y\rOBX|3||Z\r", "OBX|1||X\rOBX|3||Z\r", "OBX gone; "},
        {"one gone, one changed", "OBX|1||X\rOBX|2||Y|a|b\rOBX|3||Z|c|d\r", "OBX|1||X\rOBX|3||W|c|d\r",
         "OBX gone; OBX-3 changed; "},
        {"another order", "PID|1\rPV1|1\r", "PV1|1\rPID|1\r", " segments in another order; "},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(changes(row.before, row.after) == row.changes);
    }
    std::string header;
    testing::field_changes(msh, "MSH|^~\\&|HIS|NORTH|LIS||20260102||ADT^A01|1|P|2.5\r",
                           [&](std::string_view path, testing::FieldChange) { header += path; });
    CHECK(header == "MSH-5");
    bool other = false;
    testing::field_changes("no message", msh, [&](std::string_view, testing::FieldChange change) {
        other = change == testing::FieldChange::other;
    });
    CHECK(other);
}

namespace {

// The candidate is the small configuration: to-lab sends women's messages with MSH-5 LAB, keep sends all to
// archive.
std::string clusters(std::vector<testing::Stored> const& stored, std::string_view received) {
    auto const small = test::small_configuration();
    testing::Rehearsal rehearsal(*small.pipeline);
    for (auto const& was : stored) {
        testing::Taken now;
        now.answer_code = "AA";
        auto const message = hl7::Message::view(received);
        small.pipeline->process(0, *message, received, 0, now.processed);
        rehearsal.compare(was, now);
    }
    std::string out;
    for (auto const& c : rehearsal.clusters()) {
        out += std::to_string(c.messages) + " " + c.subject + " " + c.path + " " + c.kind;
        if (!c.reason.empty()) out += " (" + c.reason + ")";
        out += " @" + std::to_string(c.example);
        if (!c.before.empty() || !c.after.empty()) out += " " + c.before + ">" + c.after;
        out += "; ";
    }
    return out + std::to_string(rehearsal.alike()) + " alike";
}

}  // namespace

TEST_CASE("differences are gathered into clusters") {
    auto const message = [](std::string_view name) {
        std::string text(msh);
        return text.append("PID|1||4711||").append(name).append("||1980|F\r");
    };
    std::string const received = message("Doe^Jane"), sent = message("DOE^Jane"),
                      other = message("Jane^Jane");
    auto const stored = [&](std::uint64_t number, std::string_view body) {
        testing::Stored was;
        was.number = number;
        was.received = received;
        was.answer_code = "AA";
        was.verdicts = {{"to-lab", RouteOutcome::sent, {}},
                        {"keep", RouteOutcome::sent, {}},
                        {"strict", RouteOutcome::filtered, "when: PID-8 = 'X'"}};
        was.deliveries = {{"lab", "to-lab", body}, {"archive", "keep", received}};
        return was;
    };
    CHECK(clusters({stored(1, sent), stored(2, sent)}, received) == "2 alike");
    CHECK(clusters({stored(1, sent), stored(2, other), stored(3, other)}, received) ==
          "2 lab PID-5 changed @2 Jane^Jane>DOE^Jane; 1 alike");

    auto filtered = stored(4, sent);
    filtered.verdicts[0] = {"to-lab", RouteOutcome::filtered, "when: PID-8 = 'M'"};
    filtered.deliveries.erase(filtered.deliveries.begin());
    CHECK(clusters({filtered}, received) ==
          "1 route to-lab  was filtered, now sent (when: PID-8 = 'M') @4; 0 alike");

    auto held = stored(5, sent);
    held.verdicts[2] = {"strict", RouteOutcome::held, "step 1 (set)"};
    CHECK(clusters({held}, received) ==
          "1 route strict  was held, now filtered (when: PID-8 = 'X') @5; 0 alike");

    auto more = stored(6, sent);
    more.deliveries.push_back({"archive", "gone", sent});
    CHECK(clusters({more}, received) == "1 archive  no longer sent (route gone) @6; 0 alike");

    auto refused = stored(7, sent);
    refused.refused = true;
    refused.answer_code = "AE";
    refused.verdicts.clear();
    refused.deliveries.clear();
    CHECK(clusters({refused}, received) == "1 intake  was AE, now AA @7; 0 alike");

    auto renamed = stored(8, sent);
    renamed.verdicts[0].route = "laboratory";
    renamed.deliveries[0].route = "laboratory";
    CHECK(clusters({renamed}, received) == "1 alike");

    // In another form values are compared all the same.
    auto const as_xml = *hl7::in_form(*hl7::Message::view(sent), hl7::Form::xml);
    CHECK(clusters({stored(9, as_xml)}, received) == "1 lab  was sent as xml, now as er7 @9; 0 alike");
    auto const other_as_xml = *hl7::in_form(*hl7::Message::view(other), hl7::Form::xml);
    CHECK(clusters({stored(10, other_as_xml)}, received) ==
          "1 lab  was sent as xml, now as er7 @10; 1 lab PID-5 changed @10 Jane^Jane>DOE^Jane; 0 alike");
}
