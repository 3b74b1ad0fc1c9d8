// The FHIR listener: a RESTful endpoint that takes resources, stores them, and hands them on; or, with
// ack: { mode: delivered }, the face of the server behind it.
#include <chrono>
#include <ctime>

#include "engine/flow/acknowledgement.h"
#include "engine/listeners/fhir_answers.h"
#include "engine/listeners/fhir_relay.h"
#include "engine/listeners/fhir_request.h"
#include "engine/listeners/fhir_subscriptions.h"
#include "engine/listeners/http_session.h"
#include "engine/listeners/listener.h"
#include "engine/listeners/validation_options.h"
#include "engine/net/instant.h"
#include "parsers/fhir/definitions.h"

namespace hilum::listeners {

using namespace std::chrono_literals;
namespace http = boost::beast::http;

namespace {

struct Options {
    config::Endpoint listen;
    std::string base = "/fhir";
    std::string url;
    config::NameList resources;
    config::NameList subscriptions;
    Success answers = Success::accepted;
    FhirValidationOptions validation;
    config::Bytes max_body{16u << 20};
    config::Duration idle = 60s;
    config::Duration read_time = 30s;
    std::uint32_t max_connections = 1000;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("listen", o.listen, "address and port, such as 0.0.0.0:8088");
    v.optional("base", o.base,
               "the path of the endpoint, below which are /metadata, /Patient and the others");
    v.optional("url", o.url,
               "the endpoint as clients see it, such as https://hub.example/fhir, for Location and metadata; "
               "without "
               "it what they name in Host");
    v.optional("resources", o.resources, "the types of resources that are taken; without it all of FHIR R4");
    v.optional(
        "subscriptions", o.subscriptions,
        "destinations of the kind subscription whose Subscriptions stand here: to be read, with $status "
        "and $events");
    v.choice("answers", o.answers, {{"accepted", Success::accepted}, {"done", Success::done}},
             "accepted: 202, for what is stored and goes on; done: 201 and 200 with Location and ETag, for "
             "clients "
             "that take nothing else");
    describe(v, o.validation);
    v.optional("max_body", o.max_body, "a longer body, unpacked, is refused with 413");
    v.optional("idle", o.idle, "close a connection on which no request has begun for this long");
    v.optional("read_time", o.read_time,
               "a header that has begun, and then its body, must each be complete within this time");
    v.optional("max_connections", o.max_connections, "further connections are closed at once and counted");
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "listener \"" + component.name + "\" (fhir)",
                                           diagnostics);
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    bool const slash = o.base.empty() || (o.base.starts_with('/') && !o.base.ends_with('/'));
    if (!slash || o.base.find_first_of("?# \t\r\n") != std::string::npos)
        diagnostics.error(at, "base " + config::in_quotes(o.base) + " is not the path of a URL",
                          "begin it with / and end it without, such as /fhir");
    if (o.url.find_first_of(" \t\r\n") != std::string::npos || o.url.ends_with('/'))
        diagnostics.error(at, "url is not the address of an endpoint",
                          "write it like https://hub.example/fhir, without a / at its end");
    if (o.max_body.count < 1024 || o.max_body.count > (64u << 20))
        diagnostics.error(at, "max_body must be from 1KiB to 64MiB", "the default is 16MiB");
    if (o.idle.count() <= 0 || o.read_time.count() <= 0)
        diagnostics.error(at, "a time limit of nothing would close every connection",
                          "leave it out for the default");
    if (o.max_connections == 0)
        diagnostics.error(at, "max_connections is 0: nobody could connect", "leave it out for 1000");
    listeners::check(o.validation, diagnostics);
    static fhir::Type const resource = fhir::Type::find("Resource");
    for (auto const& name : o.resources) {
        auto const type = fhir::Type::find(name.name);
        if (type.exists() && type.is(resource) && !type.is_abstract()) continue;
        diagnostics.error(name.where, "FHIR R4 has no resource " + config::in_quotes(name.name),
                          config::suggest(name.name, fhir::Type::names(), "types"));
    }
}

struct Settings {
    Options options;
    std::vector<std::string> subscriptions;  // the names of their destinations
    FhirEndpoint endpoint;
};

class FhirService final : public HttpService {
  public:
    FhirService(Settings const& settings, ListenerContext const& context)
        : settings_(settings), context_(context) {}

    std::optional<HttpReply> refuse_head(HttpRequestParser const& parser) override;
    net::Task<HttpReply> answer(HttpRequestParser::value_type const& request, std::string_view peer) override;
    HttpReply dressed(HttpReply plain) override;

  private:
    std::string url_of(HttpRequestParser::value_type const& request) const;
    HttpReply validated(std::string const& json, FhirRequest const& asked) const;
    HttpReply refused(Error const& why, FhirRequest const& asked) const;
    HttpReply reply_of(flow::FhirAnswer const& answer, FhirRequest const& asked, std::string_view json,
                       std::string const& url) const;

    Settings const& settings_;
    ListenerContext const& context_;
    FhirRequest asked_;  // by the request whose head has been taken
};

// What HTTP itself asks for, and what the head says of the FHIR in it. No byte of the body has been looked
// at.
std::optional<HttpReply> FhirService::refuse_head(HttpRequestParser const& parser) {
    auto const& head = parser.get();
    bool const has_coding = head.find(http::field::transfer_encoding) != head.end();
    auto const plain = [](unsigned status, std::string text) {
        return http_refusal(status, std::move(text));
    };
    if (head.version() >= 11 && head.count(http::field::host) != 1)
        return dressed(plain(400, "a request needs exactly one Host header"));
    if (has_coding && (head.version() < 11 || !parser.chunked()))
        return dressed(
            plain(head.version() < 11 ? 400 : 501, "the only Transfer-Encoding known here is chunked"));
    auto& asked = asked_ = {};
    if (auto const refusal = read_fhir_request(head, settings_.endpoint, asked))
        return fhir_reply(*refusal, asked);
    bool const has_body = head.method() == http::verb::post || head.method() == http::verb::put;
    if (has_body && !parser.chunked() && !parser.content_length())
        return fhir_reply(FhirRefusal{411, "required", "a request with a body needs its Content-Length"},
                          asked);
    return std::nullopt;
}

HttpReply FhirService::dressed(HttpReply plain) {
    if (plain.content_type.starts_with("application/fhir")) return plain;
    while (!plain.body.empty() && plain.body.back() == '\n') plain.body.pop_back();
    std::string_view const issue = plain.status == 413   ? "too-long"
                                   : plain.status == 429 ? "throttled"
                                   : plain.status == 408 ? "timeout"
                                                         : "structure";
    return fhir_reply(plain.status, fhir::operation_outcome(error("refused", "", plain.body), issue), {},
                      plain.extra);
}

std::string FhirService::url_of(HttpRequestParser::value_type const& request) const {
    if (!settings_.options.url.empty()) return settings_.options.url;
    auto const host = request[http::field::host];
    return "http://" + std::string(host.data(), host.size()) + settings_.endpoint.base;
}

HttpReply FhirService::refused(Error const& why, FhirRequest const& asked) const {
    return fhir_reply(flow::status_of_unreadable(why), fhir::operation_outcome(why), asked);
}

// 200 whatever is found (http://hl7.org/fhir/R4/resource-operation-validate.html).
HttpReply FhirService::validated(std::string const& json, FhirRequest const& asked) const {
    auto const resource = fhir::Resource::read_json(json);
    if (!resource) return refused(resource.error(), asked);
    auto root = resource->root();
    if (resource->type() == "Parameters") {
        // The resource is a parameter, beside others that say how.
        for (auto p = root.child("parameter"); p.exists() && p.name() == "parameter"; p = p.next()) {
            auto const name = p.child("name");
            if (name.exists() && name.text() == "resource" && p.child("resource").exists())
                root = p.child("resource");
        }
    }
    auto findings = context_.intake.check(root);
    auto const& type = asked.interaction.url;
    if (!type.empty() && root.resource_type() != type) {
        fhir::Finding finding;
        finding.code = "invalid";
        finding.text = "the resource is of another type than the address";
        findings.insert(findings.begin(), std::move(finding));
    }
    return fhir_reply(200, fhir::operation_outcome(findings), asked);
}

HttpReply FhirService::reply_of(flow::FhirAnswer const& answer, FhirRequest const& asked,
                                std::string_view json, std::string const& url) const {
    if (answer.relayed) {
        auto response = flow::read_relayed(*answer.relayed);
        return relayed_reply(std::move(*response), asked, url);
    }
    if (answer.outcome.empty())
        return stored_reply(settings_.options.answers, answer, asked, json, url,
                            net::instant(answer.received_us));
    return fhir_reply(answer.status, answer.outcome, asked, answer.later ? "Retry-After: 5\r\n" : "");
}

net::Task<HttpReply> FhirService::answer(HttpRequestParser::value_type const& request,
                                         std::string_view peer) {
    auto& asked = asked_;
    auto const url = url_of(request);
    if (asked.deed == FhirDeed::options)
        co_return fhir_reply(
            200, "", asked,
            "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
            "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
            "Access-Control-Allow-Headers: Content-Type, Accept, Authorization, Prefer, If-Match, "
            "If-None-Match, If-None-Exist, X-Request-Id\r\nAccess-Control-Max-Age: 3600\r\n");
    if (asked.deed == FhirDeed::metadata) {
        auto const topics =
            context_.feeds ? topics_of(*context_.feeds, settings_.subscriptions) : std::vector<std::string>();
        co_return fhir_reply(200,
                             capability_statement(settings_.endpoint, url,
                                                  net::instant(std::time(nullptr) * 1'000'000LL), topics),
                             asked);
    }
    if (asked.deed == FhirDeed::subscription && context_.feeds) {
        auto reply = [this, &asked, &url] {
            return subscription_reply(*context_.feeds, settings_.subscriptions, asked, url);
        };
        co_return co_await net::run_blocking(context_.runtime, reply);
    }
    bool const has_body = request.method() == http::verb::post || request.method() == http::verb::put;
    std::string json;
    if (asked.deed == FhirDeed::query) {
        // A search that is posted is the same search: what its address and its body ask together.
        if (request.method() == http::verb::post) {
            auto& target = asked.interaction.url;
            auto const question = target.find('?');
            std::string query = request.body();
            if (question != std::string::npos)
                (query += query.empty() ? "" : "&") += target.substr(question + 1);
            target = target.substr(0, target.find("/_search")) + (query.empty() ? "" : "?") + query;
            asked.interaction.method = "GET";
        }
    } else if (has_body) {
        auto read = json_body(request.body(), asked, settings_.options.max_body.count);
        if (!read) co_return refused(read.error(), asked);
        json = std::move(*read);
        if (json.empty())
            co_return refused(error("no_resource", "", "there is no body: it should be a resource"), asked);
    }
    if (asked.deed == FhirDeed::validate) co_return validated(json, asked);
    flow::FhirArrival arrival;
    arrival.request = asked.interaction;
    arrival.body = json;
    arrival.success = success_status(settings_.options.answers, asked);
    auto const answer = co_await context_.intake.accept(arrival, peer);
    co_return reply_of(answer, asked, json, url);
}

class FhirListener final : public Listener {
  public:
    FhirListener(std::string name, Settings settings, ListenerContext context)
        : name_(std::move(name)),
          settings_(std::move(settings)),
          context_(context),
          loop_(std::make_shared<net::AcceptLoop>(
              context.runtime, context.log, context.metrics, name_, settings_.options.max_connections,
              [this](std::shared_ptr<net::Connection> connection) { return serve(std::move(connection)); })) {
    }

    Result<void> start() override {
        auto const endpoint = net::resolve_listen(settings_.options.listen);
        if (!endpoint) return endpoint.error();
        return loop_->start(*endpoint);
    }
    net::Task<void> stop() override { co_await loop_->stop(5s); }
    std::string where() const override {
        return "fhir " + net::text(loop_->endpoint()) + settings_.endpoint.base;
    }

  private:
    net::Task<void> serve(std::shared_ptr<net::Connection> connection) {
        auto const& o = settings_.options;
        HttpLimits const limits{o.max_body.count, o.idle, o.read_time};
        FhirService service(settings_, context_);
        co_await serve_http(*connection, limits, context_, name_, service);
    }

    std::string name_;
    Settings settings_;
    ListenerContext context_;
    std::shared_ptr<net::AcceptLoop> loop_;
};

std::unique_ptr<Listener> make(config::Component const& component, ListenerContext context) {
    config::Diagnostics ignored;  // check has seen it
    Settings settings{decode(component, ignored), {}, {}};
    for (auto const& name : settings.options.subscriptions) settings.subscriptions.push_back(name.name);
    settings.endpoint.subscriptions = !settings.subscriptions.empty();
    settings.endpoint.base = settings.options.base;
    for (auto const& name : settings.options.resources) settings.endpoint.resources.push_back(name.name);
    settings.endpoint.facade = flow::intake_options(component).ack.mode == flow::AckMode::delivered;
    return std::make_unique<FhirListener>(component.name, std::move(settings), context);
}

}  // namespace

ListenerKind fhir_listener() {
    return {
        "fhir", "FHIR R4 over HTTP: resources are created, updated and deleted, Bundles and messages taken",
        check,  config::SchemaWriter::of<Options>,
        make,   config::Content::fhir};
}

}  // namespace hilum::listeners
