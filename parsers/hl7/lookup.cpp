#include "parsers/hl7/lookup.h"

#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

namespace {

Version version_declared(Message const& message) {
    Path path;
    std::string_view("MSH").copy(path.segment, 3);
    path.field = 12;
    return version_of(message.get(path).raw);
}

// f(version) in the order of Lookup, until it gives something.
template <class F>
auto first_of(Version version, F&& f) -> decltype(f(version)) {
    if (auto found = f(version)) return found;
    auto const own = static_cast<std::size_t>(version);
    for (std::size_t v = own + 1; v < version_count; ++v)
        if (auto found = f(static_cast<Version>(v))) return found;
    for (std::size_t v = own; v-- > 0;)
        if (auto found = f(static_cast<Version>(v))) return found;
    return std::nullopt;
}

}  // namespace

std::size_t field_naming_datatype(std::string_view segment, std::size_t number) {
    if (segment == "OBX" && number == 5) return 2;
    if (segment == "MFE" && number == 4) return 5;  // §8.5.2
    if (segment == "MFA" && number == 5) return 6;  // §8.5.3
    return 0;
}

Lookup::Lookup(Dictionary const& dictionary, Message const& message)
    : Lookup(dictionary, version_declared(message)) {}

std::optional<Segment> Lookup::segment(std::string_view name) const {
    return first_of(version_, [&](Version v) { return dictionary_->segment(v, name); });
}

std::optional<Datatype> Lookup::datatype(std::string_view name) const {
    return first_of(version_, [&](Version v) { return dictionary_->datatype(v, name); });
}

std::optional<Position> Lookup::field(std::string_view segment, std::size_t number) const {
    auto found = first_of(version_, [&](Version v) { return dictionary_->field(v, segment, number); });
    if (!found || version_ < Version::v2_7) return found;
    if (found->usage != Usage::withdrawn && found->usage != Usage::backward) return found;
    if (auto const before = dictionary_->field(Version::v2_6, segment, number))
        found->datatype = before->datatype;
    return found;
}

std::string_view Lookup::datatype_of(std::string_view text, std::size_t number, Delimiters const& d) const {
    std::string_view const segment = text.substr(0, text.find(d.field));
    auto const position = field(segment, number);
    std::size_t const named_by = field_naming_datatype(segment, number);
    if (named_by != 0) {
        std::string_view const named = part(text, d.field, static_cast<std::uint32_t>(named_by + 1));
        if (datatype(named)) return named;
        // Before 2.3.1 MFE-4 has a datatype of its own.
        if (segment == "OBX" || version_ >= Version::v2_7) return {};
    }
    if (!position || position->datatype == "varies") return {};
    return position->datatype;
}

}  // namespace hilum::hl7
