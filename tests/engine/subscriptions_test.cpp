// Numbers of events under every fault of a disk, and what subscribers are told of them.
#include <doctest/doctest.h>

#include <map>

#include "engine/subscriptions/feed.h"
#include "parsers/json.h"
#include "routes/fhir_conformance.h"
#include "tests/engine/support/memory_file_system.h"

using namespace hilum;
using namespace hilum::subscriptions;
using hilum::testing::MemoryFileSystem;

namespace {

std::string const path = "data/subscriptions/app";

store::LaneKey key(std::uint64_t n) {
    return {store::Position{n * 1000}, 0};
}

Result<Event> give(EventLog& log, std::uint64_t n) {
    return log.number(key(n), key(n), n, static_cast<std::int64_t>(n));
}

std::unique_ptr<EventLog> open(std::shared_ptr<MemoryFileSystem> const& disk, std::uint64_t keep = 1000) {
    auto log = EventLog::open(disk, path, keep);
    REQUIRE_MESSAGE(log.has_value(), log.error().text());
    return std::move(*log);
}

Subscription subscription(Content content = Content::full_resource) {
    Subscription s;
    s.id = "app";
    s.url = "http://hub.example/fhir";
    s.topic = "http://hub.example/topics/admissions";
    s.endpoint = "http://app.example/hook";
    s.content = content;
    s.heartbeat = std::chrono::seconds(60);
    s.timeout = std::chrono::seconds(30);
    return s;
}

Event event(std::uint64_t number) {
    return {number, key(number), key(number), number + 10, 1'700'000'000'123'000};
}

// Whatever is sent is FHIR R4.
fhir::Resource valid(std::string const& json) {
    auto resource = fhir::Resource::read_json(json);
    REQUIRE_MESSAGE(resource.has_value(), json);
    for (auto const& finding : FhirConformance().check(resource->root()))
        CHECK_MESSAGE(finding.severity == fhir::Severity::information, finding.location, " ", finding.rule,
                      ": ", finding.text, " in ", json);
    return std::move(*resource);
}

std::string eval(fhir::Resource const& resource, std::string const& path_of) {
    auto const expression = expression::Expression::compile(path_of, [] {
        expression::Options options;
        options.fhir = true;
        return options;
    }());
    REQUIRE_MESSAGE(expression.has_value(), path_of);
    expression::Context context;
    context.resource = &resource;
    auto const text = expression->text(context);
    return text ? *text : "error: " + text.error().code;
}

}  // namespace

TEST_CASE("events: an entry has one number, and no number is given twice") {
    auto const disk = std::make_shared<MemoryFileSystem>();
    auto log = open(disk);
    CHECK(log->last() == 0);
    for (std::uint64_t n = 1; n <= 20; ++n) {
        CHECK(give(*log, n * 3)->number == n);
        CHECK(give(*log, n * 3)->number == n);
    }
    CHECK(give(*log, 9)->number == 3);  // a retry behind others
    log = open(disk->after_kill());
    CHECK(log->last() == 20);
    CHECK(give(*log, 60)->number == 20);
    CHECK(give(*log, 61)->number == 21);
    auto const some = log->range(5, 7, 100);
    REQUIRE(some->size() == 3);
    CHECK(((*some)[0].number == 5 && (*some)[0].message == 15));
    CHECK(log->range(20, 99, 100)->size() == 2);
    CHECK(log->range(1, 99, 4)->size() == 4);
    CHECK(log->range(30, 99, 4)->empty());
}

TEST_CASE("events: the oldest are forgotten, their numbers are not") {
    auto disk = std::make_shared<MemoryFileSystem>();
    auto log = open(disk, 10);
    for (std::uint64_t n = 1; n <= 95; ++n) REQUIRE(give(*log, n)->number == n);
    CHECK(disk->content(path).size() <= 20 * 52);
    auto const known = log->range(1, 95, 1000);
    CHECK(known->size() >= 10);
    CHECK(known->back().number == 95);
    CHECK(known->front().number == 95 - known->size() + 1);
    log = open(disk->after_kill(), 10);
    CHECK(log->last() == 95);
    CHECK(give(*log, 96)->number == 96);
}

TEST_CASE("events: a file that rots is told, not begun anew") {
    auto const disk = std::make_shared<MemoryFileSystem>();
    {
        auto log = open(disk);
        for (std::uint64_t n = 1; n <= 5; ++n) (void)give(*log, n);
    }
    SUBCASE("in the middle") {
        disk->flip_bit(path, 52 * 2 + 3, 1);
        auto log = open(disk);
        CHECK(log->range(1, 5, 9).error().code == "bad_event_log");
        CHECK(give(*log, 6)->number == 6);
    }
    SUBCASE("the last two") {
        disk->flip_bit(path, 52 * 3 + 3, 1);
        disk->flip_bit(path, 52 * 4 + 3, 1);
        CHECK(EventLog::open(disk, path, 9).error().code == "bad_event_log");
    }
}

// What was told before a fault holds after it: the same entry keeps its number, a new one gets a new number.
TEST_CASE("events: every step of the disk fails, and the power at every step") {
    for (bool const power : {false, true}) {
        for (std::uint64_t step = 1; step < 120; ++step) {
            auto disk = std::make_shared<MemoryFileSystem>();
            power ? disk->cut_power_at(step) : disk->fail_step(step);
            std::map<std::uint64_t, std::uint64_t> told;  // number to entry
            std::map<std::uint64_t, std::uint64_t> number_of;
            auto const tell = [&](EventLog& log, std::uint64_t n) {
                auto const given = give(log, n);
                if (!given) return false;
                auto const [known, is_new] = told.emplace(given->number, n);
                REQUIRE_MESSAGE((is_new || known->second == n), "step ", step, ": number ", given->number,
                                " for entries ", known->second, " and ", n);
                auto const [before, first] = number_of.emplace(n, given->number);
                REQUIRE_MESSAGE((first || before->second == given->number), "step ", step, ": entry ", n);
                return true;
            };
            std::uint64_t n = 1;
            if (auto log = EventLog::open(disk, path, 5)) {
                // A lane tries again what has failed, until the engine is stopped.
                for (int tries = 0; n <= 25 && tries < 30; ++tries)
                    if (tell(**log, n)) ++n;
            }
            disk = power ? disk->after_power_cut(step) : disk->after_kill();
            auto log = EventLog::open(disk, path, 5);
            REQUIRE_MESSAGE(log.has_value(), "step ", step, ": ", log.error().text());
            if (n > 1) tell(**log, n - 1);
            for (auto const end = n + 5; n < end; ++n) REQUIRE_MESSAGE(tell(**log, n), "step ", step);
        }
    }
}

TEST_CASE("notifications are FHIR R4, and say what happened") {
    auto const handshake = valid(
        notification(subscription(), Status::requested, Notice::handshake, 0, {}, 1'700'000'000'000'000));
    CHECK(eval(handshake, "Bundle.type") == "history");
    CHECK(eval(handshake, "Bundle.entry.count()") == "1");
    std::string const parameters = "Bundle.entry.first().resource.parameter";
    CHECK(eval(handshake, parameters + ".where(name = 'type').value") == "handshake");
    CHECK(eval(handshake, parameters + ".where(name = 'status').value") == "requested");
    CHECK(eval(handshake, parameters + ".where(name = 'subscription').value.reference") ==
          "http://hub.example/fhir/Subscription/app");

    std::string const patient =
        R"({"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"1"}],"active":true})";
    Told const told{event(7), patient};
    auto const full =
        valid(notification(subscription(), Status::active, Notice::event_notification, 7, {&told, 1}, 1));
    std::string const about = parameters + ".where(name = 'notification-event').part";
    CHECK(eval(full, parameters + ".where(name = 'events-since-subscription-start').value") == "7");
    CHECK(eval(full, about + ".where(name = 'event-number').value") == "7");
    CHECK(eval(full, about + ".where(name = 'timestamp').value") == "2023-11-14T22:13:20.123Z");
    auto const focus = eval(full, about + ".where(name = 'focus').value.reference");
    CHECK(focus.starts_with("http://hub.example/fhir/Patient/"));
    CHECK(eval(full, "Bundle.entry[1].fullUrl") == focus);
    CHECK(eval(full, "Bundle.entry[1].resource.active") == "true");
    CHECK(focus.ends_with(eval(full, "Bundle.entry[1].resource.id")));

    auto const ids = valid(notification(subscription(Content::id_only), Status::active,
                                        Notice::event_notification, 7, {&told, 1}, 1));
    CHECK(eval(ids, about + ".where(name = 'focus').value.reference") == focus);
    CHECK(eval(ids, "Bundle.entry[1].resource.exists()") == "false");
    auto const empty = valid(notification(subscription(Content::empty), Status::active,
                                          Notice::event_notification, 7, {&told, 1}, 1));
    CHECK(eval(empty, "Bundle.entry.count()") == "1");
    CHECK(eval(empty, about + ".where(name = 'event-number').value") == "7");
    CHECK(eval(empty, about + ".where(name = 'focus').exists()") == "false");
}

TEST_CASE("notifications: an event of several resources, a deletion, one that is gone, and HL7 v2") {
    std::string const parameters = "Bundle.entry.first().resource.parameter";
    std::string const about = parameters + ".where(name = 'notification-event').part";
    std::string const transaction =
        R"({"resourceType":"Bundle","type":"transaction","entry":[)"
        R"({"fullUrl":"urn:uuid:0fa1b2c3-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","active":true},)"
        R"("request":{"method":"POST","url":"Patient"}},)"
        R"({"fullUrl":"urn:uuid:0fa1b2c3-0000-4000-8000-000000000002","resource":{"resourceType":"Encounter","status":"arrived",)"
        R"("class":{"code":"IMP"},"subject":{"reference":"urn:uuid:0fa1b2c3-0000-4000-8000-000000000001"}},)"
        R"("request":{"method":"PUT","url":"Encounter/9"}},)"
        R"({"request":{"method":"DELETE","url":"Appointment/3"}}]})";
    auto of = subscription();
    of.focus = "Encounter";
    Told const several{event(1), transaction};
    auto const one = valid(notification(of, Status::active, Notice::event_notification, 1, {&several, 1}, 1));
    CHECK(eval(one, about + ".where(name = 'focus').value.reference") ==
          "urn:uuid:0fa1b2c3-0000-4000-8000-000000000002");
    CHECK(eval(one, about + ".where(name = 'additional-context').count()") == "2");
    CHECK(eval(one, "Bundle.entry.count()") == "4");
    CHECK(eval(one, "Bundle.entry.where(request.method = 'DELETE').request.url") == "Appointment/3");
    CHECK(eval(one, "Bundle.entry.resource.ofType(Encounter).subject.resolve().active") == "true");

    auto const deletion = fhir::interaction_text({"DELETE", "Patient/8", "", "", ""}, "");
    std::string const message = "MSH|^~\\&|A|B|||1||ADT^A01|M1|P|2.5\rPID|1\r";
    Told const others[] = {{event(1), deletion}, {event(2), {}}, {event(3), message}};
    auto const all = valid(notification(subscription(), Status::active, Notice::query_event, 9, others, 1));
    CHECK(eval(all, parameters + ".where(name = 'notification-event').count()") == "3");
    CHECK(eval(all, "Bundle.entry.where(request.method = 'DELETE').fullUrl") ==
          "http://hub.example/fhir/Patient/8");
    CHECK(eval(all, "Bundle.entry.resource.ofType(Binary).contentType") == "x-application/hl7-v2+er7");
    CHECK(eval(all, parameters + ".where(name = 'events-since-subscription-start').value") == "9");
}

TEST_CASE("a Subscription is FHIR R4, and its id is one") {
    for (auto const status : {Status::requested, Status::active, Status::error}) {
        auto const made = valid(resource(subscription(), status, status == Status::error ? "HTTP 503" : ""));
        CHECK(eval(made, "Subscription.channel.type") == "rest-hook");
        CHECK(eval(made, "Subscription.criteria") == "http://hub.example/topics/admissions");
    }
    (void)valid(status_of(subscription(), Status::active, Notice::query_status, 3));
    CHECK(id_of("admissions_app") == "admissions-app");
    CHECK(id_of(std::string(100, 'x')).size() == 64);
}

TEST_CASE("feeds are opened once, and know what was told") {
    auto const disk = std::make_shared<MemoryFileSystem>();
    Feeds feeds(disk, "data",
                [](store::LaneKey const&) -> Result<std::string> { return error("gone", "", ""); });
    CHECK(feeds.find("app") == nullptr);
    auto const feed = feeds.open("app", 10);
    REQUIRE(feed.has_value());
    CHECK(*feeds.open("app", 10) == *feed);
    CHECK(feeds.find("app") == *feed);
    (*feed)->describe(subscription());
    (*feed)->told(Status::error, "HTTP 404");
    CHECK((*feed)->view().problem == "HTTP 404");
    CHECK((*feed)->view().subscription.id == "app");
    CHECK(feeds.body(event(1)).error().code == "gone");
}
