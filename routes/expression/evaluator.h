// Walks a program over one message. Bounded: every step, comparison and stored byte is counted against a
// limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "parsers/result.h"
#include "routes/expression/expression.h"
#include "routes/expression/program.h"

namespace hilum::expression {

// What $this, $index and $total stand for.
struct Frame {
    Item const* self = nullptr;
    std::int64_t index = 0;
    Collection const* total = nullptr;  // in aggregate()
};

class Evaluation {
  public:
    static constexpr std::uint64_t steps_max = 20'000'000;
    static constexpr std::size_t bytes_max = std::size_t{64} << 20U;

    // Results borrow from the message, the program and `storage`.
    Evaluation(Context const& context, Storage& storage) : context_(&context), storage_(&storage) {}

    // The whole program or a node at its top, with the context's element as the outermost $this where it is
    // FHIR's.
    bool run(Program const& program, Collection& out);
    bool run(Program const& program, Node const& node, Collection& out);
    bool run_condition(Program const& program, Node const& node, Truth& value);
    // Appends to `out`, which is empty. False: error() says why.
    bool evaluate(Node const& node, Frame const& frame, Collection& out);
    // As a condition, by FHIRPath's rule for single items: one that is no boolean counts as true.
    bool evaluate_condition(Node const& node, Frame const& frame, Truth& value);
    bool condition(Node const& node, Collection const& value, Truth& result);

    bool fail(Node const& node, std::string code, std::string what, std::string next = {});
    bool not_singleton(Node const& node, std::string_view what);
    Error const& error() const { return error_; }

    bool spend(Node const& node, std::uint64_t steps);
    bool keep(Node const& node, std::string text, std::string_view& kept);  // counts against bytes_max
    Decimal const* keep(Decimal const& decimal) { return storage_->keep(decimal); }
    Quantity const* keep(Quantity const& quantity) { return storage_->keep(quantity); }
    Storage& storage() { return *storage_; }
    Context const& context() const { return *context_; }
    // A FHIR primitive or Quantity as the value it stands for; false when it has none.
    bool value_of(Item const& item, Item& value);

    // Adds those of `items` that `out` does not hold yet.
    bool add_distinct(Node const& node, Collection const& items, Collection& out);
    bool holds(Node const& node, Collection const& items, Item const& item, bool& found);
    // What `reference` means in the resource around `from`: something contained, or an entry of its Bundle;
    // `found` stays as it is when it means nothing there.
    bool find_resource(Node const& node, fhir::Element from, std::string_view reference, Item& found);

    Truth equal(Item const& a, Item const& b);
    bool equivalent(Item const& a, Item const& b);
    bool equal_collections(Node const& node, Collection const& a, Collection const& b, Truth& same);
    bool equivalent_collections(Node const& node, Collection const& a, Collection const& b, bool& same);

  private:
    fhir::Element outermost();  // of the context, with root_ set
    // The value of a child without copying a constant; nullptr after an error.
    Collection const* operand(Node const& node, Frame const& frame, Collection& storage);
    bool read(Node const& node, Collection& out);
    bool read_groups(Node const& node, Collection& out);
    bool read_part(Node const& node, Collection& out);
    Item item_of(hl7::Value const& value, Node const& node);
    bool member(Node const& node, Frame const& frame, Collection& out);
    bool environment(Node const& node, Collection& out);
    bool resources(Node const& node, Collection& out);  // %resources
    bool type_operator(Node const& node, Frame const& frame, Collection& out);
    // A child that has to be one item, as its value; `found` is false when there is none.
    bool operand(Node const& node, Frame const& frame, std::string_view what, Item& item, bool& found);
    // Those of an operator with two; `both` is false when one of them has none.
    bool operands(Node const& node, Frame const& frame, Item& a, Item& b, bool& both);
    bool call(Node const& node, Frame const& frame, Collection& out);
    bool item_at(Node const& node, Frame const& frame, Collection& out);
    bool logic(Node const& node, Frame const& frame, Collection& out);
    bool junction(Node const& node, Frame const& frame, Truth& result);
    bool pair(Node const& node, Frame const& frame, Truth& result);
    bool compare(Node const& node, Frame const& frame, Collection& out);
    bool equality(Node const& node, Frame const& frame, Collection& out);
    bool membership(Node const& node, Frame const& frame, Collection& out);
    bool concatenate(Node const& node, Frame const& frame, Collection& out);
    bool unite(Node const& node, Frame const& frame, Collection& out);
    bool arithmetic(Node const& node, Frame const& frame, Collection& out);
    bool arithmetic(Node const& node, Item const& a, Item const& b, Collection& out);
    bool not_computable(Node const& node, Item const& a, Item const& b);
    bool with_quantity(Node const& node, Item const& a, Item const& b, Collection& out);
    bool with_date(Node const& node, Item const& a, Item const& b, Collection& out);
    bool negate(Node const& node, Frame const& frame, Collection& out);
    bool single(Node const& node, Collection const& value, std::string_view what, Item const*& item);

    Context const* context_;
    Storage* storage_;
    Error error_;
    // Of the Bundle, by full url and by type and id.
    std::optional<std::unordered_map<std::string, fhir::Element>> entries_;
    // Of the resource that was last asked for what it contains, by id.
    fhir::Element container_;
    std::unordered_map<std::string, fhir::Element> contained_;
    Item root_;                                         // the outermost $this
    std::optional<hl7::StructureCache> own_structure_;  // when the context has none
    std::uint64_t steps_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace hilum::expression
