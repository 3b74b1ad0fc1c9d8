#include "routes/expression/check.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "routes/config/diagnostics.h"
#include "routes/expression/element.h"
#include "routes/expression/functions.h"

namespace hilum::expression {
namespace {

// What is known of a value before there is one: the types its items may have. Nothing known: neither.
struct Shape {
    std::vector<fhir::Type> fhir;
    std::optional<Type> system;

    bool known() const { return !fhir.empty() || system.has_value(); }
    static Shape of(Type type) { return {{}, type}; }
    static Shape of(fhir::Type type) {
        // An abstract type says nothing of the elements there are.
        return type.exists() && !type.is_abstract() ? Shape{{type}, std::nullopt} : Shape{};
    }
    // Of either.
    void join(Shape const& other) {
        bool const unlike = system != other.system && (system || other.system);
        if (!known() || !other.known() || unlike) {
            *this = {};
            return;
        }
        for (auto const type : other.fhir)
            if (std::find(fhir.begin(), fhir.end(), type) == fhir.end()) fhir.push_back(type);
    }
};

// What `<` asks for: numbers with numbers, dates with dates, and so on.
std::optional<Type> order_of(Type type) {
    if (type == Type::integer) return Type::decimal;
    if (type == Type::date_time) return Type::date;
    return type;
}

bool passes_input(std::string_view function) {
    static constexpr std::string_view names[] = {"where", "first",  "last",          "tail",    "skip",
                                                 "take",  "single", "distinct",      "exclude", "intersect",
                                                 "trace", "sort",   "checkModifiers"};
    return std::find(std::begin(names), std::end(names), function) != std::end(names);
}

class Check {
  public:
    // False: error() says what is wrong. As deep as the tree, which depth_max bounds.
    bool infer(Node const& node, Shape const& self, Shape& out) {
        switch (node.op) {
            case Op::constant:
                if (!node.constant.empty()) out = Shape::of(node.constant.front().type());
                for (auto const& item : node.constant) out.join(Shape::of(item.type()));
                return true;
            case Op::self:
                out = self;
                return true;
            case Op::member:
                return member(node, self, out);
            case Op::call:
                return call(node, self, out);
            case Op::item: {
                Shape index;
                return infer(node.children[0], self, out) && infer(node.children[1], self, index);
            }
            case Op::as_type: {
                Shape input;
                if (!infer(node.children[0], self, input)) return false;
                if (node.type.fhir.exists()) out = Shape::of(node.type.fhir);
                return true;
            }
            case Op::unite:
                for (std::size_t i = 0; i < node.children.size(); ++i) {
                    Shape one;
                    if (!infer(node.children[i], self, one)) return false;
                    i == 0 ? out = one : (out.join(one), out);
                }
                return true;
            case Op::less:
            case Op::less_equal:
            case Op::greater:
            case Op::greater_equal:
                return compare(node, self, out);
            default:
                for (auto const& child : node.children) {
                    Shape ignored;
                    if (!infer(child, self, ignored)) return false;
                }
                return true;
        }
    }

    Error const& error() const { return error_; }

  private:
    bool fail(Node const& node, std::string code, std::string what, std::string next) {
        error_ = hilum::error(std::move(code), "column " + std::to_string(node.at + 1), std::move(what),
                              std::move(next));
        return false;
    }

    bool member(Node const& node, Shape const& self, Shape& out) {
        Shape input;
        if (!infer(node.children[0], self, input)) return false;
        if (input.fhir.empty()) return true;
        for (auto const type : input.fhir) {
            if (!node.type.fhir.exists() || !type.is(node.type.fhir)) continue;
            out = Shape::of(type);
            return true;
        }
        bool found = false;
        bool first = true;
        for (auto const type : input.fhir) {
            auto const element = fhir::definition(type, node.name);
            if (!element) continue;
            found = true;
            for (std::size_t i = 0; i < element->type_count(); ++i, first = false) {
                auto const shape = Shape::of(element->type(i));
                first ? out = shape : (out.join(shape), out);
            }
        }
        return found || unknown(node, input);
    }

    bool unknown(Node const& node, Shape const& input) {
        std::vector<std::string_view> names;
        std::string types;
        for (auto const type : input.fhir) {
            if (input.fhir.size() <= 4) types += (types.empty() ? "" : " or ") + std::string(type.name());
            for (auto const& e : fhir::definitions(type)) names.push_back(e.name);
            if (auto const choice = fhir::definition_of_property(type, node.name))
                return fail(node, "unknown_element",
                            "FHIRPath calls " + node.name + " by its name without the type",
                            "write " + std::string(choice->name) + ", or " + std::string(choice->name) +
                                ".ofType(" + std::string(choice->type_of(node.name).name()) + ")");
        }
        auto const what = types.empty() ? "nothing there" : types;
        return fail(node, "unknown_element", what + " has no element \"" + node.name.substr(0, 60) + "\"",
                    config::suggest(node.name, names, "elements"));
    }

    bool call(Node const& node, Shape const& self, Shape& out) {
        auto const& f = *node.function;
        Shape input;
        if (!infer(node.children[0], self, input)) return false;
        Shape last;
        for (std::size_t i = 1; i < node.children.size(); ++i) {
            last = {};
            if (!infer(node.children[i], f.criteria ? input : self, last)) return false;
        }
        if (passes_input(f.name)) {
            out = std::move(input);
        } else if (f.name == "ofType" || f.name == "as") {
            if (node.type.fhir.exists()) out = Shape::of(node.type.fhir);
        } else if (f.name == "select") {
            out = std::move(last);
        } else if (f.name == "union" || f.name == "combine") {
            out = std::move(input);
            out.join(last);
        } else if (f.name == "extension") {
            out = Shape::of(fhir::Type::find("Extension"));
        }
        return true;
    }

    bool compare(Node const& node, Shape const& self, Shape&) {
        Shape a;
        Shape b;
        if (!infer(node.children[0], self, a) || !infer(node.children[1], self, b)) return false;
        auto const x = kinds(a);
        auto const y = kinds(b);
        if (x.empty() || y.empty()) return true;
        for (auto const kind : x)
            if (std::find(y.begin(), y.end(), kind) != y.end()) return true;
        return fail(node, "never_comparable", "the two sides are of types with no order in common",
                    "convert one of them, as with toInteger(), toDecimal() or toDate()");
    }

    // What the items may be ordered as; empty when that is not known.
    static std::vector<std::optional<Type>> kinds(Shape const& shape) {
        std::vector<std::optional<Type>> out;
        if (shape.system) out.push_back(order_of(*shape.system));
        for (auto const type : shape.fhir) {
            auto const system = system_type(type);
            if (system) out.push_back(order_of(*system));
            if (type.is(fhir::Type::find("Quantity"))) out.push_back(Type::quantity);
            if (!system && !type.is(fhir::Type::find("Quantity"))) out.push_back(std::nullopt);
        }
        return out;
    }

    Error error_;
};

}  // namespace

Result<void> check(Program const& program, std::string_view root) {
    auto const type = fhir::Type::find(root);
    if (!root.empty() && !type.exists())
        return error("unknown_type", "",
                     "FHIR R4 has no type called \"" + std::string(root.substr(0, 60)) + "\"",
                     "such as Patient or Bundle");
    Check check;
    Shape out;
    if (!check.infer(program.root, Shape::of(type), out)) return check.error();
    return {};
}

}  // namespace hilum::expression
