// The numbers of a subscription's events, so that an event has the same number however often it is told, and
// no number is given twice, whatever crashes in between.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/store/file_system.h"
#include "engine/store/record.h"

namespace hilum::subscriptions {

struct Event {
    std::uint64_t number = 0;  // from 1
    store::LaneKey entry;      // of the subscriber's lane
    store::LaneKey source;     // the record that holds it, and which of its deliveries it is
    store::Sequence message = 0;
    std::int64_t time_us = 0;
};

// A file of records of one size, in the order of their numbers. Thread-safe. Blocks: for the disk.
class EventLog {
  public:
    // Opened, or made. A record that was cut off by a crash is dropped: its event has not been told. `keep`:
    // of so many events the place is remembered, the newest. Errors: those of the disk, "bad_event_log".
    static Result<std::unique_ptr<EventLog>> open(std::shared_ptr<store::FileSystem> files, std::string path,
                                                  std::uint64_t keep);

    // The event of that entry of the lane, on stable storage when it returns: the one it has, or the next
    // number. Entries come in the order of the lane.
    Result<Event> number(store::LaneKey const& entry, store::LaneKey const& source, store::Sequence message,
                         std::int64_t now_us);
    // The highest number given; 0: none yet.
    std::uint64_t last() const;
    // From `since` to `until`, both included, at most `max` of them; those that are no longer remembered are
    // left out.
    Result<std::vector<Event>> range(std::uint64_t since, std::uint64_t until, std::size_t max) const;

  private:
    EventLog(std::shared_ptr<store::FileSystem> files, std::string path, std::uint64_t keep)
        : files_(std::move(files)), path_(std::move(path)), keep_(keep) {}

    Result<void> load();
    Result<Event> at(std::uint64_t place) const;
    Result<std::optional<Event>> find(store::LaneKey const& entry) const;
    Result<void> forget_oldest();

    std::shared_ptr<store::FileSystem> files_;
    std::string path_;
    std::uint64_t keep_;
    mutable std::mutex mutex_;
    std::unique_ptr<store::File> file_;
    std::uint64_t count_ = 0;    // records in the file
    std::optional<Event> last_;  // the last of them
    bool renamed_ = false;       // the file has its name not for sure yet
};

}  // namespace hilum::subscriptions
