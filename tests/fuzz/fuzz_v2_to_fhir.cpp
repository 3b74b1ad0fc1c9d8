// The guide's maps make of any message a Bundle that reads back as FHIR, or an error; the same message gives
// the same Bundle, and no place that is said to be lost or traced is made up.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parsers/fhir/resource.h"
#include "parsers/hl7/message.h"
#include "routes/mapping/to_fhir.h"

using namespace hilum;
namespace mapping = hilum::routes::mapping;

namespace {

mapping::FhirMaps const& maps() {
    static auto const compiled = [] {
        config::Diagnostics diagnostics;
        auto made = mapping::read_fhir_maps(mapping::guide_files(), {}, diagnostics);
        if (!made) __builtin_trap();
        return made;
    }();
    return *compiled;
}

void check(bool holds) {
    if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 1) return 0;
    std::string const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto const message = hl7::Message::view(bytes);
    if (!message) return 0;
    mapping::FhirOptions options;
    options.bundle = static_cast<mapping::BundleType>(data[0] % 3);
    options.provenance = (data[0] & 4U) != 0;
    options.trace = (data[0] & 8U) != 0;
    options.lost_max = 10;
    auto const made = mapping::to_fhir(maps(), options, *message, nullptr);
    if (!made) return 0;
    auto const resource = fhir::Resource::read_json(made->json);
    check(resource.has_value());
    check(resource->type() == "Bundle");
    check(made->lost.paths.size() + made->lost.more <= made->lost.values);
    auto const again = mapping::to_fhir(maps(), options, *message, nullptr);
    check(again && again->json == made->json);
    return 0;
}
