// The subscription destination: each message of its lane is an event that a subscriber is told of, by the R4
// form of topic-based subscriptions
// (http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <ctime>
#include <utility>

#include "engine/destinations/destination.h"
#include "engine/destinations/fhir_auth.h"
#include "engine/destinations/http_answer.h"
#include "engine/net/instant.h"
#include "engine/net/url.h"
#include "engine/subscriptions/feed.h"
#include "parsers/fhir/definitions.h"

namespace hilum::destinations {

using namespace std::chrono_literals;
using subscriptions::Notice;
using subscriptions::Status;
using subscriptions::Told;
using Clock = net::Clock;

namespace {

struct Options {
    config::Text topic, endpoint, url;
    subscriptions::Content content = subscriptions::Content::full_resource;
    config::Text focus;
    AuthOptions auth;
    config::Duration heartbeat = 60s;
    std::uint32_t keep = 100'000;
    config::Duration connect_within = 10s;
    config::Duration answer_within = 30s;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("topic", o.topic,
               "the canonical url of what is subscribed to, such as http://hub.example/topics/admissions");
    v.required("endpoint", o.endpoint,
               "where notifications are posted, such as http://app.example/notifications");
    v.required("url", o.url,
               "the FHIR endpoint at which the Subscription stands (a listener's), such as "
               "http://hub.example/fhir");
    v.choice("content", o.content,
             {{"empty", subscriptions::Content::empty},
              {"id-only", subscriptions::Content::id_only},
              {"full-resource", subscriptions::Content::full_resource}},
             "what a notification has of an event: nothing, where its resources are, or the resources");
    v.optional(
        "focus", o.focus,
        "the type of the resource that an event of several is about, such as Encounter; without it the "
        "first");
    v.optional("auth", o.auth, "how the subscriber is told who notifies");
    v.optional("heartbeat", o.heartbeat,
               "a sign of life is sent when there has been no notification for this long; 0s: none");
    v.optional(
        "keep", o.keep,
        "of so many events, the newest, it is known where they are, for $events; each takes 52 bytes of "
        "disk");
    v.optional("connect_within", o.connect_within, "time limit for a connection");
    v.optional("answer_within", o.answer_within, "time limit for the answer");
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(
        component.options, "destination \"" + component.name + "\" (subscription)", diagnostics);
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    for (auto const* const text : {&o.endpoint, &o.url}) {
        if (text->empty()) continue;
        if (auto const url = net::parse_http_url(text->value); !url)
            diagnostics.error(text->where, url.error().what, url.error().next);
    }
    if (o.url.value.ends_with('/'))
        diagnostics.error(o.url.where, "url ends with /", "write it like http://hub.example/fhir");
    if (!o.topic.empty() && o.topic.value.find(':') == std::string::npos)
        diagnostics.error(o.topic.where, "the topic is no absolute url",
                          "write one that is yours, such as http://hub.example/topics/admissions");
    if (!o.focus.empty() && !fhir::Type::find(o.focus.value).exists())
        diagnostics.error(o.focus.where, "FHIR R4 has no resource " + config::in_quotes(o.focus.value),
                          config::suggest(o.focus.value, fhir::Type::names(), "types"));
    if (o.keep == 0 || o.keep > 10'000'000)
        diagnostics.error(at, "keep must be from 1 to 10000000", "leave it out for 100000");
    if (o.connect_within.count() <= 0 || o.answer_within.count() <= 0)
        diagnostics.error(at, "a time limit of nothing would fail every message",
                          "leave it out for the default");
    // The numbers of events say in which order they came to be.
    for (std::string_view const key : {"order_by", "connections", "priority"}) {
        if (auto const* const written = component.common.find(key))
            diagnostics.error(written->where, "a subscriber is told of events one by one, in their order",
                              "leave " + std::string(key) + " out");
    }
    check_auth(component.options.find("auth"), o.auth, diagnostics);
}

// One holds the connection, another may wait for it: a delivery, and the pulse. Of one context.
class Turn {
  public:
    explicit Turn(net::Executor executor) : timer_(executor) {}
    net::Task<void> take() {
        while (taken_) {
            timer_.expires_after(1h);
            co_await timer_.async_wait(net::as_result);
        }
        taken_ = true;
    }
    void give() {
        taken_ = false;
        timer_.cancel();
    }

  private:
    net::Timer timer_;
    bool taken_ = false;
};

// The conversation with one subscriber; on the lane's context. Its pulse (the handshake, and heartbeats)
// keeps it until closed.
class Subscriber : public std::enable_shared_from_this<Subscriber> {
  public:
    Subscriber(config::Component const& component, Options options, DestinationContext context);

    void start();
    net::Task<Attempt> deliver(Outgoing const& outgoing);
    void close() noexcept;
    std::string where() const { return "subscription " + client_.url().shown; }

  private:
    net::Task<void> pulse();
    net::Task<std::optional<Attempt>> ready();
    net::Task<Attempt> deliver_in_turn(Outgoing const& outgoing);
    net::Task<Attempt> post(Notice notice, std::uint64_t last, std::span<Told const> events,
                            Outgoing const* outgoing);
    std::chrono::milliseconds until_next() const;

    DestinationContext context_;
    subscriptions::Subscription subscription_;
    std::uint32_t keep_;
    HttpClient client_;
    Authorization authorization_;
    std::shared_ptr<subscriptions::Feed> feed_;
    Turn turn_;
    net::Timer timer_;  // of the pulse
    Clock::time_point told_{};
    std::chrono::milliseconds pause_ = 0s;  // before the next handshake
    bool active_ = false, closed_ = false;
};

constexpr std::chrono::milliseconds longest_pause = 60s;

Subscriber::Subscriber(config::Component const& component, Options options, DestinationContext context)
    : context_(std::move(context)),
      keep_(options.keep),
      client_(context_.runtime, std::move(*net::parse_http_url(options.endpoint.value)),
              {options.connect_within, options.answer_within, 1U << 20U}),
      authorization_(component.options.find("auth"), options.auth, context_.runtime),
      turn_(context_.runtime.context(context_.context_index).get_executor()),
      timer_(context_.runtime.context(context_.context_index).get_executor()) {
    auto& s = subscription_;
    s.id = subscriptions::id_of(context_.name);
    s.url = options.url.value;
    s.topic = options.topic.value;
    s.endpoint = options.endpoint.value;
    s.content = options.content;
    s.focus = options.focus.value;
    s.heartbeat = std::chrono::ceil<std::chrono::seconds>(options.heartbeat);
    s.timeout = std::chrono::ceil<std::chrono::seconds>(options.answer_within);
}

void Subscriber::start() {
    net::asio::co_spawn(
        context_.runtime.context(context_.context_index),
        [self = shared_from_this()] { return self->pulse(); }, net::asio::detached);
}

void Subscriber::close() noexcept {
    closed_ = true;
    timer_.cancel();
    client_.close();
    authorization_.close();
}

std::chrono::milliseconds Subscriber::until_next() const {
    if (!active_) return pause_;
    if (subscription_.heartbeat.count() == 0) return 1h;
    auto const due = told_ + subscription_.heartbeat - Clock::now();
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(due), 0ms);
}

net::Task<void> Subscriber::pulse() {
    while (!closed_) {
        if (auto const wait = until_next(); wait > 0ms) {
            timer_.expires_after(wait);
            co_await timer_.async_wait(net::as_result);
            if (closed_) break;
        }
        co_await turn_.take();
        // What was told meanwhile is a sign of life, too.
        bool const due =
            !closed_ && (!active_ || (subscription_.heartbeat.count() > 0 && until_next() <= 0ms));
        if (due) {
            auto const failed = co_await ready();
            if (!failed && until_next() <= 0ms) {
                auto const last = feed_->events().last();
                auto const beat = co_await post(Notice::heartbeat, last, {}, nullptr);
                if (beat.result != AttemptClass::delivered)
                    context_.log.warn("heartbeat_failed",
                                      {{"destination", context_.name}, {"error", beat.code}});
            }
            pause_ = std::min(std::max<std::chrono::milliseconds>(pause_ * 2, 1s), longest_pause);
            // A heartbeat that did not come through is no reason to send the next one at once.
            if (failed || feed_->view().status == Status::error) told_ = Clock::now();
        }
        turn_.give();
    }
}

// The numbers are there, and the subscriber has said that it listens.
net::Task<std::optional<Attempt>> Subscriber::ready() {
    if (!feed_) {
        auto open = [this] { return context_.feeds->open(context_.name, keep_); };
        auto opened = co_await net::run_blocking(context_.runtime, open);
        if (!opened) {
            context_.log.error("subscription_unusable",
                               {{"destination", context_.name}, {"error", opened.error().code}});
            co_return Attempt{AttemptClass::local, opened.error().code, opened.error().text(), {}, {}};
        }
        feed_ = std::move(*opened);
        feed_->describe(subscription_);
        feed_->told(Status::requested);
    }
    if (active_) co_return std::nullopt;
    auto shaken = co_await post(Notice::handshake, feed_->events().last(), {}, nullptr);
    if (shaken.result != AttemptClass::delivered) co_return shaken;
    active_ = true;
    context_.log.info("subscription_active", {{"destination", context_.name}});
    co_return std::nullopt;
}

net::Task<Attempt> Subscriber::deliver(Outgoing const& outgoing) {
    co_await turn_.take();
    auto attempt = co_await deliver_in_turn(outgoing);
    turn_.give();
    co_return attempt;
}

net::Task<Attempt> Subscriber::deliver_in_turn(Outgoing const& outgoing) {
    if (auto failed = co_await ready()) co_return std::move(*failed);
    // Its number is on disk before anybody is told it.
    auto give = [this, &outgoing] {
        return feed_->events().number(outgoing.key, outgoing.source, outgoing.message, outgoing.received_us);
    };
    auto const event = co_await net::run_blocking(context_.runtime, give);
    if (!event) co_return Attempt{AttemptClass::local, event.error().code, event.error().text(), {}, {}};
    Told const told{*event, outgoing.body};
    co_return co_await post(Notice::event_notification, event->number, {&told, 1}, &outgoing);
}

AttemptClass class_of(unsigned status) {
    if (status >= 200 && status < 300) return AttemptClass::delivered;
    if (status == 401) return AttemptClass::login;
    if (status == 400 || status == 413 || status == 422) return AttemptClass::ae;
    // Not there, or does not know us (any more): that is about the subscription, not about this event.
    if (status >= 400) return AttemptClass::busy;
    return AttemptClass::bad_answer;
}

net::Task<Attempt> Subscriber::post(Notice notice, std::uint64_t last, std::span<Told const> events,
                                    Outgoing const* outgoing) {
    auto const fail = [this](Attempt attempt) {
        feed_->told(Status::error, attempt.code);
        return attempt;
    };
    client_.begin();
    auto token = co_await authorization_.header();
    if (auto* const failed = std::get_if<Attempt>(&token)) co_return fail(std::move(*failed));
    if (auto failed = co_await client_.connect()) co_return fail(std::move(*failed));
    if (closed_) {
        Attempt stopped{AttemptClass::connect, "stopped", "Hilum is stopping", {}, {}};
        co_return fail(std::move(stopped));
    }
    if (outgoing) {
        bool const may_go = co_await departs(*outgoing);
        if (!may_go) co_return not_departed();
    }
    auto const status = notice == Notice::handshake ? Status::requested : Status::active;
    auto const body = subscriptions::notification(subscription_, status, notice, last, events, net::now_us());
    auto const headers =
        "Accept: application/fhir+json\r\nContent-Type: application/fhir+json; charset=utf-8\r\n" +
        std::get<std::string>(token);
    HttpRequestText const request{"POST", client_.url().target, headers, body};
    auto result = co_await client_.exchange(request);
    if (auto* const failed = std::get_if<Attempt>(&result)) co_return fail(std::move(*failed));
    auto const& response = std::get<HttpResponseText>(result);
    if (response.status == 401)
        (void)authorization_.renew();
    else
        authorization_.worked();
    Attempt attempt;
    attempt.result = class_of(response.status);
    attempt.code = "HTTP " + std::to_string(response.status);
    attempt.answer = response.body.substr(0, 4096);
    attempt.retry_after = retry_after(response.retry_after, std::time(nullptr));
    if (attempt.result == AttemptClass::bad_answer) client_.drop();
    if (attempt.result != AttemptClass::delivered) co_return fail(std::move(attempt));
    told_ = Clock::now();
    feed_->told(Status::active);
    co_return attempt;
}

class SubscriptionDestination final : public Destination {
  public:
    explicit SubscriptionDestination(std::shared_ptr<Subscriber> subscriber)
        : subscriber_(std::move(subscriber)) {}
    ~SubscriptionDestination() override { subscriber_->close(); }

    net::Task<Attempt> deliver(Outgoing const& outgoing) override { return subscriber_->deliver(outgoing); }
    void close() noexcept override { subscriber_->close(); }
    std::string where() const override { return subscriber_->where(); }

  private:
    std::shared_ptr<Subscriber> subscriber_;
};

std::unique_ptr<Destination> make(config::Component const& component, DestinationContext context) {
    config::Diagnostics ignored;  // check has seen it
    auto subscriber = std::make_shared<Subscriber>(component, decode(component, ignored), std::move(context));
    subscriber->start();
    return std::make_unique<SubscriptionDestination>(std::move(subscriber));
}

}  // namespace

DestinationKind subscription_destination() {
    return {"subscription",
            "a subscriber to a topic: it is told of each message as an event, by FHIR R4's topic-based "
            "subscriptions",
            check,
            config::SchemaWriter::of<Options>,
            make,
            {}};
}

}  // namespace hilum::destinations
