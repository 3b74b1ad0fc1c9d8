// Questions to PostgreSQL servers, by libpq, whose only door this is. They only read; one connection is kept
// for each.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "routes/outside.h"

struct pg_conn;

namespace hilum::outside {

// For one thread, save stop().
class PostgresQueries {
  public:
    // Errors name the server's SQLSTATE and never what it says, which may quote values.
    Result<routes::OutsideAnswer> ask(routes::SqlQuestion const& question);
    // Whether the server is there and can do the query, without doing it.
    Result<void> try_out(routes::SqlQuestion question);
    // Where that is, without secrets: "db.example:5432/mpi".
    static std::string shown(std::string const& database);
    // From any thread: what is being asked is given up, and nothing is asked any more.
    void stop() noexcept { stopped_ = true; }

  private:
    static constexpr std::size_t servers_max = 16;
    using Clock = std::chrono::steady_clock;
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    using Connection = std::unique_ptr<pg_conn, Finish>;
    Result<routes::OutsideAnswer> ask(routes::SqlQuestion const& question,
                                      std::vector<char const*> const& values);
    Result<Connection> connect(std::string const& to, Clock::time_point until) const;
    Result<std::string> rows(pg_conn* connection, routes::SqlQuestion const& question,
                             Clock::time_point until) const;
    // Until there is something to read, or to write; error "timeout" or "stopped".
    Result<void> wait(int socket, bool for_writing, Clock::time_point until) const;

    std::atomic<bool> stopped_{false};
    std::map<std::string, Connection> kept_;
};

}  // namespace hilum::outside
