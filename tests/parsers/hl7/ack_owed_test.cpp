#include "parsers/hl7/ack_owed.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace hilum::hl7;

namespace {

std::string text(std::optional<AckCode> code) {
    return code ? std::string(name(*code)) : "-";
}

std::string owed_text(AckRequest const& request, AckOutcome outcome) {
    auto const owed = acks_owed(request, outcome);
    return text(owed.accept) + " " + text(owed.application);
}

AckRequest request_of(std::string const& msh_15, std::string const& msh_16,
                      std::string const& version = "2.8.2", std::string const& type = "ADT^A01") {
    auto const bytes =
        "MSH|^~\\&|A|B|C|D|1||" + type + "|M1|P|" + version + "|||" + msh_15 + "|" + msh_16 + "\r";
    auto const message = Message::view(bytes);
    REQUIRE(message.has_value());
    return ack_request(*message);
}

// The words in `code` marks of each cell of a table's line: "| `AL` | `CA`, `AA` | - |" is {"AL", "CA AA",
// ""}.
std::vector<std::string> cells(std::string const& line) {
    std::vector<std::string> all;
    bool code = false;
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (i == 1 || line[i - 1] == '|') all.emplace_back();
        if (line[i] == '`') {
            code = !code;
            if (code && !all.back().empty()) all.back() += ' ';
        } else if (code) {
            all.back() += line[i];
        }
    }
    return all;
}

}  // namespace

// HL7 v2.8.2 §2.9.2, §2.9.3, table HL70155: MSH-15 down, MSH-16 across. "accept application" for a message
// that was stored, one in error and one rejected; ?? stands for a value that the table does not have.
TEST_CASE("acks owed: every MSH-15 with every MSH-16") {
    struct Row {
        char const* msh_15;
        char const* msh_16;
        bool enhanced;
        char const* stored;
        char const* error;
        char const* rejected;
    };
    Row const rows[] = {
        // Original mode: both empty, or nothing that the table knows.
        {"", "", false, "- AA", "- AE", "- AR"},
        {"", "??", false, "- AA", "- AE", "- AR"},
        {"??", "", false, "- AA", "- AE", "- AR"},
        {"??", "??", false, "- AA", "- AE", "- AR"},
        // No accept acknowledgment is asked for.
        {"", "AL", true, "- AA", "- AE", "- AR"},
        {"", "NE", true, "- -", "- -", "- -"},
        {"", "ER", true, "- -", "- AE", "- AR"},
        {"", "SU", true, "- AA", "- -", "- -"},
        {"NE", "", true, "- -", "- -", "- -"},
        {"NE", "AL", true, "- AA", "- AE", "- AR"},
        {"NE", "NE", true, "- -", "- -", "- -"},
        {"NE", "ER", true, "- -", "- AE", "- AR"},
        {"NE", "SU", true, "- AA", "- -", "- -"},
        {"NE", "??", true, "- -", "- -", "- -"},
        // Always: what is refused here never gets to an application.
        {"AL", "", true, "CA -", "CE -", "CR -"},
        {"AL", "AL", true, "CA AA", "CE -", "CR -"},
        {"AL", "NE", true, "CA -", "CE -", "CR -"},
        {"AL", "ER", true, "CA -", "CE -", "CR -"},
        {"AL", "SU", true, "CA AA", "CE -", "CR -"},
        {"AL", "??", true, "CA -", "CE -", "CR -"},
        // On error or reject.
        {"ER", "", true, "- -", "CE -", "CR -"},
        {"ER", "AL", true, "- AA", "CE -", "CR -"},
        {"ER", "NE", true, "- -", "CE -", "CR -"},
        {"ER", "ER", true, "- -", "CE -", "CR -"},
        {"ER", "SU", true, "- AA", "CE -", "CR -"},
        {"ER", "??", true, "- -", "CE -", "CR -"},
        // On success: a failure is left to the application acknowledgment.
        {"SU", "", true, "CA -", "- -", "- -"},
        {"SU", "AL", true, "CA AA", "- AE", "- AR"},
        {"SU", "NE", true, "CA -", "- -", "- -"},
        {"SU", "ER", true, "CA -", "- AE", "- AR"},
        {"SU", "SU", true, "CA AA", "- -", "- -"},
        {"SU", "??", true, "CA -", "- -", "- -"},
        // Unknown beside a value of the table: as AL.
        {"??", "AL", true, "CA AA", "CE -", "CR -"},
        {"??", "NE", true, "CA -", "CE -", "CR -"},
        {"??", "ER", true, "CA -", "CE -", "CR -"},
        {"??", "SU", true, "CA AA", "CE -", "CR -"},
    };
    std::map<std::string, int> seen;
    for (auto const& row : rows) {
        CAPTURE(row.msh_15);
        CAPTURE(row.msh_16);
        ++seen[std::string(row.msh_15) + "/" + row.msh_16];
        for (auto const* version : {"2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1",
                                    "2.8", "2.8.1", "2.8.2", "2.8.2^DEU", ""}) {
            CAPTURE(version);
            auto const request = request_of(row.msh_15, row.msh_16, version);
            CHECK(request.enhanced == row.enhanced);
            CHECK(owed_text(request, AckOutcome::stored) == row.stored);
            CHECK(owed_text(request, AckOutcome::error) == row.error);
            CHECK(owed_text(request, AckOutcome::rejected) == row.rejected);
        }
        // 2.1 has no enhanced mode.
        CHECK(owed_text(request_of(row.msh_15, row.msh_16, "2.1"), AckOutcome::stored) == "- AA");
    }
    CHECK(seen.size() == 36);
}

TEST_CASE("acks owed: the tables of docs/acceptance.md say the same") {
    std::ifstream page(HILUM_SOURCE "/docs/acceptance.md");
    char const* const conditions[] = {"", "AL", "NE", "ER", "SU", "??"};
    int tables = 0, combinations = 0;
    for (std::string line; std::getline(page, line);) {
        if (!line.starts_with("| MSH-15")) continue;
        ++tables;
        std::getline(page, line);  // the rule below the heading
        for (auto const* msh_15 : conditions) {
            std::getline(page, line);
            auto const row = cells(line);
            REQUIRE(row.size() == 7);
            for (std::size_t column = 0; column < 6; ++column) {
                CAPTURE(line);
                CAPTURE(column);
                auto const owed = [&](AckOutcome outcome) {
                    auto const acks = acks_owed(request_of(msh_15, conditions[column]), outcome);
                    std::string out;
                    for (auto const& code : {acks.accept, acks.application})
                        if (code) out += (out.empty() ? "" : " ") + std::string(name(*code));
                    return out;
                };
                auto const& cell = row[column + 1];
                ++combinations;
                if (tables == 1) {
                    CHECK(owed(AckOutcome::stored) == cell);
                    continue;
                }
                CHECK(owed(AckOutcome::error) == cell);
                std::string rejected = cell;
                for (char& c : rejected)
                    if (c == 'E') c = 'R';
                CHECK(owed(AckOutcome::rejected) == rejected);
            }
        }
    }
    CHECK(tables == 2);
    CHECK(combinations == 72);
}

TEST_CASE("acks owed: an acknowledgment is owed no application acknowledgment") {
    CHECK(owed_text(request_of("AL", "AL", "2.5", "ACK^A01^ACK"), AckOutcome::stored) == "CA -");
    CHECK(owed_text(request_of("NE", "AL", "2.5", "ACK"), AckOutcome::error) == "- -");
}

TEST_CASE("ack conditions: blanks, lower case, null") {
    CHECK(ack_condition(" al ") == AckCondition::AL);
    CHECK(ack_condition("Ne") == AckCondition::NE);
    CHECK(ack_condition("er") == AckCondition::ER);
    CHECK(ack_condition("SU") == AckCondition::SU);
    CHECK(ack_condition("  ") == AckCondition::none);
    CHECK(ack_condition("\"\"") == AckCondition::none);
    CHECK(ack_condition("ALL") == AckCondition::unknown);
    CHECK(ack_condition("A") == AckCondition::unknown);
}
