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
    return n.kind == Kind::object ? std::string_view() : resource_->view(n.text_at, n.text_length);
}

Element Element::first() const {
    auto const at = resource_->first_visible(resource_->nodes_[index_].first);
    return at == Resource::none ? Element() : Element(resource_, at);
}

Element Element::next() const {
    auto const at = resource_->first_visible(resource_->nodes_[index_].next);
    return at == Resource::none ? Element() : Element(resource_, at);
}

Element Element::first_written() const {
    auto const& n = resource_->nodes_[index_];
    return n.first == Resource::none ? Element() : Element(resource_, n.first);
}

Element Element::next_written() const {
    auto const at = resource_->nodes_[index_].next;
    return at == Resource::none ? Element() : Element(resource_, at);
}

bool Element::in_list() const {
    return resource_->nodes_[index_].list;
}

bool Element::is_companion() const {
    return resource_->nodes_[index_].companion;
}

bool Element::is_empty_list() const {
    return resource_->nodes_[index_].kind == Kind::empty_list;
}

bool Element::is_null() const {
    return resource_->nodes_[index_].kind == Kind::nothing;
}

bool Element::is_object() const {
    return resource_->nodes_[index_].kind == Kind::object;
}

bool Element::is_element() const {
    return resource_->visible(resource_->nodes_[index_]);
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

std::string_view Element::text_of(std::string_view child_name) const {
    auto const found = exists() ? child(child_name) : Element();
    return found.exists() ? found.text() : std::string_view();
}

std::string_view Element::resource_type() const {
    auto const& n = resource_->nodes_[index_];
    if (n.kind != Kind::object || n.companion || n.text_at == Resource::none) return {};
    auto const& type = resource_->nodes_[n.text_at];
    return type.kind == Kind::string ? resource_->view(type.text_at, type.text_length) : std::string_view();
}

}  // namespace hilum::fhir
