#include "routes/expression/value.h"

#include <algorithm>

#include "routes/expression/text.h"

namespace hilum::expression {

std::string_view name(Type type) {
    switch (type) {
        case Type::boolean:
            return "boolean";
        case Type::integer:
            return "integer";
        case Type::decimal:
            return "decimal";
        case Type::string:
            return "string";
    }
    return "";
}

std::string_view article_name(Type type) {
    switch (type) {
        case Type::boolean:
            return "a boolean";
        case Type::integer:
            return "an integer";
        case Type::decimal:
            return "a decimal";
        case Type::string:
            return "a string";
    }
    return "";
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

Item Item::of(std::string_view text) {
    Item item;
    item.text_ = text;
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
    switch (type_) {
        case Type::integer:
            return Decimal(integer_);
        case Type::decimal:
            return *decimal_;
        case Type::string:
            return hl7_ ? Decimal::parse(text_) : std::nullopt;
        case Type::boolean:
            break;
    }
    return std::nullopt;
}

std::string Item::to_text() const {
    switch (type_) {
        case Type::boolean:
            return boolean_ ? "true" : "false";
        case Type::integer:
            return std::to_string(integer_);
        case Type::decimal:
            return decimal_->text();
        case Type::string:
            break;
    }
    return std::string(text_);
}

bool equal(Item const& a, Item const& b) {
    if (a.type() == Type::string && b.type() == Type::string) return a.text() == b.text();
    if (a.type() == Type::boolean || b.type() == Type::boolean)
        return a.type() == b.type() && a.boolean() == b.boolean();
    if (a.type() == Type::integer && b.type() == Type::integer) return a.integer() == b.integer();
    auto const x = a.number();
    auto const y = b.number();
    return x && y && *x == *y;
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
    return equal(a, b);
}

std::optional<std::strong_ordering> compare(Item const& a, Item const& b, bool& comparable) {
    comparable = true;
    if (a.type() == Type::integer && b.type() == Type::integer) return a.integer() <=> b.integer();
    if (a.type() == Type::string && b.type() == Type::string) {
        int const order = a.text().compare(b.text());
        return order <=> 0;
    }
    auto const may_be_number = [](Item const& i) { return i.is_number() || i.is_hl7(); };
    comparable = may_be_number(a) && may_be_number(b);
    if (!comparable) return std::nullopt;
    auto const x = a.number();
    auto const y = b.number();
    if (!x || !y) return std::nullopt;
    return *x <=> *y;
}

}  // namespace hilum::expression
