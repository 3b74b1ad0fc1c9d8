// What slows senders down: they are not refused but not read from, and their side of the connection waits.
#pragma once

#include "engine/listeners/listener.h"
#include "engine/net/accept.h"

namespace hilum::listeners {

enum class Turn : unsigned char {
    go,
    later,  // it would be longer than the caller wants to wait
    gone    // the connection is to end: it is stopping, or its peer has closed
};

// A peer that has closed its side while it was kept waiting has given up, and will send its message again on
// another connection: what it sent is not taken, or there would be a copy for each of its attempts.

// Waits until there is room for messages. False when the connection is to end.
net::Task<bool> wait_for_room(ListenerContext const& context, net::Connection& connection);
// Waits for the turn of the next message, as the listener's `rate` has it.
net::Task<Turn> wait_turn(ListenerContext const& context, net::Connection& connection,
                          std::chrono::steady_clock::duration longest);

}  // namespace hilum::listeners
