#include "engine/store/sqlite.h"

#include <sqlite3.h>

#include <algorithm>

namespace hilum::store::sqlite {
namespace {

Error failure(sqlite3* db, int code) {
    int const primary = code & 0xff;
    bool const damaged = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
    return error(damaged ? "index_damaged" : "index_error", "index.sqlite",
                 "SQLite says: " + std::string(primary == SQLITE_INTERRUPT ? "the search took too long"
                                               : db != nullptr             ? sqlite3_errstr(code)
                                                                           : "out of memory"),
                 damaged ? "it is rebuilt from the journal" : "");
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* s) const {
    sqlite3_finalize(s);
}
void Connection::Close::operator()(sqlite3* db) const {
    sqlite3_close_v2(db);
}

Statement& Statement::bind(int n, std::int64_t value) {
    sqlite3_bind_int64(handle_.get(), n, value);
    return *this;
}

Statement& Statement::bind(int n, std::string_view value) {
    sqlite3_bind_text64(handle_.get(), n, value.data() != nullptr ? value.data() : "", value.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

Result<bool> Statement::step() {
    int const code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    Error const e = failure(sqlite3_db_handle(handle_.get()), code);
    sqlite3_reset(handle_.get());
    return e;
}

Result<void> Statement::run() {
    for (;;) {
        auto const more = step();
        if (!more) return more.error();
        if (!*more) break;
    }
    reset();
    return {};
}

void Statement::reset() {
    sqlite3_reset(handle_.get());
}
bool Statement::reads_only() const {
    return sqlite3_stmt_readonly(handle_.get()) != 0;
}
int Statement::columns() const {
    return sqlite3_column_count(handle_.get());
}
std::string_view Statement::column_name(int column) const {
    auto const* const name = sqlite3_column_name(handle_.get(), column);
    return name == nullptr ? "" : name;
}
Statement::Kind Statement::kind(int column) const {
    switch (sqlite3_column_type(handle_.get(), column)) {
        case SQLITE_INTEGER:
            return Kind::integer;
        case SQLITE_FLOAT:
            return Kind::real;
        case SQLITE_TEXT:
            return Kind::text;
        case SQLITE_BLOB:
            return Kind::blob;
        default:
            return Kind::null;
    }
}
double Statement::real(int column) const {
    return sqlite3_column_double(handle_.get(), column);
}
std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
}

std::string Statement::text(int column) const {
    auto const* p = sqlite3_column_text(handle_.get(), column);
    int const n = sqlite3_column_bytes(handle_.get(), column);
    return p == nullptr ? std::string()
                        : std::string(reinterpret_cast<char const*>(p), static_cast<std::size_t>(n));
}

Result<Connection> Connection::open(std::string const& path, Mode mode) {
    Connection c;
    sqlite3* db = nullptr;
    int const flags = mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int const code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    c.handle_.reset(db);
    if (code != SQLITE_OK) return failure(db, code);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 1000);
    return c;
}

Result<Statement> Connection::prepare(std::string_view sql) {
    Statement s;
    sqlite3_stmt* handle = nullptr;
    int const code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    s.handle_.reset(handle);
    if (code != SQLITE_OK) return failure(handle_.get(), code);
    return s;
}

Result<void> Connection::execute(char const* sql) {
    int const code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(handle_.get(), code);
    return {};
}

std::int64_t Connection::changes() const {
    return sqlite3_changes64(handle_.get());
}

void Connection::limit_steps(int millions) {
    // The handler runs every so many virtual machine steps; not 0 stops the statement.
    sqlite3_progress_handler(
        handle_.get(), millions * 1'000'000, [](void*) { return 1; }, nullptr);
}

void Connection::limit_time(std::chrono::steady_clock::time_point until) {
    using std::chrono::steady_clock;
    if (!until_) until_ = std::make_unique<steady_clock::time_point>();
    *until_ = until;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    sqlite3_busy_timeout(handle_.get(), static_cast<int>(std::clamp<std::int64_t>(left, 0, 600'000)));
    constexpr int looks_every = 10'000;  // virtual machine steps: well below a millisecond
    sqlite3_progress_handler(
        handle_.get(), looks_every,
        [](void* end) { return steady_clock::now() > *static_cast<steady_clock::time_point*>(end) ? 1 : 0; },
        until_.get());
}

bool Connection::whole(std::string_view sql) const {
    sqlite3_stmt* handle = nullptr;
    char const* rest = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), 0, &handle, &rest) !=
        SQLITE_OK)
        return false;
    sqlite3_finalize(handle);
    std::string_view const behind(rest, static_cast<std::size_t>(sql.data() + sql.size() - rest));
    return handle != nullptr && behind.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

}  // namespace hilum::store::sqlite
