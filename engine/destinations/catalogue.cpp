#include "engine/destinations/destination.h"

namespace hilum::destinations {

std::vector<DestinationKind> const& destination_catalogue() {
    static std::vector<DestinationKind> const kinds{mllp_destination(), http_destination(),
                                                    file_destination(), fhir_destination(),
                                                    subscription_destination()};
    return kinds;
}

}  // namespace hilum::destinations
