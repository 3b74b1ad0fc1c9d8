// One io_context on the calling thread, for the small clients and servers of the command line.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "engine/net/asio.h"
#include "engine/net/deadlines.h"

namespace hilum::cli {

class Desk {
  public:
    Desk() { deadlines.start(); }
    // Runs the coroutine to its end; what it throws comes out here. Other work of the context is dropped when
    // it ends.
    void run(net::Task<void> task) {
        std::exception_ptr failure;
        net::asio::co_spawn(context, std::move(task), [&](std::exception_ptr e) {
            failure = e;
            context.stop();
        });
        context.run();
        if (failure) std::rethrow_exception(failure);
    }

    net::asio::io_context context{1};
    net::Deadlines deadlines{context};
};

// "10.0.0.7:2575", "localhost:2575", "[::1]:2575"; error "bad_endpoint".
Result<config::Endpoint> parse_endpoint(std::string_view text);

}  // namespace hilum::cli
