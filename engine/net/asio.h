// Asio as we use it: one io_context per thread, coroutines bound to their context, errors as values.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "engine/net/clock.h"
#include "parsers/result.h"
#include "routes/config/describe.h"

namespace hilum::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Timer = asio::basic_waitable_timer<Clock, Clock::WaitTraits, Executor>;
// co_await op(as_result) gives [error_code, value]: no exceptions on the paths a peer can take.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> as_result{};
inline constexpr asio::use_awaitable_t<Executor> use_task{};

// A literal address and port to an endpoint; error "bad_address" at the text.
Result<tcp::endpoint> resolve_listen(config::Endpoint const& endpoint);
// DNS, or the literal address; bounded by `within`.
Task<Result<tcp::endpoint>> resolve_connect(config::Endpoint const& endpoint,
                                            std::chrono::milliseconds within);
// Connects with a time limit; error codes "refused", "unreachable", "timeout", "unknown_name", else
// "connect".
Task<Result<Socket>> connect(config::Endpoint const& endpoint, std::chrono::milliseconds within);

// TCP_NODELAY; keepalive after 30 s idle, every 10 s, 3 probes; TCP_USER_TIMEOUT: a peer that is gone without
// a word is noticed within about a minute, also while bytes to it are unacknowledged.
void tune(Socket& socket);

std::string text(tcp::endpoint const& endpoint);  // "10.0.0.7:51234", "[::1]:51234"

}  // namespace hilum::net
