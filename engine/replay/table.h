// The jobs there are, in memory and in their files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/replay/job.h"
#include "engine/store/numbered_files.h"

namespace hilum::replay {

// Thread-safe. Only save() and load() block.
class Table {
  public:
    static constexpr std::size_t plans_max = 8;  // previewed, and not started
    static constexpr std::size_t kept_max = 50;  // that have ended

    explicit Table(store::NumberedFiles files) : files_(std::move(files)) {}

    // What an earlier run left. Errors: the file system's; "bad_job_file".
    Result<void> load();
    // Gives it its number. The oldest plan that nobody started makes room; "not_now" when all are at work.
    Result<std::uint64_t> add(Job job);
    std::optional<Job> get(std::uint64_t number) const;
    std::vector<Job> all() const;
    bool wanted(std::uint64_t number) const;  // there, and not to be cancelled
    // False when there is no such job.
    bool update(std::uint64_t number, std::function<void(Job&)> const& change);
    void forget(std::uint64_t number);  // a plan: it has no file
    // The first that waits to be run.
    std::optional<std::uint64_t> next() const;
    // As it is now, on stable storage when it returns; those that ended long ago make room.
    Result<void> save(std::uint64_t number);

  private:
    mutable std::mutex mutex_;  // of the two below
    std::map<std::uint64_t, Job> jobs_;
    std::uint64_t next_ = 1;
    std::mutex files_mutex_;  // held while writing; taken first
    store::NumberedFiles files_;
};

Error no_such_job(std::uint64_t number);

}  // namespace hilum::replay
