#include "routes/expression/value.h"

#include <algorithm>

#include "routes/expression/quantity.h"
#include "routes/expression/text.h"

namespace hilum::expression {
namespace {

struct TypeNames {
    std::string_view plain, article, system;
};
constexpr TypeNames type_names[] = {
    {"boolean", "a boolean", "Boolean"}, {"integer", "an integer", "Integer"},
    {"decimal", "a decimal", "Decimal"}, {"string", "a string", "String"},
    {"date", "a date", "Date"},          {"dateTime", "a dateTime", "DateTime"},
    {"time", "a time", "Time"},          {"Quantity", "a quantity", "Quantity"},
    {"element", "a FHIR element", ""},   {"TypeInfo", "a type", "TypeInfo"},
};

TypeNames const& names_of(Type type) {
    return type_names[static_cast<std::size_t>(type)];
}

// An HL7 value beside a date counts as one if it looks like one.
std::optional<Temporal> moment_of(Item const& item) {
    return is_temporal(item.type()) ? std::optional(item.temporal()) : Temporal::hl7(item.text());
}
bool are_moments(Item const& a, Item const& b) {
    auto const may_be = [](Item const& i) {
        return is_temporal(i.type()) || (i.type() == Type::string && i.is_hl7());
    };
    return (is_temporal(a.type()) || is_temporal(b.type())) && may_be(a) && may_be(b);
}

// A date beside a dateTime is one without its time.
bool share_calendar(Item const& a, Item const& b) {
    return a.type() == b.type() || (a.type() != Type::time && b.type() != Type::time);
}

}  // namespace

std::string_view name(Type type) {
    return names_of(type).plain;
}
std::string_view article_name(Type type) {
    return names_of(type).article;
}
std::string_view system_name(Type type) {
    return names_of(type).system;
}

Item Item::of(bool value) {
    Item item;
    item.type_ = Type::boolean;
    item.boolean_ = value;
    return item;
}

Item Item::of(std::int64_t value) {
    Item item;
    item.type_ = Type::integer;
    item.integer_ = value;
    return item;
}

Item Item::of(Decimal const* value) {
    Item item;
    item.type_ = Type::decimal;
    item.decimal_ = value;
    return item;
}

Item Item::of(Quantity const* value) {
    Item item;
    item.type_ = Type::quantity;
    item.quantity_ = value;
    return item;
}

Item Item::of(std::string_view text) {
    Item item;
    item.text_ = text;
    return item;
}

Item Item::of(Type type, Temporal const& value) {
    Item item;
    item.type_ = type;
    item.temporal_ = value;
    return item;
}

Item Item::of(fhir::Element element, fhir::Type type) {
    Item item;
    item.type_ = Type::element;
    item.element_ = {element.resource(), element.index(), type.number()};
    return item;
}

Item Item::type_info(std::string_view type_name, bool fhir) {
    Item item = of(type_name);
    item.type_ = Type::type_info;
    item.hl7_ = fhir;
    return item;
}

Item Item::hl7(std::string_view text) {
    Item item = of(text);
    item.hl7_ = true;
    return item;
}

Item Item::hl7_null() {
    Item item = hl7("");
    item.null_ = true;
    return item;
}

std::optional<Decimal> Item::number() const {
    if (type_ == Type::integer) return Decimal(integer_);
    if (type_ == Type::decimal) return *decimal_;
    return type_ == Type::string && hl7_ ? Decimal::parse(text_) : std::nullopt;
}

std::string Item::to_text() const {
    switch (type_) {
        case Type::boolean:
            return boolean_ ? "true" : "false";
        case Type::integer:
            return std::to_string(integer_);
        case Type::decimal:
            return decimal_->text();
        case Type::date:
        case Type::date_time:
        case Type::time:
            return temporal_.text(type_ == Type::time, type_ == Type::date_time);
        case Type::quantity:
            return text_of(*quantity_);
        case Type::element:
            return element().kind() == fhir::Kind::object ? element().json() : std::string(element().text());
        case Type::type_info:
            return (hl7_ ? "FHIR." : "System.") + std::string(text_);
        case Type::string:
            break;
    }
    return std::string(text_);
}

std::string_view Item::type_name() const {
    return type_ == Type::element && fhir_type().exists() ? fhir_type().name() : name(type_);
}

Truth equal(Item const& a, Item const& b) {
    if (a.type() == Type::string && b.type() == Type::string) return truth(a.text() == b.text());
    if (a.type() == Type::integer && b.type() == Type::integer) return truth(a.integer() == b.integer());
    if (are_moments(a, b)) {
        auto const x = moment_of(a);
        auto const y = moment_of(b);
        if (!x || !y || !share_calendar(a, b)) return Truth::no;
        auto const order = x->compare(*y);
        return order ? truth(*order == 0) : Truth::unknown;
    }
    if (a.type() == Type::quantity && b.type() == Type::quantity) return equal(a.quantity(), b.quantity());
    if (a.type() == Type::quantity || b.type() == Type::quantity) {
        // A number is a quantity of unit 1.
        auto const number = a.type() == Type::quantity ? b.number() : a.number();
        if (!number) return Truth::no;
        return equal(a.type() == Type::quantity ? a.quantity() : b.quantity(), Quantity{*number});
    }
    if (a.type() == Type::boolean || b.type() == Type::boolean)
        return truth(a.type() == b.type() && a.boolean() == b.boolean());
    if (a.type() == Type::type_info || b.type() == Type::type_info)
        return truth(a.type() == b.type() && a.text() == b.text() && a.is_fhir_type() == b.is_fhir_type());
    auto const x = a.number();
    auto const y = b.number();
    return truth(x && y && *x == *y);
}

bool equivalent(Item const& a, Item const& b) {
    if (a.type() == Type::string && b.type() == Type::string)
        return a.text() == b.text() || folded(a.text()) == folded(b.text());
    if (a.type() == Type::decimal || b.type() == Type::decimal) {
        auto const x = a.number();
        auto const y = b.number();
        if (!x || !y) return false;
        // An integer has every digit there is, so only decimals say how much precision is meant.
        int const scale = a.type() != Type::decimal   ? y->scale()
                          : b.type() != Type::decimal ? x->scale()
                                                      : std::min(x->scale(), y->scale());
        return x->rounded(scale) == y->rounded(scale);
    }
    if (is_temporal(a.type()) && is_temporal(b.type()))
        return share_calendar(a, b) && a.temporal().same_precision(b.temporal()) && equal(a, b) == Truth::yes;
    if (a.type() == Type::quantity && b.type() == Type::quantity)
        return equivalent(a.quantity(), b.quantity());
    return equal(a, b) == Truth::yes;
}

std::optional<std::strong_ordering> compare(Item const& a, Item const& b, bool& comparable) {
    comparable = true;
    if (a.type() == Type::integer && b.type() == Type::integer) return a.integer() <=> b.integer();
    if (a.type() == Type::string && b.type() == Type::string) {
        int const order = a.text().compare(b.text());
        return order <=> 0;
    }
    if (are_moments(a, b)) {
        auto const x = moment_of(a);
        auto const y = moment_of(b);
        comparable = share_calendar(a, b);
        return comparable && x && y ? x->compare(*y) : std::nullopt;
    }
    if (a.type() == Type::quantity && b.type() == Type::quantity) return compare(a.quantity(), b.quantity());
    auto const may_be_number = [](Item const& i) { return i.is_number() || i.is_hl7(); };
    comparable = may_be_number(a) && may_be_number(b);
    if (!comparable) return std::nullopt;
    auto const x = a.number();
    auto const y = b.number();
    if (!x || !y) return std::nullopt;
    return *x <=> *y;
}

}  // namespace hilum::expression
