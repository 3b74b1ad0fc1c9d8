#include "engine/destinations/http_client.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace hilum::destinations {

namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t header_limit = 16 * 1024;
using ResponseParser = http::response_parser<http::string_body>;

Attempt no_answer(boost::system::error_code const& ec) {
    if (ec == http::error::body_limit) {
        return {AttemptClass::bad_answer, "answer_too_large", "the answer is longer than max_answer", {}, {}};
    }
    bool const ended = ec == http::error::end_of_stream || ec == http::error::partial_message;
    bool const of_http = ec.category() == http::make_error_code(http::error::bad_version).category();
    if (of_http && !ended)
        return {AttemptClass::bad_answer, "bad_http", "the answer is not HTTP: " + ec.message(), {}, {}};
    return {AttemptClass::cut, "cut", "the connection ended before the answer", {}, {}};
}

}  // namespace

struct HttpClient::Impl {
    net::Runtime& runtime;
    net::HttpUrl url;
    HttpClientLimits limits;
    std::optional<net::Socket> socket{};
    boost::beast::flat_buffer buffer{};
    bool given_up = false;

    // Closes without destroying: a coroutine may be waiting on it.
    void drop() noexcept {
        if (!socket) return;
        boost::system::error_code ignored;
        socket->close(ignored);
    }
    // An end, or a word such as 408, means that the receiver is leaving the connection.
    bool still_open() {
        if (!socket || !socket->is_open()) return false;
        char byte = 0;
        auto const got = ::recv(socket->native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
    net::Task<std::variant<HttpResponseText, Attempt>> exchange(HttpRequestText const& request);
    net::Task<std::optional<Attempt>> read(std::optional<ResponseParser>& parser, bool no_body);
};

HttpClient::HttpClient(net::Runtime& runtime, net::HttpUrl url, HttpClientLimits limits)
    : impl_(new Impl{runtime, std::move(url), limits}) {}
HttpClient::~HttpClient() = default;

net::HttpUrl const& HttpClient::url() const {
    return impl_->url;
}
void HttpClient::drop() noexcept {
    impl_->drop();
}
void HttpClient::close() noexcept {
    impl_->given_up = true;
    impl_->drop();
}
void HttpClient::begin() {
    impl_->given_up = false;
}

net::Task<std::optional<Attempt>> HttpClient::connect() {
    if (impl_->still_open()) co_return std::nullopt;
    impl_->drop();
    impl_->socket.reset();
    impl_->buffer.clear();
    auto connected = co_await net::connect(impl_->url.endpoint, impl_->limits.connect_within);
    if (!connected)
        co_return Attempt{AttemptClass::connect, connected.error().code, connected.error().what, {}, {}};
    if (impl_->given_up) co_return Attempt{AttemptClass::connect, "stopped", "Hilum is stopping", {}, {}};
    impl_->socket.emplace(std::move(*connected));
    co_return std::nullopt;
}

net::Task<std::variant<HttpResponseText, Attempt>> HttpClient::exchange(HttpRequestText const& request) {
    bool timed_out = false;
    net::Deadline deadline(impl_->runtime.deadlines(impl_->socket->get_executor()), [this, &timed_out] {
        timed_out = true;
        impl_->drop();
    });
    deadline.set(impl_->limits.answer_within);
    auto outcome = co_await impl_->exchange(request);
    // Only when the answer itself was not there: one that came with the last sweep still counts.
    auto const* const failed = std::get_if<Attempt>(&outcome);
    if (timed_out && failed && failed->result == AttemptClass::cut)
        outcome = Attempt{AttemptClass::timeout, "timeout", "no answer within the time limit", {}, {}};
    co_return outcome;
}

net::Task<std::variant<HttpResponseText, Attempt>> HttpClient::Impl::exchange(
    HttpRequestText const& request) {
    std::string head(request.method);
    ((head += ' ') += request.target) +=
        " HTTP/1.1\r\nHost: " + url.authority + "\r\nUser-Agent: hilum/" HILUM_VERSION "\r\n";
    head += request.headers;
    bool const has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
    if (has_body) head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    head += "\r\n";
    std::array<net::asio::const_buffer, 2> const bytes{
        net::asio::buffer(head), net::asio::buffer(request.body.data(), request.body.size())};
    // An error here is not yet the end: a receiver may refuse (413, 503) and close before it has read
    // everything.
    auto [write_error, written] = co_await net::asio::async_write(*socket, bytes, net::as_result);

    std::optional<ResponseParser> parser;
    auto failed = co_await read(parser, request.method == "HEAD");
    if (failed || write_error || !parser->keep_alive() || buffer.size() > 0) {
        drop();
        buffer.clear();
    }
    if (failed) co_return std::move(*failed);
    auto& response = parser->get();
    auto const header = [&](http::field name) {
        auto const text = response[name];
        return std::string(text.data(), text.size());
    };
    HttpResponseText out;
    out.status = response.result_int();
    out.content_type = header(http::field::content_type);
    out.content_encoding = header(http::field::content_encoding);
    out.retry_after = header(http::field::retry_after);
    out.location = header(http::field::location);
    out.etag = header(http::field::etag);
    out.last_modified = header(http::field::last_modified);
    out.body = std::move(response.body());
    out.early = static_cast<bool>(write_error);
    co_return out;
}

// The final response; an attempt when there is none to be had.
net::Task<std::optional<Attempt>> HttpClient::Impl::read(std::optional<ResponseParser>& parser,
                                                         bool no_body) {
    constexpr int interim_at_most = 10;  // 100 Continue, 103 Early Hints
    for (int n = 0; n <= interim_at_most; ++n) {
        parser.emplace();
        parser->header_limit(header_limit);
        parser->body_limit(limits.max_answer);
        parser->skip(no_body);
        auto [head_error, head_size] =
            co_await http::async_read_header(*socket, buffer, *parser, net::as_result);
        if (head_error) co_return no_answer(head_error);
        auto const status = parser->get().result_int();
        if (status == 101) break;
        if (status < 200) continue;
        auto [body_error, body_size] = co_await http::async_read(*socket, buffer, *parser, net::as_result);
        if (body_error) co_return no_answer(body_error);
        co_return std::nullopt;
    }
    co_return Attempt{AttemptClass::bad_answer, "bad_http", "no final response", {}, {}};
}

}  // namespace hilum::destinations
