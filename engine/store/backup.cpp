#include "engine/store/backup.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/store/segment.h"
#include "engine/store/sqlite.h"

namespace hilum::store {

namespace {

constexpr std::size_t chunk = 1u << 20;
constexpr std::uint64_t largest = 0xffffffffU;  // of a segment

Result<void> copy(File& from, std::uint64_t size, std::string const& path, FileSystem& files) {
    auto to = files.open(path, FileSystem::Open::create_or_write);
    if (!to) return to.error();
    std::string buffer(chunk, '\0');
    for (std::uint64_t at = 0; at < size;) {
        auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, size - at));
        auto const got = from.read_at(at, std::span(buffer).first(want));
        if (!got) return got.error();
        if (*got == 0) break;
        if (auto const written = (*to)->write_at(at, std::string_view(buffer.data(), *got)); !written)
            return written;
        at += *got;
    }
    return (*to)->sync();
}

class Backup {
  public:
    Backup(std::string from, std::string to, std::shared_ptr<FileSystem> files)
        : from_(std::move(from)),
          to_(std::move(to)),
          partial_(to_ + "/journal.partial"),
          files_(std::move(files)) {}

    Result<BackupReport> run() {
        if (auto const ready = prepare(); !ready) return ready.error();
        if (auto const copied = copy_journal(); !copied) return copied.error();
        if (auto const copied = copy_rest(); !copied) return copied.error();
        if (auto const synced = files_->sync_dir(partial_); !synced) return synced.error();
        if (auto const named = files_->rename(partial_, journal_dir(to_)); !named) return named.error();
        if (auto const synced = files_->sync_dir(to_); !synced) return synced.error();
        report_.segments = copied_.size();
        return report_;
    }

  private:
    Result<void> prepare() {
        auto const listed = files_->list(journal_dir(from_));
        if (listed)
            for (auto const& name : *listed)
                if (auto const number = segment_number(name)) numbers_.push_back(*number);
        if (numbers_.empty())
            return error("no_journal", from_, "there is no store here",
                         "name the folder of store: { dir: ... }");
        std::sort(numbers_.begin(), numbers_.end());
        if (auto const made = files_->make_dirs(to_); !made) return made;
        auto const there = files_->list(to_);
        if (!there) return there.error();
        if (!there->empty())
            return error("not_empty", to_, "there is something in this folder already",
                         "name a new one for each backup");
        return files_->make_dirs(partial_);
    }

    // The oldest first, as retention removes them: what is gone when its turn comes was followed by no gap.
    Result<void> copy_journal() {
        for (auto const number : numbers_) {
            auto const opened = files_->open(segment_path(from_, number), FileSystem::Open::read);
            if (!opened) {
                if (number == numbers_.back()) return opened.error();
                if (auto const dropped = drop_copied(); !dropped) return dropped;
                continue;
            }
            if (auto const copied = copy_segment(**opened, number); !copied) return copied;
        }
        return {};
    }

    // Of the one that is being written: what was there at one moment. The engine writes it from the front to
    // the back, so that this is what a crash at that moment would have left, and a start makes of it what it
    // makes of that.
    Result<void> copy_segment(File& file, std::uint32_t number) {
        auto size = file.size();
        if (!size) return size.error();
        if (number == numbers_.back()) {
            size = end_of_records(file, std::min<std::uint64_t>(*size, largest - chunk));
            if (!size) return size.error();
        }
        auto const copied = copy(file, *size, partial_ + "/" + segment_name(number), *files_);
        if (!copied) return copied;
        copied_.push_back({number, *size});
        report_.bytes += *size;
        return {};
    }

    Result<void> drop_copied() {
        for (auto const& [number, size] : copied_) {
            report_.bytes -= size;
            if (auto const removed = files_->remove(partial_ + "/" + segment_name(number)); !removed)
                return removed;
        }
        copied_.clear();
        return {};
    }

    Result<void> copy_rest() {
        auto const listed = files_->list(from_);
        if (!listed) return listed.error();
        auto const there = [&](std::string_view name) {
            return std::find(listed->begin(), listed->end(), name) != listed->end();
        };
        if (there("paused")) {
            auto const file = files_->open(from_ + "/paused", FileSystem::Open::read);
            if (!file) return file.error();
            auto const size = (*file)->size();
            if (!size) return size.error();
            if (auto const copied = copy(**file, *size, to_ + "/paused", *files_); !copied) return copied;
        }
        if (there("subscriptions")) {
            if (auto const copied = copy_subscriptions(); !copied) return copied;
        }
        return there("seen.sqlite") ? copy_seen() : Result<void>();
    }

    // After the journal, so that no number which has been told is given again, also where the copy of the
    // journal ends before its message.
    Result<void> copy_subscriptions() {
        auto const from = from_ + "/subscriptions", to = to_ + "/subscriptions";
        auto const names = files_->list(from);
        if (!names) return names.error();
        if (auto const made = files_->make_dirs(to); !made) return made;
        for (auto const& name : *names) {
            if (name.find('.') != std::string::npos) continue;  // being made anew
            auto const file = files_->open(from + "/" + name, FileSystem::Open::read);
            if (!file) return file.error();
            auto const size = (*file)->size();
            if (!size) return size.error();
            if (auto const copied = copy(**file, *size, to + "/" + name, *files_); !copied) return copied;
        }
        return files_->sync_dir(to);
    }

    Result<void> copy_seen() {
        auto db = sqlite::Connection::open(from_ + "/seen.sqlite", sqlite::Connection::Mode::read);
        if (!db) return db.error();
        auto into = db->prepare("VACUUM INTO ?");
        if (!into) return into.error();
        auto const path = to_ + "/seen.sqlite";
        into->bind(1, path);
        return into->run();
    }

    std::string from_, to_, partial_;
    std::shared_ptr<FileSystem> files_;
    std::vector<std::uint32_t> numbers_;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> copied_;
    BackupReport report_;
};

}  // namespace

Result<BackupReport> back_up(std::string const& from, std::string const& to,
                             std::shared_ptr<FileSystem> files) {
    return Backup(from, to, std::move(files)).run();
}

}  // namespace hilum::store
