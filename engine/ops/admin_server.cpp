#include "engine/ops/admin_server.h"

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <sstream>

#include "engine/ops/api.h"

namespace hilum::ops {

namespace http = boost::beast::http;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t connections_max = 64;
constexpr std::size_t body_bytes_max = 64u << 10;
constexpr std::uint32_t header_bytes_max = 8u << 10;
constexpr std::chrono::milliseconds request_time = 10s, idle_time = 30s, write_time = 30s, linger_time = 2s;

using Parser = http::request_parser<http::string_body>;
using Message = http::request<http::string_body>;

// "localhost:8080", "127.0.0.1", "[::1]:8080"
bool is_loopback_host(std::string_view host) {
    std::size_t const colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
        std::string_view const port = host.substr(colon + 1);
        if (port.find_first_not_of("0123456789") != std::string_view::npos) return false;
        host = host.substr(0, colon);
    }
    if (boost::beast::iequals(host, "localhost")) return true;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    boost::system::error_code ec;
    auto const address = net::asio::ip::make_address(std::string(host), ec);
    return !ec && address.is_loopback();
}

// What has to be right before a request is looked at.
std::optional<Error> refusal(Message const& message) {
    auto const hosts = message.count(http::field::host);
    std::string_view const host = message[http::field::host];
    if (hosts != 1 || !is_loopback_host(host)) {
        return error("foreign_host", {}, "the Host header is not a loopback name",
                     "ask for 127.0.0.1 or localhost");
    }
    if (message.count(http::field::origin) > 0 &&
        message[http::field::origin] != "http://" + std::string(host)) {
        return error("foreign_origin", {}, "the Origin header names another site",
                     "use the API from its own page or without a browser");
    }
    return std::nullopt;
}

// The reply to a request that could not be read; nullopt when there is nobody left to reply to.
std::optional<Reply> reply_to(boost::system::error_code ec, bool timed_out, bool began) {
    if (timed_out) {
        if (!began) return std::nullopt;
        return problem(408, error("request_timeout", {}, "the request did not arrive within 10 s"));
    }
    if (ec == http::error::body_limit)
        return problem(413, error("body_too_large", {}, "the body is larger than 64 KiB"));
    // The buffer is full before the parser has seen its limit pass when one line is very long.
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
        return problem(431, error("header_too_large", {}, "the header is larger than 8 KiB"));
    }
    static boost::system::error_category const& http_category =
        make_error_code(http::error::bad_method).category();
    if (ec.category() != http_category || ec == http::error::end_of_stream ||
        ec == http::error::partial_message)
        return std::nullopt;
    return problem(400, error("bad_request", {}, "this is no HTTP/1.1 request"));
}

// One connection's requests, one after the other.
class Session {
  public:
    Session(net::Connection& connection, net::Deadlines& deadlines, Control& control)
        : connection_(connection), control_(control), deadline_(deadlines, [this] { expired(); }) {}

    net::Task<void> run() {
        while (!connection_.stopping) {
            bool const more = co_await one();
            if (!more) break;
        }
    }

  private:
    // A request that takes too long ends as if the client had closed its side, so that it can still be told
    // why.
    void expired() {
        boost::system::error_code ignored;
        if (writing_) {
            connection_.close();
        } else {
            connection_.socket.shutdown(net::tcp::socket::shutdown_receive, ignored);
        }
    }

    // False when the connection is to end.
    net::Task<bool> one() {
        Parser parser;
        parser.header_limit(header_bytes_max);
        parser.body_limit(body_bytes_max);
        std::optional<Reply> unreadable = co_await read(parser);
        if (!readable_) {
            if (unreadable) {
                co_await write(*unreadable, 11, false, false);
                co_await linger();
            }
            co_return false;
        }
        connection_.busy = true;
        Message message = parser.release();
        bool const head = message.method() == http::verb::head;
        Reply reply;
        if (auto const refused = refusal(message)) {
            reply = problem(403, *refused);
        } else {
            Request const request{
                .method = head ? "GET" : std::string(message.method_string()),
                .target = std::string(message.target()),
                .content_type = std::string(message[http::field::content_type]),
                .body = std::move(message.body()),
                .if_none_match = std::string(message[http::field::if_none_match]),
                .gzip = http::ext_list(message[http::field::accept_encoding]).exists("gzip")};
            reply = co_await answer(request, control_);
        }
        if (reply.stream) {
            // Its end is the end of the connection, which may be closed at any time.
            connection_.busy = false;
            co_await write_stream(std::move(reply), message.version(), head);
            co_return false;
        }
        bool const keep = message.keep_alive() && !connection_.stopping;
        bool const written = co_await write(reply, message.version(), head, keep);
        connection_.busy = false;
        co_return written&& keep;
    }

    // Sets readable_; if it stays false, returns what to reply before closing.
    net::Task<std::optional<Reply>> read(Parser& parser) {
        readable_ = false;
        if (buffer_.size() == 0) {
            deadline_.set(idle_time);
            auto [ec] = co_await connection_.socket.async_wait(net::Socket::wait_read, net::as_result);
            if (ec || deadline_.passed()) co_return std::nullopt;
        }
        deadline_.set(request_time);
        auto [ec, count] =
            co_await http::async_read_header(connection_.socket, buffer_, parser, net::as_result);
        if (!ec && boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            http::response<http::empty_body> go_on{http::status::continue_, 11};
            auto [failed, sent] = co_await http::async_write(connection_.socket, go_on, net::as_result);
            ec = failed;
        }
        if (!ec) {
            auto [failed, body_count] =
                co_await http::async_read(connection_.socket, buffer_, parser, net::as_result);
            ec = failed;
        }
        deadline_.clear();
        readable_ = !ec;
        if (ec) co_return reply_to(ec, deadline_.passed(), count > 0 || buffer_.size() > 0);
        co_return std::nullopt;
    }

    static http::response<http::string_body> begin(Reply const& reply, unsigned version) {
        http::response<http::string_body> response{static_cast<http::status>(reply.status), version};
        if (!reply.content_type.empty()) response.set(http::field::content_type, reply.content_type);
        if (!reply.may_be_kept) response.set(http::field::cache_control, "no-store");
        response.set("X-Content-Type-Options", "nosniff");
        if (!reply.allow.empty()) response.set(http::field::allow, reply.allow);
        for (auto const& [name, value] : reply.headers) response.set(name, value);
        return response;
    }

    net::Task<void> write_stream(Reply reply, unsigned version, bool head) {
        auto response = begin(reply, version);
        response.keep_alive(false);
        std::ostringstream text;
        text << response.base();
        auto piece = std::move(text).str();
        while (!piece.empty()) {
            writing_ = true;
            deadline_.set(write_time);
            auto [ec, sent] =
                co_await net::asio::async_write(connection_.socket, net::asio::buffer(piece), net::as_result);
            deadline_.clear();
            writing_ = false;
            if (ec || head || connection_.stopping) co_return;
            piece = co_await reply.stream->next();
        }
    }

    net::Task<bool> write(Reply& reply, unsigned version, bool head, bool keep) {
        auto response = begin(reply, version);
        response.keep_alive(keep);
        if (reply.status != 304) response.content_length(reply.body.size());
        if (!head) response.body() = std::move(reply.body);
        writing_ = true;
        deadline_.set(write_time);
        http::response_serializer<http::string_body> serializer(response);
        boost::system::error_code ec;
        if (head) {
            std::tie(ec, std::ignore) =
                co_await http::async_write_header(connection_.socket, serializer, net::as_result);
        } else {
            std::tie(ec, std::ignore) =
                co_await http::async_write(connection_.socket, serializer, net::as_result);
        }
        deadline_.clear();
        writing_ = false;
        co_return !ec;
    }

    // Closing with unread bytes would reset the connection, and the reply with it: read on for a moment.
    net::Task<void> linger() {
        boost::system::error_code ignored;
        connection_.socket.shutdown(net::tcp::socket::shutdown_send, ignored);
        deadline_.set(linger_time);
        char waste[4096];
        for (std::size_t left = 1u << 20; left > 0 && !deadline_.passed();) {
            auto [ec, count] =
                co_await connection_.socket.async_read_some(net::asio::buffer(waste), net::as_result);
            if (ec) break;
            left -= std::min(left, count);
        }
        deadline_.clear();
    }

    net::Connection& connection_;
    Control& control_;
    net::Deadline deadline_;
    boost::beast::flat_buffer buffer_{header_bytes_max + body_bytes_max};
    bool readable_ = false;
    bool writing_ = false;
};

}  // namespace

AdminServer::AdminServer(config::Endpoint listen, net::Runtime& runtime, Control& control, Log& log)
    : listen_(std::move(listen)),
      runtime_(runtime),
      control_(control),
      loop_(std::make_shared<net::AcceptLoop>(
          runtime, log, metrics_, "admin", connections_max,
          [this](std::shared_ptr<net::Connection> connection) { return serve(std::move(connection)); })) {}

Result<net::tcp::endpoint> AdminServer::check(config::Endpoint const& listen) {
    auto const endpoint = net::resolve_listen(listen);
    if (!endpoint) return endpoint.error();
    if (!endpoint->address().is_loopback()) {
        return error(
            "admin_not_loopback", listen.text(), "admin listens on loopback only for now",
            "use 127.0.0.1:" + std::to_string(listen.port) + ", and a tunnel such as ssh -L from elsewhere");
    }
    return *endpoint;
}

Result<void> AdminServer::start() {
    auto const endpoint = check(listen_);
    if (!endpoint) return endpoint.error();
    loop_->use_last_descriptors();
    return loop_->start(*endpoint);
}

net::Task<void> AdminServer::stop() {
    co_await loop_->stop(5s);
}

std::string AdminServer::where() const {
    return net::text(loop_->endpoint());
}

net::Task<void> AdminServer::serve(std::shared_ptr<net::Connection> connection) {
    Session session(*connection, runtime_.deadlines(connection->socket.get_executor()), control_);
    co_await session.run();
}

}  // namespace hilum::ops
