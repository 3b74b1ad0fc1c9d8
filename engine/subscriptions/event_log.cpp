#include "engine/subscriptions/event_log.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/store/crc32c.h"

namespace hilum::subscriptions {

namespace {

// number, entry (position, ordinal), source (position, ordinal), message, time, CRC-32C of what is before it:
// little endian. The number is never 0, so that a hole of zeros is no record.
constexpr std::size_t record_size = 8 + 8 + 4 + 8 + 4 + 8 + 8 + 4;
using Record = std::array<char, record_size>;

class Writer {
  public:
    explicit Writer(Record& record) : at_(record.data()) {}
    template <class T>
    void put(T value) {
        for (std::size_t i = 0; i < sizeof value; ++i) *at_++ = static_cast<char>(value >> (8 * i) & 0xffU);
    }

  private:
    char* at_;
};

class Reader {
  public:
    explicit Reader(Record const& record) : at_(record.data()) {}
    template <class T>
    T get() {
        T value = 0;
        for (std::size_t i = 0; i < sizeof value; ++i)
            value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(*at_++)) << (8 * i));
        return value;
    }

  private:
    char const* at_;
};

std::string_view checked(Record const& record) {
    return {record.data(), record_size - 4};
}

Record encode(Event const& event) {
    Record record{};
    Writer w(record);
    w.put(event.number);
    w.put(event.entry.position.value);
    w.put(event.entry.ordinal);
    w.put(event.source.position.value);
    w.put(event.source.ordinal);
    w.put(event.message);
    w.put(static_cast<std::uint64_t>(event.time_us));
    w.put(store::crc32c(0, checked(record)));
    return record;
}

std::optional<Event> decode(Record const& record) {
    Reader r(record);
    Event event;
    event.number = r.get<std::uint64_t>();
    event.entry.position.value = r.get<std::uint64_t>();
    event.entry.ordinal = r.get<std::uint32_t>();
    event.source.position.value = r.get<std::uint64_t>();
    event.source.ordinal = r.get<std::uint32_t>();
    event.message = r.get<std::uint64_t>();
    event.time_us = static_cast<std::int64_t>(r.get<std::uint64_t>());
    if (event.number == 0 || r.get<std::uint32_t>() != store::crc32c(0, checked(record))) return std::nullopt;
    return event;
}

std::string folder_of(std::string const& path) {
    return path.substr(0, path.rfind('/'));
}

Error damaged(std::string const& path) {
    return error(
        "bad_event_log", path, "the numbers of a subscription's events can't be read",
        "restore the file from a backup; without it the numbers begin anew, and its subscriber has to "
        "subscribe again");
}

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::open(std::shared_ptr<store::FileSystem> files, std::string path,
                                                 std::uint64_t keep) {
    std::unique_ptr<EventLog> log(
        new EventLog(std::move(files), std::move(path), std::max(keep, std::uint64_t{1})));
    if (auto const loaded = log->load(); !loaded) return loaded.error();
    return log;
}

Result<void> EventLog::load() {
    auto file = files_->open(path_, store::FileSystem::Open::create_or_write);
    if (!file) return file.error();
    file_ = std::move(*file);
    // A file that a power failure takes away with its name would let the numbers begin anew.
    if (auto const done = files_->sync_dir(folder_of(path_)); !done) return done.error();
    auto const size = file_->size();
    if (!size) return size.error();
    count_ = *size / record_size;
    last_.reset();
    // Only the last record can have been cut off: each is synced before the next is written.
    bool cut = *size % record_size != 0;
    if (count_ != 0) {
        auto last = at(count_ - 1);
        if (!last && last.error().code == "bad_event_log" && !cut) {
            --count_;
            cut = true;
            last = count_ != 0 ? at(count_ - 1) : Result<Event>(Event{});
        }
        if (!last) return last.error();
        if (count_ != 0) last_ = *last;
    }
    if (!cut) return {};
    if (auto const done = file_->truncate(count_ * record_size); !done) return done.error();
    return file_->sync();
}

Result<Event> EventLog::at(std::uint64_t place) const {
    Record record{};
    auto const read = file_->read_at(place * record_size, record);
    if (!read) return read.error();
    auto const event = *read == record_size ? decode(record) : std::nullopt;
    if (!event) return damaged(path_);
    return *event;
}

// Entries are in the order of the lane, as their numbers are.
Result<std::optional<Event>> EventLog::find(store::LaneKey const& entry) const {
    std::uint64_t begin = 0, end = count_;
    while (begin < end) {
        auto const middle = begin + (end - begin) / 2;
        auto const event = at(middle);
        if (!event) return event.error();
        if (event->entry == entry) return std::optional<Event>(*event);
        if (event->entry < entry) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return std::optional<Event>();
}

Result<Event> EventLog::number(store::LaneKey const& entry, store::LaneKey const& source,
                               store::Sequence message, std::int64_t now_us) {
    std::lock_guard const lock(mutex_);
    if (last_ && entry <= last_->entry) {
        if (entry == last_->entry) return *last_;
        auto const known = find(entry);
        if (!known) return known.error();
        if (*known) return **known;
    }
    if (count_ >= 2 * keep_) {
        if (auto const done = forget_oldest(); !done) return done.error();
    }
    // Until the new name is on stable storage, the old file may come back, without what is told from here on.
    if (renamed_) {
        if (auto const done = files_->sync_dir(folder_of(path_)); !done) return done.error();
        renamed_ = false;
    }
    Event const event{last_ ? last_->number + 1 : 1, entry, source, message, now_us};
    auto const record = encode(event);
    auto const written = file_->write_at(count_ * record_size, {record.data(), record.size()});
    if (!written) return written.error();
    // Not synced, it may be written over: it has not been told.
    if (auto const synced = file_->sync(); !synced) return synced.error();
    ++count_;
    last_ = event;
    return event;
}

// Into a new file that takes the place of the old one, so that a crash leaves one of the two.
Result<void> EventLog::forget_oldest() {
    std::string newest(keep_ * record_size, '\0');
    auto const read = file_->read_at((count_ - keep_) * record_size, newest);
    if (!read) return read.error();
    if (*read != newest.size()) return damaged(path_);
    auto const aside = path_ + ".new";
    (void)files_->remove(aside);  // of a crash
    auto file = files_->open(aside, store::FileSystem::Open::create_or_write);
    if (!file) return file.error();
    if (auto const done = (*file)->write_at(0, newest); !done) return done.error();
    if (auto const done = (*file)->sync(); !done) return done.error();
    if (auto const done = files_->rename(aside, path_); !done) return done.error();
    file_ = std::move(*file);
    count_ = keep_;
    renamed_ = true;
    return {};
}

std::uint64_t EventLog::last() const {
    std::lock_guard const lock(mutex_);
    return last_ ? last_->number : 0;
}

Result<std::vector<Event>> EventLog::range(std::uint64_t since, std::uint64_t until, std::size_t max) const {
    std::lock_guard const lock(mutex_);
    std::vector<Event> events;
    if (!last_) return events;
    // Numbers have no gaps, so that the place follows from the number.
    auto const first = last_->number - (count_ - 1);
    auto const end = std::min(until, last_->number);
    for (auto number = std::max(since, first); number <= end && events.size() < max; ++number) {
        auto const event = at(number - first);
        if (!event) return event.error();
        events.push_back(*event);
    }
    return events;
}

}  // namespace hilum::subscriptions
