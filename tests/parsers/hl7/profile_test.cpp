// What a conformance profile (HL7 v2.8.2 §2.B) says on top of the standard, rule by rule.
#include "parsers/hl7/profile.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "parsers/hl7/validate.h"

using namespace hilum::hl7;

namespace {

using Test = ProfileCondition::Test;
using Kind = ProfileCondition::Kind;

Path path(std::string_view text) {
    return Path::parse(text).value();
}

ProfileElement element(std::uint32_t number) {
    ProfileElement made;
    made.number = number;
    return made;
}

// What a profile with one element in one segment says of a message: "OBX[1]-5 constant: ...".
std::string said(ProfileSegment const& segment, std::string const& segments) {
    static Rules const standard = Rules::of(Dictionary::standard());
    ProfileMessage message;
    message.segments = {segment};
    Profile profile;
    profile.messages = {message};
    auto const rules = standard.with(std::make_shared<Profile const>(profile));
    std::string const text = "MSH|^~\\&|L|F|E|H|20240102||ORU^R01^ORU_R01|1|P|2.5.1\r" + segments;
    auto const read = Message::view(text);
    REQUIRE(read.has_value());
    std::string out;
    for (auto const& f : validate(*read, rules).findings) {
        if (f.by_profile) out += (out.empty() ? "" : "; ") + f.place.text() + " " + std::string(name(f.rule));
    }
    return out;
}

std::string said(std::string const& name, ProfileElement const& of, std::string const& segments) {
    ProfileSegment segment;
    segment.name = name;
    segment.fields = {of};
    return said(segment, segments);
}

}  // namespace

TEST_CASE("profile: each thing that it says of an element") {
    ProfileElement repeated = element(3);
    repeated.repetitions_min = 2;
    repeated.repetitions_max = 3;
    CHECK(said("PID", repeated, "PID|1||1~2\r") == "");
    CHECK(said("PID", repeated, "PID|1||1\r") == "PID[1]-3 repetition");
    CHECK(said("PID", repeated, "PID|1||1~2~3~4\r") == "PID[1]-3 repetition");

    ProfileElement constant = element(8);
    constant.constant = "F";
    CHECK(said("PID", constant, "PID|1||1|||||F\r") == "");
    CHECK(said("PID", constant, "PID|1||1|||||M\r") == "PID[1]-8 constant");

    ProfileElement sized = element(18);
    sized.length_min = 3;
    sized.length_max = 4;
    CHECK(said("NK1", sized, "NK1|1|||||||||||||||||DE\r") == "NK1[1]-18 length");
    CHECK(said("NK1", sized, "NK1|1|||||||||||||||||DEU\r") == "");
    CHECK(said("NK1", sized, "NK1|1|||||||||||||||||DEUTS\r") == "NK1[1]-18 length");

    // Of a coded value with components, the first is the code.
    ProfileElement coded = element(10);
    coded.codes = std::make_shared<CodeSet const>(CodeSet{"2106-3", "2054-5"});
    coded.table = "races";
    CHECK(said("PID", coded, "PID|1||1|||||||2106-3^White^HL70005\r") == "");
    CHECK(said("PID", coded, "PID|1||1|||||||W^White^HL70005\r") == "PID[1]-10.1 table");
    CHECK(said("PID", coded, "PID|1||1|||||||\"\"\r") == "");
}

TEST_CASE("profile: conditions, in the segment at hand and elsewhere") {
    auto const conditional = [](std::vector<Test> tests, ProfileUsage otherwise) {
        ProfileElement made = element(3);
        made.usage = ProfileUsage::conditional;
        made.otherwise = otherwise;
        made.condition = std::make_shared<ProfileCondition const>(ProfileCondition{std::move(tests)});
        return made;
    };
    auto const by_type = conditional({{path("OBX-2"), Kind::in, {"NM", "SN"}}}, ProfileUsage::not_used);
    struct Row {
        char const* what;
        ProfileElement of;
        char const* segments;
        char const* found;
    };
    Row const rows[] = {
        {"the condition holds, and it is there", by_type, "OBX|1|NM|c\r", ""},
        {"the condition holds, and it is not", by_type, "OBX|1|NM\r", "OBX[1]-3 required"},
        {"it does not hold, and it is there", by_type, "OBX|1|ST|c\r", "OBX[1]-3 not_used"},
        {"it does not hold, and it is not", by_type, "OBX|1|ST\r", ""},
        {"each OBX by its own OBX-2", by_type, "OBX|1|NM|c\rOBX|2|ST|c\rOBX|3|SN\r",
         "OBX[2]-3 not_used; OBX[3]-3 required"},
        {"nothing is said otherwise", conditional({{path("OBX-2"), Kind::valued, {}}}, ProfileUsage::unsaid),
         "OBX|1||c\r", ""},
        {"empty", conditional({{path("OBX-4"), Kind::empty, {}}}, ProfileUsage::unsaid), "OBX|1|ST\r",
         "OBX[1]-3 required"},
        {"not empty", conditional({{path("OBX-4"), Kind::empty, {}}}, ProfileUsage::unsaid), "OBX|1|ST||1\r",
         ""},
        {"all have to hold",
         conditional({{path("OBX-4"), Kind::valued, {}}, {path("PID-8"), Kind::in, {"F"}}},
                     ProfileUsage::unsaid),
         "PID|1||1|||||M\rOBX|1|ST||1\r", ""},
        {"another segment decides",
         conditional({{path("OBX-4"), Kind::valued, {}}, {path("PID-8"), Kind::in, {"F"}}},
                     ProfileUsage::unsaid),
         "PID|1||1|||||F\rOBX|1|ST||1\r", "OBX[1]-3 required"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.what);
        CHECK(said("OBX", row.of, row.segments) == row.found);
    }
    ProfileElement without = element(3);
    without.usage = ProfileUsage::conditional;
    CHECK(said("OBX", without, "OBX|1|ST\r") == "");
}

TEST_CASE("profile: how often a segment comes, in the message and in its group") {
    auto const of = [](char const* group, ProfileUsage usage, std::uint32_t min, std::uint32_t max) {
        ProfileSegment segment;
        segment.name = "NTE";
        segment.group = group;
        segment.usage = usage;
        segment.min = min;
        segment.max = max;
        return segment;
    };
    struct Row {
        char const* what;
        ProfileSegment of;
        char const* segments;
        char const* found;
    };
    Row const rows[] = {
        {"missing", of("", ProfileUsage::required, 1, 2), "PID|1||1\r", "NTE[1] segment_missing"},
        {"too few", of("", ProfileUsage::required, 2, 2), "PID|1||1\rNTE|1\r", "NTE[1] segment_count"},
        {"too many", of("", ProfileUsage::optional, 0, 1), "PID|1||1\rNTE|1\rNTE|2\r",
         "NTE[2] segment_count"},
        {"any number", of("", ProfileUsage::optional, 0, 0), "PID|1||1\rNTE|1\rNTE|2\r", ""},
        {"not used", of("", ProfileUsage::not_used, 0, 0), "PID|1||1\rNTE|1\r", "NTE[1] not_used"},
        {"counted in each observation", of("OBSERVATION", ProfileUsage::optional, 0, 1),
         "PID|1||1\rOBR|1\rOBX|1\rNTE|1\rOBX|2\rNTE|1\r", ""},
        {"too many in one of them", of("OBSERVATION", ProfileUsage::optional, 0, 1),
         "PID|1||1\rOBR|1\rOBX|1\rNTE|1\rOBX|2\rNTE|1\rNTE|2\r", "NTE[3] segment_count"},
        {"missing in one of them", of("OBSERVATION", ProfileUsage::required, 1, 1),
         "PID|1||1\rOBR|1\rOBX|1\rNTE|1\rOBX|2\r", "NTE[2] segment_missing"},
        {"not there, so nothing is missing in it", of("OBSERVATION", ProfileUsage::required, 1, 1),
         "PID|1||1\rOBR|1\r", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.what);
        CHECK(said(row.of, row.segments) == row.found);
    }
}
