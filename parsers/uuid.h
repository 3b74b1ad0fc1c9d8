// Identifiers that follow from names (RFC 4122 §4.3, version 5): the same name, the same identifier, on every
// machine.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace hilum {

// 36 characters, in small letters.
std::string uuid5(std::array<unsigned char, 16> const& name_space, std::string_view name);

// In a name space of Hilum's. "Patient" and "urn:mrn|1234": the identifier of that patient, and of no other.
std::string uuid_of(std::string_view scope, std::string_view name);

}  // namespace hilum
