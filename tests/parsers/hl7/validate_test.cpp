#include "parsers/hl7/validate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/profile.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/validation/lexical.h"

using namespace hilum::hl7;

namespace {

Rules const& standard_rules() {
    static Rules const rules = Rules::of(Dictionary::standard());
    return rules;
}

// "E 101 PID[1]-3 required", one for each finding of that severity or above.
std::vector<std::string> findings(std::string const& text, Rules const& rules, std::string_view severities) {
    auto const message = Message::view(text);
    REQUIRE(message.has_value());
    std::vector<std::string> out;
    for (auto const& f : validate(*message, rules).findings) {
        if (severities.find(f.severity) == std::string_view::npos) continue;
        out.push_back(std::string(1, f.severity) + " " + std::to_string(f.code) + " " + f.place.text() + " " +
                      std::string(name(f.rule)));
    }
    return out;
}

std::string joined(std::vector<std::string> const& all) {
    std::string out;
    for (auto const& one : all) out += (out.empty() ? "" : "; ") + one;
    return out;
}

std::string check(std::string const& text, std::string_view severities = "EW") {
    return joined(findings(text, standard_rules(), severities));
}

// A good message of 2.5.1 with one segment replaced or added.
std::string const msh = "MSH|^~\\&|APP|FAC|EHR|HOSP|20240102030405||ADT^A01^ADT_A01|1|P|2.5.1\r";
std::string const evn = "EVN||20240102030405\r";
std::string const pid = "PID|1||100001^^^NORTH^MR||TESTPATIENT^SYNTHETIC||19700101|F\r";
std::string const pv1 = "PV1|1|I\r";

std::string adt(std::string const& more) {
    return msh + evn + pid + pv1 + more;
}
std::string adt_pid(std::string const& other_pid) {
    return msh + evn + other_pid + "\r" + pv1;
}
std::string oru(std::string const& obx) {
    return "MSH|^~\\&|LAB|FAC|EHR|HOSP|20240102030405||ORU^R01^ORU_R01|1|P|2.5.1\r" + pid +
           "OBR|1|P1|F1|CBC^BLOOD COUNT^L|||20240102||||||||||||||||||F\r" + obx + "\r";
}

}  // namespace

TEST_CASE("good messages have no findings") {
    CHECK(check(adt("")) == "");
    CHECK(check(oru("OBX|1|NM|718-7^HEMOGLOBIN^LN||13.2|g/dL|||||F")) == "");
    CHECK(check("MSH|^~\\&|A|B|C|D|20240102||ACK^A01^ACK|1|P|2.5.1\rMSA|AA|2\r") == "");
    CHECK(check("MSH|^~\\&|A|B|C|D|20240102||ACK|1|P|2.3\rMSA|AA|2\r") == "");
}

TEST_CASE("each rule, with a value that breaks it") {
    struct Row {
        char const* what;
        std::string message;
        char const* found;
    };
    std::vector<Row> const rows = {
        {"no version", "MSH|^~\\&|A|B|C|D|20240102||ACK^A01^ACK|1|P|\rMSA|AA|2\r",
         "E 101 MSH[1]-12 version; E 101 MSH[1]-12 required"},
        {"a version never published", "MSH|^~\\&|A|B|C|D|20240102||ACK^A01^ACK|1|P|2.5.9\rMSA|AA|2\r",
         "E 203 MSH[1]-12 version; E 103 MSH[1]-12 table"},
        {"unknown type", "MSH|^~\\&|A|B|C|D|20240102||QQQ^A01|1|P|2.3\r", "E 200 MSH[1]-9 message_type"},
        {"unknown event", "MSH|^~\\&|A|B|C|D|20240102||ADT^Q99|1|P|2.3\r", "E 201 MSH[1]-9 message_type"},
        {"another structure", adt("").replace(msh.find("ADT_A01"), 7, "ADT_A02"),
         "W 199 MSH[1]-9.3 message_structure"},
        {"no structure in 2.5", adt("").replace(msh.find("^ADT_A01"), 8, ""), "W 101 MSH[1]-9 conditional"},
        {"the type and event in one component", "MSH|^~\\&|A|B|C|D|20240102||ADT_Q99|1|P|2.3\r",
         "E 201 MSH[1]-9 message_type"},
        {"segment missing", msh + evn + pid, "E 100 PV1[1] segment_missing"},
        {"segment unexpected", adt("RXA|0|1|20240101|20240101|1|1\r"), "W 100 RXA[1] segment_unexpected"},
        {"segment out of place", msh + pid + evn + pv1, "E 100 EVN[1] segment_order"},
        {"one segment too many", msh + evn + evn + pid + pv1, "E 100 EVN[2] segment_count"},
        {"a piece of a note that is no segment", adt("Secret\rSe\r"),
         "W 100 ???[1] segment_unexpected; W 100 ???[1] segment_unexpected"},
        {"a Z-segment is the sender's own", adt("ZPI|1|x^y&z~\r"), ""},
        {"required field", adt_pid("PID|1||||DOE^J"), "E 101 PID[1]-3 required"},
        {"required field behind the end", adt("AL1|1\r"), "E 101 AL1[1]-3 required"},
        {"a null counts as sent", adt_pid("PID|1||\"\"||DOE^J"), ""},
        {"required component", adt_pid("PID|1||^^^NORTH^MR||DOE^J"), "E 101 PID[1]-3.1 required"},
        {"required component of the second repetition", adt_pid("PID|1||1~^^^NORTH||DOE^J"),
         "E 101 PID[1]-3[2].1 required"},
        {"length", adt_pid("PID|1||1||DOE^J||||||||||||||12345678901234567"), "W 104 PID[1]-19 length"},
        {"length of a component", adt_pid("PID|1||1^22||DOE^J"), "W 104 PID[1]-3.2 length"},
        {"length counts characters",
         adt_pid("PID|1||1||DOE^\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"),
         ""},
        {"date", adt_pid("PID|1||1||DOE^J||19700230"), "E 102 PID[1]-7 datatype"},
        {"number", oru("OBX|1|NM|A^B^L||12,5||||||F"), "E 102 OBX[1]-5 datatype"},
        {"sequence", adt_pid("PID|x||1||DOE^J"), "E 102 PID[1]-1 datatype"},
        {"structured number", oru("OBX|1|SN|A^B^L||=>^1||||||F"), "E 102 OBX[1]-5.1 datatype"},
        {"second value of a repeating OBX-5", oru("OBX|1|NM|A^B^L||1~two||||||F"),
         "E 102 OBX[1]-5[2] datatype"},
        {"HL7 table", oru("OBX|1|NM|A^B^L||1||||||?"), "E 103 OBX[1]-11 table"},
        {"HL7 table in a subcomponent", adt_pid("PID|1||1^^^A&1.2&XYZ||DOE^J"), "E 103 PID[1]-3.4.3 table"},
        {"a table of the site's is open", adt_pid("PID|1||1||DOE^J|||Q"), ""},
        {"local message types are", "MSH|^~\\&|A|B|C|D|20240102||ADT^Z99|1|P|2.3\r", ""},
        {"repetition", adt_pid("PID|1||1||DOE^J|||F~M"), "E 198 PID[1]-8 repetition"},
        {"field in excess", adt("PV2||||||||||||||||||||||||||||||||||||||||||||||||||||||||||x\r"),
         "W 199 PV2[1]-58 extra_field"},
        {"component in excess", adt_pid("PID|1||1||DOE^J^^^^^^^^^^^^^^x"),
         "W 199 PID[1]-5.16 extra_component"},
        {"components of a text", adt_pid("PID|1||1||DOE^J|||F^x"),
         "W 104 PID[1]-8 length; W 199 PID[1]-8 extra_component"},
        {"withdrawn",
         "MSH|^~\\&|A|B|C|D|20240102||ADT^A01^ADT_A01|1|P|2.7\rEVN||20240102030405\r"
         "PID|1|9|1^^^N^MR||DOE^J\rPV1|1|I^^HL70004\r",
         "W 199 PID[1]-2 withdrawn"},
        {"OBX-2 for OBX-5", oru("OBX|1||A^B^L||1||||||F"), "E 101 OBX[1]-2 conditional"},
        {"not where there is no result", oru("OBX|1||A^B^L||||||||X"), ""},
        {"OBR-7 and OBR-25 in a report",
         "MSH|^~\\&|LAB|FAC|EHR|HOSP|20240102030405||ORU^R01^ORU_R01|1|P|2.5.1\r" + pid +
             "OBR|1|P1|F1|CBC^BLOOD COUNT^L\rOBX|1|NM|A^B^L||1||||||F\r",
         "E 101 OBR[1]-7 conditional; E 101 OBR[1]-25 conditional"},
        {"ORC and OBR of two minds",
         "MSH|^~\\&|LAB|FAC|EHR|HOSP|20240102030405||ORU^R01^ORU_R01|1|P|2.5.1\r" + pid +
             "ORC|RE|P1|F1\rOBR|1|P2|F1|CBC^BLOOD COUNT^L|||20240102||||||||||||||||||F\r",
         "E 199 OBR[1]-2 conditional"},
        {"ORC and OBR of two fillers",
         "MSH|^~\\&|LAB|FAC|EHR|HOSP|20240102030405||ORU^R01^ORU_R01|1|P|2.5.1\r" + pid +
             "ORC|RE|P1|F1\rOBR|1|P1|F2|CBC^BLOOD COUNT^L|||20240102||||||||||||||||||F\r",
         "E 199 OBR[1]-3 conditional"},
        // §6.5.2.20, §6.5.2.21, §6.5.4.19, §6.5.4.20
        {"an update of diagnoses and procedures that does not say which",
         "MSH|^~\\&|A|B|C|D|20240102030405||BAR^P12^BAR_P12|1|P|2.5.1\r" + evn + pid + pv1 +
             "DG1|1||I10^HTN^I10||20240102|F\rPR1|1||47.0^X^I9||20240102\r",
         "E 101 DG1[1]-20 conditional; E 101 DG1[1]-21 conditional; E 101 PR1[1]-19 conditional; "
         "E 101 PR1[1]-20 conditional"},
        {"a universal ID without its type", adt_pid("PID|1||1^^^A&1.2||DOE^J"),
         "E 101 PID[1]-3.4.3 conditional"},
        {"SCH without a name",
         "MSH|^~\\&|A|B|C|D|20240102||SIU^S12^SIU_S12|1|P|2.5.1\rSCH||||||R^ROUTINE^L||||||||||X^Y\r"
         "RGS|1\r",
         "E 101 SCH[1]-20 required; E 101 SCH[1]-2 conditional"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.what);
        auto const found = check(row.message);
        CHECK(found == std::string(row.found));
    }
}

TEST_CASE("written forms of primitive datatypes") {
    struct Row {
        Lexical form;
        std::vector<char const*> good, bad;
    };
    std::vector<Row> const rows = {
        {Lexical::number,
         {"0", "-1", "+1.5", ".5", "5.", "0001"},
         {"", "1e5", "1,5", "--1", "1.2.3", "+", "1 "}},
        {Lexical::sequence, {"0", "9999"}, {"-1", "10000", "1.0", "a"}},
        {Lexical::date8, {"20240229"}, {"2024", "20230229", "202402"}},
        {Lexical::date,
         {"2024", "202402", "20240229", "20000229"},
         {"202", "20240", "202413", "19000229", "20240431"}},
        {Lexical::time4, {"0000", "235959.1234+0100"}, {"23", "2400", "2360"}},
        {Lexical::time,
         {"23", "2359", "235959", "235959.1", "2359-0500"},
         {"24", "235", "235960", "235959.", "235959.12345"}},
        {Lexical::stamp8, {"20240102", "202401021530+0100"}, {"2024", "2024010215"}},
        {Lexical::stamp, {"2024", "20240102", "202401021530"}, {"2024010215", "20240102153"}},
        {Lexical::dtm,
         {"2024", "2024010215", "20240102153045.1234-0800", "2024+1400", "20240102030405"},
         {"24", "2024010224", "20240102153045.12345", "20240102+1500", "20240102+01", "20240102T10",
          "2024-01-02"}},
        {Lexical::comparator, {">", "<>", "<="}, {"=>", "x"}},
        {Lexical::separator, {"-", ":"}, {"--", "x"}},
    };
    for (auto const& row : rows) {
        for (auto const* text : row.good) {
            CAPTURE(text);
            CHECK(fits(row.form, text));
        }
        for (auto const* text : row.bad) {
            CAPTURE(text);
            if (*text != '\0') CHECK_FALSE(fits(row.form, text));
        }
    }
    CHECK(lexical_of(Version::v2_2, "TS") == Lexical::stamp8);
    CHECK(lexical_of(Version::v2_4, "TS") == Lexical::stamp);
    CHECK(lexical_of(Version::v2_5, "TS") == Lexical::dtm);
}

TEST_CASE("each written form is told in words") {
    for (auto const form :
         {Lexical::number, Lexical::sequence, Lexical::date8, Lexical::date, Lexical::time4, Lexical::time,
          Lexical::stamp8, Lexical::stamp, Lexical::dtm, Lexical::comparator, Lexical::separator}) {
        Finding finding;
        finding.rule = Rule::datatype;
        finding.number = static_cast<std::uint32_t>(form);
        auto const text = finding.text();
        CAPTURE(text);
        CHECK(text.ends_with(": " + std::string(pattern(form))));
        CHECK(text != "not in the form of its datatype: any text");
    }
    CHECK(pattern(Lexical::stamp) == "YYYY[MM[DD[HHMM[SS[.S[S[S[S]]]]]]]][+/-ZZZZ]");  // §2.A.77 of 2.4
    CHECK(pattern(Lexical::any) == "any text");
    CHECK(fits(Lexical::any, "x"));
}

TEST_CASE("each rule is told in words") {
    struct Row {
        Rule rule;
        std::uint16_t code;
        std::uint32_t number;
        char const* subject;
        char const* text;
        bool by_profile = false;
    };
    Row const rows[] = {
        {Rule::version, 101, 0, "", "MSH-12 names no version"},
        {Rule::version, 203, 0, "", "MSH-12 names a version that HL7 has not published"},
        {Rule::message_type, 200, 0, "", "no version has messages of this type"},
        {Rule::message_type, 201, 0, "", "this type of message has no such event"},
        {Rule::message_structure, 199, 0, "ADT_A01",
         "MSH-9.3 is not the structure of this type and event (ADT_A01)"},
        {Rule::segment_count, 100, 2, "", "the segment has to come 2 times by the profile", true},
        {Rule::required, 101, 0, "Sex", "a required value is missing (Sex) by the profile", true},
        {Rule::not_used, 199, 0, "Sex", "this is not to be sent (Sex) by the profile", true},
        {Rule::table, 103, 0, "sexes", "not in the table (sexes) by the profile", true},
        {Rule::repetition, 198, 3, "ID", "the field may repeat 3 times (ID)"},
        {Rule::constant, 103, 0, "Sex", "not the value that is fixed (Sex) by the profile", true},
        {Rule::profile, 200, 0, "P", "the profile has no message of this type and event (P)"},
        {Rule::segment_missing, 100, 0, "PV1", "a required segment or group is missing (PV1)"},
        {Rule::segment_unexpected, 100, 0, "", "the message structure has no such segment"},
        {Rule::segment_order, 100, 0, "", "the segment is not where the message structure has it"},
        {Rule::segment_count, 100, 0, "", "more of this segment than the message structure allows"},
        {Rule::withdrawn, 199, 0, "Patient ID", "this version has withdrawn the field (Patient ID)"},
        {Rule::length, 104, 5, "ID", "longer than 5 characters (ID)"},
        {Rule::length, 102, 2, "ID", "shorter than 2 characters (ID)"},
        {Rule::table, 103, 1, "", "not in table HL70001"},
        {Rule::extra_field, 199, 39, "", "beyond the last field of this segment, 39"},
        {Rule::extra_component, 199, 0, "XPN", "more components than the datatype has (XPN)"},
        {Rule::conditional, 101, 0, "OBX-2 names the datatype", "OBX-2 names the datatype"},
    };
    for (auto const& row : rows) {
        CAPTURE(name(row.rule));
        Finding finding;
        finding.rule = row.rule;
        finding.code = row.code;
        finding.number = row.number;
        finding.subject = row.subject;
        finding.by_profile = row.by_profile;
        CHECK(finding.text() == row.text);
    }
}

TEST_CASE("a site's closed table") {
    auto const closed = Rules::of(Dictionary::standard(), {1});
    CHECK(joined(findings(adt_pid("PID|1||1||DOE^J|||Q"), closed, "E")) == "E 103 PID[1]-8 table");
    CHECK(joined(findings(adt_pid("PID|1||1||DOE^J|||F"), closed, "E")) == "");
}

TEST_CASE("a site's closed table binds the code of a coded value, escaped or not") {
    auto const closed = Rules::of(Dictionary::standard(), {1, 5});
    CHECK(joined(findings(adt_pid("PID|1||1||DOE^J|||F||XX^Something^HL70005"), closed, "E")) ==
          "E 103 PID[1]-10.1 table");
    CHECK(joined(findings(adt_pid("PID|1||1||DOE^J|||F||2106-3^White^HL70005"), closed, "E")) == "");
    CHECK(joined(findings(adt_pid("PID|1||1||DOE^J|||\\X46\\"), closed, "E")) == "");
    CHECK(joined(findings(adt_pid("PID|1||1||DOE^J|||\\X47\\"), closed, "E")) == "E 103 PID[1]-8 table");
}

TEST_CASE("a finding says where and what, never the content") {
    auto const text = adt_pid("PID|1||1^^^A&1.2&SECRET||DOE^J||SECRET|SECRET~SECRET");
    auto const message = Message::view(text);
    auto const report = validate(*message, standard_rules());
    REQUIRE(report.findings.size() >= 3);
    CHECK(report.findings[0].place.err_location() == "PID^1^3^1^4^3");
    CHECK(report.findings[0].text() == "not in table HL70301");
    for (auto const& f : report.findings) CHECK(f.text().find("SECRET") == std::string::npos);
}

TEST_CASE("all are counted and 200 are kept") {
    std::string text = msh + evn + pid + pv1;
    for (int i = 0; i < 1000; ++i) text += "AL1|x\r";
    auto const message = Message::view(text);
    auto const report = validate(*message, standard_rules());
    CHECK(report.findings.size() == Report::kept_max);
    CHECK(report.errors == 2000);
    CHECK(report.by_rule[static_cast<std::size_t>(Rule::required)] == 1000);
    CHECK(report.findings.back().place.occurrence == 100);
    CHECK_FALSE(report.conforms());
}

TEST_CASE("the quick walk through a structure accepts nothing that the full one complains of") {
    // Every order of a few segments, so that both agree on what fits.
    std::vector<std::string> const parts = {"PID|1\r", "PV1|1|I\r", "ORC|RE\r",
                                            "OBR|1\r", "OBX|1\r",   "NTE|1\r"};
    std::string const head = "MSH|^~\\&|L|F|E|H|2024||ORU^R01^ORU_R01|1|P|2.5.1\r";
    std::size_t fitted = 0;
    for (unsigned n = 0; n < 6 * 6 * 6 * 6 * 6; ++n) {
        std::string text = head;
        for (unsigned k = 0, rest = n; k < 5; ++k, rest /= 6) text += parts[rest % 6];
        auto const message = Message::view(text);
        auto const full = MessageStructure::of(*message);
        auto const report = validate(*message, standard_rules());
        auto const by = [&](Rule rule) { return report.by_rule[static_cast<std::size_t>(rule)]; };
        auto const structural = by(Rule::segment_missing) + by(Rule::segment_order) + by(Rule::segment_count);
        fitted += structural == 0 ? 1 : 0;
        if (structural != full.finding_count()) FAIL_CHECK(text);
    }
    CHECK(fitted > 10);
}

TEST_CASE("every message of the public collection is validated") {
    std::filesystem::path const folder = std::filesystem::path(HILUM_SHARED) / "messages";
    std::ifstream manifest(folder / "manifest.csv");
    std::string line;
    std::size_t count = 0, conforming = 0;
    Report report;
    while (std::getline(manifest, line)) {
        if (line.find(",single,") == std::string::npos) continue;
        std::ifstream in(folder / line.substr(0, line.find(',')), std::ios::binary);
        std::string const bytes{std::istreambuf_iterator<char>(in), {}};
        auto const message = Message::view(bytes);
        if (!message) continue;
        validate(*message, standard_rules(), report);
        ++count;
        conforming += report.conforms() ? 1 : 0;
        for (auto const& f : report.findings) {
            CHECK_FALSE(f.text().empty());
            CHECK(f.segment <= message->segment_count() + 1);
        }
    }
    if (count == 0) std::cout << "skipped: no message collection in " << folder << "\n";
    if (count != 0) CHECK(conforming > count / 10);
}
