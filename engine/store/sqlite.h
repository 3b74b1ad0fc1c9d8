// The one door to SQLite: connections and statements as values, errors as Result.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "parsers/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hilum::store::sqlite {

// A prepared statement. Bind from 1, step, read columns from 0.
class Statement {
  public:
    Statement() = default;
    Statement& bind(int n, std::int64_t value);
    Statement& bind(int n, std::string_view value);  // borrowed until the next reset()
    // True: a row is there. Errors: "index_damaged" when the file is no good, "index_error" otherwise.
    Result<bool> step();
    Result<void> run();  // to the end, then reset
    void reset();
    bool reads_only() const;
    int columns() const;
    std::string_view column_name(int column) const;
    enum class Kind : unsigned char { integer, real, text, blob, null };
    Kind kind(int column) const;  // of the row at hand
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;

  private:
    friend class Connection;
    struct Finalize {
        void operator()(sqlite3_stmt* s) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Connection {
  public:
    enum class Mode { write, read };
    static Result<Connection> open(std::string const& path, Mode mode);
    Result<Statement> prepare(std::string_view sql);
    Result<void> execute(char const* sql);
    std::int64_t changes() const;
    void limit_steps(int millions);  // a statement that runs longer is an error
    // A statement that runs on then is an error, and one that has to wait for another's lock.
    void limit_time(std::chrono::steady_clock::time_point until);
    bool whole(std::string_view sql) const;  // one statement, with nothing behind it

  private:
    struct Close {
        void operator()(sqlite3* db) const;
    };
    std::unique_ptr<std::chrono::steady_clock::time_point> until_;
    std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace hilum::store::sqlite
