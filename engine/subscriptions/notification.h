// What a subscriber is told, as resources: the R4 form of topic-based subscriptions
// (http://hl7.org/fhir/uv/subscriptions-backport/STU1.1). No socket, no store.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/subscriptions/event_log.h"

namespace hilum::subscriptions {

enum class Content : unsigned char { empty, id_only, full_resource };

// One subscriber, as it is configured.
struct Subscription {
    std::string id;        // of the Subscription resource
    std::string url;       // the FHIR endpoint that it stands at, such as https://hub.example/fhir
    std::string topic;     // canonical
    std::string endpoint;  // where notifications are posted
    Content content = Content::full_resource;
    std::string focus;  // the type of the resource that an event of several is about; "" is the first
    std::chrono::seconds heartbeat{0};  // 0: none
    std::chrono::seconds timeout{0};
};

// A name as an id: what FHIR does not allow in one becomes a hyphen.
std::string id_of(std::string_view name);

enum class Status : unsigned char { requested, active, error };
enum class Notice : unsigned char { handshake, heartbeat, event_notification, query_status, query_event };

struct Told {
    Event event;
    std::string_view body;  // of the delivery, as the store has it; empty: it is there no more
};

// A Bundle of type history. `last`: the number of the last event so far.
std::string notification(Subscription const& of, Status status, Notice notice, std::uint64_t last,
                         std::span<Told const> events, std::int64_t now_us);
// The status alone, as Parameters: what $status gives.
std::string status_of(Subscription const& of, Status status, Notice notice, std::uint64_t last);

// The Subscription resource; `problem`: what is wrong, when the status is error.
std::string resource(Subscription const& of, Status status, std::string_view problem);

}  // namespace hilum::subscriptions
