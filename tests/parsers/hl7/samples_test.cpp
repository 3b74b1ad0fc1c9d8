// Every file of the public message collection: see its manifest.csv. Skipped where the collection is missing.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/utf8.h"

using hilum::hl7::Message;
using hilum::hl7::Path;

namespace {

struct Sample {
    std::string name, type, version, kind;
    std::size_t messages = 0;
    std::string bytes;
};

std::string file(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> csv_row(std::string const& line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (char const c : line) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            cells.emplace_back();
        } else if (c != '\r') {
            cells.back() += c;
        }
    }
    return cells;
}

// Columns: path,tier,source,license,type,version,bytes,messages,class,notes
std::vector<Sample> const& samples() {
    static std::vector<Sample> const all = [] {
        std::vector<Sample> found;
        std::filesystem::path const folder = std::filesystem::path(HILUM_SHARED) / "messages";
        std::ifstream manifest(folder / "manifest.csv");
        std::string line;
        std::getline(manifest, line);
        while (std::getline(manifest, line)) {
            auto const cells = csv_row(line);
            if (cells.size() < 10) continue;
            found.push_back(
                {cells[0], cells[4], cells[5], cells[8], std::stoul(cells[7]), file(folder / cells[0])});
        }
        if (found.empty()) std::cout << "skipped: no message collection in " << folder << "\n";
        return found;
    }();
    return all;
}

// Where the manifest describes something else than the standard does.
std::set<std::string> const other_type_in_manifest = {
    // Its field delimiter is ^ and its component delimiter ~; the manifest took the first part only.
    "hapifhir__hapi-hl7v2/"
    "hapi-osgi-test_src_test_java_ca_uhn_hl7v2_parser_tests_NewPipeParserTest.java_lit27.hl7",
};

// All components of MSH-9, as the manifest writes them.
std::string message_type(Message const& message) {
    std::string type(message.get(Path::parse("MSH-9").value()).raw);
    std::replace(type.begin(), type.end(), message.delimiters().component, '^');
    return type;
}

}  // namespace

TEST_CASE("samples: a single message parses, agrees with the manifest and is written back byte for byte") {
    std::size_t checked = 0;
    for (auto const& sample : samples()) {
        if (sample.kind != "single") continue;
        CAPTURE(sample.name);
        REQUIRE_FALSE(sample.bytes.empty());
        auto message = Message::view(sample.bytes);
        REQUIRE(message.has_value());
        CHECK(message->bytes() == sample.bytes);
        if (other_type_in_manifest.count(sample.name) == 0) CHECK(message_type(*message) == sample.type);
        CHECK(message->text("MSH-12.1") == sample.version);
        CHECK(hilum::hl7::split_messages(sample.bytes).messages.size() == 1);

        std::string ack;
        hilum::hl7::build_ack(*message, hilum::hl7::AckCode::AA, {.control_id = "1", .timestamp = "2024"},
                              nullptr, ack);
        auto const reading = hilum::hl7::read_ack(ack);
        REQUIRE(reading.has_value());
        CHECK(reading->control_id == message->text("MSH-10"));

        // An edit elsewhere leaves all the bytes around it.
        std::string const before = message->bytes();
        std::string_view const application = message->get(Path::parse("MSH-3").value()).raw;
        std::size_t const at =
            sample.bytes.find("MSH") + 5 + message->get(Path::parse("MSH-2").value()).raw.size();
        std::string expected = sample.bytes;
        expected.replace(at, application.size(), "EDITED");
        REQUIRE(message->set(Path::parse("MSH-3").value(), "EDITED").has_value());
        CHECK(message->bytes() == expected);
        ++checked;
    }
    MESSAGE(checked << " single messages");
}

TEST_CASE("samples: a batch or stream splits into the number of messages that the manifest counts") {
    for (auto const& sample : samples()) {
        if (sample.kind != "batch/multi") continue;
        CAPTURE(sample.name);
        auto const split = hilum::hl7::split_messages(sample.bytes);
        CHECK(split.messages.size() == sample.messages);
        for (auto const bytes : split.messages) {
            auto const message = Message::view(bytes);
            // One of them is cut off after "MSH|^~" on purpose, which is short but can be read.
            CHECK(message.has_value());
        }
    }
}

TEST_CASE("samples: a malformed one gives a message or an error that names place and fix") {
    for (auto const& sample : samples()) {
        if (sample.kind != "malformed-or-fragment") continue;
        CAPTURE(sample.name);
        auto const message = Message::view(sample.bytes);
        if (message) {
            CHECK(message->bytes() == sample.bytes);
            continue;
        }
        CHECK_FALSE(message.error().place.empty());
        CHECK_FALSE(message.error().next.empty());
        bool const has_msh = sample.bytes.find("MSH") != std::string::npos;
        auto const nak =
            hilum::hl7::build_nak_for_fragment(sample.bytes, {}, {.text = message.error().text()});
        if (!has_msh) CHECK(nak.empty());
        if (!nak.empty()) CHECK(hilum::hl7::read_ack(nak).has_value());
    }
}

TEST_CASE("samples: every segment has one place in the message structure") {
    std::size_t messages = 0, placed = 0, segments = 0;
    for (auto const& sample : samples()) {
        auto const message = Message::view(sample.bytes);
        if (!message) continue;
        CAPTURE(sample.name);
        auto const structure = hilum::hl7::MessageStructure::of(*message);
        REQUIRE(structure.segment_count() == message->segment_count());
        auto const& groups = structure.groups();
        for (std::size_t n = 1; n <= message->segment_count(); ++n) {
            auto const place = structure.place(n);
            REQUIRE(place.group < groups.size());
            REQUIRE(groups[place.group].first <= n);
            REQUIRE(groups[place.group].last >= n);
            if (place.node == hilum::hl7::SegmentPlace::nowhere) continue;
            CHECK(message->segment(n).starts_with(structure.structure()->node(place.node).name));
            ++placed;
        }
        segments += message->segment_count();
        ++messages;
    }
    if (messages == 0) return;
    CHECK(messages > 1000);
    // Most of what real senders send is in its structure; the rest is kept in the nearest group.
    CHECK(placed * 10 > segments * 8);
}

TEST_CASE("samples: a single message decodes, and its text gives its bytes again") {
    std::size_t segments = 0, damaged = 0;
    for (auto const& sample : samples()) {
        if (sample.kind != "single") continue;
        CAPTURE(sample.name);
        auto const message = Message::view(sample.bytes);
        REQUIRE(message.has_value());
        using hilum::hl7::Coding;
        for (std::size_t i = 1; i <= message->segment_count(); ++i) {
            std::string bytes, text, again, scratch;
            message->append_bytes(message->segment(i), bytes);
            auto const decoded = message->decode(message->segment(i), scratch);
            CHECK(hilum::hl7::valid_utf8(decoded) == decoded.size());
            auto charset = message->charset();
            if (charset.coding <= Coding::ascii && hilum::hl7::valid_utf8(bytes) != bytes.size())
                charset = {Coding::single_byte, 1};
            if (charset.coding == Coding::ascii) charset = {Coding::utf8};
            if (hilum::hl7::is_ascii(bytes) && bytes.find('\x1b') == std::string::npos) continue;
            ++segments;
            if (hilum::hl7::to_utf8(bytes, charset, text) != 0) {
                ++damaged;
                continue;
            }
            REQUIRE(hilum::hl7::from_utf8(text, charset, again));
            CHECK(again == bytes);
        }
    }
    MESSAGE(segments << " segments with more than ASCII, " << damaged << " of them not what MSH-18 says");
}
