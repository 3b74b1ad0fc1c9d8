// A facade's answer: that of the server behind it, as one given here.
#pragma once

#include <string>
#include <string_view>

#include "engine/flow/fhir_intake.h"
#include "engine/listeners/fhir_request.h"

namespace hilum::listeners {

// `url` is the address of the endpoint as clients see it. What leads to the server's base leads here instead,
// so that a client that can't reach that server finds the next page and what a reference names.
HttpReply relayed_reply(flow::FhirResponse response, FhirRequest const& asked, std::string const& url);

// The part of it that looks into a body; the same body when nothing in it leads to `base`.
//   Bundle.link.url, Bundle.entry.link.url, fullUrl, response.location: the base becomes `url`, also in
//   Bundles within;
//   Reference.reference: becomes relative, and with that right at either address
//   (http://hl7.org/fhir/R4/references.html#literal: relative to the base of the server it was read from).
//   In an entry that is of another server it would be relative to that one: there the base becomes `url`.
// `minimal`: without the resources in what answers a batch or transaction.
std::string body_seen_from_here(std::string body, std::string_view base, std::string_view url, bool minimal);

}  // namespace hilum::listeners
