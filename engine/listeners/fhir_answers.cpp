#include "engine/listeners/fhir_answers.h"

#include "engine/flow/fhir_identity.h"
#include "parsers/fhir/edit.h"
#include "parsers/fhir/resource.h"
#include "parsers/json.h"
#include "parsers/percent.h"
#include "parsers/uuid.h"

namespace hilum::listeners {
namespace {

std::string stored_outcome(flow::FhirAnswer const& answer) {
    fhir::Finding finding;
    finding.severity = fhir::Severity::information;
    finding.code = "informational";
    finding.text = "stored as message " + std::to_string(answer.message);
    return fhir::operation_outcome(std::span(&finding, 1));
}

std::string etag(flow::FhirAnswer const& answer) {
    return "W/\"" + std::to_string(answer.message) + "\"";
}

// The id under which a destination puts it, where that goes by the resource's own identifier: who asks for a
// change of it later means the same.
std::string id_of(fhir::Element resource, flow::FhirAnswer const& answer, std::size_t number) {
    return flow::fhir_id(resource, flow::first_identifier(resource), answer.message, number);
}

// A batch or transaction whose entries are all stored
// (http://hl7.org/fhir/R4/http.html#transaction-response).
std::string bundle_response(fhir::Element bundle, flow::FhirAnswer const& answer) {
    bool const batch = bundle.text_of("type") == "batch";
    std::size_t number = 0;
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "Bundle");
        w.field("type", batch ? "batch-response" : "transaction-response");
        auto const first = bundle.child("entry");
        if (!first.exists()) return;
        w.key("entry");
        w.array([&] {
            for (auto entry = first; entry.exists() && entry.name() == "entry"; entry = entry.next()) {
                auto const request = entry.child("request");
                auto const method = request.text_of("method");
                ++number;
                w.object([&] {
                    w.key("response");
                    w.object([&] {
                        w.field("status", method == "POST"     ? "201 Created"
                                          : method == "DELETE" ? "204 No Content"
                                                               : "200 OK");
                        std::string const url(request.text_of("url"));
                        if (method == "POST" && entry.child("resource").exists())
                            w.field(
                                "location",
                                url + "/" + percent_encoded(id_of(entry.child("resource"), answer, number)));
                        if (method == "PUT" && url.find('?') == std::string::npos) w.field("location", url);
                        if (method != "DELETE") w.field("etag", etag(answer));
                    });
                });
            }
        });
    });
    return w.text();
}

// http://hl7.org/fhir/R4/messaging.html: the answer is a message that names the one it answers.
std::string message_response(fhir::Element bundle, flow::FhirAnswer const& answer, std::string_view url,
                             std::string_view now) {
    auto const header =
        bundle.child("entry").exists() ? bundle.child("entry").child("resource") : fhir::Element();
    auto const event_code = header.exists() ? header.child("eventCoding") : fhir::Element();
    auto const event_uri = header.text_of("eventUri");
    auto const id = uuid_of("hilum/message-response", std::to_string(answer.message));
    auto const header_id = uuid_of("hilum/message-header", std::to_string(answer.message));
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "MessageHeader");
        w.field("id", header_id);
        if (!event_uri.empty()) w.field("eventUri", event_uri);
        w.key("source");
        w.object([&] {
            w.field("name", "Hilum");
            w.field("endpoint", url);
        });
        w.key("response");
        w.object([&] {
            auto const seen = header.text_of("id");
            w.field_if("identifier", seen.empty() ? bundle.text_of("id") : seen);
            w.field("code", "ok");
        });
    });
    auto message = w.text();
    if (event_uri.empty() && event_code.exists())
        message.insert(message.size() - 1, ",\"eventCoding\":" + event_code.json());
    json::Writer b;
    b.object([&] {
        b.field("resourceType", "Bundle");
        b.field("id", id);
        b.field("type", "message");
        b.field("timestamp", now);
    });
    auto out = b.text();
    out.pop_back();
    return out + R"(,"entry":[{"fullUrl":"urn:uuid:)" + header_id + R"(","resource":)" + message + "}]}";
}

// As it is stored, with the id that it has from now on.
std::string with_id(fhir::Resource& resource, std::string const& id) {
    fhir::Editor edit(resource);
    auto element = resource.root().child("id");
    if (!element.exists()) {
        auto const made = edit.append(resource.root(), "id", false, fhir::Kind::nothing);
        if (!made) return resource.json();
        element = *made;
    }
    (void)edit.set(element, fhir::Kind::string, id);  // too large for it: without
    return resource.json();
}

HttpReply done(flow::FhirAnswer const& answer, FhirRequest const& request, std::string_view json,
               std::string_view url) {
    using Prefer = FhirRequest::Prefer;
    auto const& interaction = request.interaction;
    bool const minimal = request.prefer == Prefer::minimal;
    auto resource = fhir::Resource::read_json(std::string(json));
    if (interaction.method == "DELETE")
        return fhir_reply(minimal ? 204 : 200, minimal ? "" : stored_outcome(answer), request);
    if (!resource) return fhir_reply(200, stored_outcome(answer), request);
    if (interaction.url.empty()) return fhir_reply(200, bundle_response(resource->root(), answer), request);
    bool const create = interaction.method == "POST";
    auto const path = interaction.url.substr(0, interaction.url.find('?'));
    bool const has_id = path.find('/') != std::string::npos;
    auto const id = has_id ? path.substr(path.find('/') + 1) : id_of(resource->root(), answer, 0);
    // The resource's own id may be any text.
    auto const place = has_id ? path : path + "/" + percent_encoded(id);
    auto const extra = "Location: " + std::string(url) + "/" + place + "/_history/" +
                       std::to_string(answer.message) + "\r\nETag: " + etag(answer) + "\r\n";
    if (minimal) return fhir_reply(create ? 201 : 200, "", request, extra);
    if (request.prefer == Prefer::outcome)
        return fhir_reply(create ? 201 : 200, stored_outcome(answer), request, extra);
    return fhir_reply(create ? 201 : 200, with_id(*resource, id), request, extra);
}

}  // namespace

unsigned success_status(Success success, FhirRequest const& request) {
    if (request.deed == FhirDeed::message) return request.async ? 202 : 200;
    if (success == Success::accepted) return 202;
    return request.interaction.method == "POST" && !request.interaction.url.empty() ? 201 : 200;
}

HttpReply stored_reply(Success success, flow::FhirAnswer const& answer, FhirRequest const& request,
                       std::string_view json, std::string_view url, std::string_view now) {
    bool const minimal = request.prefer == FhirRequest::Prefer::minimal;
    if (request.deed == FhirDeed::message && !request.async) {
        auto const bundle = fhir::Resource::read_json(std::string(json));
        if (bundle) return fhir_reply(200, message_response(bundle->root(), answer, url, now), request);
    }
    if (request.deed == FhirDeed::interact && success == Success::done)
        return done(answer, request, json, url);
    return fhir_reply(202, minimal ? std::string() : stored_outcome(answer), request);
}

}  // namespace hilum::listeners
