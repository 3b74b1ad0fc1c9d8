// What a step may ask of the world outside the message: other systems, files, what was there before. Routes
// stay pure: the engine answers, and in route tests the test does. Steps that ask run after the commit, on a
// thread of their route (DESIGN §2), so every call here may block, each within its own limit.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/result.h"

namespace hilum::routes {

// How long an answer may be used again, and for how long one that is older still serves when there is no
// other.
struct Keeping {
    std::chrono::milliseconds fresh{0};  // 0: every message asks
    std::chrono::milliseconds stale{0};
};

struct HttpQuestion {
    std::string url;  // may hold patient data and secrets: never for logs
    std::vector<std::pair<std::string, std::string>> headers;
    std::chrono::milliseconds within{0};  // for everything: name, connection, answer
    std::size_t max_answer = 0;           // bytes of the body
    Keeping keeping;
};

struct SqlQuestion {
    enum class System : unsigned char { sqlite, postgres };
    System system = System::sqlite;
    std::string database;             // a file; of PostgreSQL a connection string, which may hold a secret
    std::string query;                // one statement, its values as ?1 or $1
    std::vector<std::string> values;  // as text; never pasted into the query
    std::chrono::milliseconds within{0};
    std::size_t max_answer = 0;  // bytes of the rows as JSON
    Keeping keeping;
};

// What an enrich asks, as far as it is known before a message comes.
struct Asked {
    std::string route;
    std::string url;                 // of a server, with its {expression} holes
    std::optional<SqlQuestion> sql;  // of a database; its values are empty
};

// `json` is one value: an object, a list, a string ... SQL gives a list of rows, each an object with the
// names of the columns. Not found: HTTP 404, 410 or 204, or no row; `json` is then empty.
struct OutsideAnswer {
    bool found = false;
    std::string json;
    bool stale = false;  // older than it should be: the other side did not answer
};

// A file below a folder of the configuration.
struct FilePlace {
    std::string dir;
    std::string name;  // relative, "2024/report-1.pdf"; what comes out of a message has been cleaned for it
};

// Of one message. Not thread-safe. Errors hold no content: "unreachable", "timeout", "cut", "refused" (an
// answer, but none that can be used: HTTP 401, 500, a query that is wrong), "bad_answer", "too_large",
// "disk".
class Outside {
  public:
    virtual ~Outside() = default;
    virtual Result<OutsideAnswer> ask(HttpQuestion const& question) = 0;
    virtual Result<OutsideAnswer> ask(SqlQuestion const& question) = 0;
    // Writes the whole file or none, on stable storage when it returns; one of that name is replaced by the
    // same bytes and kept when they are others ("exists").
    virtual Result<void> write(FilePlace const& place, std::string_view bytes) = 0;
    virtual Result<std::string> read(FilePlace const& place, std::size_t max_size) = 0;  // also "not_found"
    // Notes that this message has `key`. When another message of the same `scope` had it not longer than
    // `window` ago: when that was (Unix time in microseconds), and nothing is noted. A message asked about
    // again (after a crash, or sent again by a person) is no other.
    virtual Result<std::optional<std::int64_t>> seen(std::string_view scope, std::string_view key,
                                                     std::chrono::milliseconds window) = 0;
};

}  // namespace hilum::routes
