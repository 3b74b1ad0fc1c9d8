#include "parsers/hl7/batch.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_CASE("split: the table") {
    struct Row {
        char const* name;
        std::string bytes;
        std::vector<std::string> messages;
        bool leftover, batch;
    };
    std::string const a = "MSH|^~\\&|A\rPID|1\r", b = "MSH|^~\\&|B\r";
    Row const rows[] = {
        {"nothing", "", {}, false, false},
        {"one", a, {a}, false, false},
        {"two", a + b, {a, b}, false, false},
        {"LF", "MSH|^~\\&|A\nPID|1\nMSH|^~\\&|B\n", {"MSH|^~\\&|A\nPID|1\n", "MSH|^~\\&|B\n"}, false, false},
        {"a blank line goes with the message before", a + "\r" + b, {a + "\r", b}, false, false},
        {"white space and BOM before", "\xef\xbb\xbf\r\n" + a, {a}, false, false},
        {"a batch", "BHS|^~\\&\r" + a + b + "BTS|2\r", {a, b}, false, true},
        {"a file of batches",
         "FHS|^~\\&\rBHS|^~\\&\r" + a + "BTS|1\rBHS|^~\\&\r" + b + "BTS|1\rFTS|2\r",
         {a, b},
         false,
         true},
        {"a batch of none", "FHS|^~\\&|x\rFTS\r", {}, false, true},
        {"MLLP", "\x0b" + a + "\x1c\r\x0b" + b + "\x1c\r", {a, b}, false, false},
        {"MLLP without CR", "\x0b" + a + "\x1c\x0b" + b + "\x1c", {a, b}, false, false},
        {"MLLP, text cut at the end byte", "\x0bMSH|^~\\&|A\x1c\r", {"MSH|^~\\&|A"}, false, false},
        {"an end byte in a text",
         "MSH|^~\\&|A\x1c"
         "B\r",
         {"MSH|^~\\&|A\x1c"
          "B\r"},
         false,
         false},
        {"a vertical tab in a text",
         "MSH|^~\\&|A\x0b"
         "B\r",
         {"MSH|^~\\&|A\x0b"
          "B\r"},
         false,
         false},
        {"text before", "hello\r" + a, {a}, true, false},
        {"text after the end byte", "\x0b" + a + "\x1c\rhello", {a}, true, false},
        {"text after the trailer", "BHS|^~\\&\r" + a + "BTS|1\rPID|1\r", {a}, true, true},
        {"segments without MSH", "PID|1\rPV1|1\r", {}, true, false},
        {"a word that begins with MSH", "MSHX|1\r", {}, true, false},
        {"other delimiters", "BHS#!@%*\rMSH#!@%*#A\r", {"MSH#!@%*#A\r"}, false, true},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const split = hilum::hl7::split_messages(row.bytes);
        std::vector<std::string> const messages(split.messages.begin(), split.messages.end());
        CHECK(messages == row.messages);
        CHECK(split.leftover == row.leftover);
        CHECK(split.batch == row.batch);
    }
}

namespace {

std::vector<std::string> found(std::string const& bytes) {
    hilum::hl7::BatchCheck check;
    (void)hilum::hl7::split_messages(bytes, &check);
    check.finish();
    std::vector<std::string> out;
    for (auto const& finding : check.findings()) {
        CHECK_FALSE(finding.next.empty());
        out.push_back(finding.code + " at " + finding.place);
    }
    return out;
}

}  // namespace

TEST_CASE("batch: counts, headers and trailers are checked") {
    std::string const m = "MSH|^~\\&|A\rPID|1\r";
    struct Row {
        char const* name;
        std::string bytes;
        std::vector<std::string> findings;
    };
    std::vector<Row> const rows = {
        {"plain messages", m + m, {}},
        {"right", "BHS|^~\\&\r" + m + m + "BTS|2\r", {}},
        {"right, with file", "FHS|^~\\&\rBHS|^~\\&\r" + m + "BTS|1\rBHS|^~\\&\rBTS|0\rFTS|2\r", {}},
        {"no counts", "FHS|^~\\&\rBHS|^~\\&\r" + m + "BTS\rFTS|\r", {}},
        {"a count with blanks", "BHS|^~\\&\r" + m + "BTS| 1 \r", {}},
        {"other delimiters", "BHS#!@%*\r" + m + "BTS#1#x\r", {}},
        {"too few", "BHS|^~\\&\r" + m + "BTS|2\r", {"batch_count at BTS[1]-1"}},
        {"too many", "BHS|^~\\&\rBTS|0\rBHS|^~\\&\r" + m + "BTS|0\r", {"batch_count at BTS[2]-1"}},
        {"batches", "FHS|^~\\&\rBHS|^~\\&\rBTS|0\rFTS|7\r", {"file_count at FTS[1]-1"}},
        {"no number", "BHS|^~\\&\rBTS|many\r", {"bad_count at BTS[1]-1"}},
        {"negative", "BHS|^~\\&\rBTS|-1\r", {"bad_count at BTS[1]-1"}},
        {"huge", "BHS|^~\\&\rBTS|99999999999999999999999\r", {"bad_count at BTS[1]-1"}},
        {"no trailer", "BHS|^~\\&\r" + m, {"batch_trailer_missing at BHS[1]"}},
        {"no header", m + "BTS|1\r", {"batch_header_missing at BTS[1]"}},
        {"no file trailer", "FHS|^~\\&\r" + m, {"file_trailer_missing at FHS[1]"}},
        {"no file header", m + "FTS|1\r", {"file_header_missing at FTS[1]"}},
        {"a batch in a batch", "BHS|^~\\&\rBHS|^~\\&\rBTS\r", {"batch_trailer_missing at BHS[1]"}},
        {"a file in a file",
         "FHS|^~\\&\rBHS|^~\\&\rFHS|^~\\&\rFTS\r",
         {"batch_trailer_missing at BHS[1]", "file_trailer_missing at FHS[1]"}},
        {"cut off", "FHS|^~\\&\rBHS|^~\\&\rFTS|1\r", {"batch_trailer_missing at BHS[1]"}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(found(row.bytes) == row.findings);
    }
    std::string many;
    for (int i = 0; i < 100; ++i) many += "BTS|1\r";
    CHECK(found(many).size() == 20);
}

TEST_CASE("batch: the answer") {
    using hilum::hl7::is_batch;
    std::string const m = "MSH|^~\\&|A\r";
    std::string const bytes =
        "FHS|^~\\&|S|SF|R|RF|2024||F1||F77\rBHS|^~\\&|S|SF|R|RF|2024||B1||C42\r" + m + m + "BTS|2\rFTS|1\r";
    CHECK(is_batch(bytes));
    CHECK(is_batch("\xef\xbb\xbf\r\nBHS|"));
    CHECK_FALSE(is_batch(m + bytes));
    CHECK_FALSE(is_batch("BHSX|"));
    CHECK_FALSE(is_batch("BTS|1"));
    CHECK_FALSE(is_batch(""));

    auto const split = hilum::hl7::split_messages(bytes);
    std::vector<std::string> const acks = {"MSH|1\r", "MSH|2"};
    CHECK(
        hilum::hl7::build_batch_answer(split, acks, {.control_id = "9", .timestamp = "2025"}) ==
        "FHS|^~\\&|R|RF|S|SF|2025||||9|F77\rBHS|^~\\&|R|RF|S|SF|2025||||9|C42\rMSH|1\rMSH|2\rBTS|2\rFTS|1\r");
    auto const bare = hilum::hl7::split_messages("BHS#!@%*#S#SF\rBTS\r");
    CHECK(hilum::hl7::build_batch_answer(bare, {}, {.control_id = "9", .timestamp = "2025"}, "a#b") ==
          "BHS#!@%*###S#SF#2025####9#\rBTS#0#a%F%b\r");
    auto const bad = hilum::hl7::split_messages("BHS\rBTS\r");
    CHECK(hilum::hl7::build_batch_answer(bad, {}, {.control_id = "9", .timestamp = "2025"}) ==
          "BHS|^~\\&|||||2025||||9|\rBTS|0\r");
}

TEST_CASE("batch: made of messages, and read back as the same messages") {
    std::string const a = "MSH|^~\\&|S|SF|R|RF|2024||ADT^A01|1\rPID|1\r", b = "MSH#~^\\&#T\rPID#1";
    std::string_view const messages[] = {a, b};
    auto const made = hilum::hl7::build_batch(messages, {.control_id = "4|7", .timestamp = "2025"});
    CHECK(made == "BHS|^~\\&|S|SF|R|RF|2025||||4\\F\\7\r" + a + b + "\rBTS|2\r");
    auto const in_file =
        hilum::hl7::build_batch(messages, {.control_id = "4", .timestamp = "2025", .in_file = true});
    CHECK(in_file ==
          "FHS|^~\\&|S|SF|R|RF|2025||||4\rBHS|^~\\&|S|SF|R|RF|2025||||4\r" + a + b + "\rBTS|2\rFTS|1\r");
    hilum::hl7::BatchCheck check;
    auto const split = hilum::hl7::split_messages(in_file, &check);
    check.finish();
    CHECK(check.findings().empty());
    CHECK(split.messages == std::vector<std::string_view>{a, b + "\r"});
    CHECK(hilum::hl7::build_batch({}, {}) == "BHS|^~\\&|||||||||\rBTS|0\r");
    std::string_view const other[] = {"MSH#~^\\&#T\r"};
    CHECK(hilum::hl7::build_batch(other, {}) == "BHS#~^\\&#T########\r" + std::string(other[0]) + "BTS#1\r");
}

TEST_CASE("batch: what can stand in one") {
    struct Row {
        char const* name;
        std::string bytes;
        bool fits;
    };
    std::string const a = "MSH|^~\\&|A\rPID|1\r";
    Row const rows[] = {
        {"a message", a, true},
        {"no end", "MSH|^~\\&|A", true},
        {"LF", "MSH|^~\\&|A\nPID|1\n", true},
        {"nothing", "", false},
        {"JSON", R"({"resourceType":"Patient"})", false},
        {"XML", "<ADT_A01/>", false},
        {"UTF-16", std::string("M\0S\0H\0|\0", 8), false},
        {"two", a + a, false},
        {"a batch", "BHS|^~\\&\r" + a + "BTS|1\r", false},
        {"a trailer in it", a + "BTS|1\r", false},
        {"a trailer in the middle", a + "FTS|1\rPV1|1\r", false},
        {"a header in it", a + "BHS|^~\\&\r", false},
        {"a trailer behind LF", "MSH|^~\\&|A\nBTS|1\n", false},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(hilum::hl7::fits_batch(row.bytes) == row.fits);
    }
}
