#include "parsers/hl7/xml.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cpu_time.h"
#include "parsers/hl7/batch.h"

using namespace hilum;
using namespace hilum::hl7;

namespace {

std::string read(std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// What comes back: the segments as they came, each ended by CR.
std::string canonical(Message const& message) {
    std::string out;
    for (std::size_t i = 1; i <= message.segment_count(); ++i) {
        message.append_bytes(message.segment(i), out);
        out += '\r';
    }
    return out;
}

std::string with_lf(std::string text) {
    for (char& c : text)
        if (c == '\r') c = '\n';
    return text;
}

void check_round_trip(std::string const& bytes) {
    CAPTURE(with_lf(bytes));
    auto const message = Message::view(bytes);
    REQUIRE(message.has_value());
    for (bool const indented : {true, false}) {
        auto const xml = to_xml(*message, Dictionary::standard(), {.indented = indented});
        REQUIRE(xml.has_value());
        CAPTURE(*xml);
        auto const back = from_xml(*xml);
        if (!back) FAIL(back.error().text());
        CHECK(with_lf(*back) == with_lf(canonical(*message)));
    }
}

std::string const msh = "MSH|^~\\&|A|B|C|D|20260102||ADT^A01^ADT_A01|1|P|2.5.1\r";

std::string fragment(std::string_view xml, std::string_view element) {
    std::string const open = "<" + std::string(element) + ">", close = "</" + std::string(element) + ">";
    std::size_t const from = xml.find(open);
    if (from == std::string_view::npos) return "(none)";
    std::size_t const to = xml.find(close, from);
    return std::string(xml.substr(from + open.size(), to - from - open.size()));
}

std::string flat_xml(std::string const& bytes) {
    auto const message = Message::view(bytes);
    REQUIRE(message.has_value());
    auto const xml = to_xml(*message, Dictionary::standard(), {.indented = false});
    REQUIRE(xml.has_value());
    return *xml;
}

}  // namespace

TEST_CASE("messages and their XML, as files") {
    std::size_t seen = 0;
    for (auto const& entry : std::filesystem::directory_iterator(HILUM_TEST_DATA "/xml")) {
        if (entry.path().extension() != ".hl7") continue;
        ++seen;
        CAPTURE(entry.path().filename().string());
        auto const message = Message::parse(read(entry.path()));
        REQUIRE(message.has_value());
        auto expected = entry.path();
        expected.replace_extension(".xml");
        auto const xml = to_xml(*message);
        REQUIRE(xml.has_value());
        CHECK(*xml == read(expected));
        auto const back = from_xml(read(expected));
        REQUIRE(back.has_value());
        CHECK(with_lf(*back) == with_lf(canonical(*message)));
    }
    CHECK(seen >= 5);
}

TEST_CASE("the shape of values") {
    struct Row {
        char const* name;
        char const* segment;
        char const* element;
        char const* content;
    };
    Row const rows[] = {
        {"primitive", "PID|1", "PID.1", "1"},
        {"composite of one component", "PID|||4711", "PID.3", "<CX.1>4711</CX.1>"},
        {"subcomponents", "PID|||1^^^HOSP&1.2.3&ISO", "CX.4",
         "<HD.1>HOSP</HD.1><HD.2>1.2.3</HD.2><HD.3>ISO</HD.3>"},
        {"composite below the subcomponent", "PV1|||||||1^D^^^^^^^^^^^^^^^20200101&20210101", "DR.1",
         "<TS.1>20200101</TS.1>"},
        {"null", "PID|||\"\"", "PID.3", "<CX.1>\"\"</CX.1>"},
        {"null in a primitive", "PID||||||||\"\"", "PID.8", "\"\""},
        {"trailing component", "PID|||A^^", "PID.3", "<CX.1>A</CX.1><CX.3/>"},
        {"component beyond the datatype", "PID|||A^^^^^^^^^^^L", "PID.3", "<CX.1>A</CX.1><CX.12>L</CX.12>"},
        {"components of a primitive", "PID||||||||F^x", "PID.8", "<PID.8.1>F</PID.8.1><PID.8.2>x</PID.8.2>"},
        {"subcomponents of a primitive", "PID|||A&B", "CX.1", "<CX.1.1>A</CX.1.1><CX.1.2>B</CX.1.2>"},
        {"field beyond the segment",
         "PID"
         "|||||||||||||||||||||||||||||||||||||||||||||||||||x^y",
         "PID.51", "<PID.51.1>x</PID.51.1><PID.51.2>y</PID.51.2>"},
        {"Z-segment", "ZPI|a|b^c", "ZPI.2", "<ZPI.2.1>b</ZPI.2.1><ZPI.2.2>c</ZPI.2.2>"},
        {"varies by OBX-2: CE", "OBX|1|CE|c||7^Yes^L", "OBX.5",
         "<CE.1>7</CE.1><CE.2>Yes</CE.2><CE.3>L</CE.3>"},
        {"varies by OBX-2: NM", "OBX|1|NM|c||7", "OBX.5", "7"},
        {"varies by OBX-2: ED", "OBX|1|ED|c||S^AP^PDF^Base64^QQ==", "OBX.5",
         "<ED.1><HD.1>S</HD.1></ED.1><ED.2>AP</ED.2><ED.3>PDF</ED.3><ED.4>Base64</ED.4><ED.5>QQ==</ED.5>"},
        {"varies by an OBX-2 that is none", "OBX|1|??|c||7^8", "OBX.5",
         "<OBX.5.1>7</OBX.5.1><OBX.5.2>8</OBX.5.2>"},
        {"delimiters as text", "NTE|||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "NTE.3", "a|b^c&amp;d~e\\f"},
        {"formatting", "NTE|||a\\.br\\b\\.sp+3\\\\H\\c\\N\\", "NTE.3",
         "a<escape V=\".br\"/>b<escape V=\".sp+3\"/><escape V=\"H\"/>c<escape V=\"N\"/>"},
        {"hexadecimal, charset and local", "NTE|||\\X7C\\\\C2842\\\\Z1\\", "NTE.3",
         "<escape V=\"X7C\"/><escape V=\"C2842\"/><escape V=\"Z1\"/>"},
        {"a path of Windows", "NTE|||C:\\a b\\c", "NTE.3", "C:\\<?hilum raw?>a b\\<?hilum raw?>c"},
        {"control byte", "NTE|||a\vb", "NTE.3", "a<escape V=\"X0B\"/><?hilum raw?>b"},
        {"markup", "NTE|||<a href=\"x\">", "NTE.3", "&lt;a href=\"x\"&gt;"},
        {"a lone subcomponent delimiter", "NTE|||AT&T", "NTE.3", "AT&amp;<?hilum raw?>T"},
        {"blanks", "NTE|||  ", "NTE.3", "  "},
        {"UTF-8", "NTE|||\xc3\xa9\xe2\x82\xac", "NTE.3", "\xc3\xa9\xe2\x82\xac"},
        {"no UTF-8", "NTE|||\xe9\xff", "NTE.3", "<escape V=\"XE9FF\"/><?hilum raw?>"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        std::string const bytes = msh + row.segment + "\r";
        CHECK(fragment(flat_xml(bytes), row.element) == row.content);
        check_round_trip(bytes);
    }
}

TEST_CASE("a field that a version has withdrawn has the datatype it had") {
    std::string const bytes = "MSH|^~\\&|A|B|C|D|20260102||ADT^A01^ADT_A01|1|P|2.7\rPID|1|77\r";
    CHECK(fragment(flat_xml(bytes), "PID.2") == "<CX.1>77</CX.1>");
    check_round_trip(bytes);
}

TEST_CASE("what is empty comes back") {
    for (char const* segment :
         {"PID",          "PID|",       "PID||||",     "PID|||~",      "PID|||A~~B~", "PID|||^",
          "PID|||^^^&",   "PID|||~^~&", "ZZZ",         "Z1",           "pid|x",       "some text",
          "PIDX|y",       "P|D",        "FHS|^~\\&|A", "BHS|",         "BHS||",       "BHS",
          "MSH|^~\\&|x",  "PID|||\\",   "PID|||\\\\",  "PID|||\\\\\\", "NTE|||a\\E",  "NTE|||\\X4\\",
          "NTE|||#\\P\\", " \t "}) {
        check_round_trip(msh + segment + "\r" + "NTE|1\r");
    }
    check_round_trip("MSH||x\r");
    check_round_trip("MSH|^~\\&\r");
    check_round_trip("MSH$%*!@$A%B*C!T!@D\rPID$$$a@b|c^d\r");
    check_round_trip("MSH|^~\x9d&|A\rPID|||a^b&c\\d\r");
    check_round_trip("MSH|^\rPID|1|a^b~c\\d&e\r");
    check_round_trip("MSH|^~\\&#|A|||||||1|P|2.7\rNTE|||50# \\P\\\r");
    check_round_trip("MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1\rNTE|1||one\ntwo\r");
}

TEST_CASE("charsets: UTF-8 in XML, MSH-18's in the message") {
    std::string const latin = "MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||8859/1\rNTE|||\xe9\r";
    CHECK(fragment(flat_xml(latin), "NTE.3") == "\xc3\xa9");
    check_round_trip(latin);
    // BIG-5: the second byte of the character is a backslash
    std::string const big5 = "MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||BIG-5\rNTE|||\xa5\x5c|x\r";
    CHECK(fragment(flat_xml(big5), "NTE.3") == "\xe5\x8a\x9f");
    check_round_trip(big5);
    check_round_trip("MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||8859/1\rNTE|||\x81\xc3\xa9\r");
    check_round_trip("MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||ASCII\rNTE|||\xc3\xa9 \xff\r");
    check_round_trip("MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||ISO IR87\rNTE|||a\x1b$B|^\x1b(Bb\r");
    // Half a character, which no text stands for.
    check_round_trip("MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||BIG-5\rNTE|||\xa5\x5c \xa5\r");
    check_round_trip(
        "MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||UNICODE UTF-8\rNTE|||\xf0\x9f\x98\x80\r");
    CHECK(from_xml(
              "<ACK><MSH><MSH.18>UNICODE UTF-8</MSH.18></MSH><NTE><NTE.3>&#x1F600;&#233;</NTE.3></NTE></ACK>")
              .value()
              .ends_with("NTE|||\xf0\x9f\x98\x80\xc3\xa9\r"));
    auto const refused =
        from_xml("<ACK><MSH><MSH.18>8859/5</MSH.18></MSH><MSA><MSA.3>\xe5\x8a\x9f</MSA.3></MSA></ACK>");
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == "not_in_charset");
}

TEST_CASE("charsets: delimiters are in none") {
    // e6 and ^ would be one character of GB 18030.
    check_round_trip("MSH|\xe6^~&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1||||||GBK\rNTE|1||a^b\r");
}

TEST_CASE("segments out of place keep their order") {
    check_round_trip(
        "MSH|^~\\&|A|B|C|D|20260102||ORU^R01|1|P|2.5.1\rOBX|1\rPID|1\rZZZ|1\rOBR|1\rPID|2\rOBX|2\r"
        "NTE|1\rMSH|^~\\&|x\rOBX|3\rPV1|1\rOBR|2\rPID|3\rOBX|1\r");
    std::string many = "MSH|^~\\&|A|B|C|D|20260102||ORU^R01|1|P|2.5.1\r";
    for (int i = 0; i < 3000; ++i) many += i % 3 == 0 ? "PID|1\r" : i % 3 == 1 ? "OBX|1\r" : "OBR|1\r";
    auto const message = Message::view(many);
    auto const xml = to_xml(*message);
    REQUIRE(xml.has_value());
    CHECK(from_xml(*xml).value() == many);
}

TEST_CASE("XML of others") {
    struct Row {
        char const* name;
        char const* xml;
        char const* er7;
    };
    Row const rows[] = {
        {"no delimiters, fields in any order, prefixes, comments, CDATA",
         "<?xml version='1.0'?><!-- c --><h:ACK xmlns:h='urn:hl7-org:v2xml'><h:MSH>\n  <h:MSH.9>\n    "
         "<h:MSG.1>ACK</h:MSG.1>\n  </h:MSH.9><h:MSH.3><h:HD.1>A</h:HD.1></h:MSH.3></h:MSH>"
         "<h:MSA><h:MSA.1><![CDATA[A&A]]></h:MSA.1><!-- c --><h:MSA.2>&#65;&lt;|</h:MSA.2></h:MSA></h:ACK>",
         "MSH|^~\\&|A||||||ACK\rMSA|A\\T\\A|A<\\F\\\r"},
        {"line breaks in text",
         "<ACK><MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2></MSH><NTE><NTE.3>a\r\nb</NTE.3>"
         "</NTE></ACK>",
         "MSH|^~\\&\rNTE|||a\\.br\\b\r"},
        {"own delimiters",
         "<ACK><MSH><MSH.1>$</MSH.1><MSH.2>*</MSH.2></MSH><NTE><NTE.3>a|b</NTE.3></NTE></ACK>",
         "MSH$*\rNTE$$$a|b\r"},
        {"repetitions apart", "<ACK><MSH/><PID><PID.3>a</PID.3><PID.1>1</PID.1><PID.3>b</PID.3></PID></ACK>",
         "MSH|^~\\&\rPID|1||a~b\r"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const er7 = from_xml(row.xml);
        if (!er7) FAIL(er7.error().text());
        CHECK(with_lf(*er7) == with_lf(row.er7));
    }
}

TEST_CASE("bad XML is refused with its place") {
    auto const repeat = [](std::string_view text, std::size_t times) {
        std::string out;
        for (std::size_t i = 0; i < times; ++i) out += text;
        return out;
    };
    std::string many_attributes = "<ACK";
    for (int i = 0; i < 100000; ++i) many_attributes += " a" + std::to_string(i) + "='1'";
    std::string const start = "<ACK><MSH/><NTE>";
    struct Row {
        char const* name;
        std::string xml;
        char const* code;
        char const* place;
    };
    Row const rows[] = {
        {"empty", "", "not_xml", "byte 1"},
        {"no XML", "MSH|^~\\&|", "not_xml", "byte 1"},
        {"depth of a million", repeat("<a>", 1'000'000), "xml_too_deep", "byte 193"},
        {"depth of a million, closed", repeat("<a>", 1'000'000) + repeat("</a>", 1'000'000), "xml_too_deep",
         "byte 193"},
        {"many attributes", many_attributes + "/>", "xml_too_large", "byte 1"},
        {"billion laughs", "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><ACK>&c;</ACK>",
         "xml_doctype", "byte 1"},
        {"external entity", "<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><ACK/>",
         "xml_doctype", "byte 22"},
        {"unknown entity", "<ACK>&b;</ACK>", "xml_entity", "byte 6"},
        {"no UTF-8", "<ACK>\xff</ACK>", "xml_not_utf8", "byte 6"},
        {"other encoding", "<?xml version='1.0' encoding='ISO-8859-1'?><ACK/>", "xml_not_utf8", "byte 1"},
        {"UTF-16", std::string("\xff\xfe<\0A\0", 6), "xml_not_utf8", "byte 1"},
        {"NUL", std::string("<ACK>\0</ACK>", 12), "not_xml", "byte 6"},
        {"NUL by reference", "<ACK>&#0;</ACK>", "not_xml", "byte 6"},
        {"surrogate by reference", "<ACK>&#xD800;</ACK>", "not_xml", "byte 6"},
        {"too large by reference", "<ACK>&#99999999;</ACK>", "not_xml", "byte 6"},
        {"endless reference", "<ACK>&#" + std::string(100000, '1') + ";</ACK>", "not_xml", "byte 6"},
        {"not closed", "<ACK><MSH>", "not_xml", "byte 11"},
        {"closed wrongly", "<ACK></MSH>", "not_xml", "byte 11"},
        {"two elements", "<ACK/><ACK/>", "not_xml", "byte 7"},
        {"unclosed comment", "<ACK><!-- ", "not_xml", "byte 10"},
        {"unquoted attribute", "<ACK a=1/>", "not_xml", "byte 8"},
        {"no MSH", "<ACK><PID/></ACK>", "not_a_message", "byte 7"},
        {"no element", "<ACK/>", "not_a_message", "byte 2"},
        {"FHIR", "<Patient xmlns='http://hl7.org/fhir'><id value='1'/></Patient>", "not_a_message",
         "byte 39"},
        {"text between segments", "<ACK><MSH/>x</ACK>", "not_a_message", "byte 12"},
        {"element that is none", "<ACK><MSH/><foo/></ACK>", "not_a_message", "byte 13"},
        {"field of another segment", start + "<PID.3/></NTE></ACK>", "bad_position", "byte 18"},
        {"position 0", start + "<NTE.0/></NTE></ACK>", "bad_position", "byte 18"},
        {"huge position", start + "<NTE.99999999>x</NTE.99999999></NTE></ACK>", "message_too_large",
         "byte 18"},
        {"greater still", start + "<NTE.99999999999999999999/></NTE></ACK>", "bad_position", "byte 18"},
        {"component twice", start + "<NTE.5><X.1/><X.1/></NTE.5></NTE></ACK>", "bad_position", "byte 31"},
        {"too deep for ER7", start + "<NTE.5><X.1><Y.1><Z.2>a</Z.2></Y.1></X.1></NTE.5></NTE></ACK>",
         "bad_position", "byte 35"},
        {"escape with a delimiter", start + "<NTE.3><escape V='a|b'/></NTE.3></NTE></ACK>", "bad_escape",
         "byte 25"},
        {"escape without V", start + "<NTE.3><escape/></NTE.3></NTE></ACK>", "bad_escape", "byte 25"},
        {"raw segment end", start + "<NTE.3><escape V='X0D'/><?hilum raw?></NTE.3></NTE></ACK>", "bad_escape",
         "byte 25"},
        {"raw line feed that would begin a segment",
         "<ACK><MSH/><NTE><NTE.3><escape V='X0A'/><?hilum raw?>PID</NTE.3><NTE.4>x</NTE.4></NTE></ACK>",
         "bad_escape", "byte 2"},
        {"text between fields", start + "x<NTE.1/></NTE></ACK>", "not_a_message", "byte 17"},
        {"a position in words", start + "<NTE.one/></NTE></ACK>", "bad_position", "byte 18"},
        {"no position", start + "<NTE3/></NTE></ACK>", "bad_position", "byte 18"},
        {"a line break in a delimiter", "<ACK><MSH><MSH.1>\n</MSH.1></MSH></ACK>", "bad_escape", "byte 18"},
        {"a repetition where none is declared",
         "<ACK><MSH><MSH.1>|</MSH.1><MSH.2>^</MSH.2></MSH><PID><PID.3>a</PID.3><PID.3>b</PID.3></PID></ACK>",
         "bad_position", "byte 71"},
        {"an escape where none is declared",
         "<ACK><MSH><MSH.1>|</MSH.1><MSH.2>^</MSH.2></MSH><NTE><NTE.3><escape V='H'/></NTE.3></NTE></ACK>",
         "bad_escape", "byte 62"},
        {"a delimiter where no escape is declared",
         "<ACK><MSH><MSH.1>|</MSH.1><MSH.2>^</MSH.2></MSH><NTE><NTE.3>a|b</NTE.3></NTE></ACK>", "bad_escape",
         "byte 61"},
        {"a declaration in the middle", "<ACK><?xml version='1.0'?></ACK>", "not_xml", "byte 6"},
        {"a comment with two dashes", "<ACK><!-- a -- b --></ACK>", "not_xml", "byte 10"},
        {"delimiters that are none", "<ACK><MSH><MSH.1>ab</MSH.1></MSH></ACK>", "not_a_message", "byte 7"},
        {"delimiters that are letters", "<ACK><MSH><MSH.1>a</MSH.1></MSH></ACK>", "bad_delimiters", "byte 7"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const begin = cpu_seconds();
        auto const message = from_xml(row.xml);
        CHECK(cpu_seconds() - begin < 5);
        REQUIRE(!message.has_value());
        CHECK(message.error().code == row.code);
        CHECK(message.error().place == row.place);
    }
    CHECK(from_xml("<ACK><MSH/></ACK>", {.bytes_max = 5}).error().code == "xml_too_large");
    CHECK(from_xml("<ACK><MSH/>" + repeat("<ZZZ/>", 100) + "</ACK>", {.nodes_max = 50}).error().code ==
          "xml_too_large");
    CHECK(
        from_xml("<ACK><MSH/>" + repeat("<ZZZ/>", 100) + "</ACK>", {.message_bytes_max = 50}).error().code ==
        "message_too_large");
    auto const message = Message::view(msh);
    CHECK(to_xml(*message, Dictionary::standard(), {.bytes_max = 100}).error().code == "xml_too_large");
}

TEST_CASE("large messages in linear time") {
    auto const begin = cpu_seconds();
    std::string components = msh + "OBX|1|ST|c||";
    for (int i = 0; i < 100000; ++i) components += "a^";
    std::string segments = msh;
    for (int i = 0; i < 200000; ++i) segments += "ZZ1|1\r";
    for (std::string const& bytes :
         {components + "\r", segments, msh + "NTE|||" + std::string(1'000'000, '\\') + "\r"}) {
        auto const message = Message::view(bytes);
        auto const xml = to_xml(*message);
        REQUIRE(xml.has_value());
        auto const back = from_xml(*xml);
        if (!back) FAIL(back.error().text());
        CHECK(*back == canonical(*message));
    }
    CHECK(cpu_seconds() - begin < 60);
}

TEST_CASE("every message of the shared collection comes back from XML") {
    if (!std::filesystem::exists(HILUM_SHARED "/messages")) {
        MESSAGE("skipped: no shared messages");
        return;
    }
    std::size_t messages = 0, different = 0;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(HILUM_SHARED "/messages")) {
        if (!entry.is_regular_file() || entry.path().extension() == ".csv") continue;
        std::string const bytes = read(entry.path());
        for (auto const one : split_messages(bytes).messages) {
            auto const message = Message::view(one);
            if (!message) continue;
            ++messages;
            auto const xml = to_xml(*message);
            auto const back = xml ? from_xml(*xml) : xml;
            if (back && *back == canonical(*message)) continue;
            ++different;
            MESSAGE(entry.path().string(), ": ", back ? "differs" : back.error().text());
        }
    }
    MESSAGE(messages, " messages read as XML and back, ", different, " differ");
    CHECK(messages > 1400);
    CHECK(different == 0);
}
