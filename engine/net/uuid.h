// Identifiers that follow from names (RFC 4122 §4.3, version 5): the same name, the same identifier, on every
// machine.
#pragma once

#include <string>
#include <string_view>

namespace hilum::net {

// "urn:mrn" and "1234": the identifier of that patient, and of no other. 36 characters.
std::string uuid_of(std::string_view scope, std::string_view name);

}  // namespace hilum::net
