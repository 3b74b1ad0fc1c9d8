// The HTTP listener: HL7 v2 over HTTP/1.1, one message a request, the acknowledgment as the response.
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "engine/listeners/http_exchange.h"
#include "engine/listeners/listener.h"
#include "engine/listeners/pacing.h"
#include "engine/listeners/text_options.h"
#include "engine/listeners/validation_options.h"
#include "engine/net/accept.h"

namespace hilum::listeners {

using namespace std::chrono_literals;
namespace http = boost::beast::http;

namespace {

constexpr auto longest_turn = 10s;  // of a message under a rate limit; one that would wait longer gets a 429
constexpr std::uint32_t header_limit = 8 * 1024;
constexpr std::size_t head_chunk = 4 * 1024;
constexpr std::size_t body_chunk = 64 * 1024;
constexpr std::size_t buffer_limit = 2 * body_chunk;

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

// One connection. Every wait in it ends by its deadline or by the connection's being closed.
class Session {
  public:
    Session(net::Connection& connection, Options const& options, ListenerContext const& context,
            std::string_view name)
        : connection_(connection),
          options_(options),
          context_(context),
          name_(name),
          buffer_(buffer_limit),
          deadline_(context.runtime.deadlines(connection.socket.get_executor()), [this] { expired(); }) {}

    // Reads and answers one request. False when the connection is to end.
    net::Task<bool> exchange();

  private:
    enum class Got : unsigned char { all, nothing, refused };  // refused: reply_ says why

    void expired();
    net::Task<bool> read_some(std::size_t chunk);
    net::Task<Got> read_head(HttpRequestParser& parser);
    net::Task<Got> read_body(HttpRequestParser& parser);
    Got stopped_reading();
    Got refuse(HttpReply reply);
    net::Task<bool> write(std::string text);
    net::Task<void> refuse_and_close(HttpRequestParser const& parser);

    net::Connection& connection_;
    Options const& options_;
    ListenerContext const& context_;
    std::string_view name_;
    boost::beast::flat_buffer buffer_;
    HttpReply reply_;
    bool cancel_only_ = false;  // the deadline interrupts the read and leaves the socket for an answer
    bool complained_ = false;   // one log line for refusals a connection
    net::Deadline deadline_;
};

void Session::expired() {
    if (!cancel_only_) return connection_.close();
    boost::system::error_code ignored;
    connection_.socket.cancel(ignored);
}

// One read at a time, and the deadline looked at after each: a cancel that finds no read waiting is not lost.
net::Task<bool> Session::read_some(std::size_t chunk) {
    if (buffer_.size() + chunk > buffer_.max_size()) co_return false;
    auto [ec, count] = co_await connection_.socket.async_read_some(buffer_.prepare(chunk), net::as_result);
    buffer_.commit(count);
    co_return !ec && !deadline_.passed();
}

Session::Got Session::refuse(HttpReply reply) {
    reply_ = std::move(reply);
    return Got::refused;
}

Session::Got Session::stopped_reading() {
    if (deadline_.passed()) {
        context_.metrics.timeouts.fetch_add(1, std::memory_order_relaxed);
        return refuse(http_refusal(408, "the request was not complete in time"));
    }
    // Only a chunk's header or a trailer can fill the buffer without being taken out of it.
    if (buffer_.size() + head_chunk > buffer_.max_size())
        return refuse(refuse_parse(http::error::bad_chunk_extension));
    return Got::nothing;
}

net::Task<Session::Got> Session::read_head(HttpRequestParser& parser) {
    while (true) {
        // An empty line before the request line is overlooked (RFC 9112 §2.2).
        while (!parser.got_some() && buffer_.size() >= 2 &&
               std::string_view(static_cast<char const*>(buffer_.data().data()), 2) == "\r\n") {
            buffer_.consume(2);
        }
        if (buffer_.size() > 0) {
            boost::system::error_code ec;
            auto const count = parser.put(buffer_.data(), ec);
            std::string_view const taken(static_cast<char const*>(buffer_.data().data()), count);
            bool const folded = has_folded_line(taken);
            buffer_.consume(count);
            if (ec && ec != http::error::need_more) {
                if (ec == http::error::body_limit)
                    context_.metrics.too_large.fetch_add(1, std::memory_order_relaxed);
                co_return refuse(refuse_parse(ec));
            }
            if (folded) co_return refuse(http_refusal(400, "a header line is folded"));
            if (parser.is_header_done()) co_return Got::all;
        }
        if (!co_await read_some(head_chunk)) co_return stopped_reading();
    }
}

net::Task<Session::Got> Session::read_body(HttpRequestParser& parser) {
    parser.eager(true);
    while (!parser.is_done()) {
        if (buffer_.size() > 0) {
            boost::system::error_code ec;
            buffer_.consume(parser.put(buffer_.data(), ec));
            if (ec && ec != http::error::need_more) {
                if (ec == http::error::body_limit)
                    context_.metrics.too_large.fetch_add(1, std::memory_order_relaxed);
                co_return refuse(refuse_parse(ec));
            }
            if (parser.is_done()) break;
        }
        if (!co_await read_some(body_chunk)) co_return stopped_reading();
    }
    co_return Got::all;
}

net::Task<bool> Session::write(std::string text) {
    cancel_only_ = false;
    deadline_.set(30s);  // a peer that does not read its answers
    auto [ec, count] =
        co_await net::asio::async_write(connection_.socket, net::asio::buffer(text), net::as_result);
    co_return !ec;
}

// The rest of the request is read for a moment and thrown away: closing over unread bytes would reset the
// connection and take the answer with it (RFC 9112 §9.6).
net::Task<void> Session::refuse_and_close(HttpRequestParser const& parser) {
    if (!complained_) {
        complained_ = true;
        context_.log.warn("http_request_refused",
                          {{"listener", name_}, {"peer", connection_.peer}, {"status", reply_.status}});
    }
    if (!co_await write(http_text(reply_, false, parser.get().method() != http::verb::head))) co_return;
    boost::system::error_code ec;
    connection_.socket.shutdown(net::tcp::socket::shutdown_send, ec);
    deadline_.set(1s);
    constexpr std::size_t thrown_away_at_most = 1 << 20;
    for (std::size_t seen = 0; !ec && seen < thrown_away_at_most;) {
        buffer_.clear();
        if (!co_await read_some(body_chunk)) co_return;
        seen += buffer_.size();
    }
}

net::Task<bool> Session::exchange() {
    cancel_only_ = true;
    if (buffer_.size() == 0) {
        if (buffer_.capacity() > 2 * head_chunk) buffer_.shrink_to_fit();
        deadline_.set(options_.idle);
        if (!co_await read_some(head_chunk)) co_return false;
    }
    HttpRequestParser parser;
    parser.header_limit(header_limit);
    parser.body_limit(options_.max_body.count);
    deadline_.set(options_.read_time);
    auto got = co_await read_head(parser);
    if (got == Got::all) {
        if (auto refusal = refuse_head(parser, options_.path)) got = refuse(std::move(*refusal));
    }
    if (got == Got::all && !parser.is_done()) {
        bool const asks =
            parser.get().find(http::field::expect) != parser.get().end() && parser.get().version() >= 11;
        if (asks && buffer_.size() == 0) {
            bool const told = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
            if (!told) co_return false;
        }
        cancel_only_ = true;
        deadline_.set(options_.read_time);
        got = co_await read_body(parser);
    }
    deadline_.clear();
    auto const began = std::chrono::steady_clock::now();
    if (got == Got::all) {
        if (auto refusal = refuse_body(parser.get().body())) got = refuse(std::move(*refusal));
    }
    if (got == Got::all && context_.intake.paced()) {
        auto const turn = co_await wait_turn(context_, connection_, longest_turn);
        if (turn == Turn::gone) co_return false;
        if (turn == Turn::later) {
            context_.metrics.over_rate.fetch_add(1, std::memory_order_relaxed);
            got = refuse(http_refusal(429, "this listener takes no more messages a second, send it again",
                                      "Retry-After: 10\r\n"));
        }
    }
    if (got == Got::nothing) co_return false;
    if (got == Got::refused) {
        co_await refuse_and_close(parser);
        co_return false;
    }
    connection_.busy = true;
    auto const& request = parser.get();
    auto const type = request[http::field::content_type];
    auto const charset = charset_of({type.data(), type.size()});
    auto const answer = co_await context_.intake.accept(request.body(), connection_.peer);
    bool const keep = parser.keep_alive() && !connection_.stopping;
    bool const written = co_await write(http_text(http_reply(answer, charset), keep, true));
    connection_.busy = false;
    auto const took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    context_.metrics.ack_seconds.observe(static_cast<std::uint64_t>(took.count()));
    co_return written&& keep && !connection_.stopping;
}

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
    Session session(*connection, options_, context_, name_);
    // The awaited value stands apart from the condition: g++ 12 miscompiles `while (a && co_await b)`.
    for (bool more = true; more && !connection->stopping;) more = co_await session.exchange();
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
