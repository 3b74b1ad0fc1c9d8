// What references mean: inside a resource, and between the entries of a Bundle
// (http://hl7.org/fhir/R4/bundle.html#references).
#include "routes/expression/element.h"
#include "routes/expression/evaluator.h"

namespace hilum::expression {
bool Evaluation::find_resource(Node const& node, fhir::Element from, std::string_view reference,
                               Item& found) {
    std::size_t seen = 1;
    auto const take = [&](fhir::Element resource) {
        found = Item::of(resource, fhir::Type::find(resource.resource_type()));
    };
    if (reference.starts_with('#')) {
        auto const container = resource_of(from, true).element();
        if (container_ != container) {
            container_ = container;
            contained_.clear();
            for (auto e = container.first(); e.exists(); e = e.next(), ++seen)
                if (e.name() == "contained") contained_.insert_or_assign(std::string(e.text_of("id")), e);
        }
        auto const one = contained_.find(std::string(reference.substr(1)));
        if (reference == "#")
            take(container);
        else if (one != contained_.end())
            take(one->second);
        return spend(node, seen);
    }
    auto const root = from.resource()->root();
    if (!entries_) {
        entries_.emplace();
        for (auto entry = root.child("entry"); entry.exists(); entry = entry.next(), ++seen) {
            auto const resource = entry.name() == "entry" ? entry.child("resource") : fhir::Element();
            if (!resource.exists()) continue;
            // The first of a name counts.
            if (auto const url = entry.text_of("fullUrl"); !url.empty())
                entries_->try_emplace(std::string(url), resource);
            auto const id = resource.text_of("id");
            if (!id.empty())
                entries_->try_emplace(std::string(resource.resource_type()) + "/" + std::string(id),
                                      resource);
        }
    }
    // One version is as good as another here: there is but one.
    reference = reference.substr(0, reference.find("/_history/"));
    auto const entry = entries_->find(std::string(reference));
    if (entry != entries_->end()) take(entry->second);
    return spend(node, seen);
}

// Every resource that came: the entries of a Bundle, else the one that it is; each with what it contains
// behind it.
bool Evaluation::resources(Node const& node, Collection& out) {
    std::size_t seen = 1;
    auto const take = [&](fhir::Element resource) {
        if (resource.exists()) out.push_back(Item::of(resource, fhir::Type::find(resource.resource_type())));
    };
    auto const with_contained = [&](fhir::Element resource) {
        take(resource);
        if (!resource.exists()) return;
        for (auto e = resource.child("contained"); e.exists() && e.name() == "contained";
             e = e.next(), ++seen)
            take(e);
    };
    if (!context_->resource) return true;
    auto const root = context_->resource->root();
    if (root.resource_type() != "Bundle") {
        with_contained(root);
        return spend(node, seen);
    }
    for (auto entry = root.child("entry"); entry.exists() && entry.name() == "entry";
         entry = entry.next(), ++seen)
        with_contained(entry.child("resource"));
    return spend(node, seen);
}

}  // namespace hilum::expression
