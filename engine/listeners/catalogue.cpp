#include "engine/listeners/listener.h"

namespace hilum::listeners {

std::vector<ListenerKind> const& listener_catalogue() {
    static std::vector<ListenerKind> const kinds{mllp_listener(), http_listener(), file_listener(),
                                                 fhir_listener()};
    return kinds;
}

}  // namespace hilum::listeners
