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
