// The HTTP destination: one message a POST over one kept connection; the response, and the acknowledgment in
// it, is the outcome.
#include <sys/socket.h>

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "engine/destinations/destination.h"
#include "engine/destinations/http_answer.h"
#include "engine/net/url.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/message_form.h"

namespace hilum::destinations {

using namespace std::chrono_literals;
namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t header_limit = 16 * 1024;

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

using ResponseParser = http::response_parser<http::string_body>;

class HttpDestination final : public Destination {
  public:
    HttpDestination(Options options, net::HttpUrl url, DestinationContext context)
        : options_(std::move(options)), url_(std::move(url)), context_(std::move(context)) {
        head_ = "POST " + url_.target + " HTTP/1.1\r\nHost: " + url_.authority +
                "\r\nUser-Agent: hilum/" HILUM_VERSION "\r\n";
        for (auto const& entry : options_.headers.entries)
            headers_ += entry.key + ": " + entry.value.scalar + "\r\n";
    }

    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override {
        given_up_ = true;
        drop();
    }
    std::string where() const override { return "http " + url_.shown; }

  private:
    void drop() noexcept;
    bool still_open();
    net::Task<std::optional<Attempt>> connect();
    net::Task<Attempt> exchange(Outgoing const& outgoing);
    // Reads the final response; an Attempt when there is none to be had.
    net::Task<std::optional<Attempt>> read(std::optional<ResponseParser>& parser);
    Attempt no_answer(boost::system::error_code const& ec) const;
    std::string content_type(std::string_view body) const {
        return options_.content_type.empty() ? std::string(type_of(hl7::form_of(body)))
                                             : options_.content_type;
    }

    Options options_;
    net::HttpUrl url_;
    DestinationContext context_;
    std::string head_;     // before the Content-Type
    std::string headers_;  // the site's own
    std::optional<net::Socket> socket_;
    boost::beast::flat_buffer buffer_;
    bool given_up_ = false;
};

// Closes without destroying: a coroutine may be waiting on it.
void HttpDestination::drop() noexcept {
    if (!socket_) return;
    boost::system::error_code ignored;
    socket_->close(ignored);
}

// A kept connection is used only when nothing has come on it: an end, or a word such as 408, means that the
// receiver is leaving it.
bool HttpDestination::still_open() {
    if (!socket_ || !socket_->is_open()) return false;
    char byte = 0;
    auto const got = ::recv(socket_->native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

net::Task<std::optional<Attempt>> HttpDestination::connect() {
    if (still_open()) co_return std::nullopt;
    drop();
    socket_.reset();
    buffer_.clear();
    auto connected = co_await net::connect(url_.endpoint, options_.connect_within);
    if (!connected)
        co_return Attempt{AttemptClass::connect, connected.error().code, connected.error().what, {}, {}};
    if (given_up_) co_return Attempt{AttemptClass::connect, "stopped", "Hilum is stopping", {}, {}};
    socket_.emplace(std::move(*connected));
    co_return std::nullopt;
}

net::Task<Attempt> HttpDestination::deliver(Outgoing const& outgoing) {
    given_up_ = false;
    if (auto failed = co_await connect()) co_return std::move(*failed);
    bool const may_go = co_await departs(outgoing);
    if (!may_go) co_return not_departed();
    bool timed_out = false;
    net::Deadline deadline(context_.runtime.deadlines(socket_->get_executor()), [this, &timed_out] {
        timed_out = true;
        drop();
    });
    deadline.set(options_.answer_within);
    auto attempt = co_await exchange(outgoing);
    // Only when the answer itself was not there: one that came with the last sweep still counts.
    if (timed_out && attempt.result == AttemptClass::cut) {
        attempt = Attempt{AttemptClass::timeout, "timeout", "no answer within the time limit", {}, {}};
    }
    co_return attempt;
}

net::Task<Attempt> HttpDestination::exchange(Outgoing const& outgoing) {
    std::string control_id;
    if (auto const message = hl7::read_body(outgoing.body)) control_id = message->text("MSH-10");
    std::string const head = head_ + "Content-Type: " + content_type(outgoing.body) + "\r\n" + headers_ +
                             "Content-Length: " + std::to_string(outgoing.body.size()) + "\r\n\r\n";
    std::array<net::asio::const_buffer, 2> const request{net::asio::buffer(head),
                                                         net::asio::buffer(outgoing.body)};
    // An error here is not yet the end: a receiver may refuse (413, 503) and close before it has read
    // everything.
    auto [write_error, written] = co_await net::asio::async_write(*socket_, request, net::as_result);

    std::optional<ResponseParser> parser;
    auto failed = co_await read(parser);
    if (failed || write_error || !parser->keep_alive() || buffer_.size() > 0) {
        drop();
        buffer_.clear();
    }
    if (failed) co_return std::move(*failed);
    auto const& response = parser->get();
    auto const type = response[http::field::content_type];
    auto const pause = response[http::field::retry_after];
    HttpAnswer const answer{
        response.result_int(), {type.data(), type.size()}, {pause.data(), pause.size()}, response.body()};
    auto outcome = read_http_answer(answer, control_id, std::time(nullptr));
    if (outgoing.wants_response) outcome.attempt.response = response.body();
    if (outcome.orphan) {
        context_.metrics.orphans.fetch_add(1, std::memory_order_relaxed);
        context_.log.warn("orphan_answer", {{"destination", context_.name},
                                            {"message", outgoing.message},
                                            {"why", "MSA-2 names another message"}});
    }
    if (write_error && outcome.attempt.result == AttemptClass::delivered) {
        co_return Attempt{
            AttemptClass::bad_answer, "early_answer", "accepted before the whole message was sent", {}, {}};
    }
    // A peer that answers wrongly may have another answer under way.
    if (outcome.attempt.result == AttemptClass::bad_answer) drop();
    co_return std::move(outcome.attempt);
}

net::Task<std::optional<Attempt>> HttpDestination::read(std::optional<ResponseParser>& parser) {
    constexpr int interim_at_most = 10;  // 100 Continue, 103 Early Hints
    for (int n = 0; n <= interim_at_most; ++n) {
        parser.emplace();
        parser->header_limit(header_limit);
        parser->body_limit(options_.max_answer.count);
        auto [head_error, head_size] =
            co_await http::async_read_header(*socket_, buffer_, *parser, net::as_result);
        if (head_error) co_return no_answer(head_error);
        auto const status = parser->get().result_int();
        if (status == 101) break;
        if (status < 200) continue;
        auto [body_error, body_size] = co_await http::async_read(*socket_, buffer_, *parser, net::as_result);
        if (body_error) co_return no_answer(body_error);
        co_return std::nullopt;
    }
    co_return Attempt{AttemptClass::bad_answer, "bad_http", "no final response", {}, {}};
}

Attempt HttpDestination::no_answer(boost::system::error_code const& ec) const {
    if (ec == http::error::body_limit) {
        return {AttemptClass::bad_answer, "answer_too_large", "the answer is longer than max_answer", {}, {}};
    }
    bool const ended = ec == http::error::end_of_stream || ec == http::error::partial_message;
    bool const of_http = ec.category() == http::make_error_code(http::error::bad_version).category();
    if (of_http && !ended)
        return {AttemptClass::bad_answer, "bad_http", "the answer is not HTTP: " + ec.message(), {}, {}};
    return {AttemptClass::cut, "cut", "the connection ended before the answer", {}, {}};
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
