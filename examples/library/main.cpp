// Reads a message, changes a field, answers it: the parsers of Hilum as a library (docs/library.md).
#include <parsers/hl7/hl7.h>

#include <algorithm>
#include <iostream>

int main() {
    using namespace hilum::hl7;
    std::string const bytes =
        "MSH|^~\\&|ADT|WEST|LAB|EAST|20260102||ADT^A01^ADT_A01|M1|P|2.5.1\r"
        "PID|1||100001^^^WEST^MR||Doe\\F\\Jane\r";
    auto message = Message::parse(bytes);
    if (!message) {
        std::cerr << message.error().text() << '\n';  // what, where, and what to do
        return 1;
    }
    auto const name = Path::parse("PID-5").value();
    std::string upper, scratch;
    std::string_view const text = message->text(name, scratch);  // unescaped
    std::transform(text.begin(), text.end(), std::back_inserter(upper),
                   [](unsigned char c) { return std::toupper(c); });
    if (auto const done = message->set(name, upper); !done)
        return 1;  // escaped again; every other byte stays
    std::cout << message->text("PID-3.1") << ' ' << message->text("PID-5") << '\n';

    std::string answer;
    build_ack(*message, AckCode::AA, {.control_id = "1", .timestamp = "20260102"}, nullptr, answer);
    std::replace(answer.begin(), answer.end(), '\r', '\n');
    std::cout << answer;
}
