#include "engine/listeners/pacing.h"

#include <algorithm>

namespace hilum::listeners {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr Clock::duration look_every = 500ms;  // whether the peer is still there
// Some peers close their side as soon as they have sent their message, and wait for the answer all the same.
// Nobody gives up so soon.
constexpr Clock::duration no_one_gives_up_before = 1s;

bool ends(ListenerContext const& context, net::Connection& connection, Clock::time_point since) {
    if (connection.stopping) return true;
    if (Clock::now() - since < no_one_gives_up_before || !connection.peer_closed()) return false;
    context.metrics.given_up.fetch_add(1, std::memory_order_relaxed);
    return true;
}

}  // namespace

net::Task<bool> wait_for_room(ListenerContext const& context, net::Connection& connection) {
    // One that was in the kernel's queue has waited for nobody knows how long.
    auto const since = connection.waited ? Clock::time_point() : Clock::now();
    bool const waits = !context.intake.takes();
    if (waits) {
        context.metrics.waiting_connections.fetch_add(1, std::memory_order_relaxed);
        net::Timer timer(connection.socket.get_executor());
        while (!context.intake.takes() && !connection.stopping) {
            timer.expires_after(look_every);
            co_await timer.async_wait(net::as_result);
        }
        context.metrics.waiting_connections.fetch_sub(1, std::memory_order_relaxed);
    }
    bool const check = std::exchange(connection.waited, false) || waits;
    co_return !check || !ends(context, connection, since);
}

net::Task<Turn> wait_turn(ListenerContext const& context, net::Connection& connection,
                          Clock::duration longest) {
    auto const wait = context.intake.turn(longest);
    if (!wait) co_return Turn::later;
    if (*wait == Clock::duration::zero()) co_return Turn::go;
    context.metrics.delayed.fetch_add(1, std::memory_order_relaxed);
    auto const since = Clock::now();
    auto const end = since + *wait;
    net::Timer timer(connection.socket.get_executor());
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
        timer.expires_after(std::min(end - now, look_every));
        co_await timer.async_wait(net::as_result);
        if (ends(context, connection, since)) co_return Turn::gone;
    }
    co_return Turn::go;
}

}  // namespace hilum::listeners
