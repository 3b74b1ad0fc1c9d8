// A FHIR interaction at the door, and what becomes of it, in the words of HTTP
// (http://hl7.org/fhir/R4/http.html#summary).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/fhir/interaction.h"
#include "parsers/fhir/outcome.h"

namespace hilum::flow {

struct FhirArrival {
    fhir::Request request;
    std::string_view body;  // a resource in JSON; empty: none
    // What is told when it is stored: 202, or 201 and 200 where the client must have them.
    unsigned success = 202;
};

struct FhirAnswer {
    unsigned status = 202;
    std::string outcome;        // an OperationOutcome in JSON, whenever something is to be said
    std::uint64_t message = 0;  // its number in the store; 0 when it could not be stored
    std::int64_t received_us = 0;
    bool stored = false;  // on disk: only then the status is 2xx
    bool later = false;   // nothing is wrong with it: the same will be taken later (Retry-After)
    std::optional<std::string> relayed{};  // what the destination answered, as relayed_text() wrote it
};

// An answer of a FHIR server as a destination hands it back to a sender that waits: status, the headers that
// mean something to the client, and the body.
struct FhirResponse {
    unsigned status = 200;
    std::string content_type, location, etag, last_modified;
    std::string body;
    std::string base{};  // the address of its endpoint, by which it names what it has
};
std::string relayed_text(FhirResponse const& response);
// Nothing when it is none: another kind of destination has answered.
std::optional<FhirResponse> read_relayed(std::string_view text);

// What can't be told from the resource alone: that it is what the url says. Errors "bad_type" and "bad_id"
// (http://hl7.org/fhir/R4/http.html#update: an update's id is the url's).
std::optional<Error> contradiction(fhir::Request const& request, fhir::Resource const& resource);

// `issue` is of http://hl7.org/fhir/R4/valueset-issue-type.html; empty: what the error's code says.
FhirAnswer refused(unsigned status, Error const& why, std::string_view issue = {});
FhirAnswer not_valid(std::vector<fhir::Finding> const& findings);
FhirAnswer not_stored(Error const& why);
// 400 for what is no JSON or no resource, 413 for what is too large.
unsigned status_of_unreadable(Error const& why);

}  // namespace hilum::flow
