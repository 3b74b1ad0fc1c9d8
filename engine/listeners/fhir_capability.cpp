// The CapabilityStatement: made of what is served, so that it cannot say anything else.
#include "engine/listeners/fhir_request.h"
#include "parsers/fhir/definitions.h"
#include "parsers/json.h"

namespace hilum::listeners {
namespace {

void codes(json::Writer& w, std::string_view key, std::initializer_list<std::string_view> interactions) {
    w.key(key);
    w.array([&] {
        for (auto const code : interactions) w.object([&] { w.field("code", code); });
    });
}

void resource(json::Writer& w, std::string_view type, bool facade) {
    w.object([&] {
        w.field("type", type);
        if (facade)
            codes(w, "interaction",
                  {"create", "update", "delete", "read", "vread", "history-instance", "search-type"});
        else
            codes(w, "interaction", {"create", "update", "delete"});
        w.field("versioning", facade ? "versioned" : "no-version");
        w.field("conditionalCreate", true);
        w.field("conditionalUpdate", true);
        w.field("conditionalDelete", "single");
    });
}

void operation(json::Writer& w, std::string_view name, std::string_view definition) {
    w.object([&] {
        w.field("name", name);
        w.field("definition", definition);
    });
}

// http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/CapabilityStatement-backport-subscription-server-r4.html
void subscriptions(json::Writer& w, std::vector<std::string> const& topics) {
    std::string const guide = "http://hl7.org/fhir/uv/subscriptions-backport/";
    w.object([&] {
        if (!topics.empty()) {
            w.key("extension");
            w.array([&] {
                for (auto const& topic : topics)
                    w.object([&] {
                        w.field(
                            "url",
                            guide + "StructureDefinition/capabilitystatement-subscriptiontopic-canonical");
                        w.field("valueCanonical", topic);
                    });
            });
        }
        w.field("type", "Subscription");
        w.key("supportedProfile");
        w.array([&] { w.value(guide + "StructureDefinition/backport-subscription"); });
        codes(w, "interaction", {"read", "search-type"});
        w.key("operation");
        w.array([&] {
            operation(w, "status", guide + "OperationDefinition/backport-subscription-status");
            operation(w, "events", guide + "OperationDefinition/backport-subscription-events");
        });
    });
}

}  // namespace

std::string capability_statement(FhirEndpoint const& endpoint, std::string_view url, std::string_view date,
                                 std::vector<std::string> const& topics) {
    static fhir::Type const root = fhir::Type::find("Resource");
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "CapabilityStatement");
        w.field("status", "active");
        w.field("date", date);
        w.field("kind", "instance");
        w.key("software");
        w.object([&] {
            w.field("name", "Hilum");
            w.field("version", HILUM_VERSION);
        });
        w.key("implementation");
        w.object([&] {
            w.field("description", endpoint.facade ? "Hands requests on to the FHIR server behind it"
                                                   : "Takes resources, stores them, and hands them on");
            w.field_if("url", url);
        });
        w.field("fhirVersion", "4.0.1");
        w.key("format");
        w.array([&] {
            for (auto const* format : {"application/fhir+json", "application/fhir+xml", "json", "xml"})
                w.value(format);
        });
        w.key("rest");
        w.array([&] {
            w.object([&] {
                w.field("mode", "server");
                w.key("security");
                w.object([&] { w.field("cors", true); });
                w.key("resource");
                w.array([&] {
                    if (endpoint.subscriptions) subscriptions(w, topics);
                    if (!endpoint.resources.empty()) {
                        for (auto const& type : endpoint.resources)
                            if (!endpoint.subscriptions || type != "Subscription")
                                resource(w, type, endpoint.facade);
                        return;
                    }
                    for (auto const name : fhir::Type::names()) {
                        auto const type = fhir::Type::find(name);
                        if (endpoint.subscriptions && name == "Subscription") continue;
                        if (type.is(root) && !type.is_abstract()) resource(w, name, endpoint.facade);
                    }
                });
                codes(w, "interaction", {"transaction", "batch"});
                w.key("operation");
                w.array([&] {
                    operation(w, "validate", "http://hl7.org/fhir/OperationDefinition/Resource-validate");
                    operation(w, "process-message",
                              "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message");
                });
            });
        });
    });
    return w.text();
}

}  // namespace hilum::listeners
