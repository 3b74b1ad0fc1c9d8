#include "engine/outside/sqlite_query.h"

#include <sys/stat.h>

#include <cmath>

#include "engine/ops/json.h"
#include "parsers/base64.h"

namespace hilum::outside {
namespace {

using Kind = store::sqlite::Statement::Kind;

Error refused(Error const& why) {
    bool const late = why.what.find("too long") != std::string::npos;
    if (late) return error("timeout", "", "the database did not answer in time");
    return error("refused", "", why.what, "try the query with sqlite3 on the same file");
}

void write_column(ops::json::Writer& w, store::sqlite::Statement const& row, int column) {
    auto const name = row.column_name(column);
    switch (row.kind(column)) {
        case Kind::null:
            break;
        case Kind::integer:
            w.field(name, row.integer(column));
            break;
        case Kind::real:
            if (auto const number = row.real(column); std::isfinite(number)) w.field(name, number);
            break;
        case Kind::text:
            w.field(name, std::string_view(row.text(column)));
            break;
        case Kind::blob:
            w.field(name, std::string_view(to_base64(row.text(column))));
            break;
    }
}

}  // namespace

Result<store::sqlite::Connection*> SqliteQueries::connection(std::string const& path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0)
        return error("unreachable", "", "the database is not there, or can't be read");
    auto const found = open_.find(path);
    if (found != open_.end()) {
        if (found->second.device == about.st_dev && found->second.file == about.st_ino)
            return &found->second.db;
        open_.erase(found);
    }
    if (open_.size() >= files_max) open_.clear();
    using store::sqlite::Connection;
    auto db = Connection::open(path, Connection::Mode::read);
    if (!db) return error("unreachable", "", "the database can't be opened");
    auto const [at, is_new] = open_.insert_or_assign(path, Open{std::move(*db), about.st_dev, about.st_ino});
    return &at->second.db;
}

Result<store::sqlite::Statement> SqliteQueries::prepare(routes::SqlQuestion const& question) {
    auto const db = connection(question.database);
    if (!db) return db.error();
    (*db)->limit_time(std::chrono::steady_clock::now() + question.within);
    auto statement = (*db)->prepare(question.query);
    if (!statement) return refused(statement.error());
    if (!(*db)->whole(question.query) || !statement->reads_only())
        return error("refused", "", "the query is not one statement that only reads", "write one SELECT");
    return statement;
}

Result<void> SqliteQueries::try_out(routes::SqlQuestion const& question) {
    auto const statement = prepare(question);
    if (!statement) return statement.error();
    return {};
}

Result<routes::OutsideAnswer> SqliteQueries::ask(routes::SqlQuestion const& question) {
    auto statement = prepare(question);
    if (!statement) return statement.error();
    for (std::size_t i = 0; i < question.values.size(); ++i)
        statement->bind(static_cast<int>(i + 1), std::string_view(question.values[i]));
    std::string rows;
    for (;;) {
        auto const more = statement->step();
        if (!more) return refused(more.error());
        if (!*more) break;
        ops::json::Writer w;
        w.object([&] {
            for (int column = 0; column < statement->columns(); ++column) write_column(w, *statement, column);
        });
        (rows += rows.empty() ? "[" : ",") += w.text();
        if (rows.size() > question.max_answer)
            return error("too_large", "", "the answer is longer than max_answer");
    }
    if (rows.empty()) return routes::OutsideAnswer{};
    return routes::OutsideAnswer{true, rows + "]"};
}

}  // namespace hilum::outside
