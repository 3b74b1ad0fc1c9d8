// Accepting TCP connections: bounded, surviving a lack of descriptors, handing each connection to the next
// I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/net/runtime.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"

namespace hilum::net {

// One accepted connection. Belongs to its socket's context; stop() and the coroutine run there.
struct Connection {
    explicit Connection(Socket s) : socket(std::move(s)) {}
    Socket socket;
    std::string peer;
    bool busy = false;      // inside Intake::accept(): finish and answer before closing
    bool stopping = false;  // take nothing new
    bool waited = false;    // stood in the queue while nothing was accepted
    void close();
    // Whether the peer has closed its side. Nobody may be there any more for an answer.
    bool peer_closed();
};

// Serves until it returns; then the connection is closed.
using Serve = std::function<Task<void>(std::shared_ptr<Connection>)>;

class AcceptLoop : public std::enable_shared_from_this<AcceptLoop> {
  public:
    AcceptLoop(Runtime& runtime, ops::Log& log, ops::ListenerMetrics& metrics, std::string name,
               std::size_t max_connections, Serve serve);

    // While it says no, nothing is accepted: connections wait in the kernel's queue. Before start().
    void accept_while(std::function<bool()> open) { open_to_ = std::move(open); }
    // Takes descriptors that are kept back from other listeners. Before start().
    void use_last_descriptors() { uses_last_descriptors_ = true; }
    // Binds and begins. Errors: "address_in_use", "bind".
    Result<void> start(tcp::endpoint const& endpoint);
    tcp::endpoint endpoint() const { return endpoint_; }
    // Stops accepting, closes idle connections at once and busy ones after their answer (at most `grace`);
    // returns when all have ended.
    Task<void> stop(std::chrono::milliseconds grace);

  private:
    Task<void> accept();
    Task<void> run_one(std::shared_ptr<Connection> connection, std::uint64_t id);
    std::size_t open() const;
    void for_each_connection(void (*act)(Connection&));

    Runtime& runtime_;
    ops::Log& log_;
    ops::ListenerMetrics& metrics_;
    std::string name_;
    std::size_t max_connections_;
    Serve serve_;
    std::function<bool()> open_to_;
    bool uses_last_descriptors_ = false;
    Acceptor acceptor_;
    tcp::endpoint endpoint_;
    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
    std::uint64_t next_id_ = 1;
    std::atomic<bool> stopping_{false};
};

}  // namespace hilum::net
