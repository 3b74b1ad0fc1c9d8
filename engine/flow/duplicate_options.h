// Which messages a listener takes for ones it has already:
//
//   adt_in: { mllp: {...}, deduplicate: { by: control_id, within: 24h, keep: 100000 } }
//   lab_in: { mllp: {...}, deduplicate: =OBR-3 & '|' & OBX-5 }
//   hub_in: { fhir: {...}, deduplicate: message_id }
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "routes/config/config.h"
#include "routes/config/content.h"
#include "routes/config/describe.h"
#include "routes/expression/expression.h"

namespace hilum::flow {

enum class SameBy : unsigned char { control_id, message_id, content, expression };
enum class ContentDiffers : unsigned char { is_new, is_duplicate };

struct DuplicateOptions {
    config::Text by;
    config::Duration within = std::chrono::hours(24);
    std::uint32_t keep = 100'000;
    ContentDiffers content_differs = ContentDiffers::is_new;

    SameBy same_by() const {
        return by.value == "control_id"   ? SameBy::control_id
               : by.value == "message_id" ? SameBy::message_id
               : by.value == "content"    ? SameBy::content
                                          : SameBy::expression;
    }
};

template <class V>
void describe(V& v, DuplicateOptions& o) {
    static constexpr config::Choice<ContentDiffers> words[] = {{"new", ContentDiffers::is_new},
                                                               {"duplicate", ContentDiffers::is_duplicate}};
    v.required(
        "by", o.by,
        "what makes two messages the same: control_id (MSH-10 of the sender in MSH-3 and MSH-4), message_id "
        "(of a FHIR message: the id of the Bundle and that of its MessageHeader), content (all bytes), or an "
        "expression that begins with =");
    v.optional("within", o.within, "for how long a message is remembered, at most 31d");
    v.optional("keep", o.keep,
               "how many messages are remembered at most; each takes about 80 bytes of memory");
    v.choice("content_differs", o.content_differs, words,
             "what a control ID that comes again with another content is: a new message, or a duplicate all "
             "the same");
}

// What stands behind `deduplicate` of a listener: a mapping, or what `by` would be. Nothing when it is wrong,
// and reported.
// `content`: of what comes in.
std::optional<DuplicateOptions> read_duplicate_options(config::Node const& written, std::string const& owner,
                                                       config::Content content,
                                                       config::Diagnostics& diagnostics);
std::string duplicate_options_schema();
// The expression in `by`.
expression::Expression same_expression(config::Text const& by, config::Content content,
                                       config::Diagnostics& diagnostics);

}  // namespace hilum::flow
