// The HTTP listener: HL7 v2 over HTTP/1.1, one message a request, the acknowledgment as the response.

#include "engine/listeners/http_exchange.h"
#include "engine/listeners/http_session.h"
#include "engine/listeners/listener.h"
#include "engine/listeners/text_options.h"
#include "engine/listeners/validation_options.h"
#include "engine/net/accept.h"

namespace hilum::listeners {

using namespace std::chrono_literals;
namespace http = boost::beast::http;

namespace {

struct Options {
    config::Endpoint listen;
    std::string path = "/";
    config::Bytes max_body{16u << 20};
    config::Duration idle = 60s;
    config::Duration read_time = 30s;
    std::uint32_t max_connections = 1000;
    TextOptions text;
    ValidationOptions validation;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("listen", o.listen, "address and port, such as 0.0.0.0:8087");
    v.optional("path", o.path, "the path that messages are posted to; every other one is answered with 404");
    v.optional("max_body", o.max_body, "a longer message is refused with 413 without being kept");
    v.optional("idle", o.idle, "close a connection on which no request has begun for this long");
    v.optional("read_time", o.read_time,
               "a header that has begun, and then its body, must each be complete within this time");
    v.optional("max_connections", o.max_connections, "further connections are closed at once and counted");
    describe(v, o.text);
    describe(v, o.validation);
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "listener \"" + component.name + "\" (http)",
                                           diagnostics);
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    if (!o.path.starts_with('/') || o.path.find_first_of("?# \t\r\n") != std::string::npos) {
        diagnostics.error(at, "path " + config::in_quotes(o.path) + " is not the path of a URL",
                          "begin it with /, such as /hl7");
    }
    if (o.max_body.count < 1024 || o.max_body.count > (256u << 20)) {
        diagnostics.error(at, "max_body must be from 1KiB to 256MiB", "the default is 16MiB");
    }
    if (o.idle.count() <= 0 || o.read_time.count() <= 0) {
        diagnostics.error(at, "a time limit of nothing would close every connection",
                          "leave it out for the default");
    }
    check(o.text, component, diagnostics);
    check(o.validation, component, diagnostics);
    if (o.max_connections == 0)
        diagnostics.error(at, "max_connections is 0: nobody could connect", "leave it out for 1000");
}

class Hl7Service final : public HttpService {
  public:
    Hl7Service(std::string_view path, flow::Intake& intake) : path_(path), intake_(intake) {}

    std::optional<HttpReply> refuse_head(HttpRequestParser const& parser) override {
        return listeners::refuse_head(parser, path_);
    }
    std::optional<HttpReply> refuse_body(std::string_view body) override {
        return listeners::refuse_body(body);
    }
    net::Task<HttpReply> answer(HttpRequestParser::value_type const& request,
                                std::string_view peer) override {
        auto const type = request[http::field::content_type];
        auto const charset = charset_of({type.data(), type.size()});
        auto const answer = co_await intake_.accept(std::string_view(request.body()), peer);
        co_return http_reply(answer, charset);
    }

  private:
    std::string_view path_;
    flow::Intake& intake_;
};

class HttpListener final : public Listener {
  public:
    HttpListener(std::string name, Options options, ListenerContext context)
        : name_(std::move(name)),
          options_(std::move(options)),
          context_(context),
          loop_(std::make_shared<net::AcceptLoop>(
              context.runtime, context.log, context.metrics, name_, options_.max_connections,
              [this](std::shared_ptr<net::Connection> connection) { return serve(std::move(connection)); })) {
    }

    Result<void> start() override {
        auto const endpoint = net::resolve_listen(options_.listen);
        if (!endpoint) return endpoint.error();
        return loop_->start(*endpoint);
    }
    net::Task<void> stop() override { co_await loop_->stop(5s); }
    std::string where() const override { return "http " + net::text(loop_->endpoint()) + options_.path; }

  private:
    net::Task<void> serve(std::shared_ptr<net::Connection> connection);

    std::string name_;
    Options options_;
    ListenerContext context_;
    std::shared_ptr<net::AcceptLoop> loop_;
};

net::Task<void> HttpListener::serve(std::shared_ptr<net::Connection> connection) {
    HttpLimits const limits{options_.max_body.count, options_.idle, options_.read_time};
    Hl7Service service(options_.path, context_.intake);
    co_await serve_http(*connection, limits, context_, name_, service);
}

std::unique_ptr<Listener> make(config::Component const& component, ListenerContext context) {
    config::Diagnostics ignored;  // check has seen it
    return std::make_unique<HttpListener>(component.name, decode(component, ignored), context);
}

}  // namespace

ListenerKind http_listener() {
    return {"http", "HL7 v2 over HTTP: a message is posted, the response is its acknowledgment", check,
            config::SchemaWriter::of<Options>, make};
}

}  // namespace hilum::listeners
