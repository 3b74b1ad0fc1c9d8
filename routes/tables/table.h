// Code tables (DESIGN §5 `tables:`): CSV files read once, at load.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routes/config/config.h"

namespace hilum::routes {

// A row costs its texts and 40 bytes.
class Table {
  public:
    static constexpr std::size_t keys_max = 8;  // key columns

    // RFC 4180 with a header line. Errors (no such column, duplicate key with both lines, ragged row) go to
    // `diagnostics`.
    static std::shared_ptr<Table const> load(config::Table const& table, config::Diagnostics& diagnostics);
    static std::shared_ptr<Table const> parse(std::string_view csv, config::Table const& table,
                                              config::Diagnostics& diagnostics);

    // `day` as YYYYMMDD in digits, for a table with dates. A table with several key columns is asked with
    // what join() makes of their values.
    std::optional<std::string_view> find(std::string_view key, std::int32_t day = 0) const;
    static std::string join(std::span<std::string_view const> keys);
    // 20260102 of "20260102" or "2026-01-02"; nullopt when it is no day.
    static std::optional<std::int32_t> day(std::string_view text);
    static std::int32_t day_at(std::int64_t unix_us);  // in UTC

    std::size_t size() const { return rows_.size(); }
    std::vector<std::string_view> keys() const;  // sorted
    std::size_t key_columns() const { return key_columns_; }
    bool dated() const { return dated_; }
    std::optional<std::string> const& fallback() const { return fallback_; }

  private:
    static constexpr std::uint32_t none = 0xffffffff;
    struct Row {
        std::uint32_t key = 0;  // offset in texts_; the value follows
        std::uint32_t key_size = 0;
        std::uint32_t value_size = 0;
        std::int32_t from = 0;  // the first and last day it holds
        std::int32_t to = 99999999;
        std::uint32_t line = 0;
        std::uint32_t next = none;  // another row of the same key
    };
    std::string_view key(Row const& row) const { return {texts_.data() + row.key, row.key_size}; }
    std::string_view value(Row const& row) const {
        return {texts_.data() + row.key + row.key_size, row.value_size};
    }
    // Where the key's first row is in index_, or would be.
    std::size_t slot(std::string_view key) const;
    // 0, or the line of a row that it contradicts.
    std::size_t add(std::string_view key, std::string_view value, Row row);

    std::string texts_;
    std::vector<Row> rows_;
    std::vector<std::uint32_t> index_;  // open addressing: first rows by the hash of their keys
    std::size_t key_columns_ = 1;
    bool dated_ = false;
    std::optional<std::string> fallback_;
};

using Tables = std::map<std::string, std::shared_ptr<Table const>, std::less<>>;

}  // namespace hilum::routes
