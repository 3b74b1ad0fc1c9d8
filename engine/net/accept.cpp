#include "engine/net/accept.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "engine/net/descriptors.h"

namespace hilum::net {

using namespace std::chrono_literals;

namespace {

constexpr auto waited_within = 2s;  // after a pause: a connection accepted by then may have waited through it

void shut(Socket& socket) {
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored);
    socket.close(ignored);
}

}  // namespace

void Connection::close() {
    shut(socket);
}

bool Connection::peer_closed() {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
    return info.tcpi_state != TCP_ESTABLISHED;
}

AcceptLoop::AcceptLoop(Runtime& runtime, ops::Log& log, ops::ListenerMetrics& metrics, std::string name,
                       std::size_t max_connections, Serve serve)
    : runtime_(runtime),
      log_(log),
      metrics_(metrics),
      name_(std::move(name)),
      max_connections_(max_connections),
      serve_(std::move(serve)),
      acceptor_(runtime.context(0).get_executor()) {}

Result<void> AcceptLoop::start(tcp::endpoint const& endpoint) {
    boost::system::error_code ec;
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        bool const taken = ec == asio::error::address_in_use;
        return error(
            taken ? "address_in_use" : "bind", text(endpoint), ec.message(),
            taken ? "another program listens there: `ss -ltnp` names it; stop it or choose another port"
                  : "check that this machine has the address and that the port is allowed to this user");
    }
    endpoint_ = acceptor_.local_endpoint(ec);
    asio::co_spawn(
        acceptor_.get_executor(), [self = shared_from_this()] { return self->accept(); }, asio::detached);
    return {};
}

Task<void> AcceptLoop::accept() {
    Timer pause(acceptor_.get_executor());
    auto next_complaint = std::chrono::steady_clock::time_point::min();
    // The connection waits in the kernel's queue until there are descriptors again.
    auto const complain = [&](std::string const& why) {
        auto const now = std::chrono::steady_clock::now();
        if (now < next_complaint) return;
        log_.warn("accept_paused", {{"listener", name_}, {"error", why}});
        next_complaint = now + 60s;
    };
    std::chrono::steady_clock::time_point opened{};
    while (!stopping_) {
        if (open_to_ && !open_to_()) {
            pause.expires_after(200ms);
            co_await pause.async_wait(as_result);
            opened = std::chrono::steady_clock::now();
            continue;
        }
        if (!uses_last_descriptors_ && !descriptors_to_spare(acceptor_.native_handle())) {
            complain("too many connections for the file descriptors that this process may have");
            pause.expires_after(100ms);
            co_await pause.async_wait(as_result);
            continue;
        }
        auto const index = runtime_.next_index();
        auto [ec, socket] =
            co_await acceptor_.async_accept(runtime_.context(index).get_executor(), as_result);
        if (stopping_) break;
        if (ec) {
            complain(ec.message());  // out of descriptors or memory
            pause.expires_after(100ms);
            co_await pause.async_wait(as_result);
            continue;
        }
        if (open() >= max_connections_) {
            metrics_.refused_connections.fetch_add(1, std::memory_order_relaxed);
            shut(socket);
            continue;
        }
        auto connection = std::make_shared<Connection>(std::move(socket));
        connection->waited = opened != std::chrono::steady_clock::time_point{} &&
                             std::chrono::steady_clock::now() - opened < waited_within;
        std::uint64_t id = 0;
        {
            std::lock_guard lock(mutex_);
            id = next_id_++;
            connections_.emplace(id, connection);
        }
        asio::co_spawn(
            runtime_.context(index).get_executor(),
            [self = shared_from_this(), connection, id] { return self->run_one(connection, id); },
            asio::detached);
    }
}

Task<void> AcceptLoop::run_one(std::shared_ptr<Connection> connection, std::uint64_t id) {
    metrics_.connections.fetch_add(1, std::memory_order_relaxed);
    metrics_.open_connections.fetch_add(1, std::memory_order_relaxed);
    boost::system::error_code ec;
    auto const remote = connection->socket.remote_endpoint(ec);
    if (!ec) {
        connection->peer = text(remote);
        tune(connection->socket);
        try {
            co_await serve_(connection);
        } catch (std::exception const&) {
            // Out of memory is all that can come here; its text could hold anything, so it is not logged.
            log_.error("connection_failed", {{"listener", name_}, {"peer", connection->peer}});
        }
    }
    connection->close();
    metrics_.open_connections.fetch_sub(1, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    connections_.erase(id);
}

std::size_t AcceptLoop::open() const {
    std::lock_guard lock(mutex_);
    return connections_.size();
}

void AcceptLoop::for_each_connection(void (*act)(Connection&)) {
    std::lock_guard lock(mutex_);
    for (auto& [id, connection] : connections_) {
        asio::post(connection->socket.get_executor(), [connection = connection, act] { act(*connection); });
    }
}

Task<void> AcceptLoop::stop(std::chrono::milliseconds grace) {
    stopping_ = true;
    asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
        boost::system::error_code ignored;
        self->acceptor_.close(ignored);
    });
    for_each_connection([](Connection& connection) {
        connection.stopping = true;
        if (!connection.busy) connection.close();
    });
    Timer timer(co_await asio::this_coro::executor);
    auto const end = std::chrono::steady_clock::now() + grace;
    bool closed = false;
    while (open() > 0) {
        if (!closed && std::chrono::steady_clock::now() > end) {
            for_each_connection([](Connection& connection) { connection.close(); });
            closed = true;
        }
        timer.expires_after(5ms);
        co_await timer.async_wait(as_result);
    }
}

}  // namespace hilum::net
