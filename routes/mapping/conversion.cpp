#include "routes/mapping/conversion.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "parsers/fhir/validation/formats.h"
#include "parsers/utf8.h"

namespace hilum::routes::mapping {

namespace {

bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && space(text.front())) text.remove_prefix(1);
    while (!text.empty() && space(text.back())) text.remove_suffix(1);
    return text;
}

std::int64_t number(std::string_view digits) {
    std::int64_t value = 0;
    for (char const c : digits) value = value * 10 + (c - '0');
    return value;
}

// YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ] (HL7 v2.8.2 §2A.22), taken apart.
struct Moment {
    std::string_view date, clock, fraction, zone;  // "20260102", "030405", ".25", "+0100"

    static std::optional<Moment> read(std::string_view text, bool dated) {
        Moment out;
        std::size_t digits = 0;
        while (digits < text.size() && digit(text[digits])) ++digits;
        out.date = dated ? text.substr(0, std::min<std::size_t>(digits, 8)) : std::string_view();
        out.clock = text.substr(out.date.size(), digits - out.date.size());
        auto rest = text.substr(digits);
        if (rest.starts_with('.')) {
            std::size_t more = 1;
            while (more < rest.size() && digit(rest[more])) ++more;
            if (more == 1 || out.clock.size() != 6) return std::nullopt;
            out.fraction = rest.substr(0, more);
            rest.remove_prefix(more);
        }
        if (!rest.empty()) {
            bool const zone = (rest[0] == '+' || rest[0] == '-') && rest.size() == 5 &&
                              std::all_of(rest.begin() + 1, rest.end(), digit);
            if (!zone) return std::nullopt;
            out.zone = rest;
        }
        bool const day =
            out.date.size() == 8 || (out.clock.empty() && (out.date.size() == 4 || out.date.size() == 6));
        bool const hour = out.clock.size() % 2 == 0 && out.clock.size() <= 6;
        return (dated ? day : !out.clock.empty()) && hour ? std::optional(out) : std::nullopt;
    }

    void write_date(std::string& out) const {
        out += date.substr(0, 4);
        if (date.size() >= 6) (out += '-') += date.substr(4, 2);
        if (date.size() >= 8) (out += '-') += date.substr(6, 2);
    }
    // FHIR wants minutes and seconds wherever there are hours, zero where they are not known
    // (http://hl7.org/fhir/R4/datatypes.html#dateTime).
    void write_clock(std::string& out) const {
        out += clock.substr(0, 2);
        out += ':';
        out += clock.size() >= 4 ? clock.substr(2, 2) : std::string_view("00");
        out += ':';
        out += clock.size() >= 6 ? clock.substr(4, 2) : std::string_view("00");
        out += fraction;
    }
    void write_zone(std::string& out, Zone const& otherwise) const {
        if (!zone.empty()) {
            ((out += zone.substr(0, 3)) += ':') += zone.substr(3, 2);
        } else if (!otherwise.offset.empty()) {
            out += otherwise.offset;
        } else if (otherwise.place) {
            append_offset(out, otherwise.place->offset_of_local(local()));
        } else {
            out += "+00:00";
        }
    }

  private:
    std::int64_t local() const {
        using namespace std::chrono;
        auto const day_of = year(static_cast<int>(number(date.substr(0, 4)))) /
                            month(static_cast<unsigned>(number(date.substr(4, 2)))) /
                            day(static_cast<unsigned>(number(date.substr(6, 2))));
        std::int64_t const days = sys_days(day_of).time_since_epoch().count();
        auto const part = [this](std::size_t at) {
            return clock.size() >= at + 2 ? number(clock.substr(at, 2)) : 0;
        };
        return days * 86'400 + part(0) * 3'600 + part(2) * 60 + part(4);
    }
    static void append_offset(std::string& out, std::int32_t seconds) {
        out += seconds < 0 ? '-' : '+';
        auto const minutes = (seconds < 0 ? -seconds : seconds) / 60;
        auto const two = [&out](std::int32_t part) {
            out += static_cast<char>('0' + part / 10);
            out += static_cast<char>('0' + part % 10);
        };
        two(minutes / 60);
        out += ':';
        two(minutes % 60);
    }
};

std::optional<std::string> time_value(std::string_view text, Primitive primitive, Zone const& zone) {
    auto const moment = Moment::read(text, primitive != Primitive::time);
    if (!moment) return std::nullopt;
    std::string out;
    if (primitive == Primitive::time) {
        moment->write_clock(out);
        return out;
    }
    bool const clock = !moment->clock.empty();
    // An instant is exact: a day is none (http://hl7.org/fhir/R4/datatypes.html#instant).
    if (primitive == Primitive::instant && moment->clock.size() < 4) return std::nullopt;
    moment->write_date(out);
    if (primitive == Primitive::date || !clock) return out;
    out += 'T';
    moment->write_clock(out);
    moment->write_zone(out, zone);
    return out;
}

// NM allows a sign, leading zeros and a bare point (HL7 v2.8.2 §2A.47); JSON does not.
std::optional<std::string> number_value(std::string_view text, bool whole) {
    std::string out;
    if (text.starts_with('-')) out += '-';
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < text.size() && digit(text[digits])) ++digits;
    auto integer = text.substr(0, digits);
    auto fraction = text.substr(digits);
    if (fraction == ".") fraction = {};
    if (!fraction.empty()) {
        bool const good = fraction[0] == '.' && std::all_of(fraction.begin() + 1, fraction.end(), digit);
        if (!good) return std::nullopt;
    }
    if (integer.empty() && fraction.empty()) return std::nullopt;
    while (integer.size() > 1 && integer[0] == '0') integer.remove_prefix(1);
    out += integer.empty() ? std::string_view("0") : integer;
    if (!whole) {
        out += fraction;
    } else if (fraction.find_first_not_of("0", 1) != std::string_view::npos && !fraction.empty()) {
        return std::nullopt;
    }
    return out;
}

// Table 0136; and what a code table has made of it.
std::optional<std::string_view> boolean_value(std::string_view text) {
    if (text == "Y" || text == "y" || text == "true") return "true";
    if (text == "N" || text == "n" || text == "false") return "false";
    return std::nullopt;
}

bool plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return byte >= 0x80 || byte == 0x7f || (byte < 0x20 && c != '\n' && c != '\t' && c != '\r');
    });
}

// FHIR's strings have no control characters but line ends and tabs.
std::string_view text_value(std::string_view text, Tree& tree) {
    if (plain(text)) return text;
    auto good = to_utf8(text);
    std::erase_if(good, [](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7f;
    });
    return good == text ? text : tree.keep(good);
}

}  // namespace

Primitive primitive_of(fhir::Type type) {
    static constexpr std::pair<std::string_view, Primitive> known[] = {{"string", Primitive::text},
                                                                       {"markdown", Primitive::text},
                                                                       {"code", Primitive::code},
                                                                       {"id", Primitive::word},
                                                                       {"uri", Primitive::word},
                                                                       {"url", Primitive::word},
                                                                       {"canonical", Primitive::word},
                                                                       {"oid", Primitive::word},
                                                                       {"uuid", Primitive::word},
                                                                       {"boolean", Primitive::boolean},
                                                                       {"integer", Primitive::integer},
                                                                       {"positiveInt", Primitive::integer},
                                                                       {"unsignedInt", Primitive::integer},
                                                                       {"decimal", Primitive::decimal},
                                                                       {"date", Primitive::date},
                                                                       {"dateTime", Primitive::date_time},
                                                                       {"instant", Primitive::instant},
                                                                       {"time", Primitive::time},
                                                                       {"base64Binary", Primitive::base64}};
    auto const found = std::find_if(std::begin(known), std::end(known),
                                    [&](auto const& entry) { return entry.first == type.name(); });
    return found == std::end(known) ? Primitive::other : found->second;
}

std::optional<FhirValue> fhir_value(std::string_view text, Primitive primitive, fhir::Type type,
                                    Zone const& zone, Tree& tree) {
    text = trimmed(text);
    if (text.empty()) return std::nullopt;
    FhirValue out;
    switch (primitive) {
        case Primitive::text:
            out.text = trimmed(text_value(text, tree));
            return out.text.empty() ? std::nullopt : std::optional(out);
        case Primitive::code:
        case Primitive::word:
            out.text = text;
            break;
        case Primitive::boolean: {
            auto const value = boolean_value(text);
            if (!value) return std::nullopt;
            return FhirValue{Tree::Kind::literal, *value};
        }
        case Primitive::integer:
        case Primitive::decimal: {
            auto const value = number_value(text, primitive == Primitive::integer);
            if (!value) return std::nullopt;
            out = {Tree::Kind::literal, *value == text ? text : tree.keep(*value)};
            break;
        }
        case Primitive::date:
        case Primitive::date_time:
        case Primitive::instant:
        case Primitive::time: {
            auto const value = time_value(text, primitive, zone);
            if (!value) return std::nullopt;
            out.text = tree.keep(*value);
            break;
        }
        case Primitive::base64: {
            std::string packed(text);
            std::erase_if(packed, space);
            out.text = packed.size() == text.size() ? text : tree.keep(packed);
            break;
        }
        case Primitive::other:
            return std::nullopt;
    }
    return fhir::well_formed(type, out.text) ? std::optional(out) : std::nullopt;
}

std::string offset_of(std::string_view hl7_time) {
    auto const moment = Moment::read(trimmed(hl7_time), true);
    if (!moment || moment->zone.empty()) return {};
    std::string out;
    moment->write_zone(out, {});
    return out;
}

}  // namespace hilum::routes::mapping
