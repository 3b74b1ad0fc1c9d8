// JSON while it is written: the rooms for its characters are asked for by the piece, not one by one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "parsers/fhir/quoted.h"

namespace hilum::routes::mapping {

class JsonText {
  public:
    explicit JsonText(std::size_t expected) : text_(expected, '\0') {}

    void put(char c) {
        room(1);
        text_[size_++] = c;
    }
    void put(std::string_view text) {
        room(text.size());
        add(text);
    }
    // "name":, which needs no escapes
    void name(std::string_view mark, std::string_view name) {
        room(mark.size() + name.size() + 3);
        add('"');
        add(mark);
        add(name);
        add('"');
        add(':');
    }
    void quoted(std::string_view text) {
        if (fhir::next_escaped(text, 0) == text.size()) {
            room(text.size() + 2);
            add('"');
            add(text);
            add('"');
        } else {
            escaped_.clear();
            fhir::append_quoted(escaped_, text);
            put(escaped_);
        }
    }
    std::string take() {
        text_.resize(size_);
        return std::move(text_);
    }

  private:
    void room(std::size_t more) {
        if (text_.size() - size_ < more) [[unlikely]]
            grow(more);
    }
    void grow(std::size_t more) { text_.resize(std::max(text_.size() * 2, size_ + more)); }
    void add(char c) { text_[size_++] = c; }
    void add(std::string_view text) { size_ += text.copy(text_.data() + size_, text.size()); }

    std::string text_;
    std::string escaped_;
    std::size_t size_ = 0;
};

}  // namespace hilum::routes::mapping
