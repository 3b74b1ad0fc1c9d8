#include "engine/subscriptions/notification.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/flow/fhir_identity.h"
#include "engine/net/instant.h"
#include "parsers/base64.h"
#include "parsers/fhir/interaction.h"
#include "parsers/fhir/validation/formats.h"
#include "parsers/json.h"
#include "parsers/uuid.h"

namespace hilum::subscriptions {

namespace {

constexpr std::string_view guide = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";

// Of one of the guide's profiles and extensions.
std::string definition(std::string_view name) {
    std::string url(guide);
    url += name;
    return url;
}

std::string_view word(Status status) {
    return status == Status::requested ? "requested" : status == Status::active ? "active" : "error";
}

std::string_view word(Notice notice) {
    switch (notice) {
        case Notice::handshake:
            return "handshake";
        case Notice::heartbeat:
            return "heartbeat";
        case Notice::event_notification:
            return "event-notification";
        case Notice::query_status:
            return "query-status";
        case Notice::query_event:
            break;
    }
    return "query-event";
}

std::string_view word(Content content) {
    return content == Content::empty ? "empty" : content == Content::id_only ? "id-only" : "full-resource";
}

// One resource of an event.
struct Part {
    std::string full_url, type;
    std::string method, url;  // how it came to be, as an entry of a history says it
    std::string json;         // empty: it was deleted
};

std::string path_of(std::string_view type, std::string_view id) {
    return (std::string(type) += '/') += id;
}

Part part_of(fhir::Element resource, fhir::Request const& request, std::string full_url,
             Subscription const& of, store::Sequence message, std::size_t number) {
    Part part;
    auto const url = request.url.substr(0, request.url.find('?'));
    part.method = request.method.empty() ? "PUT" : request.method;
    if (!resource.exists()) {
        part.type = url.substr(0, url.find('/'));
        part.url = request.url;
        part.full_url = of.url + "/" + url;
        return part;
    }
    part.type = resource.resource_type();
    // An id that the address gives counts; what has none gets the one that a FHIR destination would put it
    // under.
    auto const slash = url.find('/');
    auto const id = slash != std::string::npos
                        ? url.substr(slash + 1)
                        : flow::fhir_id(resource, flow::first_identifier(resource), message, number);
    part.url = part.method == "POST" ? part.type : path_of(part.type, id);
    part.full_url = full_url.empty() ? of.url + "/" + path_of(part.type, id) : std::move(full_url);
    part.json = resource.json();
    if (!resource.child("id").exists() && fhir::is_id(id))
        part.json.insert(part.json.size() - 1, ",\"id\":\"" + id + "\"");
    return part;
}

fhir::Request request_of(fhir::Element entry) {
    fhir::Request request;
    request.method.clear();
    auto const written = entry.child("request");
    if (!written.exists()) return request;
    request.method = written.text_of("method");
    request.url = written.text_of("url");
    return request;
}

// A Bundle is an event of several resources.
void add_entries(std::vector<Part>& parts, fhir::Element bundle, Subscription const& of,
                 store::Sequence message) {
    std::size_t number = 0;
    for (auto entry = bundle.child("entry"); entry.exists(); entry = entry.next()) {
        if (entry.name() != "entry") continue;
        ++number;
        auto const request = request_of(entry);
        auto const resource = entry.child("resource");
        if (!resource.exists() && request.method != "DELETE") continue;
        parts.push_back(
            part_of(resource, request, std::string(entry.text_of("fullUrl")), of, message, number));
    }
}

// HL7 v2 as FHIR carries what is none of its own.
Part binary(std::string_view message, Subscription const& of, store::Sequence number) {
    Part part;
    part.type = "Binary";
    part.method = "PUT";
    auto const id = uuid_of("Binary", "message " + std::to_string(number));
    part.url = path_of("Binary", id);
    part.full_url = of.url + "/" + part.url;
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "Binary");
        w.field("id", id);
        w.field("contentType", "x-application/hl7-v2+er7");
        w.field("data", to_base64(message));
    });
    part.json = w.text();
    return part;
}

// What the event is about first.
std::vector<Part> parts_of(Told const& told, Subscription const& of) {
    std::vector<Part> parts;
    if (told.body.empty()) return parts;
    auto const interaction = fhir::looks_like_interaction(told.body)
                                 ? fhir::Interaction::read(told.body)
                                 : Result<fhir::Interaction>(error("no_fhir", "", ""));
    if (!interaction) {
        parts.push_back(binary(told.body, of, told.event.message));
        return parts;
    }
    auto const root = interaction->resource.root();
    auto const& url = interaction->request.url;
    bool const several = url.empty() || url == "Bundle" || url == "$process-message";
    if (interaction->has_body && interaction->resource.type() == "Bundle" && several) {
        add_entries(parts, root, of, told.event.message);
    } else {
        parts.push_back(part_of(interaction->has_body ? root : fhir::Element(), interaction->request, {}, of,
                                told.event.message, 0));
    }
    auto const focus =
        std::find_if(parts.begin(), parts.end(), [&](Part const& p) { return p.type == of.focus; });
    if (focus != parts.end()) std::rotate(parts.begin(), focus, focus + 1);
    return parts;
}

void reference(json::Writer& w, std::string_view name, std::string_view to) {
    w.object([&] {
        w.field("name", name);
        w.key("valueReference");
        w.object([&] { w.field("reference", to); });
    });
}

template <class Value>
void parameter(json::Writer& w, std::string_view name, std::string_view value_name, Value const& value) {
    w.object([&] {
        w.field("name", name);
        w.field(value_name, value);
    });
}

struct Shown {
    Told const* told;
    std::vector<Part> parts;
};

void write_event(json::Writer& w, Shown const& shown, Content content) {
    w.object([&] {
        w.field("name", "notification-event");
        w.key("part");
        w.array([&] {
            parameter(w, "event-number", "valueString", std::to_string(shown.told->event.number));
            parameter(w, "timestamp", "valueInstant", net::instant(shown.told->event.time_us));
            if (content == Content::empty) return;
            for (std::size_t i = 0; i < shown.parts.size(); ++i)
                reference(w, i == 0 ? "focus" : "additional-context", shown.parts[i].full_url);
        });
    });
}

std::string parameters(Subscription const& of, Status status, Notice notice, std::uint64_t last,
                       std::span<Shown const> events, std::string_view id) {
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "Parameters");
        w.field_if("id", id);
        w.key("meta");
        w.object([&] {
            w.key("profile");
            w.array([&] { w.value(definition("backport-subscription-status-r4")); });
        });
        w.key("parameter");
        w.array([&] {
            reference(w, "subscription", of.url + "/Subscription/" + of.id);
            parameter(w, "topic", "valueCanonical", of.topic);
            parameter(w, "status", "valueCode", word(status));
            parameter(w, "type", "valueCode", word(notice));
            parameter(w, "events-since-subscription-start", "valueString", std::to_string(last));
            for (auto const& event : events) write_event(w, event, of.content);
        });
    });
    return w.text();
}

void write_part(json::Writer& w, Part const& part, Content content) {
    w.object([&] {
        w.field("fullUrl", part.full_url);
        if (content == Content::full_resource && !part.json.empty()) {
            w.key("resource");
            w.raw(part.json);
        }
        w.key("request");
        w.object([&] {
            w.field("method", part.method);
            w.field("url", part.url);
        });
        w.key("response");
        w.object([&] {
            w.field("status", part.method == "POST" ? "201" : part.method == "DELETE" ? "204" : "200");
        });
    });
}

}  // namespace

std::string id_of(std::string_view name) {
    std::string id(name.substr(0, 64));
    std::replace_if(
        id.begin(), id.end(),
        [](char c) {
            return !fhir::is_id({&c, 1});
        },
        '-');
    return id;
}

std::string notification(Subscription const& of, Status status, Notice notice, std::uint64_t last,
                         std::span<Told const> events, std::int64_t now_us) {
    std::vector<Shown> shown;
    shown.reserve(events.size());
    for (auto const& told : events)
        shown.push_back({&told, of.content == Content::empty ? std::vector<Part>() : parts_of(told, of)});
    auto const id = uuid_of("hilum/notification/" + of.id,
                            std::string(word(notice)) + std::to_string(last) + "/" + std::to_string(now_us));
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "Bundle");
        w.field("id", id);
        w.key("meta");
        w.object([&] {
            w.key("profile");
            w.array([&] { w.value(definition("backport-subscription-notification-r4")); });
        });
        w.field("type", "history");
        w.field("timestamp", net::instant(now_us));
        w.key("entry");
        w.array([&] {
            w.object([&] {
                w.field("fullUrl", "urn:uuid:" + id);
                w.key("resource");
                w.raw(parameters(of, status, notice, last, shown, id));
                w.key("request");
                w.object([&] {
                    w.field("method", "GET");
                    w.field("url", of.url + "/Subscription/" + of.id + "/$status");
                });
                w.key("response");
                w.object([&] { w.field("status", "200"); });
            });
            for (auto const& event : shown)
                for (auto const& part : event.parts) write_part(w, part, of.content);
        });
    });
    return w.text();
}

std::string status_of(Subscription const& of, Status status, Notice notice, std::uint64_t last) {
    return parameters(of, status, notice, last, {}, of.id);
}

std::string resource(Subscription const& of, Status status, std::string_view problem) {
    auto const extension = [](json::Writer& w, std::string_view name, std::string_view value_name,
                              auto const& value) {
        w.object([&] {
            w.field("url", definition(name));
            w.field(value_name, value);
        });
    };
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "Subscription");
        w.field("id", of.id);
        w.key("meta");
        w.object([&] {
            w.key("profile");
            w.array([&] { w.value(definition("backport-subscription")); });
        });
        w.field("status", word(status));
        w.field("reason", "configured at Hilum");
        w.field("criteria", of.topic);
        w.field_if("error", problem);
        w.key("channel");
        w.object([&] {
            w.key("extension");
            w.array([&] {
                if (of.heartbeat.count() > 0)
                    extension(w, "backport-heartbeat-period", "valueUnsignedInt",
                              static_cast<std::uint64_t>(of.heartbeat.count()));
                extension(w, "backport-timeout", "valueUnsignedInt",
                          static_cast<std::uint64_t>(of.timeout.count()));
                extension(w, "backport-max-count", "valuePositiveInt", 1U);
            });
            w.field("type", "rest-hook");
            w.field("endpoint", of.endpoint);
            w.field("payload", "application/fhir+json");
            w.key("_payload");
            w.object([&] {
                w.key("extension");
                w.array([&] { extension(w, "backport-payload-content", "valueCode", word(of.content)); });
            });
        });
    });
    return w.text();
}

}  // namespace hilum::subscriptions
