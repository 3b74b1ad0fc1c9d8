#include "routes/tables/csv.h"

#include <algorithm>

namespace hilum::routes {

CsvReader::CsvReader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
}

bool CsvReader::at_end_of_line() const {
    return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r';
}

void CsvReader::end_line() {
    if (at_ >= text_.size()) return;
    at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
    ++line_;
}

// A quoted field: at_ stands on its first quote, then behind its last.
std::string_view CsvReader::quoted() {
    std::size_t const begin = ++at_;
    bool doubled = false;
    while (at_ < text_.size()) {
        char const c = text_[at_];
        if (c == '"') {
            if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
            doubled = true;
            ++at_;
        } else if (c == '\n' || (c == '\r' && !text_.substr(at_).starts_with("\r\n"))) {
            ++line_;
        }
        ++at_;
    }
    auto const raw = text_.substr(begin, at_ - begin);
    if (at_ >= text_.size()) {
        problem_ = "a quote is opened and never closed";
        return raw;
    }
    ++at_;
    if (!at_end_of_line() && text_[at_] != ',') {
        problem_ = "text follows the closing quote of a field";
        while (!at_end_of_line() && text_[at_] != ',') ++at_;
    }
    if (!doubled) return raw;
    if (unquoted_used_ == unquoted_.size()) unquoted_.emplace_back();
    std::string& text = unquoted_[unquoted_used_++];
    text.clear();
    for (std::size_t i = 0; i < raw.size(); ++i) {
        text += raw[i];
        if (raw[i] == '"') ++i;
    }
    return text;
}

bool CsvReader::next(std::vector<std::string_view>& fields) {
    fields.clear();
    problem_ = {};
    unquoted_used_ = 0;
    while (at_ < text_.size() && at_end_of_line()) end_line();
    if (at_ >= text_.size()) return false;
    row_line_ = line_;
    while (true) {
        if (at_ < text_.size() && text_[at_] == '"') {
            fields.push_back(quoted());
        } else {
            auto const begin = at_;
            at_ = std::min(text_.find_first_of(",\r\n", at_), text_.size());
            fields.push_back(text_.substr(begin, at_ - begin));
        }
        if (at_end_of_line()) break;
        ++at_;  // the comma
    }
    end_line();
    return true;
}

}  // namespace hilum::routes
