// What messages had before, for `deduplicate`: keys on disk, so that a restart forgets nothing. Only hashes
// of them: a key may be a patient's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/store/sqlite.h"
#include "parsers/result.h"

namespace hilum::outside {

// Thread-safe. A file that is damaged is put aside and begun anew: what it held may then come twice, nothing
// is lost.
class Memory {
  public:
    // `path` is made on first use.
    explicit Memory(std::string path) : path_(std::move(path)) {}

    // As routes::Outside::seen(). Error "disk" when it can't be written down.
    Result<std::optional<std::int64_t>> seen(std::string_view scope, std::string_view key,
                                             std::uint64_t message, std::chrono::milliseconds window,
                                             std::int64_t now_us);

  private:
    Result<void> open();
    Result<std::optional<std::int64_t>> look(std::string const& hash, std::uint64_t message,
                                             std::chrono::milliseconds window, std::int64_t now_us);
    void put_aside();

    std::string path_;
    std::mutex mutex_;
    std::optional<store::sqlite::Connection> db_;
    store::sqlite::Statement find_, note_, forget_;
};

}  // namespace hilum::outside
