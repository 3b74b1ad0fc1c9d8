#include "engine/store/store.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "engine/ops/kill_point.h"
#include "engine/store/budget.h"
#include "engine/store/cursor.h"
#include "engine/store/index.h"
#include "engine/store/journal.h"
#include "engine/store/look_back.h"
#include "engine/store/recovery.h"

namespace hilum::store {

std::string_view StoredMessage::body(std::uint32_t ordinal) const {
    if (ordinal >= record.deliveries.size()) return {};
    std::uint32_t const n = record.deliveries[ordinal].body;
    return n == 0 || n > record.bodies.size() ? record.received : record.bodies[n - 1];
}

namespace {

constexpr std::uint64_t least_segment = 64u << 10;
constexpr std::uint64_t largest_segment = 1u << 30;
constexpr std::size_t read_ahead = 16u << 10;  // most messages come with one read
constexpr std::size_t remembered_damage = 1000;

Error no_such_record(Position p) {
    return error("no_such_record", place(p), "there is no message record here",
                 "it may have been dropped by retention");
}

class StoreImpl final : public Store {
  public:
    StoreImpl(Options options, std::shared_ptr<FileSystem> files, std::shared_ptr<void> lock,
              CommitListener& listener, Recovered recovered)
        : options_(std::move(options)),
          files_(std::move(files)),
          lock_(std::move(lock)),
          recovered_(std::move(recovered)),
          catalogue_(*recovered_.catalogue),
          checksum_(recovered_.store_id),
          budget_(options_),
          journal_(options_, files_, listener, recovered_, [this] { committed_.raise(); }) {}

    Result<void> start() {
        if (auto r = journal_.start(); !r) return r;
        if (!options_.index) return {};
        IndexSource source;
        source.catalogue = &catalogue_;
        source.store_id = recovered_.store_id;
        source.committed = &committed_;
        source.durable_end = [this] { return journal_.durable_end(); };
        source.written_end = [this] { return journal_.written_end(); };
        source.last_sequence = [this] { return journal_.next_sequence() - 1; };
        source.name = [this](NameId id) { return journal_.name(id); };
        source.id = [this](std::string_view name) { return journal_.known_id(name); };
        source.damage = [this](Damage const& d) { damaged(d); };
        auto opened = open_index(options_.dir, std::move(source), recovered_.report.notes);
        if (!opened) return opened.error();
        std::lock_guard const lock(index_mutex_);
        index_ = std::move(*opened);
        return {};
    }

    RecoveryReport const& recovery() const override { return recovered_.report; }
    NameId name_id(std::string_view name) override { return journal_.name_id(name); }
    std::string name(NameId id) const override { return journal_.name(id); }
    Result<void> append(MessageRecord const& record, Ticket& ticket) override {
        if (!budget_.take(message_size_bound(record))) return over_budget();
        return journal_.append(record, ticket);
    }
    Result<void> append(ResendRecord const& record, Ticket& ticket) override {
        return journal_.append(record, ticket);
    }
    Result<void> append(Continuation const& record, Ticket& ticket) override {
        return journal_.append(record, ticket);
    }
    Result<void> append(Transfer const& record, Ticket& ticket) override {
        return journal_.append(record, ticket);
    }
    Result<void> record(ResultRecord const& result) override { return journal_.record(result); }
    Result<void> record_durably(ResultRecord const& result) override {
        auto const recorded = journal_.record(result);
        return recorded ? journal_.flush() : recorded;
    }
    Health health() const override {
        auto const health = journal_.health();
        return health == Health::good && budget_.over() ? Health::full : health;
    }
    Position durable_end() const override { return journal_.durable_end(); }
    Position written_end() const override { return journal_.written_end(); }
    std::vector<LaneState> lanes() const override { return journal_.lanes(); }
    std::uint64_t settled_ahead(NameId destination) const override {
        return journal_.settled_ahead(destination);
    }

    Result<Scan> scan(NameId destination, LaneKey from, std::size_t max, std::size_t max_bytes) override {
        Scan out;
        Position const limit = journal_.durable_end();
        out.reached = from;
        if (max == 0 || from.position >= limit) {
            out.at_end = from.position >= limit;
            return out;
        }
        std::size_t const chunk = std::clamp<std::size_t>(max_bytes, 4096, 256u << 10);
        JournalCursor cursor(
            catalogue_, checksum_, from.position, limit, [this](Damage const& d) { damaged(d); }, chunk);
        JournalCursor::Record r;
        // Always at least one record, so that every call gets further.
        do {
            auto const more = cursor.next(r);
            if (!more) return more.error();
            out.reached = std::max(from, LaneKey{cursor.reached(), 0});
            if (!*more) {
                out.at_end = true;
                break;
            }
            collect(destination, from, r, max, out);
        } while (out.entries.size() < max && cursor.bytes_read() < max_bytes);
        return out;
    }

    Result<StoredMessage> read(Position at) override {
        auto const segment = catalogue_.find(at.segment());
        Position const durable = journal_.durable_end();
        if (!segment || at >= durable) return no_such_record(at);
        std::uint64_t const end = at.segment() == durable.segment() ? durable.offset() : segment->end;
        if (at.offset() < first_record_offset || at.offset() + record_header_size > end)
            return no_such_record(at);
        auto const file = catalogue_.file(at.segment());
        if (!file) return file.error();
        return read_message(**file, at, end);
    }

    Result<Position> find(Sequence sequence) override {
        if (auto const index = this->index()) {
            if (auto const p = index->find(sequence); p && catalogue_.find(p->segment())) return *p;
        }
        auto const none =
            error("no_such_record", "message " + std::to_string(sequence),
                  "there is no such message in the journal", "it may have been dropped by retention");
        auto segment = catalogue_.holding(sequence);
        if (!segment || sequence == 0) return none;
        Position const limit = journal_.durable_end();
        JournalCursor cursor(catalogue_, checksum_, Position::at(segment->number, 0), limit, nullptr);
        JournalCursor::Record r;
        for (;;) {
            auto const more = cursor.next(r);
            if (!more) return more.error();
            if (!*more || (r.is(Kind::message) && r.header.sequence > sequence)) return none;
            if (r.is(Kind::message) && r.header.sequence == sequence) return r.position;
        }
    }

    Result<void> look_back(LookBack& look) override {
        return store::look_back(catalogue_, checksum_, journal_.durable_end(), look);
    }

    Result<StoredResend> read_order(Position at) override {
        auto order = at < journal_.durable_end() ? read_resend(at) : std::nullopt;
        if (!order)
            return error("no_such_record", place(at), "there is no order to deliver again here",
                         "it may have been dropped by retention");
        return std::move(*order);
    }

    Result<void> walk_made(Position from, std::function<void(Made const&)> const& each) override {
        JournalCursor cursor(catalogue_, checksum_, from, journal_.durable_end(),
                             [this](Damage const& d) { damaged(d); });
        JournalCursor::Record r;
        MessageRecord message;
        std::vector<std::uint64_t> lengths;
        for (;;) {
            auto const more = cursor.next(r);
            if (!more) return more.error();
            if (!*more) return {};
            std::uint64_t received = 0, answer = 0;
            if (r.is(Kind::message)) {
                if (decode_message_front(r.header, r.front, message, lengths, received, answer) &&
                    message.origin != 0)
                    each({message.origin, whole_message, 0, message.source});
            } else if (ResendRecord o; r.is(Kind::resend) && decode_resend(r.header, r.front, o)) {
                each({o.sequence, o.ordinal, o.destination, o.by});
            }
        }
    }

    Result<std::vector<MessageRow>> query(Query const& query) override {
        auto const index = this->index();
        if (!index) return no_index();
        return index->query(query);
    }

    Result<Count> count(Query const& query) override {
        auto const index = this->index();
        if (!index) return no_index();
        return index->count(query);
    }

    Result<std::vector<StoredResult>> results(Sequence sequence) override {
        auto const index = this->index();
        if (!index) return no_index();
        auto const positions = index->attempts(sequence);
        if (!positions) return positions.error();
        std::vector<StoredResult> out;
        for (auto const p : *positions) {
            if (auto r = read_result(p)) out.push_back(std::move(*r));
        }
        for (auto& r : out) {  // now that they stay where they are
            r.record.code = r.code;
            r.record.text = r.text;
            r.record.answer = r.answer;
        }
        return out;
    }

    Result<std::vector<StoredResend>> resends(Sequence sequence) override {
        auto const index = this->index();
        if (!index) return no_index();
        auto const positions = index->attempts(sequence);
        if (!positions) return positions.error();
        std::vector<StoredResend> out;
        for (auto const p : *positions) {
            if (auto r = read_resend(p)) out.push_back(std::move(*r));
        }
        return out;
    }

    Position indexed_to() const override {
        auto const index = this->index();
        return index ? index->reached() : Position{};
    }

    std::uint64_t index_lag() const override {
        auto const index = this->index();
        return index ? index->lag() : 0;
    }

    Result<std::size_t> prune() override {
        std::lock_guard const pruning(prune_mutex_);
        auto const segments = catalogue_.all();
        auto const index = this->index();
        std::uint32_t const needed = journal_.first_needed();
        auto const unread = index ? index->reached().segment() : needed;
        std::int64_t const oldest = options_.now_us() - std::chrono::microseconds(options_.retain).count();
        std::uint64_t const most = budget_.most_kept(index_bytes());
        std::uint64_t kept = journal_bytes(segments);
        std::size_t n = 0;
        // The newest two stay: recovery can go back one checkpoint. A segment's records are older than its
        // follower.
        // What is too much goes though the index has not read it: on a machine that is busy with other things
        // it may come late, and messages must not be refused for that.
        auto const goes = [&](Segment const& segment, Segment const& follower) {
            return segment.number < needed &&
                   (kept > most || (follower.created_us <= oldest && segment.number < unread));
        };
        while (n + 2 < segments.size() && goes(segments[n], segments[n + 1])) kept -= segments[n++].end;
        if (n == 0) return n;
        // What freed these segments must not be forgotten by a power cut once they are gone.
        if (auto r = journal_.flush(); !r) return r.error();
        for (std::size_t i = 0; i < n; ++i) {
            catalogue_.forget(segments[i].number);
            ops::kill_point(ops::KillPoint::before_remove);
            if (auto r = files_->remove(segment_path(options_.dir, segments[i].number)); !r) return r.error();
            ops::kill_point(ops::KillPoint::after_remove);
        }
        if (auto r = files_->sync_dir(journal_dir(options_.dir)); !r) return r.error();
        if (index) index->forget_before(segments[n].first);
        return n;
    }

    Space measure() override {
        auto const free = files_->free_bytes(options_.dir);
        std::uint64_t const used = journal_bytes(catalogue_.all()) + index_bytes();
        budget_.measured(used);
        return budget_.space(used, free ? std::optional(*free) : std::nullopt, health() != Health::full);
    }

    Stat stat() const override {
        Stat s;
        auto const segments = catalogue_.all();
        s.segments = segments.size();
        s.bytes = journal_bytes(segments);
        s.last = journal_.next_sequence() - 1;
        if (!segments.empty() && segments.front().first > 0 && s.last + 1 >= segments.front().first) {
            s.messages = s.last + 1 - segments.front().first;
        }
        if (auto const room = files_->free_bytes(options_.dir)) s.free_bytes = *room;
        s.commits = journal_.commits();
        s.synced_messages = journal_.synced_messages();
        return s;
    }

    Result<void> close() override {
        auto r = journal_.close();
        std::lock_guard const lock(index_mutex_);
        index_.reset();
        return r;
    }

  private:
    std::shared_ptr<Index> index() const {
        std::lock_guard const lock(index_mutex_);
        return index_;
    }

    static Error over_budget() {
        return error("over_budget", "journal", "the store has used up its budget",
                     "see which queue holds it, or raise store.budget; the store goes on by itself");
    }
    std::uint64_t journal_bytes(std::vector<Segment> const& segments) const {
        Position const end = journal_.written_end();
        std::uint64_t bytes = 0;
        for (auto const& segment : segments)
            bytes += segment.number == end.segment() ? end.offset() : segment.end;
        return bytes;
    }
    std::uint64_t index_bytes() const { return options_.index ? size_of_index(options_.dir) : 0; }

    static Error no_index() { return error("no_index", "", "this store was opened without its index"); }

    void collect(NameId destination, LaneKey const& from, JournalCursor::Record const& r, std::size_t max,
                 Scan& out) {
        if (r.is(Kind::message)) {
            MessageBrief brief;
            bool full = false;
            for_each_delivery(r.header, r.front, brief, [&](std::uint32_t n, DeliveryEntry const& d) {
                LaneKey const key{r.position, n};
                if (d.destination != destination || key < from || full) return;
                if (out.entries.size() >= max) {
                    full = true;
                    out.reached = key;
                    return;
                }
                out.entries.push_back(
                    {key, r.header.sequence, r.position, n, brief.received_us, false, d.order});
            });
        } else if (ResendRecord resend; r.is(Kind::resend) && decode_resend(r.header, r.front, resend)) {
            LaneKey const key{r.position, 0};
            if (resend.destination != destination || key < from) return;
            out.entries.push_back(
                {key, resend.sequence, resend.position, resend.ordinal, resend.time_us, true, resend.order});
        }
    }

    Result<StoredMessage> read_message(File& file, Position at, std::uint64_t end) {
        StoredMessage out;
        out.buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(read_ahead, end - at.offset())));
        auto got = file.read_at(at.offset(), std::span<char>(out.buffer));
        if (!got) return got.error();
        out.buffer.resize(*got);
        auto const header = decode_header(out.buffer, checksum_);
        if (!header || at.offset() + header->size() > end) {
            return error("damaged", place(at), "the record can't be read: its header is damaged",
                         "resend the message from its source, or restore a backup");
        }
        if (!header->is(Kind::message)) return no_such_record(at);
        auto const size = static_cast<std::size_t>(header->size());
        if (std::size_t const have = out.buffer.size(); have < size) {
            out.buffer.resize(size);
            got = file.read_at(at.offset() + have, std::span<char>(out.buffer.data() + have, size - have));
            if (!got) return got.error();
            out.buffer.resize(have + *got);
        } else {
            out.buffer.resize(size);
        }
        out.buffer.reserve(64);
        std::string_view const all = out.buffer;
        if (all.size() == size) {
            std::string_view const front = all.substr(record_header_size, header->front_length);
            std::string_view const body = all.substr(record_header_size + header->front_length);
            if (checksum_(front) == header->front_crc && checksum_(body) == header->body_crc &&
                decode_message(*header, front, body, out.record)) {
                return out;
            }
        }
        return error("damaged", place(at),
                     "message " + std::to_string(header->sequence) + " is damaged in the journal",
                     "resend it from its source, or restore a backup");
    }

    // A record of a kind that is small. Views point into the buffer.
    struct Small {
        std::string buffer;
        RecordHeader header;
        std::string_view front, body;
    };
    bool read_small(Position at, Kind kind, Small& out) {
        auto const file = catalogue_.file(at.segment());
        if (!file) return false;  // pruned
        out.buffer.assign(record_header_size + 4 * max_answer, '\0');
        auto const got = (*file)->read_at(at.offset(), std::span<char>(out.buffer));
        if (!got) return false;
        std::string_view const all = std::string_view(out.buffer).substr(0, *got);
        auto const header = decode_header(all, checksum_);
        if (!header || !header->is(kind) || header->size() > all.size()) return false;
        out.header = *header;
        out.front = all.substr(record_header_size, header->front_length);
        out.body = all.substr(record_header_size + header->front_length, header->body_length);
        return checksum_(out.front) == header->front_crc && checksum_(out.body) == header->body_crc;
    }

    std::optional<StoredResend> read_resend(Position at) {
        Small small;
        StoredResend out;
        if (!read_small(at, Kind::resend, small) || !decode_resend(small.header, small.front, out.record))
            return std::nullopt;
        out.at = at;
        out.by = out.record.by;
        out.record.by = {};
        return out;
    }

    std::optional<StoredResult> read_result(Position at) {
        Small small;
        StoredResult out;
        if (!read_small(at, Kind::result, small)) return std::nullopt;
        if (!decode_result(small.header, small.front, small.body, out.record)) return std::nullopt;
        out.code = out.record.code;
        out.text = out.record.text;
        out.answer = out.record.answer;
        out.record.code = out.record.text =
            out.record.answer = {};  // the strings hold them: views would not survive a move
        return out;
    }

    void damaged(Damage const& d) {
        {
            std::lock_guard const lock(damage_mutex_);
            if (damage_seen_.size() >= remembered_damage || !damage_seen_.insert(d.from).second) return;
        }
        if (options_.on_damage) options_.on_damage(d.text());
    }

    Options options_;
    std::shared_ptr<FileSystem> files_;
    std::shared_ptr<void> lock_;
    Recovered recovered_;
    Catalogue& catalogue_;
    Checksum checksum_;
    Signal committed_;
    std::mutex damage_mutex_;
    std::set<Position> damage_seen_;
    std::mutex prune_mutex_;
    Budget budget_;
    Journal journal_;
    mutable std::mutex index_mutex_;
    std::shared_ptr<Index> index_;  // its thread reads the journal: stopped before it
};

}  // namespace

Result<std::unique_ptr<Store>> open_store(Options options, std::shared_ptr<FileSystem> files,
                                          CommitListener& listener) {
    options.segment_size = std::clamp(options.segment_size, least_segment, largest_segment);
    if (!options.now_us) {
        options.now_us = [] {
            return std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                .count();
        };
    }
    auto lock = lock_store(options.dir, *files);
    if (!lock) return lock.error();
    auto recovered =
        recover(options.dir, files, options.segment_size, options.now_us(), RecoveryMode::repair);
    if (!recovered) return recovered.error();
    auto store = std::make_unique<StoreImpl>(std::move(options), std::move(files), std::move(*lock), listener,
                                             std::move(*recovered));
    if (auto r = store->start(); !r) return r.error();
    return std::unique_ptr<Store>(std::move(store));
}

}  // namespace hilum::store
