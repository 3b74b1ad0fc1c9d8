#include "engine/net/asio.h"

#include <netinet/tcp.h>

#include <boost/asio/socket_base.hpp>
#include <memory>

namespace hilum::net {

namespace {

using Resolver = asio::ip::basic_resolver<tcp, Executor>;

// Closes `object` when the time is up. The state is shared with the timer's handler, which may still be
// queued when the waiting coroutine is gone.
template <class Object, class Cancel>
class Within {
  public:
    Within(std::shared_ptr<Object> object, Executor executor, std::chrono::milliseconds time, Cancel cancel)
        : timer_(executor), fired_(std::make_shared<bool>(false)) {
        timer_.expires_after(time);
        timer_.async_wait([object, fired = fired_, cancel](boost::system::error_code ec) {
            if (ec) return;
            *fired = true;
            cancel(*object);
        });
    }
    bool fired() const { return *fired_; }

  private:
    Timer timer_;
    std::shared_ptr<bool> fired_;
};

template <class Option>
void set(Socket& socket, Option const& option) {
    boost::system::error_code ignored;  // a socket that is already gone fails at its next use
    socket.set_option(option, ignored);
}

using KeepIdle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
using KeepInterval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
using KeepCount = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
using UserTimeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;

}  // namespace

Result<tcp::endpoint> resolve_listen(config::Endpoint const& endpoint) {
    boost::system::error_code ec;
    auto const host = endpoint.host == "localhost" ? std::string("127.0.0.1") : endpoint.host;
    auto const address = asio::ip::make_address(host, ec);
    if (ec) {
        return error("bad_address", endpoint.text(), "a listener needs an IP address, and this is a name",
                     "use 0.0.0.0 for all IPv4 addresses, [::] for IPv6, or one of this machine's addresses");
    }
    return tcp::endpoint(address, endpoint.port);
}

Task<Result<tcp::endpoint>> resolve_connect(config::Endpoint const& endpoint,
                                            std::chrono::milliseconds within) {
    boost::system::error_code ec;
    auto const address = asio::ip::make_address(endpoint.host, ec);
    if (!ec) co_return tcp::endpoint(address, endpoint.port);

    auto executor = co_await asio::this_coro::executor;
    auto resolver = std::make_shared<Resolver>(executor);
    Within limit(resolver, executor, within, [](Resolver& r) { r.cancel(); });
    auto [failed, found] = co_await resolver->async_resolve(endpoint.host, std::to_string(endpoint.port),
                                                            Resolver::numeric_service, as_result);
    if (limit.fired()) co_return error("timeout", endpoint.text(), "the name could not be looked up in time");
    if (failed || found.empty()) {
        co_return error("unknown_name", endpoint.text(), "the name is not known: " + failed.message(),
                        "check the name and this machine's DNS");
    }
    co_return found.begin()->endpoint();
}

namespace {

// What people look for first: docs/operations.md says what helps.
std::string code_of(boost::system::error_code ec) {
    if (ec == asio::error::connection_refused) return "refused";
    if (ec == asio::error::host_unreachable || ec == asio::error::network_unreachable) return "unreachable";
    return ec == asio::error::timed_out ? "timeout" : "connect";
}

}  // namespace

Task<Result<Socket>> connect(config::Endpoint const& endpoint, std::chrono::milliseconds within) {
    auto const target = co_await resolve_connect(endpoint, within);
    if (!target) co_return target.error();

    auto executor = co_await asio::this_coro::executor;
    auto socket = std::make_shared<Socket>(executor);
    Within limit(socket, executor, within, [](Socket& s) {
        boost::system::error_code ignored;
        s.close(ignored);
    });
    auto [ec] = co_await socket->async_connect(*target, as_result);
    if (limit.fired()) co_return error("timeout", endpoint.text(), "no connection in time");
    if (ec) co_return error(code_of(ec), endpoint.text(), ec.message());
    tune(*socket);
    co_return std::move(*socket);
}

void tune(Socket& socket) {
    set(socket, tcp::no_delay(true));
    set(socket, asio::socket_base::keep_alive(true));
    set(socket, KeepIdle(30));
    set(socket, KeepInterval(10));
    set(socket, KeepCount(3));
    set(socket, UserTimeout(60'000));
}

std::string text(tcp::endpoint const& endpoint) {
    auto const address = endpoint.address().to_string();
    auto const port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace hilum::net
