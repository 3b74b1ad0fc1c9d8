// The subscribers of an engine: what their destinations tell them, and what the FHIR endpoint tells of them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/subscriptions/event_log.h"
#include "engine/subscriptions/notification.h"

namespace hilum::subscriptions {

// One subscriber. Thread-safe. Outlives the destination that a reload replaces.
class Feed {
  public:
    explicit Feed(std::unique_ptr<EventLog> events) : events_(std::move(events)) {}

    EventLog& events() { return *events_; }
    EventLog const& events() const { return *events_; }

    struct View {
        Subscription subscription;
        Status status = Status::requested;
        std::string problem;  // a code, such as "HTTP 503"
    };
    View view() const;
    void describe(Subscription subscription);
    void told(Status status, std::string problem = {});

  private:
    std::unique_ptr<EventLog> events_;
    mutable std::mutex mutex_;
    View view_;
};

// Thread-safe.
class Feeds {
  public:
    // The body of a delivery as the store has it; an error where it is there no more.
    using Read = std::function<Result<std::string>(store::LaneKey const& source)>;
    Feeds(std::shared_ptr<store::FileSystem> files, std::string dir, Read read)
        : files_(std::move(files)), dir_(std::move(dir)), read_(std::move(read)) {}

    // By a destination's name. Blocks: for the disk. Errors: those of EventLog::open.
    Result<std::shared_ptr<Feed>> open(std::string const& name, std::uint64_t keep);
    std::shared_ptr<Feed> find(std::string_view name) const;  // null: not opened, so nothing was told yet
    Result<std::string> body(Event const& event) const { return read_(event.source); }

  private:
    std::shared_ptr<store::FileSystem> files_;
    std::string dir_;
    Read read_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Feed>, std::less<>> feeds_;
};

}  // namespace hilum::subscriptions
