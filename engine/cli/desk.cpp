#include "engine/cli/desk.h"

namespace hilum::cli {

Result<config::Endpoint> parse_endpoint(std::string_view text) {
    config::Node node;
    node.kind = config::Node::Kind::scalar;
    node.scalar = text;
    config::Diagnostics diagnostics;
    config::Endpoint endpoint;
    if (config::decode_value(node, endpoint, diagnostics)) return endpoint;
    auto const findings = diagnostics.sorted();
    return error("bad_endpoint", {}, findings.empty() ? "not HOST:PORT" : findings.front().what,
                 findings.empty() || findings.front().remedy.empty() ? "write it like lab.example:2575"
                                                                     : findings.front().remedy);
}

}  // namespace hilum::cli
