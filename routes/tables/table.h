// Code tables (DESIGN §5 `tables:`): CSV files read once, at load.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "routes/config/config.h"

namespace hilum::routes {

class Table {
  public:
    // RFC 4180 with a header line. Errors (no such column, duplicate key with both lines, ragged row) go to
    // `diagnostics`.
    static std::shared_ptr<Table const> load(config::Table const& table, config::Diagnostics& diagnostics);
    static std::shared_ptr<Table const> parse(std::string_view csv, config::Table const& table,
                                              config::Diagnostics& diagnostics);

    std::optional<std::string_view> find(std::string_view key) const;
    std::size_t size() const { return rows_.size(); }
    std::vector<std::string_view> keys() const;  // sorted

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::unordered_map<std::string, std::string, Hash, std::equal_to<>> rows_;
};

using Tables = std::map<std::string, std::shared_ptr<Table const>, std::less<>>;

}  // namespace hilum::routes
