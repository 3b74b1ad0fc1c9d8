// Every file of the public message collection: see its manifest.csv. Skipped where the collection is missing.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/utf8.h"
#include "parsers/hl7/validate.h"
#include "parsers/hl7/xml.h"

using hilum::hl7::Message;
using hilum::hl7::Path;

namespace {

struct Sample {
    std::string name, type, version, kind, notes;
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
            found.push_back({cells[0], cells[4], cells[5], cells[8], cells[9], std::stoul(cells[7]),
                             file(folder / cells[0])});
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

// "eol=CR;NO-MSH-10;odd-lines=2" as {"eol", "NO-MSH-10", "odd-lines"}.
std::vector<std::string> notes(Sample const& sample) {
    std::vector<std::string> all;
    std::istringstream in(sample.notes);
    for (std::string note; std::getline(in, note, ';');) all.push_back(note.substr(0, note.find('=')));
    return all;
}

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

        // An edit leaves all the bytes around it.
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

TEST_CASE("samples: edited in one field, a message differs in that field alone, whichever it is") {
    std::size_t edits = 0;
    for (auto const& sample : samples()) {
        if (sample.kind == "malformed-or-fragment") continue;
        CAPTURE(sample.name);
        for (auto const bytes : hilum::hl7::split_messages(sample.bytes).messages) {
            auto const original = Message::view(bytes);
            REQUIRE(original.has_value());
            CHECK(original->bytes() == bytes);
            for (std::size_t n = 2; n <= original->segment_count(); ++n) {
                auto const segment = original->segment(n);
                if (segment.data() < bytes.data() || segment.data() >= bytes.data() + bytes.size())
                    continue;  // a charset whose raw text is not the bytes: charset_test
                auto const first = segment.find(original->delimiters().field);
                auto const path = Path::parse(segment.substr(0, std::min<std::size_t>(first, 4)));
                if (!path || path->field != 0 || first != 3) continue;
                Path field = *path;
                field.occurrence = 0;
                for (std::size_t k = 1; k <= n; ++k) {
                    auto const other = original->segment(k);
                    if (other.substr(0, 3) == segment.substr(0, 3) &&
                        (other.size() == 3 || other[3] == original->delimiters().field))
                        ++field.occurrence;
                }
                // Another field of each segment, and the first repetition of it.
                field.field = static_cast<std::uint32_t>(1 + n % 5);
                field.repetition_given = true;
                auto const old = original->get(field).raw;
                if (old.empty()) continue;
                auto edited = Message::view(bytes);
                REQUIRE(edited->set(field, "EDITED").has_value());
                std::string expected(bytes);
                expected.replace(static_cast<std::size_t>(old.data() - bytes.data()), old.size(), "EDITED");
                CHECK(edited->bytes() == expected);
                ++edits;
            }
        }
    }
    MESSAGE(edits << " edits");
    if (!samples().empty()) CHECK(edits > 5000);
}

TEST_CASE("samples: a batch or stream splits into the number of messages that the manifest counts") {
    for (auto const& sample : samples()) {
        if (sample.kind != "batch/multi") continue;
        CAPTURE(sample.name);
        auto const split = hilum::hl7::split_messages(sample.bytes);
        CHECK(split.messages.size() == sample.messages);
        // The manifest's type and version are those of the first message.
        if (!sample.type.empty() && !split.messages.empty()) {
            auto const first = Message::view(split.messages[0]);
            REQUIRE(first.has_value());
            CHECK(message_type(*first) == sample.type);
            CHECK(first->text("MSH-12.1") == sample.version);
        }
        for (auto const bytes : split.messages) {
            auto const message = Message::view(bytes);
            // One of them is cut off after "MSH|^~" on purpose, which is short but can be read.
            CHECK(message.has_value());
        }
    }
}

TEST_CASE(
    "samples: a malformed one gives an error or a finding with its place, or has a documented tolerance") {
    using hilum::hl7::Rule;
    using hilum::hl7::Tolerance;
    auto const rules = hilum::hl7::Rules::of(hilum::hl7::Dictionary::standard());
    std::map<std::string, std::size_t> ways;
    for (auto const& sample : samples()) {
        if (sample.kind != "malformed-or-fragment") continue;
        CAPTURE(sample.name);
        CAPTURE(sample.notes);
        auto const message = Message::view(sample.bytes);
        if (!message) {
            CHECK_FALSE(message.error().place.empty());
            CHECK_FALSE(message.error().next.empty());
            bool const has_msh = sample.bytes.find("MSH") != std::string::npos;
            auto const nak =
                hilum::hl7::build_nak_for_fragment(sample.bytes, {}, {.text = message.error().text()});
            if (!has_msh) CHECK(nak.empty());
            if (!nak.empty()) CHECK(hilum::hl7::read_ack(nak).has_value());
            ++ways["error"];
            continue;
        }
        CHECK(message->bytes() == sample.bytes);
        auto const report = hilum::hl7::validate(*message, rules);
        auto const found = [&](Rule rule, std::string_view place) {
            return std::any_of(report.findings.begin(), report.findings.end(), [&](auto const& f) {
                return f.rule == rule && f.severity == 'E' && f.place.text() == place;
            });
        };
        // Each fault that the manifest names.
        for (auto const& fault : notes(sample)) {
            CAPTURE(fault);
            if (fault == "NO-MSH-9") {
                CHECK((found(Rule::required, "MSH[1]-9") || found(Rule::required, "MSH[1]-9.1")));
            } else if (fault == "NO-MSH-10") {
                CHECK(found(Rule::required, "MSH[1]-10"));
            } else if (fault == "NO-version" || fault == "BAD-version") {
                CHECK(found(Rule::version, "MSH[1]-12"));
            } else if (fault == "odd-lines") {
                CHECK((message->has(Tolerance::bad_segment_name) || message->has(Tolerance::lf_in_text)));
            } else if (fault == "BOM" || fault == "NO-MSH") {
                CHECK(message->has(Tolerance::leading_bytes));
            } else {
                continue;
            }
            ++ways[fault];
        }
        CHECK((message->tolerances() != 0 || report.errors != 0));
    }
    for (auto const& [way, count] : ways) MESSAGE(way << ": " << count);
}

// Every prefix is parsed, and now and then one is validated and written as XML: that is work of its own.
TEST_CASE("samples: every prefix of every message is a message or an error with its place") {
    auto const rules = hilum::hl7::Rules::of(hilum::hl7::Dictionary::standard());
    hilum::hl7::Report report;
    std::size_t prefixes = 0;
    auto const msh10 = Path::parse("MSH-10").value();
    for (auto const& sample : samples()) {
        CAPTURE(sample.name);
        for (std::size_t length = 0; length < sample.bytes.size(); ++length) {
            // Of the few large ones each prefix of the beginning, then one in 97: all would be quadratic
            // work.
            if (length > 8'000) length += 96;
            std::string_view const prefix = std::string_view(sample.bytes).substr(0, length);
            auto const message = Message::view(prefix);
            ++prefixes;
            if (!message) {
                if (message.error().place.empty()) FAIL_CHECK("no place at " << length);
                continue;
            }
            if (message->get(msh10).raw.size() > length) FAIL_CHECK("more than there is at " << length);
            if (length % 13 == 0) hilum::hl7::validate(*message, rules, report);
            if (length % 101 != 0) continue;
            auto const xml = hilum::hl7::to_xml(*message);
            auto const back = xml ? hilum::hl7::from_xml(*xml) : xml;
            CHECK(back.has_value());
        }
    }
    MESSAGE(prefixes << " prefixes");
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
