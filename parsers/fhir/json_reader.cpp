// The one door to RapidJSON's parser here: SAX, iterative (no depth of input reaches our stack), in place.
#ifdef __SSE2__
#define RAPIDJSON_SSE2  // looks at 16 bytes of a string at once
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cstring>

#include "parsers/fhir/resource.h"
#include "parsers/utf8.h"

namespace hilum::fhir {
namespace {

// Where the first byte stands that is no UTF-8, or a control character that JSON has nowhere and RapidJSON
// does not see when it looks at 16 bytes: 0x18 to 0x1f. text.size() when there is none.
std::size_t end_of_good(std::string_view text) {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    auto const control = [](char c) { return (static_cast<unsigned char>(c) & 0xf8U) == 0x18; };
    for (std::size_t at = 0; at < text.size();) {
        std::uint64_t eight = 0;
        while (at + 8 <= text.size()) {
            std::memcpy(&eight, text.data() + at, 8);
            auto const controls = (eight & ones * 0xf8U) ^ ones * 0x18U;  // a zero byte for each
            if (((eight | ((controls - ones) & ~controls)) & ones * 0x80U) != 0) break;
            at += 8;
        }
        if (at == text.size()) break;
        auto const length = first_character(text.substr(at)).length;
        if (length == 0 || control(text[at])) return at;
        at += length;
    }
    return text.size();
}

}  // namespace

// Builds the nodes while RapidJSON reads. A handler's false ends the reading; error() then says why.
class JsonHandler {
  public:
    JsonHandler(Resource& resource, std::size_t depth_max)
        : resource_(&resource),
          base_(resource.bytes_.data()),
          escapes_(resource.bytes_.find("\\u") != std::string::npos),
          depth_max_(depth_max) {}

    bool String(char const* text, rapidjson::SizeType length, bool) {
        return whole(text, length) && value(Kind::string, text, length);
    }
    bool RawNumber(char const* text, rapidjson::SizeType length, bool) {
        return value(Kind::number, text, length);
    }
    bool Bool(bool truth) {
        // RapidJSON doesn't say where; the resource keeps both words behind its text.
        auto const& at = truth ? true_at_ : false_at_;
        return value(Kind::boolean, base_ + at, truth ? 4 : 5);
    }
    bool Null() { return value(Kind::nothing, base_, 0); }
    bool Default() { return false; }
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }

    bool StartObject() {
        if (open_.size() >= depth_max_)
            return fail("too_deep", "elements are nested more than " + std::to_string(depth_max_) + " deep");
        auto const index = add(Kind::object);
        open_.push_back({index, Resource::none, property_, list_, list_empty_, keys_.size(), false});
        list_ = false;
        return true;
    }

    bool Key(char const* text, rapidjson::SizeType length, bool) {
        if (!whole(text, length)) return false;
        property_ = {offset(text), length};
        keys_.push_back(property_);
        open_.back().companions = open_.back().companions || (length > 1 && text[0] == '_');
        return true;
    }

    bool EndObject(rapidjson::SizeType) {
        auto const done = open_.back();
        if (duplicate(done.keys)) return fail("duplicate_property", "a property stands twice in one object");
        if (done.companions) join_companions(done.node);
        keys_.resize(done.keys);
        property_ = done.property;
        list_ = done.list;
        list_empty_ = done.list_empty;
        open_.pop_back();
        return true;
    }

    bool StartArray() {
        if (open_.empty()) return fail("no_resource", "a list is no resource");
        if (list_) return fail("list_in_list", "FHIR has no list directly in a list");
        list_ = list_empty_ = true;
        return true;
    }

    bool EndArray(rapidjson::SizeType) {
        if (list_empty_) add(Kind::empty_list);
        list_ = false;
        return true;
    }

    Error take_error(std::size_t at) {
        if (!error_.code.empty()) error_.place = "byte " + std::to_string(at + 1);
        return error_;
    }

    // Where "true" and "false" stand behind the text.
    void words(std::size_t true_at) {
        true_at_ = true_at;
        false_at_ = true_at + 4;
    }

  private:
    struct Name {
        std::uint32_t at = 0, length = 0;
    };
    struct Open {
        std::uint32_t node, last;
        Name property;  // and what else was going on around the object
        bool list, list_empty;
        std::size_t keys;
        bool companions;
    };

    bool fail(std::string code, std::string what) {
        error_ = error(std::move(code), "", std::move(what));
        return false;
    }

    // RapidJSON lets "\\ude00" alone pass, which no UTF-8 can hold.
    bool whole(char const* text, std::size_t length) {
        if (!escapes_) return true;
        std::string_view const view(text, length);
        for (auto at = view.find('\xed'); at != view.npos; at = view.find('\xed', at + 1))
            if (at + 1 < length && static_cast<unsigned char>(text[at + 1]) >= 0xa0)
                return fail("bad_json", "half of a surrogate pair is no character");
        return true;
    }

    std::uint32_t offset(char const* text) const { return static_cast<std::uint32_t>(text - base_); }
    std::string_view text(Name const& name) const { return resource_->view(name.at, name.length); }

    std::uint32_t add(Kind kind) {
        auto const index = static_cast<std::uint32_t>(resource_->nodes_.size());
        auto& n = resource_->nodes_.emplace_back();
        n.kind = kind;
        if (kind == Kind::object) n.text_at = Resource::none;
        if (open_.empty()) return index;
        n.name_at = property_.at;
        n.name_length = property_.length;
        n.companion = property_.length > 1 && base_[property_.at] == '_';
        n.list = list_;
        list_empty_ = false;
        auto& parent = open_.back();
        n.parent = parent.node;
        if (auto& type = resource_->nodes_[parent.node].text_at;
            type == Resource::none && text(property_) == "resourceType")
            type = index;
        (parent.last == Resource::none ? resource_->nodes_[parent.node].first
                                       : resource_->nodes_[parent.last].next) = index;
        parent.last = index;
        return index;
    }

    bool value(Kind kind, char const* text, std::size_t length) {
        if (open_.empty()) return fail("no_resource", "a single value is no resource");
        auto& n = resource_->nodes_[add(kind)];
        n.text_at = offset(text);
        n.text_length = static_cast<std::uint32_t>(length);
        return true;
    }

    bool duplicate(std::size_t from) {
        auto const begin = keys_.begin() + static_cast<std::ptrdiff_t>(from);
        if (keys_.end() - begin <= 16) {
            for (auto a = begin; a != keys_.end(); ++a)
                for (auto b = a + 1; b != keys_.end(); ++b)
                    if (text(*a) == text(*b)) return true;
            return false;
        }
        std::sort(begin, keys_.end(), [&](Name const& a, Name const& b) { return text(a) < text(b); });
        auto const same = [&](Name const& a, Name const& b) { return text(a) == text(b); };
        return std::adjacent_find(begin, keys_.end(), same) != keys_.end();
    }

    // What stands in `_name` becomes the children of the element in `name`, place by place
    // (http://hl7.org/fhir/R4/json.html#primitive).
    void join_companions(std::uint32_t object) {
        auto& nodes = resource_->nodes_;
        std::vector<std::uint32_t> values;
        for (auto i = nodes[object].first; i != Resource::none; i = nodes[i].next)
            if (!nodes[i].companion) values.push_back(i);
        auto const name = [&](std::uint32_t i) { return resource_->written_name(nodes[i]); };
        std::stable_sort(values.begin(), values.end(), [&](auto a, auto b) { return name(a) < name(b); });
        std::string_view current;
        auto at = values.end();
        for (auto i = nodes[object].first; i != Resource::none; i = nodes[i].next) {
            auto& companion = nodes[i];
            if (!companion.companion) continue;
            auto const wanted = name(i).substr(1);
            if (name(i) != current) {
                current = name(i);
                at = std::partition_point(values.begin(), values.end(),
                                          [&](auto v) { return name(v) < wanted; });
            }
            bool const beside = at != values.end() && name(*at) == wanted;
            auto const value = beside ? *at++ : Resource::none;
            if (companion.kind != Kind::object) continue;
            if (!beside) {
                companion.in_its_own = true;
            } else if (nodes[value].kind != Kind::object) {
                nodes[value].first = companion.first;
                for (auto c = companion.first; c != Resource::none; c = nodes[c].next)
                    nodes[c].parent = value;
            }
        }
    }

    Resource* resource_;
    char const* base_;
    bool escapes_;  // the text has \u somewhere
    std::size_t depth_max_;
    std::size_t true_at_ = 0, false_at_ = 0;
    std::vector<Open> open_;
    std::vector<Name> keys_;
    Name property_;
    bool list_ = false, list_empty_ = false;
    Error error_;
};

Result<Resource> Resource::read_json(std::string text, Limits const& limits) {
    if (text.size() > limits.bytes)
        return error("too_large", "",
                     "the resource is larger than " + std::to_string(limits.bytes) + " bytes",
                     "raise the limit, or send it in parts");
    if (auto const end = end_of_good(text); end < text.size())
        return error("bad_json", "byte " + std::to_string(end + 1), "a byte that UTF-8 or JSON does not have",
                     "a FHIR resource in JSON is one object in UTF-8");
    Resource resource;
    auto const size = text.size();
    resource.bytes_ = std::move(text);
    // Behind the text: the end RapidJSON looks for, then the words for booleans, then what it may look at
    // beyond.
    constexpr std::string_view behind("\0truefalse\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
    resource.bytes_ += behind;
    // Of one property in so many bytes; a large resource lets it grow.
    resource.nodes_.reserve(std::min<std::size_t>(size / 20, 4096));
    JsonHandler handler(resource, limits.depth);
    handler.words(size + 1);
    std::size_t const start = std::string_view(resource.bytes_).starts_with("\xef\xbb\xbf") ? 3 : 0;
    rapidjson::InsituStringStream stream(resource.bytes_.data() + start);
    rapidjson::Reader reader;
    constexpr unsigned flags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag |
                               rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseStopWhenDoneFlag;
    auto const parsed = reader.Parse<flags>(stream, handler);
    if (parsed.IsError()) {
        auto const at = start + parsed.Offset();
        auto refused = handler.take_error(at);
        if (!refused.code.empty()) return refused;
        return error("bad_json", "byte " + std::to_string(at + 1), rapidjson::GetParseError_En(parsed.Code()),
                     "a FHIR resource in JSON is one object in UTF-8");
    }
    auto const end = resource.bytes_.find_first_not_of(" \t\r\n", start + stream.Tell());
    if (end < size)
        return error("bad_json", "byte " + std::to_string(end + 1), "there is more behind the resource",
                     "send one resource; several go into a Bundle");
    if (!limits.any && resource.type().empty())
        return error("no_resource", "byte 1", "an object without resourceType is no resource",
                     R"(such as {"resourceType": "Patient"})");
    return resource;
}

}  // namespace hilum::fhir
