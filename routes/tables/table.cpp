#include "routes/tables/table.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "routes/tables/csv.h"

namespace hilum::routes {
namespace {

constexpr std::size_t file_max = std::size_t{256} << 20U;
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
        bool const key = column(table_->key, "key", key_);
        return column(table_->value, "value", value_) && key;
    }

    // `add` says whether the key is new, and on which line it was before otherwise.
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
            } else if (std::size_t const before = add(row_[key_], row_[value_], line); before != 0) {
                report(line, "the key stands already on line " + std::to_string(before),
                       "keep one of the two rows");
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
    std::size_t key_ = 0;
    std::size_t value_ = 0;
    std::size_t findings_ = 0;
};

}  // namespace

std::shared_ptr<Table const> Table::parse(std::string_view csv, config::Table const& table,
                                          config::Diagnostics& diagnostics) {
    auto result = std::make_shared<Table>();
    Loader loader(csv, table, diagnostics);
    if (!loader.header()) return nullptr;
    // Lines are only known while loading: a second map, dropped at the end.
    std::unordered_map<std::string_view, std::size_t> lines;
    auto const rows = static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n'));
    lines.reserve(rows);
    result->rows_.reserve(rows);
    loader.rows([&](std::string_view key, std::string_view value, std::size_t line) -> std::size_t {
        auto const [entry, added] = result->rows_.try_emplace(std::string(key), value);
        // Keys of nodes stay where they are, so the view is good.
        auto const [place, fresh] = lines.try_emplace(entry->first, line);
        (void)fresh;
        return added ? 0 : place->second;
    });
    return loader.clean() ? result : nullptr;
}

std::shared_ptr<Table const> Table::load(config::Table const& table, config::Diagnostics& diagnostics) {
    auto const refuse = [&](std::string what, std::string remedy) {
        diagnostics.error(table.csv.where, std::move(what), std::move(remedy));
        return nullptr;
    };
    std::ifstream file(table.csv.value, std::ios::binary | std::ios::ate);
    auto const size = file ? static_cast<std::streamoff>(file.tellg()) : std::streamoff{-1};
    std::string const name = "the table file " + table.csv.value;
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

std::optional<std::string_view> Table::find(std::string_view key) const {
    auto const found = rows_.find(key);
    if (found == rows_.end()) return std::nullopt;
    return found->second;
}

std::vector<std::string_view> Table::keys() const {
    std::vector<std::string_view> out;
    out.reserve(rows_.size());
    for (auto const& [key, value] : rows_) out.push_back(key);
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace hilum::routes
