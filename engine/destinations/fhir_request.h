// What a FHIR server is asked for a message, and what its answer means. No socket.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "engine/destinations/destination.h"
#include "engine/destinations/http_client.h"
#include "parsers/fhir/interaction.h"
#include "routes/expression/expression.h"

namespace hilum::destinations {

// How a resource is written that asks for nothing but to be there (a plain create). A message may come twice,
// so each but `create` does the same when it does.
enum class WriteAs : unsigned char {
    update,       // PUT with an id that follows from its business identifier
    conditional,  // POST with If-None-Exist; servers do not keep two at the same moment apart
    create,       // POST
};

struct FhirWriting {
    WriteAs as = WriteAs::update;
    expression::Expression identifier{};  // what it is known by; not valid: the first identifier with a value
    bool own_ids = false;                 // by the id that its sender has given it
};

struct FhirCall {
    std::string method, target;          // target: below the base, with its query
    std::string headers;                 // conditions, each line ended by CR LF
    std::string json;                    // empty: no body
    bool if_match = false;               // only for a version that it names
    std::vector<std::string> entries{};  // of a batch or transaction: the method of each
    std::vector<bool> versioned{};       // and whether it is only for a version that it names
    bool transaction = false;            // its entries are done together or not at all
};

// The call for a body from the store. Entries of a transaction that would be created are written in the same
// way. `message` stands for what has no identifier. Errors: those of the readers.
Result<FhirCall> fhir_call(std::string_view body, FhirWriting const& writing, std::uint64_t message,
                           std::int64_t now_us);

// By status (http://hl7.org/fhir/R4/http.html), of a batch by the worst of its entries. The text may hold
// what the server wrote.
Attempt read_fhir_answer(HttpResponseText const& response, FhirCall const& call, std::time_t now);

}  // namespace hilum::destinations
