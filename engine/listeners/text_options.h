// What every kind of listener that takes HL7 v2 can be told about the text in its messages.
#pragma once

#include <optional>
#include <string>

#include "parsers/hl7/charset.h"
#include "routes/config/config.h"
#include "routes/config/describe.h"

namespace hilum::listeners {

struct TextOptions {
    std::string charset;  // empty: what MSH-18 says
};

// Called by the describe() of a listener's own options.
template <class V>
void describe(V& v, TextOptions& o) {
    v.optional("charset", o.charset,
               "the charset of the messages, whatever MSH-18 says, such as UNICODE UTF-8 or 8859/1");
}

void check(TextOptions const& o, config::Component const& component, config::Diagnostics& diagnostics);

// That of a listener which has passed check.
std::optional<hl7::Charset> charset_of(config::Component const& component);

}  // namespace hilum::listeners
