// One RESTful interaction (http://hl7.org/fhir/R4/http.html): a resource and what is to be done with it. This
// is what Hilum calls a FHIR message.
//
// As text it is the resource's JSON alone where that says it all: a resource to create, a Bundle of type
// batch or transaction for the base, one of type message for $process-message. Any other is kept in a Bundle
// of type batch with one entry, whose request says it in FHIR's own words (Bundle.entry.request), under a tag
// of ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/fhir/resource.h"

namespace hilum::fhir {

// As Bundle.entry.request has it; "" where nothing is said.
struct Request {
    std::string method = "POST";
    std::string
        url;  // below the base: "Patient", "Patient/1", "Patient?identifier=x", "" for the base itself
    std::string if_none_match{}, if_match{}, if_none_exist{};
    bool operator==(Request const&) const = default;
};

// Whether it can be said in HTTP: a method of FHIR's, and a url and conditions that end neither the request
// line nor a header, nor lead out of the endpoint. What a Bundle asks for is its sender's text. Error
// "bad_interaction".
Result<void> check_request(Request const& request);

// What a resource that is sent by itself asks for, by its type and that of a Bundle.
Request default_request(Resource const& resource);

// As Bundle.entry.request has it: {"method":"PUT","url":"Patient/1"}.
Resource request_as_element(Request const& request);

// The text of an interaction. `json` is a resource, or empty: a request without a body (DELETE, GET).
std::string interaction_text(Request const& request, std::string_view json);

// The text of a resource that is sent by itself, from its JSON: that alone, but for a sender's Bundle that
// looks like ours, which gets one around it.
std::string resource_text(std::string_view json);

struct Interaction {
    // Errors: those of Resource::read_json, and "bad_interaction".
    static Result<Interaction> read(std::string_view text, Resource::Limits const& limits);
    static Result<Interaction> read(std::string_view text) { return read(text, Resource::Limits{}); }

    Request request;
    // Of a request without a body what its url names: its type and, if that is there, its id.
    Resource resource;
    bool has_body = true;

    std::string text() const;
    std::string_view type() const { return resource.type(); }
};

// The text of an interaction that is written as people do: "DELETE Patient/7", "PUT Patient/7" with the
// resource on the lines behind. Nothing when it begins otherwise.
std::optional<std::string> from_request_line(std::string_view text);

// A text that may be an interaction begins with a brace; HL7 v2 never does.
bool looks_like_interaction(std::string_view text);

}  // namespace hilum::fhir
