// Any bytes as a FHIR resource in JSON: what is read is written and read again unchanged, and every element
// has its place. No crash, bounded time.
#include <cstddef>
#include <cstdint>
#include <string>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/resource.h"

using namespace hilum;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string const text(reinterpret_cast<char const*>(data), size);
    auto const resource = fhir::Resource::read_json(text);
    if (!resource) {
        if (resource.error().code.empty()) __builtin_trap();
        return 0;
    }
    auto const written = resource->json();
    auto const again = fhir::Resource::read_json(written);
    if (!again || again->json() != written) __builtin_trap();
    auto const type = fhir::Type::find(resource->type());
    std::size_t children = 0;
    for (auto e = resource->root().first(); e.exists(); e = e.next()) {
        if (e.parent() != resource->root() || children++ > size) __builtin_trap();
        for (auto below = e.first(); below.exists(); below = below.next())
            if (below.parent() != e) __builtin_trap();
        (void)fhir::definition_of_property(type, e.name());
        (void)fhir::definition(type, e.name());
    }
    return 0;
}
