#include "routes/tables/table.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "routes/tables/csv.h"

namespace hilum::routes {
namespace {

constexpr std::size_t file_max = std::size_t{256} << 20U;
constexpr std::size_t periods_max = 100;  // of one key; more are taken for a mistake
constexpr std::size_t findings_max = 20;  // of one file; a wrong file would else give a page for every row

class Loader {
  public:
    Loader(std::string_view csv, config::Table const& table, config::Diagnostics& diagnostics)
        : reader_(csv), table_(&table), diagnostics_(&diagnostics) {}

    bool header() {
        if (!reader_.next(row_)) {
            report(1, "the table \"" + table_->name + "\" is empty", "its first line names the columns");
            return false;
        }
        if (!reader_.problem().empty()) {
            report(reader_.line(), std::string(reader_.problem()), "double a quote inside a quoted field");
            return false;
        }
        columns_ = row_.size();
        bool all = true;
        for (auto const& name : table_->key) all = column(name, "key", keys_.emplace_back()) && all;
        all = column(table_->value, "value", value_) && all;
        if (!table_->from.empty()) all = column(table_->from, "from", from_.emplace()) && all;
        if (!table_->to.empty()) all = column(table_->to, "to", to_.emplace()) && all;
        return all;
    }

    // `add` gives the line of a row that the new one contradicts, else 0.
    template <class Add>
    void rows(Add add) {
        while (findings_ < findings_max && reader_.next(row_)) {
            auto const line = reader_.line();
            if (!reader_.problem().empty()) {
                report(line, std::string(reader_.problem()), "double a quote inside a quoted field");
            } else if (row_.size() != columns_) {
                report(line,
                       "the row has " + std::to_string(row_.size()) + " fields, the header line has " +
                           std::to_string(columns_),
                       "put a field that holds a comma in quotes");
            } else if (auto const period = dates(line)) {
                if (std::size_t const before = add(key(), row_[value_], *period, line); before != 0)
                    report(line, "the key stands already on line " + std::to_string(before),
                           from_ || to_ ? "let one of the two end before the other begins"
                                        : "keep one of the two rows");
            }
        }
        if (findings_ >= findings_max)
            diagnostics_->error(at(reader_.line()), "the rest of this table was not read",
                                "mend the findings above first");
    }

    bool clean() const { return findings_ == 0; }

  private:
    config::Location at(std::size_t line) {
        if (!file_) file_ = std::make_shared<std::string const>(table_->csv.value);
        return {file_, static_cast<std::uint32_t>(line), 1};
    }

    struct Period {
        std::int32_t from = 0;
        std::int32_t to = 99999999;
    };

    std::string_view key() {
        if (keys_.size() == 1) return row_[keys_[0]];
        std::vector<std::string_view> values;
        for (auto const column : keys_) values.push_back(row_[column]);
        joined_ = Table::join(values);
        return joined_;
    }

    // An empty date is open.
    std::optional<Period> dates(std::size_t line) {
        Period period;
        auto const read = [&](std::optional<std::size_t> const& column, std::int32_t& day) {
            if (!column || row_[*column].empty()) return true;
            auto const found = Table::day(row_[*column]);
            if (found) day = *found;
            return found.has_value();
        };
        if (!read(from_, period.from) || !read(to_, period.to)) {
            report(line, "a date of the row is none", "write it like 2026-01-31, or leave it empty");
            return std::nullopt;
        }
        if (period.from <= period.to) return period;
        report(line, "the row ends before it begins", "mend one of its dates");
        return std::nullopt;
    }

    void report(std::size_t line, std::string what, std::string remedy) {
        ++findings_;
        diagnostics_->error(at(line), std::move(what), std::move(remedy));
    }

    bool column(std::string const& wanted, std::string_view role, std::size_t& index) {
        auto const found = std::find(row_.begin(), row_.end(), std::string_view(wanted));
        if (found == row_.end()) {
            ++findings_;
            diagnostics_->error(table_->where,
                                "table \"" + table_->name + "\": its " + std::string(role) + " column \"" +
                                    wanted + "\" is not in " + table_->csv.value,
                                config::suggest(wanted, row_, "columns"));
            return false;
        }
        index = static_cast<std::size_t>(found - row_.begin());
        if (std::find(found + 1, row_.end(), std::string_view(wanted)) != row_.end())
            report(reader_.line(), "two columns are called \"" + wanted + "\"", "give each its own name");
        return true;
    }

    CsvReader reader_;
    config::Table const* table_;
    config::Diagnostics* diagnostics_;
    std::vector<std::string_view> row_;
    std::shared_ptr<std::string const> file_;
    std::size_t columns_ = 0;
    std::vector<std::size_t> keys_;
    std::string joined_;
    std::size_t value_ = 0;
    std::optional<std::size_t> from_;
    std::optional<std::size_t> to_;
    std::size_t findings_ = 0;
};

}  // namespace

std::shared_ptr<Table const> Table::parse(std::string_view csv, config::Table const& table,
                                          config::Diagnostics& diagnostics) {
    auto result = std::make_shared<Table>();
    Loader loader(csv, table, diagnostics);
    if (table.key.empty() || table.key.size() > keys_max) {
        diagnostics.error(
            table.where,
            "table \"" + table.name + "\" has " + std::to_string(table.key.size()) + " key columns",
            "name 1 to " + std::to_string(keys_max) + " in \"key\"");
        return nullptr;
    }
    if (!loader.header()) return nullptr;
    result->key_columns_ = table.key.size();
    result->dated_ = !table.from.empty() || !table.to.empty();
    if (table.fallback.where.file) result->fallback_ = table.fallback.value;
    auto const rows = static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')) + 1;
    result->rows_.reserve(rows);
    result->texts_.reserve(csv.size());
    result->index_.assign(std::bit_ceil(rows * 2), none);
    loader.rows([&](std::string_view key, std::string_view value, auto const& period, std::size_t line) {
        Row row;
        row.from = period.from;
        row.to = period.to;
        row.line = static_cast<std::uint32_t>(line);
        return result->add(key, value, row);
    });
    return loader.clean() ? result : nullptr;
}

std::size_t Table::slot(std::string_view wanted) const {
    std::size_t const mask = index_.size() - 1;
    std::size_t at = std::hash<std::string_view>{}(wanted)&mask;
    while (index_[at] != none && key(rows_[index_[at]]) != wanted) at = (at + 1) & mask;
    return at;
}

std::size_t Table::add(std::string_view key, std::string_view value, Row row) {
    // CR alone ends a row too, so there may be more rows than lines were counted.
    if ((rows_.size() + 1) * 2 > index_.size()) {
        std::vector<std::uint32_t> const old =
            std::exchange(index_, std::vector<std::uint32_t>(index_.size() * 2, none));
        for (auto const first : old)
            if (first != none) index_[slot(this->key(rows_[first]))] = first;
    }
    auto& first = index_[slot(key)];
    std::size_t periods = 0;
    for (auto i = first; i != none; i = rows_[i].next) {
        bool const apart = row.to < rows_[i].from || rows_[i].to < row.from;
        if (!apart || ++periods >= periods_max) return rows_[i].line;
    }
    row.key = static_cast<std::uint32_t>(texts_.size());
    row.key_size = static_cast<std::uint32_t>(key.size());
    row.value_size = static_cast<std::uint32_t>(value.size());
    row.next = first;
    texts_ += key;
    texts_ += value;
    first = static_cast<std::uint32_t>(rows_.size());
    rows_.push_back(row);
    return 0;
}

std::shared_ptr<Table const> Table::load(config::Table const& table, config::Diagnostics& diagnostics) {
    auto const refuse = [&](std::string what, std::string remedy) {
        diagnostics.error(table.csv.where, std::move(what), std::move(remedy));
        return nullptr;
    };
    std::ifstream file(table.csv.value, std::ios::binary | std::ios::ate);
    auto const size = file ? static_cast<std::streamoff>(file.tellg()) : std::streamoff{-1};
    std::string const name = "the table file " + table.csv.value;
    std::error_code unknown;
    if (!file && !std::filesystem::exists(table.csv.value, unknown))
        return nullptr;  // loading has reported it
    if (!file || size < 0)
        return refuse(name + " can't be read",
                      "the path is relative to the configuration file that names it");
    if (static_cast<std::size_t>(size) > file_max)
        return refuse(name + " is larger than 256 MiB", "keep large code systems elsewhere");
    std::string text(static_cast<std::size_t>(size), '\0');
    file.seekg(0);
    file.read(text.data(), size);
    if (!file) return refuse(name + " can't be read", "it has to be a file");
    return parse(text, table, diagnostics);
}

std::optional<std::string_view> Table::find(std::string_view wanted, std::int32_t day) const {
    if (index_.empty()) return std::nullopt;
    for (auto i = index_[slot(wanted)]; i != none; i = rows_[i].next)
        if (!dated_ || (rows_[i].from <= day && day <= rows_[i].to)) return value(rows_[i]);
    return std::nullopt;
}

std::vector<std::string_view> Table::keys() const {
    std::vector<std::string_view> out;
    for (auto const first : index_)
        if (first != none) out.push_back(key(rows_[first]));
    std::sort(out.begin(), out.end());
    return out;
}

// Each but the last is preceded by its length, so that no two lists of keys are joined to the same.
std::string Table::join(std::span<std::string_view const> keys) {
    std::string joined;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (i + 1 < keys.size()) joined += std::to_string(keys[i].size()) + ':';
        joined += keys[i];
    }
    return joined;
}

std::optional<std::int32_t> Table::day(std::string_view text) {
    std::string digits(text);
    if (digits.size() == 10 && digits[4] == '-' && digits[7] == '-')
        digits = digits.substr(0, 4) + digits.substr(5, 2) + digits.substr(8);
    std::int32_t number = 0;
    auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.size() != 8 || problem != std::errc() || end != digits.data() + 8 || number < 0)
        return std::nullopt;
    std::chrono::year_month_day const date{std::chrono::year(number / 10000),
                                           std::chrono::month(static_cast<unsigned>(number / 100 % 100)),
                                           std::chrono::day(static_cast<unsigned>(number % 100))};
    if (!date.ok()) return std::nullopt;
    return number;
}

std::int32_t Table::day_at(std::int64_t unix_us) {
    std::chrono::sys_time<std::chrono::microseconds> const time{std::chrono::microseconds(unix_us)};
    std::chrono::year_month_day const date{std::chrono::floor<std::chrono::days>(time)};
    return static_cast<int>(date.year()) * 10000 +
           static_cast<std::int32_t>(static_cast<unsigned>(date.month()) * 100 +
                                     static_cast<unsigned>(date.day()));
}

}  // namespace hilum::routes
