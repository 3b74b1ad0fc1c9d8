// Changes to a resource. Handles (Element) stay valid and in their place, but for what was removed; views of
// text do not. One thread at a time. What is taken out or written over keeps its room until the resource
// goes: an edit costs what it writes, not the size of the resource.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "parsers/fhir/resource.h"

namespace hilum::fhir {

class Editor {
  public:
    // `resource` is borrowed, and stays where it is.
    explicit Editor(Resource& resource) : resource_(&resource) {}

    // A primitive's value: of `kind` string, number or boolean. Id and extensions stay. Error "too_large".
    Result<Element> set(Element element, Kind kind, std::string_view text);
    // A child behind those of its name, or behind the last; `list` says whether the property is written as
    // one. It is a primitive without a value for Kind::nothing until set(), an object without elements for
    // Kind::object. Errors "too_large", "too_deep".
    Result<Element> append(Element parent, std::string_view name, bool list, Kind kind);
    // A copy of `source` (of this resource or another) as such a child.
    Result<Element> append_copy(Element parent, std::string_view name, bool list, Element source);
    // A copy of `source` takes the place of `element`, under the name that this has.
    Result<Element> replace(Element element, Element source);
    // With everything in it, and what is empty then (FHIR has no empty elements); never the root. What is
    // gone already may be removed again.
    void remove(Element element);

  private:
    using Index = std::uint32_t;
    static constexpr Index none = Resource::none;

    Resource::Node& node(Index index) { return resource_->nodes_[index]; }
    bool room(std::size_t bytes) const;
    void write(std::string_view text, std::uint32_t& at, std::uint32_t& length);
    Index last_of(Index parent, std::string_view name);
    void link(Index parent, Index after, Index index);
    bool unlink(Index index);
    Index insert(Index parent, std::string_view name, bool list, Kind kind);
    Index value_of(Element element);
    void stand_beside(Index parent, std::string_view name);
    std::size_t depth_of(Index index);
    void note_type(Index parent, Index index);
    void share(Index parent);
    void graft(Index parent, Resource const& part);
    Index companion_of(Index index);
    void align_companions(Index parent, std::string const& name);
    void tidy_companions(Index parent, std::string const& name);

    Resource* resource_;
};

}  // namespace hilum::fhir
