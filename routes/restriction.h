// What a route's `when` says of the messages it lets through, as far as that is certain from its text.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/version.h"

namespace hilum::routes {

// Empty: any. From the clauses of a top-level `and`, such as MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04').
struct Restriction {
    std::set<std::string, std::less<>> types;   // MSH-9.1
    std::set<std::string, std::less<>> events;  // MSH-9.2
    std::optional<hl7::Version> version;        // MSH-12
};

Restriction restriction_of(std::string_view when);

using SegmentNames = std::set<std::string, std::less<>>;
// The segments that the structure of a message has, in any version that may come. Nothing when no version
// knows the message.
std::optional<SegmentNames> segments_of(hl7::Dictionary const& dictionary, std::string_view type,
                                        std::string_view event, std::optional<hl7::Version> version);

}  // namespace hilum::routes
