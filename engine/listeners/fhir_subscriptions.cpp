#include "engine/listeners/fhir_subscriptions.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine/net/instant.h"
#include "parsers/fhir/outcome.h"
#include "parsers/json.h"

namespace hilum::listeners {

namespace {

using subscriptions::Feed;
using subscriptions::Notice;

// In one answer; whoever needs more asks for those behind it.
constexpr std::size_t events_max = 1000;
constexpr std::size_t bytes_max = std::size_t{16} << 20U;

std::string parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        auto const end = query.find('&');
        auto const pair = query.substr(0, end);
        if (pair.substr(0, pair.find('=')) == name && pair.find('=') != std::string_view::npos)
            return std::string(pair.substr(pair.find('=') + 1));
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    }
    return {};
}

// Nothing when it is there and no number.
std::optional<std::uint64_t> number(std::string_view query, std::string_view name, std::uint64_t otherwise) {
    auto const text = parameter(query, name);
    if (text.empty()) return otherwise;
    std::uint64_t value = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

HttpReply refused(unsigned status, std::string_view issue, std::string text, FhirRequest const& asked) {
    return fhir_reply(status, fhir::operation_outcome(error("refused", "", std::move(text)), issue), asked,
                      status == 503 ? "Retry-After: 1\r\n" : "");
}

// Resources with their addresses, as a search finds them.
std::string searchset(std::vector<std::pair<std::string, std::string>> const& found) {
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "Bundle");
        w.field("type", "searchset");
        w.field("total", found.size());
        if (found.empty()) return;
        w.key("entry");
        w.array([&] {
            for (auto const& [address, json] : found)
                w.object([&] {
                    w.field("fullUrl", address);
                    w.key("resource");
                    w.raw(json);
                    w.key("search");
                    w.object([&] { w.field("mode", "match"); });
                });
        });
    });
    return w.text();
}

std::string resource_of(Feed const& feed) {
    auto const view = feed.view();
    return resource(view.subscription, view.status, view.problem);
}

std::string status_of(Feed const& feed) {
    auto const view = feed.view();
    return subscriptions::status_of(view.subscription, view.status, Notice::query_status,
                                    feed.events().last());
}

// What was told from one number to another, as far as the store still has it.
HttpReply events_reply(subscriptions::Feeds const& feeds, Feed const& feed, std::string_view query,
                       FhirRequest const& asked) {
    auto const since = number(query, "eventsSinceNumber", 1);
    auto const until = number(query, "eventsUntilNumber", std::numeric_limits<std::uint64_t>::max());
    if (!since || !until)
        return refused(400, "value", "eventsSinceNumber and eventsUntilNumber are numbers of events", asked);
    auto view = feed.view();
    auto const content = parameter(query, "content");
    if (content == "empty") view.subscription.content = subscriptions::Content::empty;
    if (content == "id-only") view.subscription.content = subscriptions::Content::id_only;
    if (content == "full-resource") view.subscription.content = subscriptions::Content::full_resource;
    auto const events = feed.events().range(*since, *until, events_max);
    if (!events) return refused(500, "exception", events.error().what, asked);
    std::vector<std::string> bodies;
    bodies.reserve(events->size());
    std::size_t size = 0;
    for (auto const& event : *events) {
        auto body = feeds.body(event);
        bodies.push_back(body ? std::move(*body) : std::string());
        size += bodies.back().size();
        if (size > bytes_max) break;
    }
    std::vector<subscriptions::Told> told;
    for (std::size_t i = 0; i < bodies.size(); ++i) told.push_back({(*events)[i], bodies[i]});
    return fhir_reply(200,
                      notification(view.subscription, view.status, Notice::query_event, feed.events().last(),
                                   told, net::now_us()),
                      asked);
}

}  // namespace

std::vector<std::string> topics_of(subscriptions::Feeds const& feeds, std::vector<std::string> const& names) {
    std::vector<std::string> topics;
    for (auto const& name : names) {
        auto const feed = feeds.find(name);
        if (!feed) continue;
        auto topic = feed->view().subscription.topic;
        if (std::find(topics.begin(), topics.end(), topic) == topics.end())
            topics.push_back(std::move(topic));
    }
    return topics;
}

HttpReply subscription_reply(subscriptions::Feeds const& feeds, std::vector<std::string> const& names,
                             FhirRequest const& asked, std::string_view url) {
    std::string_view path = asked.interaction.url;
    auto const question = path.find('?');
    auto const query = question == std::string_view::npos ? std::string_view() : path.substr(question + 1);
    path = path.substr(0, question);
    path.remove_prefix(std::min(path.size(), std::string_view("Subscription/").size()));
    auto const id = path.substr(0, path.find('/'));
    auto const operation =
        path.find('/') == std::string_view::npos ? std::string_view() : path.substr(id.size() + 1);
    auto const address = [&](std::string_view of) { return (std::string(url) += "/Subscription/") += of; };

    if (id.empty() || id == "$status") {
        auto const wanted = parameter(query, id.empty() ? "_id" : "id");
        std::vector<std::pair<std::string, std::string>> found;
        for (auto const& name : names) {
            auto const one = subscriptions::id_of(name);
            auto const feed = feeds.find(name);
            if (!feed || (!wanted.empty() && wanted != one)) continue;
            found.emplace_back(address(one), id.empty() ? resource_of(*feed) : status_of(*feed));
        }
        return fhir_reply(200, searchset(found), asked);
    }
    auto const name = std::find_if(names.begin(), names.end(),
                                   [&](std::string const& one) { return subscriptions::id_of(one) == id; });
    if (name == names.end()) return refused(404, "not-found", "there is no such subscription", asked);
    auto const feed = feeds.find(*name);
    if (!feed) return refused(503, "transient", "the subscription is not ready yet", asked);
    if (operation.empty()) return fhir_reply(200, resource_of(*feed), asked);
    if (operation == "$status") return fhir_reply(200, searchset({{address(id), status_of(*feed)}}), asked);
    return events_reply(feeds, *feed, query, asked);
}

}  // namespace hilum::listeners
