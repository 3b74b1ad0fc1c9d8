// The dictionary for reading real messages, which declare one version and use what others have.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/message.h"

namespace hilum::hl7 {

// What the message's version lacks is looked for in later ones, then in earlier ones. The dictionary must
// outlive it.
class Lookup {
  public:
    Lookup(Dictionary const& dictionary, Version version) : dictionary_(&dictionary), version_(version) {}
    // By MSH-12.
    Lookup(Dictionary const& dictionary, Message const& message);

    Dictionary const& dictionary() const { return *dictionary_; }
    Version version() const { return version_; }
    std::optional<Segment> segment(std::string_view name) const;
    std::optional<Datatype> datatype(std::string_view name) const;
    // A field that 2.7 and later keep only as a name has the datatype it had before.
    std::optional<Position> field(std::string_view segment, std::size_t number) const;
    // The datatype of a field, also of one that another field of `text`, its segment, names (OBX-5 by OBX-2);
    // "" when none is known.
    std::string_view datatype_of(std::string_view text, std::size_t number, Delimiters const& d) const;

  private:
    Dictionary const* dictionary_;
    Version version_;
};

// The field that names the datatype of a field, as OBX-2 does for OBX-5; 0 when none does.
std::size_t field_naming_datatype(std::string_view segment, std::size_t number);

}  // namespace hilum::hl7
