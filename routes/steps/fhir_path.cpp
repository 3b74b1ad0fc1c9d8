#include "routes/steps/fhir_path.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "parsers/fhir/schema.h"
#include "routes/expression/decimal.h"
#include "routes/expression/element.h"

namespace hilum::routes {
namespace {

constexpr std::size_t names_max = 32;

bool is_word(std::string_view text) {
    auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && letter(text[0]) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// At the points outside brackets and quotes.
std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    std::size_t depth = 0, begin = 0;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (quote != 0) {
            if (c == '\\') ++i;
            if (c == quote) quote = 0;
        } else if (c == '\'' || c == '`') {
            quote = c;
        } else if (c == '(' || c == '[') {
            ++depth;
        } else if ((c == ')' || c == ']') && depth > 0) {
            --depth;
        } else if (c == '.' && depth == 0) {
            parts.push_back(text.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    parts.push_back(text.substr(begin));
    return parts;
}

// "name" or "name[2]".
std::optional<std::pair<std::string_view, std::optional<std::size_t>>> simple(std::string_view part) {
    auto const bracket = part.find('[');
    auto const name = part.substr(0, bracket);
    if (!is_word(name)) return std::nullopt;
    if (bracket == std::string_view::npos) return std::pair{name, std::optional<std::size_t>()};
    auto const digits = part.substr(bracket + 1);
    std::size_t index = 0;
    auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (problem != std::errc() || std::string_view(end, digits.data() + digits.size()) != "]" || index > 9999)
        return std::nullopt;
    return std::pair{name, std::optional<std::size_t>(index)};
}

// What a name means in a type: the JSON property, and the type that it has.
struct Meaning {
    std::string property;
    fhir::Type type;
    bool list = false;
};

Error no_such(fhir::Type type, std::string const& name) {
    if (!type.exists()) return error("no_such_element", "", "R4 has no such resource");
    std::vector<std::string_view> names;
    for (auto const& property : fhir::Schema::r4().properties(type)) names.push_back(property.name);
    return error("no_such_element", "", std::string(type.name()) + " has no element " + name,
                 config::suggest(name, names, "elements"));
}

Error not_there_yet(std::string const& name, std::size_t index) {
    return error("no_such_element", "", "there is no " + name + "[" + std::to_string(index) + "] yet",
                 "the places before it come first");
}

// A choice is named as in JSON ("valueString"), or by its base where `parent` has one already.
Result<Meaning> meaning(fhir::Type type, std::string const& name, fhir::Element parent) {
    if (auto const property = fhir::definition_of_property(type, name);
        property && property->type_of(name).exists())
        return Meaning{name, property->type_of(name), property->max > 1};
    auto const choice = fhir::definition(type, name);
    if (!choice) return no_such(type, name);
    if (parent.exists())
        for (auto e = parent.first(); e.exists(); e = e.next())
            if (auto const of = choice->type_of(e.name()); of.exists())
                return Meaning{std::string(e.name()), of, false};
    std::string const first(choice->type_count() > 0 ? choice->type(0).name() : "string");
    return error("several_types", "", name + "[x] has several types",
                 "write it with its type, as in JSON: " + name + static_cast<char>(first[0] & ~0x20) +
                     first.substr(1));
}

fhir::Type type_in(fhir::Element element, fhir::Type declared) {
    auto const name = element.resource_type();
    return name.empty() ? declared : fhir::Type::find(name);
}

// An element that is a choice has one type (http://hl7.org/fhir/R4/formats.html#choice): a new one takes the
// place of one of another type.
void drop_other_types(Work& work, fhir::Element parent, fhir::Type type, std::string const& property) {
    auto const definition = fhir::definition_of_property(type, property);
    if (!definition || !definition->choice) return;
    for (auto e = parent.first(); e.exists();) {
        auto const other = std::exchange(e, e.next());
        if (other.name() != property && definition->type_of(other.name()).exists())
            work.piece.edit().remove(other);
    }
}

bool is_primitive(fhir::Type type) {
    return type.exists() && type.kind() == fhir::Type::Kind::primitive;
}

std::vector<fhir::Element> children_named(fhir::Element parent, std::string_view property) {
    std::vector<fhir::Element> found;
    for (auto e = parent.first(); e.exists(); e = e.next())
        if (e.name() == property) found.push_back(e);
    return found;
}

// JSON's numbers (RFC 8259 §6), which FHIR's are.
bool is_number(std::string_view text, bool whole) {
    auto digits = text.starts_with('-') ? text.substr(1) : text;
    if (digits.empty() || digits[0] < '0' || digits[0] > '9') return false;
    if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') return false;
    if (whole) return digits.find_first_not_of("0123456789") == std::string_view::npos;
    return expression::Decimal::scientific(text).has_value() && digits.back() != '.';
}

// In which of JSON's kinds a primitive's text is written.
Result<fhir::Kind> kind_of(fhir::Type type, std::string_view value) {
    if (!is_primitive(type))
        return error("no_parts", "", std::string(type.name()) + " has parts, and no text of its own",
                     "name one of its parts, or use copy");
    static fhir::Type const integer = fhir::Type::find("integer"), decimal = fhir::Type::find("decimal"),
                            boolean = fhir::Type::find("boolean");
    auto kind = fhir::Kind::string;
    bool good = !value.empty();
    if (type.is(boolean)) {
        kind = fhir::Kind::boolean;
        good = value == "true" || value == "false";
    } else if (type.is(integer) || type.is(decimal)) {
        kind = fhir::Kind::number;
        good = is_number(value, type.is(integer));
    }
    if (!good)
        return error("bad_value", "", "the value is no " + std::string(type.name()),
                     kind == fhir::Kind::string ? "FHIR has no empty text: use delete" : "");
    return kind;
}

// Whether an element may become one of that type: what has parts is no text, and a text no number.
Result<void> fits(fhir::Element source, fhir::Type type) {
    bool const parts = source.kind() == fhir::Kind::object;
    if (parts == is_primitive(type) && type.exists())
        return error("bad_value", "",
                     parts ? "a " + std::string(type.name()) + " has no parts, and what is copied has"
                           : "a " + std::string(type.name()) + " has parts, and what is copied is a text",
                     "copy one of the same type");
    if (parts) {
        using Kind = fhir::Type::Kind;
        auto const of = expression::typed(source).fhir_type();
        bool const datatypes =
            of.exists() && type.exists() && of.kind() == Kind::complex && type.kind() == Kind::complex;
        if (datatypes && !of.is(type) && !type.is(of))
            return error(
                "bad_value", "",
                "what is copied is a " + std::string(of.name()) + ", and no " + std::string(type.name()),
                "copy one of the same type");
    }
    if (!is_primitive(type) || !source.has_value()) return {};
    auto const kind = kind_of(type, source.text());
    if (!kind) return kind.error();
    return {};
}

// A copy behind `parent`'s others of that name, or in place of `old`.
Result<void> put_copy(Work& work, fhir::Element parent, Meaning const& means, fhir::Element source,
                      fhir::Element old) {
    auto edit = work.piece.edit();
    auto const made = old.exists() ? edit.replace(old, source)
                                   : edit.append_copy(parent, means.property, means.list, source);
    if (!made) return made.error();
    // A text may become a number, or a number a text.
    if (is_primitive(means.type) && made->has_value())
        return write_primitive(work, *made, means.type, std::string(made->text()));
    return {};
}

}  // namespace

Result<void> write_primitive(Work& work, fhir::Element element, fhir::Type type, std::string_view value) {
    auto const kind = kind_of(type, value);
    if (!kind) return kind.error();
    auto const done = work.piece.edit().set(element, *kind, value);
    if (!done) return done.error();
    return {};
}

std::optional<FhirPath> FhirPath::compile(config::Text const& text, config::Diagnostics& diagnostics) {
    FhirPath path;
    path.text_ = text.value;
    auto const parts = parts_of(text.value);
    std::size_t last = parts.size();
    while (last > 0 && simple(parts[last - 1]) && parts.size() - last < names_max) --last;
    // The type it begins with stands for the resource itself.
    if (last == 0 && parts.size() > 1 && parts[0][0] >= 'A' && parts[0][0] <= 'Z' && is_word(parts[0])) {
        path.root_ = parts[0];
        last = 1;
    } else if (last > 0) {
        auto const end =
            static_cast<std::size_t>(parts[last - 1].data() + parts[last - 1].size() - text.value.data());
        config::Text front = text;
        front.value = text.value.substr(0, end);
        expression::Options options;
        options.fhir = true;
        auto const before = diagnostics.errors();
        path.front_ = expression::Expression::compile(front, 0, diagnostics, options);
        if (diagnostics.errors() != before) return std::nullopt;
    }
    for (auto i = last; i < parts.size(); ++i) {
        auto const name = simple(parts[i]);
        path.names_.push_back({std::string(name->first), name->second});
    }
    if (path.names_.empty() && !path.front_) {
        diagnostics.error(text.where, config::in_quotes(text.value) + " is no path to an element",
                          "write one like Patient.name.family");
        return std::nullopt;
    }
    if (!path.front_ && path.names_.size() == 1 && fhir::Type::find(path.names_[0].name).exists()) {
        auto const& name = path.names_[0].name;
        // Primitives have small letters, as elements have.
        if (name[0] >= 'A' && name[0] <= 'Z') {
            diagnostics.error(text.where, config::in_quotes(text.value) + " is a whole resource",
                              "name one of its elements, such as " + name + ".id");
            return std::nullopt;
        }
    }
    if (path.root_.empty()) return path;
    auto type = fhir::Type::find(path.root_);
    if (!type.exists()) {
        diagnostics.error(text.where, "FHIR R4 has no type " + config::in_quotes(path.root_),
                          config::suggest(path.root_, fhir::Type::names(), "types"));
        return std::nullopt;
    }
    for (auto const& name : path.names_) {
        if (type.name() == "Resource") break;  // which one is not known before there is one
        auto const found = meaning(type, name.name, {});
        if (!found) {
            diagnostics.error(text.where, found.error().what, found.error().next);
            return std::nullopt;
        }
        type = found->type;
    }
    return path;
}

Result<std::vector<FhirPath::Place>> FhirPath::fronts(Work& work) const {
    auto const& resource = work.piece.interaction().resource;
    std::vector<Place> places;
    if (!front_) {
        auto const type = fhir::Type::find(resource.type());
        static fhir::Type const any = fhir::Type::find("Resource");
        if (root_.empty() || (type.exists() && type.is(fhir::Type::find(root_)))) {
            if (!type.exists() || !type.is(any))
                return error("no_such_element", "", "R4 has no such resource");
            places.push_back({resource.root(), type});
        }
        return places;
    }
    auto const elements = front_->elements(work.context());
    if (!elements) return elements.error();
    for (auto const& element : *elements) places.push_back({element, expression::typed(element).fhir_type()});
    return places;
}

Result<std::vector<FhirPath::Place>> FhirPath::parents(Work& work, bool make) const {
    auto places = fronts(work);
    if (!places) return places;
    for (std::size_t i = 0; i + 1 < names_.size(); ++i) {
        auto const& name = names_[i];
        std::vector<Place> next;
        for (auto const& place : *places) {
            auto const means = meaning(place.type, name.name, place.element);
            if (!means) return means.error();
            auto found = children_named(place.element, means->property);
            auto const wanted = name.index.value_or(0);
            if (make && found.size() <= wanted) {
                if (found.size() < wanted) return not_there_yet(name.name, wanted);
                if (is_primitive(means->type))
                    return error("no_such_element", "", "there is no " + name.name + " to get parts",
                                 "set its value first");
                if (means->type.is_abstract())
                    return error("no_such_element", "", "there is no resource in " + name.name,
                                 "copy one there first");
                auto made =
                    work.piece.edit().append(place.element, means->property, means->list, fhir::Kind::object);
                if (!made) return made.error();
                found.push_back(*made);
            }
            for (std::size_t n = 0; n < found.size(); ++n)
                if (!name.index || n == *name.index)
                    next.push_back({found[n], type_in(found[n], means->type)});
        }
        *places = std::move(next);
    }
    return places;
}

Result<std::vector<fhir::Element>> FhirPath::find(Work& work) const {
    auto const places = parents(work, false);
    if (!places) return places.error();
    std::vector<fhir::Element> out;
    for (auto const& place : *places) {
        if (names_.empty()) {
            out.push_back(place.element);
            continue;
        }
        auto const& name = names_.back();
        auto const means = meaning(place.type, name.name, place.element);
        if (!means) {
            if (means.error().code == "several_types") continue;  // none of them is there
            return means.error();
        }
        auto const found = children_named(place.element, means->property);
        for (std::size_t n = 0; n < found.size(); ++n)
            if (!name.index || n == *name.index) out.push_back(found[n]);
    }
    return out;
}

Result<void> FhirPath::set(Work& work, std::string_view value) const {
    auto const places = parents(work, true);
    if (!places) return places.error();
    for (auto const& place : *places) {
        if (names_.empty()) {
            if (auto done = write_primitive(work, place.element, place.type, value); !done) return done;
            continue;
        }
        auto const& name = names_.back();
        auto const means = meaning(place.type, name.name, place.element);
        if (!means) return means.error();
        auto found = children_named(place.element, means->property);
        auto const wanted = name.index.value_or(0);
        if (found.size() <= wanted) {
            if (found.size() < wanted) return not_there_yet(name.name, wanted);
            if (!is_primitive(means->type))
                return error("no_parts", "",
                             std::string(means->type.name()) + " has parts, and no text of its own",
                             "name one of its parts, or use copy");
            drop_other_types(work, place.element, place.type, means->property);
            auto made =
                work.piece.edit().append(place.element, means->property, means->list, fhir::Kind::nothing);
            if (!made) return made.error();
            found.push_back(*made);
        }
        for (std::size_t n = 0; n < found.size(); ++n) {
            if (name.index && n != *name.index) continue;
            if (auto done = write_primitive(work, found[n], means->type, value); !done) return done;
        }
    }
    return {};
}

Result<bool> FhirPath::put(Work& work, std::vector<fhir::Element> const& sources) const {
    auto const places = parents(work, !sources.empty());
    if (!places) return places.error();
    if (names_.empty()) return error("no_such_element", "", "the path ends without a name to copy to");
    for (auto const& place : *places) {
        auto const& name = names_.back();
        auto const means = meaning(place.type, name.name, place.element);
        if (!means && sources.empty() && means.error().code == "several_types") continue;
        if (!means) return means.error();
        auto const old = children_named(place.element, means->property);
        if (sources.size() > 1 && (!means->list || name.index))
            return error("several_values", "", name.name + " takes one value, and there are several",
                         "choose one, as with first()");
        if (name.index && *name.index > old.size() && !sources.empty())
            return not_there_yet(name.name, *name.index);
        for (auto const& source : sources)
            if (auto const fit = fits(source, means->type); !fit) return fit.error();
        auto const at = name.index.value_or(0);
        bool const in_place = !sources.empty() && at < old.size() && (name.index || !means->list);
        if (in_place) {
            auto const done = put_copy(work, place.element, *means, sources.front(), old[at]);
            if (!done) return done.error();
            continue;
        }
        if (!sources.empty()) drop_other_types(work, place.element, place.type, means->property);
        // Those of a list go when their successors are there: they may be among the sources.
        for (auto const& source : sources) {
            auto const done = put_copy(work, place.element, *means, source, {});
            if (!done) return done.error();
        }
        auto edit = work.piece.edit();
        for (std::size_t i = 0; i < old.size(); ++i)
            if (!name.index || i == at) edit.remove(old[i]);
    }
    return !places->empty();
}

}  // namespace hilum::routes
