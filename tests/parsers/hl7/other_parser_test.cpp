// Field values as parsers not written here read them: python3-hl7 (Debian) and @medplum/core (npm), over all
// single messages of the public collection. Skipped, and said so, where one of them is missing.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "parsers/hl7/message.h"

using hilum::hl7::Message;
using hilum::hl7::Path;

namespace {

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return bytes;
}

struct Comparison {
    std::size_t files = 0, values = 0;
    std::map<std::string, std::size_t> explained;    // by reason
    std::map<std::string, std::string> unexplained;  // by file: path and both values' lengths, never a value
    int exit_code = 0;
};

// Why theirs is another value, and ours is right by the standard; "" when neither is known.
std::string reason(Message const& message, std::string_view ours, std::string_view theirs) {
    // A line feed is no segment end where the message ends its segments by CR (§2.5.1); the other parser got
    // every line feed as one.
    if (message.has(hilum::hl7::Tolerance::lf_in_text)) return "a line feed inside a text";
    // MSH-2 with an escape character written twice, or a character of several bytes: the others take its
    // bytes one by one, and the rest of MSH-2 for other roles than the sender meant (docs/acceptance.md).
    if (message.has(hilum::hl7::Tolerance::odd_msh2)) return "an odd MSH-2";
    // In ISO 2022 a byte like | can be half of a character (§2.14.9.18); the others split there.
    if (message.charset().masks()) return "a delimiter byte inside a character";
    // White space at the end of a value is part of it (§2.5.3.1); theirs strips the end of a message.
    std::string_view trimmed = ours;
    while (!trimmed.empty() && static_cast<unsigned char>(trimmed.back()) <= ' ') trimmed.remove_suffix(1);
    if (trimmed == theirs) return "blanks at the end";
    return "";
}

// Reads what the other parser prints: file, path, raw value in hex.
Comparison compare(std::string const& command) {
    Comparison result;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string current, bytes, line;
    std::unique_ptr<Message> message;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
        if (c != '\n') {
            line += static_cast<char>(c);
            continue;
        }
        auto const first = line.find('\t'), second = line.find('\t', first + 1);
        std::string const file = line.substr(0, first), path = line.substr(first + 1, second - first - 1);
        std::string const theirs = from_hex(line.substr(second + 1));
        line.clear();
        if (path == "refused") continue;
        if (file != current) {
            current = file;
            ++result.files;
            std::ifstream in(std::filesystem::path(HILUM_SHARED) / "messages" / file, std::ios::binary);
            bytes.assign(std::istreambuf_iterator<char>(in), {});
            auto parsed = Message::view(bytes);
            REQUIRE(parsed.has_value());
            message = std::make_unique<Message>(std::move(*parsed));
        }
        auto const at = Path::parse(path);
        REQUIRE(at.has_value());
        std::string ours;
        message->append_bytes(message->get(*at).raw, ours);
        ++result.values;
        if (ours == theirs) continue;
        auto const why = reason(*message, ours, theirs);
        if (!why.empty()) {
            ++result.explained[why];
        } else {
            result.unexplained[file] = path + ": " + std::to_string(ours.size()) + " and " +
                                       std::to_string(theirs.size()) + " bytes";
        }
    }
    result.exit_code = ::pclose(pipe);
    return result;
}

void check(std::string const& name, std::string const& command) {
    if (!std::filesystem::exists(std::filesystem::path(HILUM_SHARED) / "messages")) {
        std::cout << "skipped: no message collection\n";
        return;
    }
    auto const result = compare(command);
    if (result.values == 0) {
        std::cout << "skipped: " << name << " is not installed\n";
        return;
    }
    CHECK(result.exit_code == 0);
    for (auto const& [file, difference] : result.unexplained) {
        CAPTURE(file);
        CAPTURE(difference);
        CHECK(result.unexplained.empty());
    }
    std::cout << name << ": " << result.values << " values of " << result.files << " messages";
    for (auto const& [why, count] : result.explained) std::cout << "; " << count << " differ: " << why;
    std::cout << "\n";
}

}  // namespace

TEST_CASE("values agree with python3-hl7") {
    check("python3-hl7",
          "/usr/bin/python3 " HILUM_SOURCE "/tests/parsers/hl7/other_parser.py " HILUM_SHARED "/messages");
}

TEST_CASE("values agree with @medplum/core") {
    check("@medplum/core",
          "node " HILUM_SOURCE "/tests/parsers/hl7/other_parser.mjs " HILUM_SHARED "/messages");
}
