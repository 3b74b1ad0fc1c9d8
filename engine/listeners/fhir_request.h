// What an HTTP request asks of a FHIR endpoint (http://hl7.org/fhir/R4/http.html), and how an answer is
// written for its client. No socket, no store.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/listeners/http_exchange.h"
#include "parsers/fhir/interaction.h"

namespace hilum::listeners {

enum class FhirFormat : unsigned char { json, xml };

enum class FhirDeed : unsigned char {
    metadata,      // GET [base]/metadata
    options,       // a browser asks what it may do (CORS)
    validate,      // $validate
    message,       // $process-message
    interact,      // create, update, delete, batch, transaction
    subscription,  // a read, $status or $events of one that stands here
    query,         // read, vread, history, search: only a facade can answer
};

// The client's wishes, as far as the head says them.
struct FhirRequest {
    FhirDeed deed = FhirDeed::interact;
    fhir::Request interaction;  // method, url and conditions; the type of a $validate
    FhirFormat body = FhirFormat::json;
    FhirFormat answer = FhirFormat::json;
    enum class Prefer : unsigned char { unsaid, minimal, representation, outcome } prefer = Prefer::unsaid;
    bool async = false;       // of $process-message, or Prefer: respond-async
    bool gzipped = false;     // the body
    bool takes_gzip = false;  // the client
    std::string request_id;   // X-Request-Id, to be echoed; "" without, or when it is no token
    std::string origin;       // of a browser's page
};

// A request that can't be served as it stands: the status, an issue-type, and what is wrong. Nothing of the
// request is in the text.
struct FhirRefusal {
    unsigned status = 400;
    std::string_view issue;
    std::string text;
    std::string allow{};  // of a 405: the methods that would be served
};

struct FhirEndpoint {
    std::string base;                      // the path, such as /fhir; "" for the root
    std::vector<std::string> resources{};  // the types that are served; empty: all of R4
    bool facade = false;                   // reads and searches are answered by the system behind it
    bool subscriptions = false;            // some stand here
};

// From the head alone; the body is not looked at. After a refusal `out` has what an answer to it needs.
std::optional<FhirRefusal> read_fhir_request(HttpRequestParser::value_type const& head,
                                             FhirEndpoint const& endpoint, FhirRequest& out);

// The resource that is sent: in JSON, whatever it came in. Errors: those of gunzip and of the readers.
Result<std::string> json_body(std::string_view body, FhirRequest const& request, std::size_t bytes_max);

// A resource as the client wants it, with its headers: Content-Type, Content-Encoding, X-Request-Id, CORS.
HttpReply fhir_reply(unsigned status, std::string json, FhirRequest const& request, std::string extra = {});
HttpReply fhir_reply(FhirRefusal const& refusal, FhirRequest const& request);

// The headers that a page of another origin may send and see.
std::string cors_headers(std::string_view origin);

// What the endpoint can do, as a CapabilityStatement in JSON
// (http://hl7.org/fhir/R4/capabilitystatement.html).
// `topics`: of the subscriptions that stand there.
std::string capability_statement(FhirEndpoint const& endpoint, std::string_view url, std::string_view date,
                                 std::vector<std::string> const& topics = {});

}  // namespace hilum::listeners
