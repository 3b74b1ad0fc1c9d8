// Which segments there are, and their files, opened when needed.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/store/file_system.h"
#include "engine/store/record.h"

namespace hilum::store {

struct Segment {
    std::uint32_t number = 0;
    Sequence first = 0;  // the number of the first message it holds, if it holds one
    std::int64_t created_us = 0;
    std::uint64_t end = 0;  // where its records end; of the active one: not kept here
};

// Thread-safe.
class Catalogue {
  public:
    Catalogue(std::string dir, std::shared_ptr<FileSystem> files)
        : dir_(std::move(dir)), files_(std::move(files)) {}

    void add(Segment const& segment, std::shared_ptr<File> file);
    void seal(std::uint32_t number, std::uint64_t end);
    void forget(std::uint32_t number);

    std::vector<Segment> all() const;
    std::size_t size() const;
    std::optional<Segment> find(std::uint32_t number) const;
    std::optional<Segment> at_or_after(std::uint32_t number) const;
    std::optional<Segment> holding(Sequence sequence) const;
    Segment front() const;
    Segment back() const;

    // Open for reading; at most 64 files are kept open. Error "no_such_record" when there is no such segment.
    Result<std::shared_ptr<File>> file(std::uint32_t number);

  private:
    void keep_open(std::uint32_t number, std::shared_ptr<File> file);  // locked
    std::string dir_;
    std::shared_ptr<FileSystem> files_;
    mutable std::mutex mutex_;
    std::map<std::uint32_t, Segment> segments_;
    std::list<std::pair<std::uint32_t, std::shared_ptr<File>>> open_;  // most recently used first
};

}  // namespace hilum::store
