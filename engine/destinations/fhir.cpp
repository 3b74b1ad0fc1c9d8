// The FHIR destination: resources are written to a server over one kept connection, so that the same message
// twice changes nothing twice.
#include <ctime>

#include "engine/destinations/destination.h"
#include "engine/destinations/fhir_auth.h"
#include "engine/destinations/fhir_request.h"
#include "engine/flow/fhir_intake.h"
#include "engine/net/url.h"
#include "parsers/gzip.h"

namespace hilum::destinations {

using namespace std::chrono_literals;

namespace {

enum class Form : unsigned char { json, xml };

// The identifier that is no search parameter but the resource's place.
constexpr std::string_view own_id = "id";

struct Options {
    config::Text base;
    WriteAs as = WriteAs::update;
    config::Text identifier;
    Form form = Form::json;
    bool gzip = false;
    AuthOptions auth;
    config::Duration connect_within = 10s;
    config::Duration answer_within = 30s;
    config::Bytes max_answer{16u << 20};
};

template <class V>
void describe(V& v, Options& o) {
    v.required("base", o.base, "the address of the server's FHIR endpoint, such as http://ehr.example/fhir");
    v.choice(
        "as", o.as,
        {{"update", WriteAs::update}, {"conditional", WriteAs::conditional}, {"create", WriteAs::create}},
        "how a resource is written that only asks to be there: update (PUT, its id made of its business "
        "identifier), conditional (POST with If-None-Exist) or create (POST: a message sent again is there "
        "twice)");
    v.optional(
        "identifier", o.identifier,
        "an expression for what a resource is known by, such as identifier.where(system = 'urn:mrn').value; "
        "without it the first identifier that has a system; id puts it under the id that its sender gave it");
    v.choice("form", o.form, {{"json", Form::json}, {"xml", Form::xml}}, "in which resources are sent");
    v.optional("gzip", o.gzip, "whether bodies are compressed");
    v.optional("auth", o.auth, "how the server is told who asks");
    v.optional("connect_within", o.connect_within, "time limit for a connection");
    v.optional("answer_within", o.answer_within,
               "time limit for the answer; then the connection is dropped before the message is sent again");
    v.optional("max_answer", o.max_answer, "a longer answer is refused");
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "destination \"" + component.name + "\" (fhir)",
                                           diagnostics);
}

expression::Expression identifier_of(Options const& o, config::Diagnostics& diagnostics) {
    if (o.identifier.empty()) return {};
    expression::Options language;
    language.fhir = true;
    return expression::Expression::compile(o.identifier, 0, diagnostics, language);
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    if (!o.base.empty()) {
        auto const url = net::parse_http_url(o.base.value);
        if (!url) diagnostics.error(o.base.where, url.error().what, url.error().next);
        if (url && url->target.find('?') != std::string::npos)
            diagnostics.error(o.base.where, "base has a query",
                              "name the endpoint alone, such as http://ehr.example/fhir");
    }
    (void)identifier_of(o, diagnostics);
    if (!o.identifier.empty() && o.as == WriteAs::create)
        diagnostics.error(o.identifier.where, "identifier has no effect on what is created",
                          "write as: update, or remove it");
    if (o.identifier.value == own_id && o.as == WriteAs::conditional)
        diagnostics.error(o.identifier.where, "a server gives what it creates an id of its own",
                          "write as: update, or another identifier");
    if (o.connect_within.count() <= 0 || o.answer_within.count() <= 0)
        diagnostics.error(at, "a time limit of nothing would fail every message",
                          "leave it out for the default");
    if (o.max_answer.count == 0 || o.max_answer.count > (64u << 20))
        diagnostics.error(at, "max_answer must be from 1 byte to 64MiB", "the default is 16MiB");
    check_auth(component.options.find("auth"), o.auth, diagnostics);
}

class FhirDestination final : public Destination {
  public:
    FhirDestination(Options options, net::HttpUrl url, config::Node const* auth, DestinationContext context)
        : options_(std::move(options)),
          context_(std::move(context)),
          client_(context_.runtime, std::move(url),
                  {options_.connect_within, options_.answer_within,
                   static_cast<std::size_t>(options_.max_answer.count)}),
          authorization_(auth, options_.auth, context_.runtime) {
        config::Diagnostics ignored;  // check has seen it
        writing_.as = options_.as;
        writing_.identifier = identifier_of(options_, ignored);
        writing_.own_ids = options_.identifier.value == own_id;
        base_ = client_.url().target;
        while (base_.ends_with('/')) base_.pop_back();
    }

    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override {
        client_.close();
        authorization_.close();
    }
    std::string where() const override { return "fhir " + client_.url().shown; }

  private:
    net::Task<Attempt> send(Outgoing const& outgoing, FhirCall const& call, std::string const& body,
                            std::string const& authorization);
    Result<std::string> body_of(FhirCall const& call) const;

    Options options_;
    DestinationContext context_;
    HttpClient client_;
    Authorization authorization_;
    FhirWriting writing_;
    std::string base_;  // the path of the endpoint
};

Result<std::string> FhirDestination::body_of(FhirCall const& call) const {
    auto body = call.json;
    if (options_.form == Form::xml && !body.empty()) {
        auto const resource = fhir::Resource::read_json(body);
        if (!resource) return resource.error();
        auto xml = resource->xml();
        if (!xml) return xml;
        body = std::move(*xml);
    }
    if (options_.gzip && !body.empty()) body = gzip(body);
    return {boost::system::in_place_value, std::move(body)};
}

net::Task<Attempt> FhirDestination::deliver(Outgoing const& outgoing) {
    client_.begin();
    auto const call = fhir_call(outgoing.body, writing_, outgoing.message, outgoing.received_us);
    auto const body = call ? body_of(*call) : Result<std::string>(call.error());
    if (!body) co_return Attempt{AttemptClass::local, body.error().code, body.error().what, {}, {}};
    auto token = co_await authorization_.header();
    if (auto* const failed = std::get_if<Attempt>(&token)) co_return std::move(*failed);
    if (auto failed = co_await client_.connect()) co_return std::move(*failed);
    bool const may_go = co_await departs(outgoing);
    if (!may_go) co_return not_departed();
    auto attempt = co_await send(outgoing, *call, *body, std::get<std::string>(token));
    if (attempt.result != AttemptClass::login) authorization_.worked();
    // A token may end before its time: a new one, once.
    if (attempt.result != AttemptClass::login || !authorization_.renew()) co_return attempt;
    auto second = co_await authorization_.header();
    if (auto* const failed = std::get_if<Attempt>(&second)) co_return std::move(*failed);
    if (auto failed = co_await client_.connect()) co_return std::move(*failed);
    auto again = co_await send(outgoing, *call, *body, std::get<std::string>(second));
    if (again.result == AttemptClass::login)
        (void)authorization_.renew();
    else
        authorization_.worked();
    co_return again;
}

net::Task<Attempt> FhirDestination::send(Outgoing const& outgoing, FhirCall const& call,
                                         std::string const& body, std::string const& authorization) {
    std::string headers = "Accept: application/fhir+json\r\n" + authorization + call.headers;
    if (!body.empty()) {
        headers += options_.form == Form::xml ? "Content-Type: application/fhir+xml; charset=utf-8\r\n"
                                              : "Content-Type: application/fhir+json; charset=utf-8\r\n";
        if (options_.gzip) headers += "Content-Encoding: gzip\r\n";
    }
    auto target = base_ + call.target;
    if (target.empty()) target = "/";
    HttpRequestText const request{call.method, target, headers, body};
    auto result = co_await client_.exchange(request);
    if (auto* const failed = std::get_if<Attempt>(&result)) co_return std::move(*failed);
    auto& response = std::get<HttpResponseText>(result);
    auto attempt = read_fhir_answer(response, call, std::time(nullptr));
    if (response.early && attempt.result == AttemptClass::delivered)
        co_return Attempt{
            AttemptClass::bad_answer, "early_answer", "accepted before the whole message was sent", {}, {}};
    if (attempt.result == AttemptClass::bad_answer) client_.drop();
    // 401 and 403 are about Hilum's own rights there: nothing the sender could do about.
    if (outgoing.wants_response && response.status != 401 && response.status != 403) {
        // Whoever waits for this answer has it: nobody else is to mend the message and send it again.
        bool const refused = attempt.result == AttemptClass::ae || attempt.result == AttemptClass::ar;
        if (refused) attempt.result = AttemptClass::relayed;
        flow::FhirResponse const relayed{response.status,    response.content_type,  response.location,
                                         response.etag,      response.last_modified, response.body,
                                         options_.base.value};
        attempt.response = flow::relayed_text(relayed);
    }
    co_return attempt;
}

std::unique_ptr<Destination> make(config::Component const& component, DestinationContext context) {
    config::Diagnostics ignored;  // check has seen it
    auto options = decode(component, ignored);
    auto url = net::parse_http_url(options.base.value);
    return std::make_unique<FhirDestination>(std::move(options), std::move(*url),
                                             component.options.find("auth"), std::move(context));
}

}  // namespace

DestinationKind fhir_destination() {
    return {
        "fhir",
        "a FHIR R4 server: resources and Bundles are written so that the same twice changes nothing twice",
        check,
        config::SchemaWriter::of<Options>,
        make,
        config::Content::fhir};
}

}  // namespace hilum::destinations
