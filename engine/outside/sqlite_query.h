// Questions to SQLite databases of others. They are only read; one connection is kept for each file.
#pragma once

#include <map>
#include <string>

#include "engine/store/sqlite.h"
#include "routes/outside.h"

namespace hilum::outside {

// For one thread.
class SqliteQueries {
  public:
    Result<routes::OutsideAnswer> ask(routes::SqlQuestion const& question);
    // Whether the database is there and can do the query, without doing it.
    Result<void> try_out(routes::SqlQuestion const& question);

  private:
    static constexpr std::size_t files_max = 16;
    struct Open {
        store::sqlite::Connection db;
        std::uint64_t device = 0, file = 0;  // a file put in its place is another
    };
    Result<store::sqlite::Statement> prepare(routes::SqlQuestion const& question);
    Result<store::sqlite::Connection*> connection(std::string const& path);
    std::map<std::string, Open> open_;
};

}  // namespace hilum::outside
