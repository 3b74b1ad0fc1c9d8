// The HTTP destination: one message a POST over one kept connection; the response, and the acknowledgment in
// it, is the outcome.
#include <array>
#include <boost/beast/core/string.hpp>
#include <ctime>

#include "engine/destinations/destination.h"
#include "engine/destinations/http_answer.h"
#include "engine/destinations/http_client.h"
#include "engine/net/url.h"
#include "parsers/fhir/interaction.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/message_form.h"

namespace hilum::destinations {

using namespace std::chrono_literals;
namespace {

struct Options {
    config::Text url;
    std::string content_type;
    config::Duration connect_within = 10s;
    config::Duration answer_within = 30s;
    config::Bytes max_answer{1u << 20};
    config::Node headers;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("url", o.url, "where messages are posted to, such as http://lab.example:8080/hl7");
    v.optional("content_type", o.content_type,
               "the Content-Type that messages are sent with; without it that of their form: "
               "x-application/hl7-v2+er7, x-application/hl7-v2+xml or application/json");
    v.optional("connect_within", o.connect_within, "time limit for a connection");
    v.optional("answer_within", o.answer_within,
               "time limit for the answer; then the connection is dropped before the message is sent again");
    v.optional("max_answer", o.max_answer, "a longer answer is refused");
    v.optional("headers", o.headers, "further header lines, name: value");
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "destination \"" + component.name + "\" (http)",
                                           diagnostics);
}

bool is_token(std::string_view text) {
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_header_value(std::string_view text) {
    for (char const c : text) {
        auto const u = static_cast<unsigned char>(c);
        if ((u < 0x20 && c != '\t') || u == 0x7f) return false;
    }
    return true;
}

void check_headers(config::Node const& headers, config::Diagnostics& diagnostics) {
    constexpr std::array<std::string_view, 6> ours{"host",       "content-length", "content-type",
                                                   "connection", "expect",         "transfer-encoding"};
    if (headers.kind == config::Node::Kind::null) return;
    if (headers.kind != config::Node::Kind::mapping) {
        diagnostics.error(headers.where,
                          "headers should be a mapping, not " + std::string(headers.kind_name()),
                          "write headers: { X-Source: hilum }");
        return;
    }
    for (auto const& entry : headers.entries) {
        if (!is_token(entry.key)) {
            diagnostics.error(entry.where, config::in_quotes(entry.key) + " is not the name of a header",
                              "use letters, digits and -");
        }
        for (auto const reserved : ours) {
            if (!boost::beast::iequals({entry.key.data(), entry.key.size()},
                                       {reserved.data(), reserved.size()}))
                continue;
            diagnostics.error(entry.where,
                              "the header " + config::in_quotes(entry.key) + " is written by Hilum itself",
                              reserved == "content-type" ? "use the key content_type" : "leave it out");
        }
        if (!entry.value.is_scalar() || !is_header_value(entry.value.scalar)) {
            diagnostics.error(
                entry.value.where,
                "the value of header " + config::in_quotes(entry.key) + " is not one line of text",
                "write one line without control characters");
        }
    }
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    if (!o.url.empty()) {
        if (auto const url = net::parse_http_url(o.url.value); !url)
            diagnostics.error(o.url.where, url.error().what, url.error().next);
    }
    auto const* const type = component.options.find("content_type");
    if (type && (o.content_type.empty() || !is_header_value(o.content_type))) {
        diagnostics.error(at, "content_type is not one line of text",
                          "leave it out for x-application/hl7-v2+er7");
    }
    if (o.connect_within.count() <= 0 || o.answer_within.count() <= 0) {
        diagnostics.error(at, "a time limit of nothing would fail every message",
                          "leave it out for the default");
    }
    if (o.max_answer.count == 0 || o.max_answer.count > (256u << 20)) {
        diagnostics.error(at, "max_answer must be from 1 byte to 256MiB", "the default is 1MiB");
    }
    check_headers(o.headers, diagnostics);
}

// HL7 over HTTP has names for the first two.
std::string_view type_of(hl7::Form form) {
    switch (form) {
        case hl7::Form::xml:
            return "x-application/hl7-v2+xml";
        case hl7::Form::json:
            return "application/json";
        case hl7::Form::er7:
            break;
    }
    return "x-application/hl7-v2+er7";
}

class HttpDestination final : public Destination {
  public:
    HttpDestination(Options options, net::HttpUrl url, DestinationContext context)
        : options_(std::move(options)),
          context_(std::move(context)),
          client_(context_.runtime, std::move(url),
                  {options_.connect_within, options_.answer_within,
                   static_cast<std::size_t>(options_.max_answer.count)}) {
        for (auto const& entry : options_.headers.entries)
            headers_ += entry.key + ": " + entry.value.scalar + "\r\n";
    }

    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override { client_.close(); }
    std::string where() const override { return "http " + client_.url().shown; }

  private:
    net::Task<Attempt> exchange(Outgoing const& outgoing);
    Options options_;
    DestinationContext context_;
    HttpClient client_;
    std::string headers_;  // the site's own
};

net::Task<Attempt> HttpDestination::deliver(Outgoing const& outgoing) {
    client_.begin();
    if (auto failed = co_await client_.connect()) co_return std::move(*failed);
    bool const may_go = co_await departs(outgoing);
    if (!may_go) co_return not_departed();
    co_return co_await exchange(outgoing);
}

net::Task<Attempt> HttpDestination::exchange(Outgoing const& outgoing) {
    std::string control_id, resource;
    auto body = outgoing.body;
    std::string_view type = type_of(hl7::form_of(body));
    if (auto const message = hl7::read_body(body)) {
        control_id = message->text("MSH-10");
    } else if (auto const interaction = fhir::Interaction::read(body)) {
        body = resource = interaction->resource.json();
        type = "application/fhir+json";
    } else if (body.starts_with('<')) {
        type = "application/fhir+xml";
    }
    if (!options_.content_type.empty()) type = options_.content_type;
    std::string const headers = "Content-Type: " + std::string(type) + "\r\n" + headers_;
    HttpRequestText const request{"POST", client_.url().target, headers, body};
    auto result = co_await client_.exchange(request);
    if (auto* const failed = std::get_if<Attempt>(&result)) co_return std::move(*failed);
    auto& response = std::get<HttpResponseText>(result);
    HttpAnswer const answer{response.status, response.content_type, response.retry_after, response.body};
    auto outcome = read_http_answer(answer, control_id, std::time(nullptr));
    if (outgoing.wants_response) outcome.attempt.response = response.body;
    if (outcome.orphan) {
        context_.metrics.orphans.fetch_add(1, std::memory_order_relaxed);
        context_.log.warn("orphan_answer", {{"destination", context_.name},
                                            {"message", outgoing.message},
                                            {"why", "MSA-2 names another message"}});
    }
    if (response.early && outcome.attempt.result == AttemptClass::delivered) {
        co_return Attempt{
            AttemptClass::bad_answer, "early_answer", "accepted before the whole message was sent", {}, {}};
    }
    // A peer that answers wrongly may have another answer under way.
    if (outcome.attempt.result == AttemptClass::bad_answer) client_.drop();
    co_return std::move(outcome.attempt);
}

std::unique_ptr<Destination> make(config::Component const& component, DestinationContext context) {
    config::Diagnostics ignored;  // check has seen it
    auto options = decode(component, ignored);
    auto url = net::parse_http_url(options.url.value);
    return std::make_unique<HttpDestination>(std::move(options), std::move(*url), std::move(context));
}

}  // namespace

DestinationKind http_destination() {
    return {"http", "HL7 v2 over HTTP: a message is posted, the response is its acknowledgment", check,
            config::SchemaWriter::of<Options>, make};
}

}  // namespace hilum::destinations
