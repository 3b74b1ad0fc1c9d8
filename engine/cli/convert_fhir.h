// HL7 v2 messages as FHIR Bundles, by the maps: the part of `convert` that has options of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "parsers/hl7/message.h"
#include "parsers/result.h"
#include "routes/mapping/to_fhir.h"

namespace hilum::cli {

struct FhirConversionOptions {
    std::string bundle = "transaction";
    std::string time_zone;
    std::vector<std::string> maps;  // files or names on top of the guide's
    bool trace = false, lost = false, provenance = false;
};

class FhirConversion {
  public:
    // What is wrong has been said; then nullopt.
    static std::optional<FhirConversion> make(FhirConversionOptions const& options);
    // The Bundle with its line end, or with --trace what made each element. Findings and losses go to stderr,
    // each with `label` before it.
    Result<std::string> convert(hl7::Message const& message, std::string const& label) const;

  private:
    std::shared_ptr<routes::mapping::FhirMaps const> maps_;
    routes::mapping::FhirOptions options_;
    bool lost_ = false;
};

}  // namespace hilum::cli
