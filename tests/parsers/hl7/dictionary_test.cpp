#include "parsers/hl7/dictionary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace hilum::hl7;

namespace {

Version version(std::string_view text) {
    auto const found = version_named(text);
    REQUIRE(found.has_value());
    return *found;
}

// "CX R 20 * t0061": datatype, usage, length, repetitions, table; parts that say nothing left out.
std::string facts(Position const& p) {
    std::string out = std::string(p.datatype) + ' ' + static_cast<char>(p.usage);
    if (p.length_max != 0) out += ' ' + std::to_string(p.length_max);
    if (p.repetitions_max != 1)
        out += p.repetitions_max == 0 ? " *" : " x" + std::to_string(p.repetitions_max);
    if (p.table != 0) out += " t" + std::to_string(p.table);
    return out;
}

// "[PID [PD1]] {ORDER: ORC}" of one level: [ ] optional, { } repeating.
std::string written(Structure const& s, std::size_t begin, std::size_t end) {
    std::string out;
    for (std::size_t i = begin; i < end; i += s.node(i).span) {
        auto const n = s.node(i);
        std::string one(n.name);
        if (n.group) one += ": " + written(s, i + 1, i + n.span);
        if (n.max == 0) one = '{' + one + '}';
        if (n.min == 0) one = '[' + one + ']';
        if (n.group && n.min != 0 && n.max != 0) one = '(' + one + ')';
        out += (out.empty() ? "" : " ") + one;
    }
    return out;
}

std::string written(Structure const& s) {
    return written(s, 0, s.size());
}

DictionaryOverlay::Field field(std::uint32_t number) {
    DictionaryOverlay::Field f;
    f.number = number;
    return f;
}

}  // namespace

TEST_CASE("versions: what MSH-12 means") {
    struct Row {
        std::string_view text, meant;
    };
    for (Row const& row : {Row{"2.5.1", "2.5.1"},  {"2.1", "2.1"},     {"2.8.2", "2.8.2"},
                           {"2.3.1^DEU", "2.3.1"}, {" 2.4 ", "2.4"},   {"v2.5", "2.5"},
                           {"HL7 2.6", "2.6"},     {"2.5.2", "2.5.1"}, {"2.3.0", "2.3"},
                           {"2.9", "2.8.2"},       {"2.10", "2.8.2"},  {"2.0", "2.5.1"},
                           {"", "2.5.1"},          {"2", "2.5.1"},     {"3.0", "2.5.1"},
                           {"1.0", "2.5.1"},       {"P", "2.5.1"},     {"99999999999999", "2.5.1"},
                           {"2.", "2.5.1"},        {"2.5.", "2.5"}}) {
        CAPTURE(row.text);
        CHECK(name(version_of(row.text)) == row.meant);
    }
    CHECK_FALSE(version_named("2.9").has_value());
    CHECK(version_of("2.3") < version_of("2.3.1"));
}

TEST_CASE("dictionary: fields as the standard has them, by version") {
    struct Row {
        std::string_view version, segment;
        std::size_t field;
        std::string_view name, facts;
    };
    // Chapter 2 (MSH), 3 (PID, PV1), 4 (ORC, OBR), 7 (OBX) of each version.
    for (Row const& row : {
             Row{"2.1", "PID", 5, "Patient name", "PN R 48"},
             {"2.2", "PID", 3, "Patient ID", "CM_PAT_ID R 20 *"},
             {"2.3", "PID", 3, "Patient ID", "CX R 20 *"},
             {"2.5.1", "PID", 3, "Patient Identifier List", "CX R 250 *"},
             {"2.8.2", "PID", 3, "Patient Identifier List", "CX R *"},
             {"2.5.1", "PID", 8, "Administrative Sex", "IS O 1 t1"},
             {"2.7", "PID", 8, "Administrative Sex", "CWE O t1"},
             {"2.5.1", "PID", 2, "Patient ID", "CX B 20"},
             {"2.7", "PID", 2, "Patient ID", "ST W"},
             {"2.3.1", "PID", 7, "Date/Time Of Birth", "TS O 26"},
             {"2.6", "PID", 7, "Date/Time of Birth", "DTM O 24"},
             {"2.1", "MSH", 9, "Message type", "CM_MSG R 7"},
             {"2.5.1", "MSH", 9, "Message Type", "MSG R 15"},
             {"2.5.1", "MSH", 11, "Processing ID", "PT R 3 t103"},
             {"2.5.1", "MSH", 12, "Version ID", "VID R 60 t104"},
             {"2.7", "MSH", 2, "Encoding Characters", "ST R 5"},
             {"2.5.1", "MSH", 18, "Character Set", "ID O 16 * t211"},
             {"2.5.1", "PV1", 2, "Patient Class", "IS R 1 t4"},
             {"2.5.1", "OBR", 4, "Universal Service Identifier", "CE R 250"},
             {"2.5.1", "OBX", 2, "Value Type", "ID C 2 t125"},
             {"2.5.1", "OBX", 5, "Observation Value", "varies C 99999 *"},
             {"2.5.1", "OBX", 11, "Observation Result Status", "ID R 1 t85"},
             {"2.3.1", "ORC", 1, "Order Control", "ID R 2 t119"},
             {"2.8.1", "PID", 40, "Patient Telecommunication Information", "XTN O *"},
             {"2.8", "OBX", 27, "Root Cause", "CWE O t914"},
             {"2.8.2", "OBX", 4, "Observation Sub-ID", "OG C"},
             {"2.8.2", "ORC", 34, "Order Workflow Profile", "CWE O * t934"},
             {"2.8.2", "OMC", 6, "Communication Location", "CWE R t939"},
         }) {
        CAPTURE(row.version);
        CAPTURE(row.segment);
        CAPTURE(row.field);
        auto const found = Dictionary::standard().field(version(row.version), row.segment, row.field);
        REQUIRE(found.has_value());
        CHECK(found->name == row.name);
        CHECK(facts(*found) == row.facts);
        CHECK(found->repetitions_min == (found->required() ? 1 : 0));
    }
}

TEST_CASE("dictionary: what a version lacks is not there") {
    auto const& d = Dictionary::standard();
    CHECK_FALSE(d.segment(Version::v2_1, "SPM").has_value());
    CHECK(d.segment(Version::v2_5, "SPM").has_value());
    CHECK_FALSE(d.segment(Version::v2_8, "ZPI").has_value());
    CHECK_FALSE(d.segment(Version::v2_8, "").has_value());
    CHECK_FALSE(d.segment(Version::v2_8, "zzz").has_value());
    CHECK_FALSE(d.field(Version::v2_5, "PID", 0).has_value());
    CHECK(d.field(Version::v2_5, "PID", 39).has_value());
    CHECK_FALSE(d.field(Version::v2_5, "PID", 40).has_value());
    CHECK(d.segment(Version::v2_5_1, "PID")->title == "Patient Identification");
    CHECK(d.segment(Version::v2_5_1, "OBX")->fields.size() == 25);
}

TEST_CASE("dictionary: datatypes with their components") {
    auto const& d = Dictionary::standard();
    auto const cx = d.datatype(Version::v2_5_1, "CX");
    REQUIRE(cx.has_value());
    CHECK_FALSE(cx->primitive());
    REQUIRE(cx->components.size() == 10);
    CHECK(facts(*cx->components.at(1)) == "ST R 15");
    CHECK(facts(*cx->components.at(5)) == "ID O 5 t203");
    CHECK(d.datatype(Version::v2_5_1, "ST")->primitive());
    CHECK(d.datatype(Version::v2_1, "TM")->primitive());
    CHECK(d.datatype(Version::v2_7, "DTM")->primitive());
    CHECK(d.datatype(Version::v2_5_1, "TS")->components.size() == 2);
    CHECK_FALSE(d.datatype(Version::v2_7, "CE").has_value());
    CHECK_FALSE(d.datatype(Version::v2_5, "NIX").has_value());
}

TEST_CASE("dictionary: every datatype that a field or component names is one, in each version") {
    auto const& d = Dictionary::standard();
    std::size_t checked = 0;
    for (std::size_t v = 0; v < version_count; ++v) {
        auto const in = static_cast<Version>(v);
        CAPTURE(name(in));
        auto const check = [&](std::string_view of, Positions const& positions) {
            CAPTURE(of);
            for (std::size_t i = 1; i <= positions.size(); ++i) {
                auto const p = positions.at(i);
                CAPTURE(i);
                CHECK(d.datatype(in, p->datatype).has_value());
                CHECK((p->table == 0 || d.table(p->table).has_value()));
                ++checked;
            }
        };
        std::string segment = "AAA";
        for (segment[0] = 'A'; segment[0] <= 'Z'; ++segment[0])
            for (segment[1] = '0'; segment[1] <= 'Z'; ++segment[1])
                for (segment[2] = '0'; segment[2] <= 'Z'; ++segment[2])
                    if (auto const s = d.segment(in, segment)) {
                        CHECK(s->name == segment);
                        check(segment, s->fields);
                    }
        for (std::string_view const type : {"CX", "XPN", "XAD", "CE", "CWE", "EI", "HD", "TQ", "PL", "XCN"})
            if (auto const t = d.datatype(in, type)) check(type, t->components);
    }
    CHECK(checked > 20'000);
}

TEST_CASE("dictionary: structures by MSH-9") {
    struct Row {
        std::string_view version, type, event, named, structure;
    };
    for (Row const& row : {
             Row{"2.5.1", "ADT", "A04", "", "ADT_A01"},
             {"2.5.1", "ADT", "A08", "ADT_A01", "ADT_A01"},
             {"2.5.1", "ADT", "A28", "", "ADT_A05"},
             {"2.5.1", "ADT", "A31", "ADT_A05", "ADT_A05"},
             {"2.5.1", "ADT", "A40", "ADT_A39", "ADT_A39"},
             {"2.5.1", "ADT", "A40", "", "ADT_A39"},
             {"2.3", "ADT", "A04", "", "ADT_A04"},  // table 0354 came with 2.3.1
             {"2.3", "ADT", "A04", "ADT_A01", "ADT_A01"},
             {"2.2", "ORU", "R01", "", "ORU_R01"},
             {"2.1", "ORU", "", "", "ORU_R01"},
             {"2.5.1", "ORU", "", "", "ORU_R01"},
             {"2.5.1", "ACK", "A01", "", "ACK"},
             {"2.5.1", "ACK", "A01", "ACK", "ACK"},
             {"2.5.1", "ACK", "", "", "ACK"},
             {"2.3", "OML", "O21", "OML_O21", "OML_O21"},  // later than its version says
             {"2.8.2", "ADT", "A18", "", "ADT_A18"},       // withdrawn since
             {"2.5.1", "SIU", "S15", "", "SIU_S12"},
             {"2.5.1", "MDM", "T08", "", "MDM_T02"},
             {"2.5.1", "ADT", "A04", "ADT_A04", "ADT_A01"},  // the event in place of the structure
         }) {
        CAPTURE(row.version);
        CAPTURE(row.type);
        CAPTURE(row.event);
        auto const found =
            Dictionary::standard().structure(version(row.version), row.type, row.event, row.named);
        REQUIRE(found.has_value());
        CHECK(found->name() == row.structure);
    }
    auto const& d = Dictionary::standard();
    CHECK_FALSE(d.structure(Version::v2_5, "ZZZ", "Z01").has_value());
    CHECK_FALSE(d.structure(Version::v2_5, "ORU", "Z99").has_value());
    CHECK_FALSE(d.structure(Version::v2_5, "", "").has_value());
    CHECK_FALSE(d.structure(Version::v2_5, "AD", "").has_value());
}

TEST_CASE("dictionary: structures with their groups") {
    auto const& d = Dictionary::standard();
    auto const of = [&](std::string_view v, std::string_view name) {
        return written(d.structure(version(v), name).value());
    };
    // §7.3.1 of 2.5.1
    CHECK(of("2.5.1", "ORU_R01") ==
          "MSH [{SFT}] {PATIENT_RESULT: [PATIENT: PID [PD1] [{NTE}] [{NK1}] [VISIT: PV1 [PV2]]] "
          "{ORDER_OBSERVATION: [ORC] OBR [{NTE}] [{TIMING_QTY: TQ1 [{TQ2}]}] [CTD] "
          "[{OBSERVATION: OBX [{NTE}]}] [{FT1}] [{CTI}] [{SPECIMEN: SPM [{OBX}]}]}} [DSC]");
    // §4.17.1 of 2.5.1
    CHECK(of("2.5.1", "VXU_V04") ==
          "MSH [{SFT}] PID [PD1] [{NK1}] [PATIENT: PV1 [PV2]] [{GT1}] [{INSURANCE: IN1 [IN2] [IN3]}] "
          "[{ORDER: ORC [{TIMING: TQ1 [{TQ2}]}] RXA [RXR] [{OBSERVATION: OBX [{NTE}]}]}]");
    // §9.6.2
    CHECK(of("2.5.1", "MDM_T02") ==
          "MSH [{SFT}] EVN PID PV1 [{COMMON_ORDER: ORC [{TIMING: TQ1 [{TQ2}]}] OBR [{NTE}]}] TXA "
          "{OBSERVATION: OBX [{NTE}]}");
    CHECK(of("2.1", "ADT_A01") == "MSH EVN PID NK1 PV1 [DG1]");
    // The choice of §4.4.1: each may stand there.
    auto const orm = d.structure(Version::v2_5_1, "ORM_O01").value();
    std::size_t choices = 0;
    for (std::size_t i = 0; i < orm.size(); ++i) choices += orm.node(i).choice ? 1 : 0;
    CHECK(choices == 6);
    CHECK(of("2.3", "ORU_R01").find("PATIENT_RESULT") != std::string::npos);
}

TEST_CASE("dictionary: tables") {
    auto const& d = Dictionary::standard();
    auto const sex = d.table(1);
    REQUIRE(sex.has_value());
    CHECK(sex->name() == "Administrative Sex");
    CHECK(sex->find("F")->meaning == "Female");
    CHECK_FALSE(sex->find("f").has_value());
    CHECK_FALSE(sex->find("").has_value());
    CHECK(d.table(85)->kind() == TableKind::hl7);
    CHECK(d.table(85)->find("F").has_value());
    CHECK(d.table(5)->kind() == TableKind::user);
    CHECK(d.table(104)->find("2.8.2").has_value());
    CHECK(d.table(203)->find("MR").has_value());
    CHECK(d.table(396)->size() > 100);
    CHECK_FALSE(d.table(0).has_value());
    CHECK_FALSE(d.table(9999).has_value());
    // In byte order, so that find() is right.
    for (std::uint16_t n = 1; n < 1000; ++n) {
        auto const t = d.table(n);
        for (std::size_t i = 1; t && i < t->size(); ++i) CHECK(t->code(i - 1).code < t->code(i).code);
    }
}

TEST_CASE("dictionary: groups by name") {
    auto const& d = Dictionary::standard();
    CHECK(d.is_group("ORDER_OBSERVATION"));
    CHECK(d.is_group("RESOURCES"));
    CHECK_FALSE(d.is_group("OBX"));
    CHECK_FALSE(d.is_group("TIIMING"));
    CHECK_FALSE(d.is_group(""));
    for (auto const name : d.group_names()) {
        CAPTURE(name);
        CHECK(d.is_group(name));
        CHECK(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos);
    }
}

TEST_CASE("dictionary: datatypes by name") {
    auto const names = Dictionary::standard().datatype_names();
    CHECK(std::is_sorted(names.begin(), names.end()));
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
    for (auto const* name : {"AD", "CE", "CWE", "CX", "DTM", "ID", "SPS", "TS", "XPN", "XTN"}) {
        CAPTURE(name);
        CHECK(std::binary_search(names.begin(), names.end(), std::string_view(name)));
    }
}

TEST_CASE("dictionary: what a site declares") {
    DictionaryOverlay overlay;
    DictionaryOverlay::Segment zpi{.name = "ZPI", .title = "Pet information", .fields = {}};
    auto f = field(3);
    f.name = "Species";
    f.datatype = "CWE";
    f.table = 9001;
    f.usage = Usage::required;
    f.repetitions_max = 0;
    zpi.fields = {f};
    auto insurance = field(3);
    insurance.usage = Usage::optional;
    overlay.segments = {zpi, {.name = "PID", .title = {}, .fields = {insurance}}};
    overlay.tables = {
        {.number = 9001, .name = "Species", .codes = {{"DOG", "Dog"}, {"CAT", "Cat"}}, .closed = true},
        {.number = 1, .name = {}, .codes = {{"D", "Divers"}}}};
    overlay.structures = {{.name = "ZDS_Z01",
                           .events = {"ZDS^Z01"},
                           .nodes = {{.name = "MSH"},
                                     {.name = "PETS",
                                      .min = 0,
                                      .max = 0,
                                      .children = {{.name = "PID"}, {.name = "ZPI", .min = 0}}}}}};
    auto const made = Dictionary::with(overlay);
    REQUIRE(made.has_value());
    Dictionary const d = *made;  // copies share
    for (std::string_view const v : {"2.1", "2.5.1", "2.8.2"}) {
        CHECK(facts(d.field(version(v), "ZPI", 3).value()) == "CWE R * t9001");
        CHECK(facts(d.field(version(v), "ZPI", 1).value()) == "ST O");
        CHECK_FALSE(d.field(version(v), "ZPI", 4).has_value());
    }
    CHECK(d.segment(Version::v2_5_1, "ZPI")->title == "Pet information");
    CHECK(facts(d.field(Version::v2_5_1, "PID", 3).value()) == "CX O 250 *");
    CHECK(d.field(Version::v2_5_1, "PID", 3)->repetitions_min == 0);
    CHECK(facts(d.field(Version::v2_5_1, "PID", 5).value()) == "XPN R 250 *");
    CHECK(d.table(9001)->kind() == TableKind::hl7);
    CHECK(d.table(9001)->find("CAT")->meaning == "Cat");
    CHECK(d.table(1)->find("D")->meaning == "Divers");
    CHECK(d.table(1)->find("F")->meaning == "Female");
    CHECK(d.table(1)->name() == "Administrative Sex");
    auto const structure = d.structure(Version::v2_4, "ZDS", "Z01");
    REQUIRE(structure.has_value());
    CHECK(written(*structure) == "MSH [{PETS: PID [ZPI]}]");
    CHECK(d.is_group("PETS"));
    CHECK_FALSE(Dictionary::standard().is_group("PETS"));
    CHECK_FALSE(Dictionary::standard().table(9001).has_value());
}

TEST_CASE("dictionary: what can't be declared") {
    auto const refused = [](DictionaryOverlay const& overlay) {
        auto const made = Dictionary::with(overlay);
        return made ? std::string() : made.error().text();
    };
    DictionaryOverlay overlay;
    overlay.segments = {{.name = "zpi", .title = {}, .fields = {}}};
    CHECK(refused(overlay).starts_with("bad_dictionary at segment zpi: "));
    overlay.segments = {{.name = "ZPI", .title = {}, .fields = {field(0)}}};
    CHECK(refused(overlay).starts_with("bad_dictionary at ZPI-0: "));
    overlay.segments = {{.name = "ZPI", .title = {}, .fields = {field(1000)}}};
    CHECK(refused(overlay).starts_with("bad_dictionary at ZPI-1000: "));
    auto f = field(1);
    f.datatype = "STRING";
    overlay.segments = {{.name = "ZPI", .title = {}, .fields = {f}}};
    CHECK(refused(overlay).find("no version has the datatype STRING") != std::string::npos);
    overlay = {};
    overlay.tables = {{.number = 0, .name = {}, .codes = {}}};
    CHECK_FALSE(refused(overlay).empty());
    overlay = {};
    overlay.structures = {{.name = "ZDS_Z01", .events = {}, .nodes = {}}};
    CHECK_FALSE(refused(overlay).empty());
    overlay.structures = {{.name = "ZDS_Z01", .events = {}, .nodes = {{.name = "LONGNAME"}}}};
    CHECK_FALSE(refused(overlay).empty());
    DictionaryOverlay::Node deep{.name = "PID"};
    for (int i = 0; i < 20; ++i) deep = {.name = "GROUP", .min = 1, .max = 1, .children = {deep}};
    overlay.structures = {{.name = "ZDS_Z01", .events = {}, .nodes = {deep}}};
    CHECK(refused(overlay).find("deeper than 16") != std::string::npos);
    std::vector<DictionaryOverlay::Node> many(2000, {.name = "PID"});
    overlay.structures = {{.name = "ZDS_Z01", .events = {}, .nodes = many}};
    CHECK(refused(overlay).find("1,000 nodes") != std::string::npos);
}
