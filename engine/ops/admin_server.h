// The admin port: HTTP/1.1 in front of api.h. Bounded: 64 connections, 8 KiB of headers, 64 KiB of body, 10 s
// for a request to arrive, 30 s between requests.
#pragma once

#include <memory>
#include <string>

#include "engine/net/accept.h"
#include "engine/ops/control.h"
#include "engine/ops/log.h"

namespace hilum::ops {

// It has no users or TLS yet, so it listens on loopback only. A browser on the same machine must not be made
// to speak for a foreign page: a Host header that is no loopback name (DNS rebinding) and an Origin header of
// another site (request forgery) get 403.
class AdminServer {
  public:
    // `runtime`, `control` and `log` outlive it.
    AdminServer(config::Endpoint listen, net::Runtime& runtime, Control& control, Log& log);

    // Binds and begins. Errors: "admin_not_loopback", "bad_address", "address_in_use", "bind".
    Result<void> start();
    // Answers what is being answered, closes the rest; returns when all connections have ended. After it,
    // destroy.
    net::Task<void> stop();
    std::string where() const;  // "127.0.0.1:8080"; with port 0 configured, the real port

    // What `hilum check` may know before start: the errors of start() that need no socket.
    static Result<net::tcp::endpoint> check(config::Endpoint const& listen);

  private:
    net::Task<void> serve(std::shared_ptr<net::Connection> connection);

    config::Endpoint listen_;
    net::Runtime& runtime_;
    Control& control_;
    ListenerMetrics metrics_;  // of the accept loop; not among the messages' listeners
    std::shared_ptr<net::AcceptLoop> loop_;
};

}  // namespace hilum::ops
