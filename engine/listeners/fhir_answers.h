// What a client of a FHIR endpoint is told about an interaction that is stored, by what it asked for.
#pragma once

#include <string>
#include <string_view>

#include "engine/flow/fhir_intake.h"
#include "engine/listeners/fhir_request.h"

namespace hilum::listeners {

// What a client is told of what has been stored, and not been done yet.
enum class Success : unsigned char {
    accepted,  // 202: it is stored, and will be handed on
    done,      // 201, 200: for clients that take nothing else
};
unsigned success_status(Success success, FhirRequest const& request);

// `json` is what was sent, `url` the address of the endpoint as clients see it.
HttpReply stored_reply(Success success, flow::FhirAnswer const& answer, FhirRequest const& request,
                       std::string_view json, std::string_view url, std::string_view now);

}  // namespace hilum::listeners
