#include "parsers/json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "parsers/utf8.h"

namespace hilum::json {

struct Writer::Impl {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

void Writer::open(char bracket) {
    bracket == '{' ? impl_->writer.StartObject() : impl_->writer.StartArray();
}
void Writer::close(char bracket) {
    bracket == '}' ? impl_->writer.EndObject() : impl_->writer.EndArray();
}
void Writer::key(std::string_view name) {
    std::string const text = to_utf8(name);
    impl_->writer.Key(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void Writer::value(std::string_view content) {
    if (!is_utf8(content)) return value(std::string_view(to_utf8(content)));
    // RapidJSON takes no null pointer, which an empty view may hold.
    impl_->writer.String(content.empty() ? "" : content.data(),
                         static_cast<rapidjson::SizeType>(content.size()));
}
void Writer::value(bool value) {
    impl_->writer.Bool(value);
}
void Writer::value(double number) {
    impl_->writer.Double(number);
}
void Writer::integer(std::int64_t number) {
    impl_->writer.Int64(number);
}
void Writer::natural(std::uint64_t number) {
    impl_->writer.Uint64(number);
}
void Writer::raw(std::string_view json) {
    impl_->writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
}

void Writer::null() {
    impl_->writer.Null();
}
std::size_t Writer::size() const {
    return impl_->buffer.GetSize();
}
std::string Writer::text() const {
    return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

Value const* Value::find(std::string_view name) const {
    for (auto const& member : members) {
        if (member.name == name) return &member.value;
    }
    return nullptr;
}

Value const& Value::operator[](std::string_view name) const {
    static Value const nothing;
    Value const* const found = find(name);
    return found ? *found : nothing;
}

std::string_view Value::text(std::string_view name) const {
    return (*this)[name].string;
}
std::uint64_t Value::number(std::string_view name) const {
    return (*this)[name].natural;
}

namespace {

constexpr std::size_t depth_max = 64;
constexpr std::size_t values_max = 1'000'000;
constexpr std::size_t members_max = 1'000;  // looking for duplicates is quadratic

// Builds the tree from RapidJSON's events; returning false stops the reader.
class Builder {
  public:
    Value root;
    Error refusal;  // code empty: none of ours

    bool Null() { return add({}); }
    bool Bool(bool b) {
        return add(make(Value::Kind::boolean, [&](Value& v) { v.boolean = b; }));
    }
    bool Int(int n) { return Int64(n); }
    bool Uint(unsigned n) { return Uint64(n); }
    bool Int64(std::int64_t n) {
        if (n >= 0) return Uint64(static_cast<std::uint64_t>(n));
        return add(make(Value::Kind::integer, [&](Value& v) { v.integer = n; }));
    }
    bool Uint64(std::uint64_t n) {
        return add(make(Value::Kind::natural, [&](Value& v) { v.natural = n; }));
    }
    bool Double(double n) {
        return add(make(Value::Kind::real, [&](Value& v) { v.real = n; }));
    }
    bool RawNumber(char const*, rapidjson::SizeType, bool) {
        return false;
    }  // only with a flag that is not set
    bool String(char const* text, rapidjson::SizeType size, bool) {
        return add(make(Value::Kind::string, [&](Value& v) { v.string.assign(text, size); }));
    }
    bool StartObject() { return enter(Value::Kind::object); }
    bool StartArray() { return enter(Value::Kind::array); }
    bool EndObject(rapidjson::SizeType) { return leave(); }
    bool EndArray(rapidjson::SizeType) { return leave(); }
    bool Key(char const* text, rapidjson::SizeType size, bool) {
        std::string_view const key(text, size);
        if (open_.back()->find(key)) return refuse("duplicate_key", "a key is there twice");
        auto& members = open_.back()->members;
        if (members.size() == members_max)
            return refuse("json_too_large", "more than 1,000 members in one object");
        members.push_back({std::string(key), Value{}});
        return true;
    }

  private:
    template <class F>
    static Value make(Value::Kind kind, F fill) {
        Value value;
        value.kind = kind;
        fill(value);
        return value;
    }
    bool refuse(char const* code, char const* what) {
        refusal = error(code, {}, what);
        return false;
    }
    // Where the next value goes.
    Value* place() {
        if (++values_ > values_max) return nullptr;
        if (open_.empty()) return &root;
        Value& parent = *open_.back();
        if (parent.is_object()) return &parent.members.back().value;
        return &parent.items.emplace_back();
    }
    bool add(Value value) {
        Value* const at = place();
        if (!at) return refuse("json_too_large", "more than 1,000,000 values");
        *at = std::move(value);
        return true;
    }
    bool enter(Value::Kind kind) {
        if (open_.size() == depth_max) return refuse("json_too_deep", "more than 64 levels");
        Value* const at = place();
        if (!at) return refuse("json_too_large", "more than 1,000,000 values");
        at->kind = kind;
        open_.push_back(at);  // stays where it is: its parent grows only after it has been left
        return true;
    }
    bool leave() {
        open_.pop_back();
        return true;
    }
    std::vector<Value*> open_;
    std::size_t values_ = 0;
};

}  // namespace

Result<Value> parse(std::string_view text) {
    Builder builder;
    rapidjson::MemoryStream stream(text.empty() ? "" : text.data(), text.size());
    rapidjson::Reader reader;
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                               rapidjson::kParseFullPrecisionFlag;
    rapidjson::ParseResult const result = reader.Parse<flags>(stream, builder);
    if (!result.IsError()) return std::move(builder.root);
    std::string place = "byte " + std::to_string(result.Offset() + 1);
    if (!builder.refusal.code.empty()) {
        builder.refusal.place = std::move(place);
        return std::move(builder.refusal);
    }
    std::string what = rapidjson::GetParseError_En(result.Code());
    if (what.ends_with('.')) what.pop_back();
    return error("not_json", std::move(place), std::move(what));
}

}  // namespace hilum::json
