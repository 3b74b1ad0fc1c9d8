#include "parsers/hl7/igamt.h"

#include <doctest/doctest.h>

#include <string>

#include "parsers/hl7/validate.h"

using namespace hilum::hl7;

namespace {

// The form of NIST's files, with content of our own.
char const* const profile_xml = R"(<?xml version="1.0" encoding="UTF-8"?>
<ConformanceProfile ID="p1" Type="Constrainable" HL7Version="2.5.1" SchemaVersion="2.5">
  <MetaData Name="Ward results" OrgName="X" Version="1" Date="20240101"/>
  <Encodings><Encoding>ER7</Encoding></Encodings>
  <Messages>
    <Message ID="m1" Type="ORU" Event="R01" StructID="ORU_R01" Description="results">
      <Segment Ref="MSH_1" Usage="R" Min="1" Max="1"/>
      <Group ID="ORU_R01.RESULT" Name="ORU_R01.RESULT" Usage="R" Min="1" Max="*">
        <Segment Ref="PID_1" Usage="R" Min="1" Max="1"/>
        <Segment Ref="NTE_1" Usage="X" Min="0" Max="0"/>
        <Group ID="ORU_R01.ORDER" Name="ORDER" Usage="R" Min="1" Max="2">
          <Segment Ref="OBX_1" Usage="R" Min="1" Max="*"/>
        </Group>
      </Group>
    </Message>
  </Messages>
  <Segments>
    <Segment ID="MSH_1" Name="MSH" Label="MSH" Description="header">
      <Field Name="Field Separator" Datatype="ST" Usage="R" Min="1" Max="1" MinLength="1" MaxLength="1"/>
    </Segment>
    <Segment ID="PID_1" Name="PID" Label="PID" Description="patient">
      <Field Name="Set ID" Datatype="SI" Usage="R" Min="1" Max="1" MinLength="1" MaxLength="4"/>
      <Field Name="Patient ID" Datatype="CX" Usage="X" Min="0" Max="0" MinLength="0" MaxLength="*"/>
      <Field Name="List" Datatype="CX" Usage="R" Min="1" Max="2" MinLength="NA" MaxLength="NA"/>
    </Segment>
    <Segment ID="NTE_1" Name="NTE" Label="NTE" Description="notes"/>
    <Segment ID="OBX_1" Name="OBX" Label="OBX" Description="value">
      <Field Name="Set ID" Datatype="SI" Usage="RE" Min="0" Max="1" MinLength="1" MaxLength="4"/>
      <Field Name="Value Type" Datatype="ST" Usage="R" Min="1" Max="1" MinLength="2" MaxLength="3" Binding="VT"/>
    </Segment>
  </Segments>
  <Datatypes>
    <Datatype ID="ST" Name="ST" Label="ST" Description="text"/>
    <Datatype ID="SI" Name="SI" Label="SI" Description="number"/>
    <Datatype ID="CX" Name="CX" Label="CX_X" Description="identifier">
      <Component Name="ID" Datatype="ST" Usage="R" MinLength="1" MaxLength="5"/>
      <Component Name="Check" Datatype="ST" Usage="X" MinLength="0" MaxLength="*"/>
    </Datatype>
  </Datatypes>
</ConformanceProfile>)";

char const* const sets_xml = R"(<ValueSetLibrary ValueSetLibraryIdentifier="v" Name="v">
  <ValueSetDefinitions>
    <ValueSetDefinition BindingIdentifier="VT" Name="types" Extensibility="Closed">
      <ValueElement Value="NM" DisplayName="number" Usage="R"/>
      <ValueElement Value="ST" DisplayName="text" Usage="P"/>
      <ValueElement Value="ED" DisplayName="data" Usage="E"/>
    </ValueSetDefinition>
  </ValueSetDefinitions>
</ValueSetLibrary>)";

std::string check(std::string const& text) {
    static Rules const rules = Rules::of(Dictionary::standard());
    auto read = read_igamt(profile_xml, sets_xml);
    REQUIRE(read.has_value());
    auto const with = rules.with(std::make_shared<Profile const>(std::move(*read)));
    auto const message = Message::view(text);
    REQUIRE(message.has_value());
    std::string out;
    for (auto const& f : validate(*message, with).findings) {
        if (!f.by_profile) continue;
        out += (out.empty() ? "" : "; ") + f.place.text() + " " + std::string(name(f.rule));
    }
    return out;
}

std::string const msh = "MSH|^~\\&|L|F|E|H|20240102||ORU^R01^ORU_R01|1|P|2.5.1\r";

}  // namespace

TEST_CASE("a profile of IGAMT is checked") {
    CHECK(check(msh + "PID|1||1\rOBX|1|NM\r") == "");
    CHECK(check(msh + "PID|1|9|1\rOBX|1|NM\r") == "PID[1]-2 not_used");
    CHECK(check(msh + "PID|1||1~2~3\rOBX|1|NM\r") == "PID[1]-3 repetition");
    CHECK(check(msh + "PID|1||123456\rOBX|1|NM\r") == "PID[1]-3.1 length");
    CHECK(check(msh + "PID|1||1^2\rOBX|1|NM\r") == "PID[1]-3.2 not_used");
    CHECK(check(msh + "PID|1||1\rOBX|1|ED\r") == "OBX[1]-2 table");
    CHECK(check(msh + "PID|1||1\rOBX|1\r") == "OBX[1]-2 required");
    CHECK(check(msh + "PID|1||1\r") == "PID[1] segment_missing");
    CHECK(check(msh + "PID|1||1\rNTE|1\rOBX|1|NM\r") == "NTE[1] not_used");
    CHECK(check("MSH|^~\\&|L|F|E|H|20240102||ADT^A01|1|P|2.5.1\r") == "MSH[1]-9 profile");
}

TEST_CASE("value sets that do not bind: open, excluded from validation, suggested") {
    std::string const set = sets_xml;
    auto const with = [&](std::string const& from, std::string const& to) {
        std::string changed = set;
        changed.replace(changed.find(from), from.size(), to);
        auto const read = read_igamt(profile_xml, changed);
        REQUIRE(read.has_value());
        for (auto const& segment : read->messages[0].segments)
            if (segment.name == "OBX") return segment.fields[1].codes != nullptr;
        return false;
    };
    CHECK(with("Closed", "Closed"));
    CHECK_FALSE(with("Closed", "Open"));
    CHECK_FALSE(with("<ValueSetDefinitions>",
                     "<NoValidation><BindingIdentifier>VT</BindingIdentifier></NoValidation>"
                     "<ValueSetDefinitions>"));
    std::string suggested = profile_xml;
    std::string const binding = "Binding=\"VT\"";
    suggested.insert(suggested.find(binding), "BindingStrength=\"S\" ");
    CHECK(read_igamt(suggested, set)->messages[0].segments.back().fields[1].codes == nullptr);
}

TEST_CASE("usages of IGAMT") {
    struct Row {
        char const* usage;
        ProfileUsage meaning;
    };
    for (auto const& row :
         {Row{"R", ProfileUsage::required}, Row{"RE", ProfileUsage::empty}, Row{"X", ProfileUsage::not_used},
          Row{"W", ProfileUsage::not_used}, Row{"O", ProfileUsage::optional},
          Row{"C", ProfileUsage::conditional}, Row{"CE", ProfileUsage::conditional},
          Row{"C(R/X)", ProfileUsage::conditional}, Row{"", ProfileUsage::optional}}) {
        CAPTURE(row.usage);
        std::string changed = profile_xml;
        std::string const field = "Datatype=\"SI\" Usage=\"RE\"";
        changed.replace(changed.find(field), field.size(),
                        "Datatype=\"SI\" Usage=\"" + std::string(row.usage) + "\"");
        auto const read = read_igamt(changed, sets_xml);
        REQUIRE(read.has_value());
        CHECK(read->messages[0].segments.back().fields[0].usage == row.meaning);
    }
}

TEST_CASE("what is no profile of IGAMT is refused") {
    struct Row {
        char const* what;
        std::string xml;
    };
    std::string deep, flat = "<ConformanceProfile><Messages>";
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    Row const rows[] = {{"nothing", ""},
                        {"no XML", "<ConformanceProfile"},
                        {"another root", "<Schema/>"},
                        {"no message", "<ConformanceProfile/>"},
                        {"too deep", deep},
                        {"too deep in a comment's shadow", "<!-- > --><a b='>'>" + deep},
                        {"too deep behind what is no element",
                         "<!DOCTYPE x><?pi <a> ?><![CDATA[<a>]]><a b=\"/>\"/></a>" + deep},
                        {"a segment whose name is none",
                         "<ConformanceProfile><Messages><Message Type='A' StructID='A B'><Group Name='g'>"
                         "<Segment Ref='x' Usage='R'/></Group></Message></Messages><Segments><Segment ID='x' "
                         "Name='PIDX'/></Segments></ConformanceProfile>"},
                        {"a segment that is not there",
                         "<ConformanceProfile><Messages><Message Type='A' StructID='A_B'><Segment Ref='x' "
                         "Usage='R'/></Message></Messages></ConformanceProfile>"}};
    for (auto const& row : rows) {
        CAPTURE(row.what);
        auto const read = read_igamt(row.xml, {});
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == "bad_igamt");
    }
    CHECK(read_igamt(profile_xml, "<Profile/>").error().place == "value sets");
    CHECK(read_igamt(std::string((16u << 20) + 1, ' '), {}).error().what == "it is larger than 16 MiB");
}
