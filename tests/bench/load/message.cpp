#include "tests/bench/load/message.h"

namespace hilum::bench {

void write_digits(char* at, std::size_t width, std::uint64_t value) {
    for (std::size_t i = width; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

PatchedMessage::PatchedMessage(std::string_view run, std::uint32_t connection, std::size_t size) {
    std::string number(5, '0');
    write_digits(number.data(), 5, connection);
    bytes_ = "\x0bMSH|^~\\&|LOAD|WEST|HILUM|CENTRAL|20260714101500+0000||ADT^A01^ADT_A01|";
    control_id_ = bytes_.size();
    bytes_ += std::string(run.substr(0, 6)) + number + "000000000";
    // Everything about the patient is made up; the name is a word of the trade.
    bytes_ +=
        "|P|2.5|||AL|NE\r"
        "EVN|A01|20260714101500+0000||||20260714101400+0000\r"
        "PID|1||P" +
        number + "^^^WEST^MR~99900" + number +
        "^^^NATIONAL^NI||Probe^Linus^Q^^^^L||19710309|M|||17 Meadow Lane^Unit 4^Springton^ST^99001^USA^H"
        "||^PRN^PH^^1^555^5550100|^WPN^PH^^1^555^5550101|en|M||V" +
        number +
        "^^^WEST^VN|||||Springton||||||||N\r"
        "NK1|1|Probe^Ada^R|SPO^Spouse^HL70063|17 Meadow Lane^Unit "
        "4^Springton^ST^99001^USA|^PRN^PH^^1^555^5550102\r"
        "PV1|1|I|2 "
        "WEST^204^A^WEST^^^^2||||1001^Quill^Robin^^^Dr|1002^Reed^Sam^^^Dr||MED|||||||1003^Stone^Kit^^^Dr|IP|"
        "V" +
        number +
        "^^^WEST^VN|||||||||||||||||||||||||20260714100000+0000\r"
        "AL1|1|DA|70618^Penicillin^RXNORM|MO|Rash|20200101\r"
        "DG1|1||R07.9^Chest pain, unspecified^I10|||A\r";
    std::string_view const nanoseconds = "0000000000000000000";
    std::string const tail = "ZTS|" + std::string(nanoseconds) + "\r\x1c\r";
    std::size_t const framing = 3;
    std::string const note = "NTE|1|L|";
    std::size_t const fixed = bytes_.size() + tail.size() - framing + note.size() + 1;
    if (size > fixed) {
        bytes_ += note;
        for (std::size_t i = 0; i < size - fixed; ++i)
            bytes_ += i % 8 == 7 ? ' ' : static_cast<char>('a' + i % 26);
        bytes_ += '\r';
    }
    bytes_ += tail;
    sent_ = bytes_.size() - 3 - nanoseconds.size();
}

PatchedMessage::PatchedMessage(std::string_view run, std::uint32_t connection, std::size_t size,
                               std::string_view path) {
    std::string number(5, '0');
    write_digits(number.data(), 5, connection);
    auto const id = std::string(run.substr(0, 6)) + number + "000000000";
    std::string body =
        R"({"resourceType":"Patient","identifier":[{"use":"usual","type":{"coding":[{"system":)"
        R"("http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:oid:1.2.36.146.595.217.0.1","value":")" +
        id +
        R"("}],"active":true,"name":[{"use":"official","family":"Probe","given":["Linus","Q"]}],"telecom":[)"
        R"({"system":"phone","value":"+1 555 555 0100","use":"home"},{"system":"phone","value":"+1 555 555 0101","use":"work"}],)"
        R"("gender":"male","birthDate":"1971-03-09","address":[{"use":"home","line":["17 Meadow Lane","Unit 4"],"city":)"
        R"("Springton","state":"ST","postalCode":"99001"}],"contact":[{"relationship":[{"coding":[{"system":)"
        R"("http://terminology.hl7.org/CodeSystem/v2-0131","code":"N"}]}],"name":{"family":"Probe","given":["Ada"]},"telecom":[)"
        R"({"system":"phone","value":"+1 555 555 0102"}]}],"communication":[{"language":{"coding":[{"system":)"
        R"("urn:ietf:bcp:47","code":"en"}]},"preferred":true}],"managingOrganization":{"reference":"Organization/west"}})";
    if (size >= 4096) {
        std::string const patient = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a";
        body = R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":")" + patient +
               R"(","resource":)" + body + R"(,"request":{"method":"POST","url":"Patient"}})";
        for (std::size_t i = 100; body.size() + 2 < size; ++i)
            body +=
                R"(,{"resource":{"resourceType":"Observation","identifier":[{"system":"http://lab.example/results","value":"R)" +
                std::to_string(i) +
                R"("}],"status":"final","category":[{"coding":[{"system":)"
                R"("http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[)"
                R"({"system":"http://loinc.org","code":"15074-8","display":"Glucose [Moles/volume] in Blood"}]},"subject":)"
                R"({"reference":")" +
                patient +
                R"("},"effectiveDateTime":"2024-01-02T09:30:10+01:00","valueQuantity":{"value":6.30,"unit":"mmol/l",)"
                R"("system":"http://unitsofmeasure.org","code":"mmol/L"},"referenceRange":[{"low":{"value":3.1,"unit":)"
                R"("mmol/l"},"high":{"value":6.2,"unit":"mmol/l"}}]},"request":{"method":"POST","url":"Observation"}})";
        body += "]}";
    }
    bytes_ = "POST " + std::string(path) +
             " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/fhir+json\r\nAccept: "
             "application/fhir+json\r\n"
             "Content-Length: " +
             std::to_string(body.size()) + "\r\n\r\n";
    control_id_ = bytes_.size() + body.find(id);
    bytes_ += body;
}

void PatchedMessage::next(std::uint64_t counter, std::uint64_t sent_ns) {
    write_digits(bytes_.data() + control_id_ + 11, 9, counter);
    if (sent_ > 0) write_digits(bytes_.data() + sent_, 19, sent_ns);
}

}  // namespace hilum::bench
