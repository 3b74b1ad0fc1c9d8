#include "engine/outside/memory.h"

#include <cstdio>

#include "engine/net/digest.h"

namespace hilum::outside {
namespace {

constexpr char const* schema =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "CREATE TABLE IF NOT EXISTS seen (hash TEXT PRIMARY KEY, message INTEGER NOT NULL, at_us INTEGER NOT "
    "NULL, "
    "until_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS seen_until ON seen (until_us);";

// Of both; the length tells where the one ends.
std::string hash_of(std::string_view scope, std::string_view key) {
    return net::sha256_hex(std::to_string(scope.size()) + ":" + std::string(scope) + std::string(key));
}

Error not_noted(Error const& why) {
    return error("disk", "seen.sqlite", "what was seen before can't be read or noted: " + why.what,
                 "see that the store's folder has room");
}

}  // namespace

Result<void> Memory::open() {
    using store::sqlite::Connection;
    auto db = Connection::open(path_, Connection::Mode::write);
    if (!db) return db.error();
    if (auto made = db->execute(schema); !made) return made;
    struct {
        store::sqlite::Statement* into;
        char const* sql;
    } const all[] = {
        {&find_, "SELECT message, at_us FROM seen WHERE hash = ?"},
        {&note_, "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)"},
        // A few at a time: no message waits for a great tidying up.
        {&forget_, "DELETE FROM seen WHERE hash IN (SELECT hash FROM seen WHERE until_us < ? LIMIT 4)"},
    };
    for (auto const& one : all) {
        auto prepared = db->prepare(one.sql);
        if (!prepared) return prepared.error();
        *one.into = std::move(*prepared);
    }
    db_ = std::move(*db);
    return {};
}

void Memory::put_aside() {
    for (auto* statement : {&find_, &note_, &forget_}) *statement = {};
    db_.reset();
    for (char const* const suffix : {"-wal", "-shm"}) std::remove((path_ + suffix).c_str());
    std::rename(path_.c_str(), (path_ + ".damaged").c_str());
}

Result<std::optional<std::int64_t>> Memory::look(std::string const& hash, std::uint64_t message,
                                                 std::chrono::milliseconds window, std::int64_t now_us) {
    if (!db_) {
        if (auto opened = open(); !opened) return opened.error();
    }
    find_.bind(1, hash);
    auto const there = find_.step();
    if (!there) return there.error();
    std::optional<std::int64_t> before;
    bool same = false;
    if (*there) {
        same = static_cast<std::uint64_t>(find_.integer(0)) == message;
        before = find_.integer(1);
    }
    find_.reset();
    auto const window_us = std::chrono::microseconds(window).count();
    std::optional<std::int64_t> seen;
    if (same) return seen;
    if (before && now_us - *before <= window_us) return before;
    note_.bind(1, hash)
        .bind(2, static_cast<std::int64_t>(message))
        .bind(3, now_us)
        .bind(4, now_us + window_us);
    if (auto noted = note_.run(); !noted) return noted.error();
    if (auto forgotten = forget_.bind(1, now_us).run(); !forgotten) return forgotten.error();
    return seen;
}

Result<std::optional<std::int64_t>> Memory::seen(std::string_view scope, std::string_view key,
                                                 std::uint64_t message, std::chrono::milliseconds window,
                                                 std::int64_t now_us) {
    auto const hash = hash_of(scope, key);
    std::lock_guard const lock(mutex_);
    auto seen = look(hash, message, window, now_us);
    if (!seen && seen.error().code == "index_damaged") {
        put_aside();
        seen = look(hash, message, window, now_us);
    }
    if (!seen) return not_noted(seen.error());
    return seen;
}

}  // namespace hilum::outside
