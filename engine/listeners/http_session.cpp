#include "engine/listeners/http_session.h"

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "engine/listeners/pacing.h"

namespace hilum::listeners {

using namespace std::chrono_literals;
namespace http = boost::beast::http;

namespace {

constexpr auto longest_turn = 10s;  // of a message under a rate limit; one that would wait longer gets a 429
constexpr std::uint32_t header_limit = 8 * 1024;
constexpr std::size_t head_chunk = 4 * 1024;
constexpr std::size_t body_chunk = 64 * 1024;
constexpr std::size_t buffer_limit = 2 * body_chunk;

// One connection. Every wait in it ends by its deadline or by the connection's being closed.
class Session {
  public:
    Session(net::Connection& connection, HttpLimits const& limits, ListenerContext const& context,
            std::string_view name, HttpService& service)
        : connection_(connection),
          limits_(limits),
          context_(context),
          name_(name),
          service_(service),
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
    Got stopped_reading(std::size_t chunk);  // that could not be read
    Got refuse(HttpReply reply);
    net::Task<bool> write(std::string text);
    net::Task<void> refuse_and_close(HttpRequestParser const& parser);

    net::Connection& connection_;
    HttpLimits const& limits_;
    ListenerContext const& context_;
    std::string_view name_;
    HttpService& service_;
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
    reply_ = service_.dressed(std::move(reply));
    return Got::refused;
}

Session::Got Session::stopped_reading(std::size_t chunk) {
    if (deadline_.passed()) {
        context_.metrics.timeouts.fetch_add(1, std::memory_order_relaxed);
        return refuse(http_refusal(408, "the request was not complete in time"));
    }
    // Only a chunk's header or a trailer can fill the buffer without being taken out of it.
    if (buffer_.size() + chunk > buffer_.max_size())
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
        if (!co_await read_some(head_chunk)) co_return stopped_reading(head_chunk);
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
        if (!co_await read_some(body_chunk)) co_return stopped_reading(body_chunk);
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
        deadline_.set(limits_.idle);
        if (!co_await read_some(head_chunk)) co_return false;
    }
    HttpRequestParser parser;
    parser.header_limit(header_limit);
    parser.body_limit(limits_.max_body);
    deadline_.set(limits_.read_time);
    auto got = co_await read_head(parser);
    if (got == Got::all) {
        if (auto refusal = service_.refuse_head(parser)) got = refuse(std::move(*refusal));
    }
    if (got == Got::all && !parser.is_done()) {
        bool const asks =
            parser.get().find(http::field::expect) != parser.get().end() && parser.get().version() >= 11;
        if (asks && buffer_.size() == 0) {
            bool const told = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
            if (!told) co_return false;
        }
        cancel_only_ = true;
        deadline_.set(limits_.read_time);
        got = co_await read_body(parser);
    }
    deadline_.clear();
    auto const began = std::chrono::steady_clock::now();
    if (got == Got::all) {
        if (auto refusal = service_.refuse_body(parser.get().body())) got = refuse(std::move(*refusal));
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
    auto const reply = co_await service_.answer(parser.get(), connection_.peer);
    bool const keep = parser.keep_alive() && !connection_.stopping;
    bool const head = parser.get().method() == http::verb::head;
    bool const written = co_await write(http_text(reply, keep, !head));
    connection_.busy = false;
    auto const took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    context_.metrics.ack_seconds.observe(static_cast<std::uint64_t>(took.count()));
    co_return written&& keep && !connection_.stopping;
}

}  // namespace

net::Task<void> serve_http(net::Connection& connection, HttpLimits const& limits,
                           ListenerContext const& context, std::string_view name, HttpService& service) {
    Session session(connection, limits, context, name, service);
    // The awaited value stands apart from the condition: g++ 12 miscompiles `while (a && co_await b)`.
    for (bool more = true; more && !connection.stopping;) more = co_await session.exchange();
}

}  // namespace hilum::listeners
