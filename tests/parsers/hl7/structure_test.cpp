#include "parsers/hl7/structure.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "cpu_time.h"

using namespace hilum::hl7;

namespace {

// "PID PV1*2" as segments behind an MSH of that type and version.
std::string message_of(std::string_view type, std::string_view version, std::string_view segments) {
    std::string out =
        "MSH|^~\\&|A|B|C|D|20240102||" + std::string(type) + "|1|P|" + std::string(version) + "\r";
    while (!segments.empty()) {
        auto const end = std::min(segments.find(' '), segments.size());
        out += std::string(segments.substr(0, end)) + "|1\r";
        segments.remove_prefix(std::min(end + 1, segments.size()));
    }
    return out;
}

// What the groups look like: "MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))". Each
// group occurrence is written where it begins; a segment that comes back to an earlier one is written there.
std::string shape(Message const& message, MessageStructure const& s, std::uint32_t group = 0) {
    std::string out;
    auto const add = [&](std::string const& text) { out += (out.empty() ? "" : " ") + text; };
    std::uint32_t child = group + 1;
    auto const children_before = [&](std::size_t segment) {
        for (; child < s.groups().size() && s.groups()[child].first <= segment; ++child)
            if (s.groups()[child].parent == group)
                add(std::string(s.groups()[child].name) + "(" + shape(message, s, child) + ")");
    };
    for (std::size_t n = 1; n <= message.segment_count(); ++n) {
        children_before(n);
        if (s.place(n).group == group) add(std::string(message.segment(n).substr(0, 3)));
    }
    children_before(message.segment_count());
    return out;
}

std::string findings(MessageStructure const& s) {
    std::string out;
    for (auto const& f : s.findings()) {
        out += (out.empty() ? "" : ", ") + std::to_string(f.segment) + ' ' + std::string(name(f.code)) + ' ' +
               std::string(f.name);
    }
    return out;
}

struct Row {
    std::string_view title, type, version, segments, shape, findings;
};

void check(Row const& row) {
    CAPTURE(row.title);
    auto const bytes = message_of(row.type, row.version, row.segments);
    auto const message = Message::view(bytes);
    REQUIRE(message.has_value());
    auto const s = MessageStructure::of(*message);
    CHECK(shape(*message, s) == row.shape);
    CHECK(findings(s) == row.findings);
}

// Every segment has one place, in a group that encloses it; groups are numbered without gaps.
void check_whole(Message const& message, MessageStructure const& s) {
    REQUIRE(s.segment_count() == message.segment_count());
    auto const& groups = s.groups();
    REQUIRE(!groups.empty());
    for (std::uint32_t g = 1; g < groups.size(); ++g) {
        REQUIRE(groups[g].parent < g);
        REQUIRE(groups[g].first <= groups[g].last);
        REQUIRE(groups[g].last <= message.segment_count());
    }
    for (std::size_t n = 1; n <= s.segment_count(); ++n) {
        auto const place = s.place(n);
        REQUIRE(place.group < groups.size());
        REQUIRE(groups[place.group].last >= n);
        REQUIRE(groups[place.group].first <= n);
        if (place.node == SegmentPlace::nowhere) continue;
        REQUIRE(s.structure().has_value());
        REQUIRE(message.segment(n).starts_with(s.structure()->node(place.node).name));
    }
}

}  // namespace

TEST_CASE("structure: messages in order") {
    for (Row const& row : {
             Row{"ORU with notes at three levels and a specimen", "ORU^R01^ORU_R01", "2.5.1",
                 "PID PD1 NTE PV1 ORC OBR NTE TQ1 OBX NTE NTE OBX SPM OBX OBR OBX",
                 "MSH PATIENT_RESULT(PATIENT(PID PD1 NTE VISIT(PV1)) "
                 "ORDER_OBSERVATION(ORC OBR NTE TIMING_QTY(TQ1) OBSERVATION(OBX NTE NTE) OBSERVATION(OBX) "
                 "SPECIMEN(SPM OBX)) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))",
                 ""},
             {"ORU of two patients", "ORU^R01", "2.3.1", "PID OBR OBX PID OBR OBX",
              "MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX))) "
              "PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))",
              ""},
             {"type and event in one component", "ORU_R01", "2.5.1", "PID OBR OBX",
              "MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX)))", ""},
             {"ORU without patient", "ORU^R01", "2.5.1", "OBR OBX",
              "MSH PATIENT_RESULT(ORDER_OBSERVATION(OBR OBSERVATION(OBX)))", ""},
             {"OML with two orders", "OML^O21^OML_O21", "2.5.1",
              "PID PV1 ORC TQ1 OBR DG1 OBX SPM OBX ORC OBR OBX NTE",
              "MSH PATIENT(PID PATIENT_VISIT(PV1)) "
              "ORDER(ORC TIMING(TQ1) OBSERVATION_REQUEST(OBR DG1 OBSERVATION(OBX) SPECIMEN(SPM OBX))) "
              "ORDER(ORC OBSERVATION_REQUEST(OBR OBSERVATION(OBX NTE)))",
              ""},
             {"ORM with insurance, an order of each kind", "ORM^O01", "2.3",
              "PID PV1 IN1 IN2 IN1 GT1 AL1 ORC OBR NTE DG1 OBX NTE ORC RXO NTE",
              "MSH PATIENT(PID PATIENT_VISIT(PV1) INSURANCE(IN1 IN2) INSURANCE(IN1) GT1 AL1) "
              "ORDER(ORC ORDER_DETAIL(OBR NTE DG1 OBSERVATION(OBX NTE))) ORDER(ORC ORDER_DETAIL(RXO NTE))",
              ""},
             {"VXU", "VXU^V04^VXU_V04", "2.5.1", "PID PD1 NK1 ORC RXA RXR OBX OBX ORC RXA",
              "MSH PID PD1 NK1 ORDER(ORC RXA RXR OBSERVATION(OBX) OBSERVATION(OBX)) ORDER(ORC RXA)", ""},
             {"SIU with resources", "SIU^S12^SIU_S12", "2.5.1",
              "SCH NTE PID PV1 RGS AIS NTE AIG AIL AIP NTE RGS AIP",
              "MSH SCH NTE PATIENT(PID PV1) RESOURCES(RGS SERVICE(AIS NTE) GENERAL_RESOURCE(AIG) "
              "LOCATION_RESOURCE(AIL) PERSONNEL_RESOURCE(AIP NTE)) RESOURCES(RGS PERSONNEL_RESOURCE(AIP))",
              ""},
             {"RDE", "RDE^O11^RDE_O11", "2.5.1", "PID AL1 ORC RXO RXR RXE NTE TQ1 RXR RXC OBX",
              "MSH PATIENT(PID AL1) ORDER(ORC ORDER_DETAIL(RXO RXR) RXE NTE TIMING_ENCODED(TQ1) RXR RXC "
              "OBSERVATION(OBX))",
              ""},
             {"DFT", "DFT^P03^DFT_P03", "2.5.1", "EVN PID PV1 FT1 PR1 FT1 DG1 GT1 IN1 IN2",
              "MSH EVN PID PV1 FINANCIAL(FT1 FINANCIAL_PROCEDURE(PR1)) FINANCIAL(FT1) DG1 GT1 "
              "INSURANCE(IN1 IN2)",
              ""},
             {"MDM", "MDM^T02^MDM_T02", "2.5.1", "EVN PID PV1 TXA OBX NTE OBX",
              "MSH EVN PID PV1 TXA OBSERVATION(OBX NTE) OBSERVATION(OBX)", ""},
             {"merges", "ADT^A40^ADT_A39", "2.5.1", "EVN PID MRG PID PD1 MRG PV1",
              "MSH EVN PATIENT(PID MRG) PATIENT(PID PD1 MRG PV1)", ""},
             {"ADT with procedures and insurance", "ADT^A01^ADT_A01", "2.5.1",
              "EVN PID PD1 ROL NK1 PV1 PV2 ROL DB1 OBX AL1 DG1 PR1 ROL PR1 GT1 IN1 IN2 ROL IN1 ACC",
              "MSH EVN PID PD1 ROL NK1 PV1 PV2 ROL DB1 OBX AL1 DG1 PROCEDURE(PR1 ROL) PROCEDURE(PR1) GT1 "
              "INSURANCE(IN1 IN2 ROL) INSURANCE(IN1) ACC",
              ""},
             {"swap: the same segments twice", "ADT^A17^ADT_A17", "2.5.1", "EVN PID PV1 PV2 PID PV1",
              "MSH EVN PID PV1 PV2 PID PV1", ""},
             {"2.1", "ORM^O01", "2.1", "PID PV1 ORC OBR OBX NTE",
              "MSH PATIENT(PID PV1) ORDER(ORC ORDER_DETAIL(OBR OBSERVATION(OBX NTE)))", ""},
         })
        check(row);
}

TEST_CASE("structure: messages out of order are kept whole and reported") {
    for (Row const& row : {
             Row{"NK1 after PV1", "ADT^A01", "2.5.1", "EVN PID PV1 NK1 PV2 AL1",
                 "MSH EVN PID PV1 NK1 PV2 AL1", "5 out_of_place NK1"},
             {"a visit after its orders", "ORU^R01", "2.5.1", "PID OBR OBX PV1 PV2 OBX OBR OBX",
              "MSH PATIENT_RESULT(PATIENT(PID VISIT(PV1 PV2)) "
              "ORDER_OBSERVATION(OBR OBSERVATION(OBX) OBSERVATION(OBX)) "
              "ORDER_OBSERVATION(OBR OBSERVATION(OBX)))",
              "5 out_of_place PV1, 6 out_of_place PV2"},
             {"diagnosis and procedure after insurance", "ADT^A01", "2.5.1",
              "EVN PID PV1 IN1 IN2 DG1 PR1 ROL IN1",
              "MSH EVN PID PV1 INSURANCE(IN1 IN2) DG1 PROCEDURE(PR1 ROL) INSURANCE(IN1)",
              "7 out_of_place DG1, 8 out_of_place PR1, 9 out_of_place ROL"},
             {"Z-segments anywhere", "ORU^R01", "2.5.1", "ZA1 PID ZPI OBR OBX ZOB OBX",
              "MSH ZA1 PATIENT_RESULT(PATIENT(PID ZPI) ORDER_OBSERVATION(OBR OBSERVATION(OBX ZOB) "
              "OBSERVATION(OBX)))",
              "2 local ZA1, 4 local ZPI, 7 local ZOB"},
             {"a segment of another structure", "ADT^A01", "2.5.1", "EVN PID RXA PV1", "MSH EVN PID RXA PV1",
              "4 unexpected RXA"},
             {"one too many", "ADT^A01", "2.5.1", "EVN PID PID PV1 PV1", "MSH EVN PID PID PV1 PV1",
              "4 too_many PID, 6 too_many PV1"},
             {"required ones that are missing", "ADT^A01", "2.5.1", "PID", "MSH PID",
              "2 missing EVN, 2 missing PV1"},
             {"an order without ORC", "VXU^V04", "2.5.1", "PID ORC RXA OBX RXA OBX",
              "MSH PID ORDER(ORC RXA OBSERVATION(OBX)) ORDER(RXA OBSERVATION(OBX))", "7 missing ORC"},
             {"a second request in the same order", "OML^O21", "2.5.1", "ORC OBR OBX OBR OBX",
              "MSH ORDER(ORC OBSERVATION_REQUEST(OBR OBSERVATION(OBX))) "
              "ORDER(OBSERVATION_REQUEST(OBR OBSERVATION(OBX)))",
              "6 missing ORC"},
             {"results without a request", "ORU^R01", "2.5.1", "PID OBX OBX",
              "MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBSERVATION(OBX) OBSERVATION(OBX)))",
              "4 missing OBR"},
             {"an empty ORU", "ORU^R01", "2.5.1", "", "MSH", "1 missing PATIENT_RESULT"},
             {"no structure known", "ZZZ^Z01", "2.5.1", "PID ZPI", "MSH PID ZPI", "1 unknown_structure MSH"},
             {"no type at all", "", "", "PID", "MSH PID", "1 unknown_structure MSH"},
         })
        check(row);
}

TEST_CASE("structure: names that are none, and lower case") {
    std::string const bytes = "MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\rEVN|1\rpid|1\rXX\rPIDX|1\r|\rPV1\r";
    auto const message = Message::view(bytes);
    auto const s = MessageStructure::of(*message);
    check_whole(*message, s);
    CHECK(findings(s).find("3 unexpected pid") != std::string::npos);
}

TEST_CASE("structure: the structure follows edits") {
    auto message = Message::parse(message_of("ORU^R01", "2.5.1", "PID OBR OBX OBX"));
    StructureCache cache(*message);
    CHECK(cache.get().groups().size() == 6);
    auto const* before = &cache.get();
    REQUIRE(message->set(Path::parse("OBX-5").value(), "x").has_value());
    CHECK(&cache.get() == before);
    CHECK(cache.get().groups().size() == 6);
    message->erase(Path::parse("OBX[2]").value());
    CHECK(cache.get().groups().size() == 5);
    REQUIRE(message->set(Path::parse("MSH-9.2").value(), "Z99").has_value());
    CHECK(cache.get().groups().size() == 1);
}

TEST_CASE("structure: all permutations of a small message are kept whole") {
    std::string order = "ABCDEF";
    std::size_t checked = 0;
    do {
        std::string segments;
        for (char const c : order) {
            static constexpr std::string_view names[] = {"PID", "PV1", "ORC", "OBR", "OBX", "NTE"};
            segments += (segments.empty() ? "" : " ") + std::string(names[c - 'A']);
        }
        CAPTURE(segments);
        auto const bytes = message_of("ORU^R01", "2.5.1", segments);
        auto const message = Message::view(bytes);
        auto const s = MessageStructure::of(*message);
        check_whole(*message, s);
        for (std::size_t n = 1; n <= s.segment_count(); ++n) CHECK(s.place(n).node != SegmentPlace::nowhere);
        ++checked;
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(checked == 720);
}

TEST_CASE("structure: a million segments in bounded time") {
    std::string const header = "MSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.5.1\r";
    auto const start = cpu_seconds();
    for (std::string_view const part :
         {"OBX\r", "PID\rOBX\r", "OBR\rPV1\r", "ZZZ\r", "PV1\rPID\rNTE\rOBR\rSPM\rTQ1\r", "QQQ\rOBX\r"}) {
        CAPTURE(part);
        std::string bytes = header;
        while (bytes.size() < 4'000'000) bytes += part;
        auto const message = Message::view(bytes);
        auto const s = MessageStructure::of(*message);
        CHECK(s.segment_count() == message->segment_count());
        CHECK(s.segment_count() > 999'000);
        CHECK(s.findings().size() <= 1000);
        CHECK(s.finding_count() >= s.findings().size());
    }
    // Far from a limit: linear work is well below a second for each, sanitizers included.
    CHECK(cpu_seconds() - start < 60);
}

TEST_CASE("structure: one that a site declares") {
    DictionaryOverlay overlay;
    overlay.structures = {
        {.name = "ZDS_Z01",
         .events = {"ZDS^Z01"},
         .nodes = {{.name = "MSH"},
                   {.name = "PETS", .min = 0, .max = 0, .children = {{.name = "PID"}, {.name = "ZPI"}}}}}};
    auto const dictionary = Dictionary::with(overlay);
    REQUIRE(dictionary.has_value());
    auto const bytes = message_of("ZDS^Z01", "2.5.1", "PID ZPI PID ZPI");
    auto const message = Message::view(bytes);
    auto const s = MessageStructure::of(*message, *dictionary);
    CHECK(shape(*message, s) == "MSH PETS(PID ZPI) PETS(PID ZPI)");
    CHECK(findings(s).empty());
}
