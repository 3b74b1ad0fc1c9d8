#include "engine/listeners/text_options.h"

namespace hilum::listeners {

void check(TextOptions const& o, config::Component const& component, config::Diagnostics& diagnostics) {
    if (o.charset.empty() || hl7::Charset::named(o.charset)) return;
    auto const* const node = component.options.find("charset");
    diagnostics.error(
        node ? node->where : component.options.where,
        "charset " + config::in_quotes(o.charset) + " is not known",
        "use a name of table HL70211, such as UNICODE UTF-8, 8859/1, ISO IR87, GB 18030-2000 or BIG-5");
}

std::optional<hl7::Charset> charset_of(config::Component const& component) {
    auto const* const node = component.options.find("charset");
    if (node == nullptr || !node->is_scalar() || node->scalar.empty()) return std::nullopt;
    return hl7::Charset::named(node->scalar);
}

}  // namespace hilum::listeners
