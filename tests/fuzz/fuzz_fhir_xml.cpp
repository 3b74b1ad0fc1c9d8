// Any bytes as a FHIR resource in XML: what is read is written, as XML and JSON, and read again unchanged. No
// crash, bounded time.
#include <cstddef>
#include <cstdint>
#include <string>

#include "parsers/fhir/resource.h"

using namespace hilum;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string const text(reinterpret_cast<char const*>(data), size);
    auto const resource = fhir::Resource::read_xml(text);
    if (!resource) {
        if (resource.error().code.empty()) __builtin_trap();
        return 0;
    }
    auto const json = resource->json();
    auto const written = resource->xml();
    if (!written) __builtin_trap();
    auto const again = fhir::Resource::read_xml(*written);
    if (!again || again->json() != json) __builtin_trap();
    return 0;
}
