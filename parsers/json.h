// JSON (RFC 8259), read whole and written from front to back; RapidJSON stays behind json.cpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/result.h"

namespace hilum::json {

// Writes one value, from front to back. Any bytes may be given as text: what is no UTF-8 is written as
// U+FFFD.
//   Writer w;
//   w.object([&] { w.field("name", "lab"); w.key("list"); w.array([&] { w.value(1); w.value(2); }); });
class Writer {
  public:
    Writer();
    Writer(Writer&&) noexcept;
    Writer& operator=(Writer&&) noexcept;
    ~Writer();

    template <class F>
    void object(F&& content) {
        open('{');
        std::forward<F>(content)();
        close('}');
    }
    template <class F>
    void array(F&& content) {
        open('[');
        std::forward<F>(content)();
        close(']');
    }
    void key(std::string_view name);
    void value(std::string_view text);
    void value(char const* text) { value(std::string_view(text)); }
    void value(bool value);
    void value(double number);
    template <std::signed_integral N>
    void value(N number) {
        integer(number);
    }
    template <std::unsigned_integral N>
    requires(!std::same_as<N, bool>) void value(N number) { natural(number); }
    void null();
    void raw(std::string_view json);  // a value that is written already
    template <class T>
    void field(std::string_view name, T const& content) {
        key(name);
        value(content);
    }
    // The field is left out when there is nothing to say.
    void field_if(std::string_view name, std::string_view content) {
        if (!content.empty()) field(name, content);
    }

    std::string text() const;
    std::size_t size() const;  // of the text so far

  private:
    void open(char bracket);
    void close(char bracket);
    void integer(std::int64_t number);
    void natural(std::uint64_t number);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

struct Member;

// A value read. Members keep the order of writing.
struct Value {
    enum class Kind : unsigned char { null, boolean, integer, natural, real, string, array, object };
    Kind kind = Kind::null;
    bool boolean = false;
    std::int64_t integer = 0;   // Kind::integer: below zero
    std::uint64_t natural = 0;  // Kind::natural: zero and above
    double real = 0;
    std::string string;
    std::vector<Value> items;
    std::vector<Member> members;

    bool is_string() const { return kind == Kind::string; }
    bool is_natural() const { return kind == Kind::natural; }
    bool is_object() const { return kind == Kind::object; }
    Value const* find(std::string_view name) const;  // of an object; nullptr when not there
    // For readers of answers they asked for: a member, or a null value when it is missing or this is no
    // object.
    Value const& operator[](std::string_view name) const;
    std::string_view text(std::string_view name) const;  // a member's string, else ""
    std::uint64_t number(std::string_view name) const;   // a member's natural number, else 0
};

struct Member {
    std::string name;
    Value value;
};

// Reads one value that is all of `text`. Errors: "not_json" (place "byte N"), "json_too_deep" (64 levels),
// "json_too_large" (1,000,000 values, or 1,000
// members in one object), "duplicate_key".
Result<Value> parse(std::string_view text);

}  // namespace hilum::json
