// Reading the index, for people.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/store/index.h"
#include "engine/store/sqlite.h"

namespace hilum::store {

// A connection of its own that can only read: it never writes, checkpoints or recovers, so that the writer's
// stays the only one that does (SQLite 3.40 has a fault when two connections reset the write-ahead log), and
// a search neither waits for the low-priority index thread nor sees half a transaction. Thread-safe.
class IndexQueries {
  public:
    explicit IndexQueries(IndexSource const& source) : source_(source) {}
    Result<void> open(std::string const& path);
    void close();
    Result<std::vector<MessageRow>> query(Query const& query);
    Result<Store::Count> count(Query query);
    Result<std::vector<Position>> attempts(Sequence sequence);
    std::optional<Position> find(Sequence sequence);

  private:
    Result<std::vector<DeliveryRow>> deliveries(sqlite::Statement& of_one, Sequence sequence);
    Result<sqlite::Statement> prepare(std::string_view sql);

    IndexSource const& source_;
    std::mutex mutex_;
    std::optional<sqlite::Connection> db_;
};

}  // namespace hilum::store
