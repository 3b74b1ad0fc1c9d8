// CSV as RFC 4180 has it, read in one pass: quotes, doubled quotes, line breaks in quotes; LF, CRLF and CR
// end a line; a BOM is skipped.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::routes {

class CsvReader {
  public:
    // `text` must outlive the reader.
    explicit CsvReader(std::string_view text);

    // The next row, false at the end. Empty lines are skipped. Fields are valid until the next call.
    bool next(std::vector<std::string_view>& fields);
    std::size_t line() const { return row_line_; }  // where the row began, from 1
    // What is wrong with the row that was just read; "" when nothing is. Reading can go on behind it.
    std::string_view problem() const { return problem_; }

  private:
    std::string_view quoted();
    bool at_end_of_line() const;
    void end_line();

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::size_t row_line_ = 0;
    std::string_view problem_;
    std::deque<std::string> unquoted_;  // fields that held doubled quotes; addresses stay
    std::size_t unquoted_used_ = 0;
};

}  // namespace hilum::routes
