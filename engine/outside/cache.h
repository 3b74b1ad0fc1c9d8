// Answers that are used again. Bounded by bytes: the least lately used go first.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "routes/outside.h"

namespace hilum::outside {

// Thread-safe. Time is the caller's: Unix time in microseconds.
class Cache {
  public:
    static constexpr std::size_t bytes_max = std::size_t{64} << 20U;
    explicit Cache(std::size_t limit = bytes_max) : limit_(limit) {}

    struct Found {
        routes::OutsideAnswer answer;
        std::chrono::microseconds age{0};
    };
    std::optional<Found> find(std::string const& question, std::int64_t now_us);
    void keep(std::string const& question, routes::OutsideAnswer const& answer, std::int64_t now_us);
    std::size_t bytes() const;

  private:
    struct Entry {
        std::string question;
        routes::OutsideAnswer answer;
        std::int64_t at_us = 0;
        std::size_t size() const { return 2 * question.size() + answer.json.size() + 200; }
    };
    using Entries = std::list<Entry>;
    void drop(Entries::iterator entry);

    std::size_t const limit_;
    mutable std::mutex mutex_;
    Entries entries_;  // the latest used first
    std::unordered_map<std::string, Entries::iterator> by_question_;
    std::size_t bytes_ = 0;
};

// `ask` is called when nothing that is kept will do; what it answers is kept, errors are not. One that is too
// old but not older than `stale` more serves when it fails.
template <class Ask>
Result<routes::OutsideAnswer> through(Cache& cache, std::string const& question, routes::Keeping keeping,
                                      std::int64_t now_us, Ask&& ask) {
    if (keeping.fresh.count() <= 0 && keeping.stale.count() <= 0) return ask();
    auto found = cache.find(question, now_us);
    if (found && found->age <= keeping.fresh) return std::move(found->answer);
    auto answer = ask();
    if (answer) {
        cache.keep(question, *answer, now_us);
    } else if (found && found->age <= keeping.fresh + keeping.stale) {
        found->answer.stale = true;
        return std::move(found->answer);
    }
    return answer;
}

}  // namespace hilum::outside
