#include "parsers/fhir/resource.h"

namespace hilum::fhir {

std::string_view Element::name() const {
    auto const& n = resource_->nodes_[index_];
    auto name = resource_->written_name(n);
    if (n.companion) name.remove_prefix(1);
    return name;
}

Kind Element::kind() const {
    auto const& n = resource_->nodes_[index_];
    return n.companion ? Kind::nothing : n.kind;
}

std::string_view Element::text() const {
    auto const& n = resource_->nodes_[index_];
    return resource_->view(n.text_at, n.text_length);
}

Element Element::first() const {
    auto const at = resource_->first_visible(resource_->nodes_[index_].first);
    return at == Resource::none ? Element() : Element(resource_, at);
}

Element Element::next() const {
    auto const at = resource_->first_visible(resource_->nodes_[index_].next);
    return at == Resource::none ? Element() : Element(resource_, at);
}

Element Element::parent() const {
    auto const at = resource_->nodes_[index_].parent;
    return at == Resource::none ? Element() : Element(resource_, at);
}

Element Element::child(std::string_view child_name) const {
    auto found = first();
    while (found.exists() && found.name() != child_name) found = found.next();
    return found;
}

std::string_view Element::resource_type() const {
    auto const type = kind() == Kind::object ? child("resourceType") : Element();
    return type.exists() && type.kind() == Kind::string ? type.text() : std::string_view();
}

}  // namespace hilum::fhir
