#include "engine/replay/table.h"

#include <algorithm>

namespace hilum::replay {

Error no_such_job(std::uint64_t number) {
    return error("no_such_job", std::to_string(number), "there is no replay job with this number",
                 "`hilum replay list` shows them");
}

Result<void> Table::load() {
    std::lock_guard const writing(files_mutex_);
    auto const found = files_.load();
    if (!found) return found.error();
    std::lock_guard const lock(mutex_);
    for (auto const& [number, text] : *found) {
        auto job = decode(number, text);
        if (!job) return job.error();
        // What was at work goes on.
        if (!ended(job->view.state)) job->view.state = "queued";
        jobs_[number] = std::move(*job);
        next_ = number + 1;
    }
    return {};
}

Result<std::uint64_t> Table::add(Job job) {
    std::lock_guard const lock(mutex_);
    std::size_t plans = 0;
    std::uint64_t oldest = 0;
    for (auto const& [number, known] : jobs_) {
        if (known.view.state == "previewing") ++plans;
        if (known.view.state != "previewed") continue;
        ++plans;
        if (oldest == 0) oldest = number;
    }
    if (plans >= plans_max) {
        if (oldest == 0)
            return error("not_now", "", "too many previews are being worked out", "try again in a moment");
        jobs_.erase(oldest);
    }
    auto const number = next_++;
    job.view.job = number;
    jobs_[number] = std::move(job);
    return number;
}

std::optional<Job> Table::get(std::uint64_t number) const {
    std::lock_guard const lock(mutex_);
    auto const found = jobs_.find(number);
    return found == jobs_.end() ? std::nullopt : std::optional(found->second);
}

bool Table::wanted(std::uint64_t number) const {
    std::lock_guard const lock(mutex_);
    auto const found = jobs_.find(number);
    return found != jobs_.end() && !found->second.cancel;
}

std::vector<Job> Table::all() const {
    std::vector<Job> out;
    std::lock_guard const lock(mutex_);
    out.reserve(jobs_.size());
    for (auto const& [number, job] : jobs_) out.push_back(job);
    return out;
}

bool Table::update(std::uint64_t number, std::function<void(Job&)> const& change) {
    std::lock_guard const lock(mutex_);
    auto const found = jobs_.find(number);
    if (found == jobs_.end()) return false;
    change(found->second);
    return true;
}

void Table::forget(std::uint64_t number) {
    std::lock_guard const lock(mutex_);
    jobs_.erase(number);
}

std::optional<std::uint64_t> Table::next() const {
    std::lock_guard const lock(mutex_);
    auto const found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [](auto const& j) { return j.second.view.state == "queued"; });
    return found == jobs_.end() ? std::nullopt : std::optional(found->first);
}

// The newest stays in any case: a number that is in the journal is never given again.
Result<void> Table::save(std::uint64_t number) {
    std::lock_guard const writing(files_mutex_);
    std::string text;
    std::vector<std::uint64_t> old;
    {
        std::lock_guard const lock(mutex_);
        auto const found = jobs_.find(number);
        if (found == jobs_.end()) return no_such_job(number);
        text = encode(found->second);
        for (auto const& [n, job] : jobs_)
            if (n != number && ended(job.view.state)) old.push_back(n);
        old.resize(old.size() > kept_max ? old.size() - kept_max : 0);
        for (auto const n : old) jobs_.erase(n);
    }
    auto r = files_.write(number, text);
    for (auto n = old.begin(); r && n != old.end(); ++n) r = files_.remove(*n);
    return r;
}

}  // namespace hilum::replay
