#include "engine/subscriptions/feed.h"

#include <utility>

namespace hilum::subscriptions {

Feed::View Feed::view() const {
    std::lock_guard const lock(mutex_);
    return view_;
}

void Feed::describe(Subscription subscription) {
    std::lock_guard const lock(mutex_);
    view_.subscription = std::move(subscription);
}

void Feed::told(Status status, std::string problem) {
    std::lock_guard const lock(mutex_);
    view_.status = status;
    view_.problem = std::move(problem);
}

Result<std::shared_ptr<Feed>> Feeds::open(std::string const& name, std::uint64_t keep) {
    std::lock_guard const lock(mutex_);
    if (auto const known = feeds_.find(name); known != feeds_.end()) return known->second;
    auto const folder = dir_ + "/subscriptions";
    if (auto const made = files_->make_dirs(folder); !made) return made.error();
    if (auto const synced = files_->sync_dir(dir_); !synced) return synced.error();
    auto log = EventLog::open(files_, folder + "/" + name, keep);
    if (!log) return log.error();
    return feeds_.emplace(name, std::make_shared<Feed>(std::move(*log))).first->second;
}

std::shared_ptr<Feed> Feeds::find(std::string_view name) const {
    std::lock_guard const lock(mutex_);
    auto const known = feeds_.find(name);
    return known == feeds_.end() ? nullptr : known->second;
}

}  // namespace hilum::subscriptions
