#include "engine/store/index.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <thread>

#include "engine/ops/kill_point.h"
#include "engine/store/index_fields.h"
#include "engine/store/index_query.h"
#include "engine/store/index_schema.h"
#include "engine/store/sqlite.h"

namespace hilum::store {
namespace {

constexpr int records_a_transaction = 5000;
constexpr auto time_a_transaction = std::chrono::milliseconds(250);
constexpr auto rest_after_little =
    std::chrono::milliseconds(100);  // so that light traffic isn't one transaction a message
constexpr auto idle_wait = std::chrono::milliseconds(1000);
constexpr auto wait_after_error = std::chrono::milliseconds(1000);
constexpr std::size_t most_field_bytes =
    64u << 10;  // of a message; the fields people search by stand at its beginning
constexpr std::int64_t forget_at_once = 2000;

std::string index_path(std::string const& dir) {
    return dir + "/index.sqlite";
}

// What the index thread writes with.
class Tables {
  public:
    Result<void> open(std::string const& path, std::uint64_t store_id, Position journal_end) {
        auto db = sqlite::Connection::open(path, sqlite::Connection::Mode::write);
        if (!db) return db.error();
        db_ = std::move(*db);
        // NORMAL: synced at checkpoints only, so a power cut loses the newest transactions (they are read
        // again) but no older page.
        if (auto r = db_->execute(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000;"
                "PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY");
            !r) {
            return r;
        }
        auto const version = value("SELECT count(*) FROM sqlite_master WHERE name = 'meta'");
        if (!version) return version.error();
        if (*version == 0) {
            if (auto r = create(store_id); !r) return r;
        }
        if (auto r = prepare(); !r) return r;
        auto const stored_version = value("SELECT value FROM meta WHERE key = 'version'");
        auto const stored_id = value("SELECT value FROM meta WHERE key = 'store'");
        auto const stored_position = value("SELECT value FROM meta WHERE key = 'position'");
        auto const resends = value("SELECT count(*) FROM (SELECT 1 FROM resends LIMIT 1)");
        if (!stored_version || !stored_id || !stored_position || !resends)
            return error("index_damaged", path, "the index can't be read");
        position = {static_cast<std::uint64_t>(*stored_position)};
        any_resend_ = *resends > 0;
        if (*stored_version != index_version || static_cast<std::uint64_t>(*stored_id) != store_id ||
            position > journal_end) {
            return error("index_damaged", path, "the index is not of this journal");
        }
        auto const last = value("SELECT ifnull(max(sequence), 0) FROM messages");
        if (!last) return last.error();
        last_sequence = static_cast<Sequence>(*last);
        return {};
    }

    Result<void> begin() { return db_->execute("BEGIN"); }
    Result<void> commit(Position reached) {
        if (auto r = save_position_.bind(1, static_cast<std::int64_t>(reached.value)).run(); !r) return r;
        return db_->execute("COMMIT");
    }
    void roll_back() { (void)db_->execute("ROLLBACK"); }  // there may be nothing to roll back

    Result<void> add(Position at, MessageRecord const& m, std::uint64_t bytes, IndexFields const& f) {
        bool const done = m.state == MessageState::accepted && m.deliveries.empty();
        insert_message_.bind(1, number(m.sequence))
            .bind(2, m.received_us)
            .bind(3, std::int64_t{m.listener})
            .bind(4, m.source);
        insert_message_.bind(5, f.type)
            .bind(6, f.control_id)
            .bind(7, f.sender)
            .bind(8, f.patient_id)
            .bind(9, f.visit);
        insert_message_.bind(10, done ? message_done : static_cast<std::int64_t>(m.state))
            .bind(11, m.answer_code);
        insert_message_.bind(12, number(bytes)).bind(13, number(at.value));
        if (auto r = insert_message_.run(); !r) return r;
        for (std::size_t i = 0; i < m.deliveries.size(); ++i) {
            auto const& d = m.deliveries[i];
            if (auto r =
                    queue(m.sequence, static_cast<std::uint32_t>(i), d.destination, d.route, m.received_us);
                !r)
                return r;
        }
        last_sequence = std::max(last_sequence, m.sequence);
        return {};
    }

    Result<void> add(Position at, ResendRecord const& r) {
        insert_resend_.bind(1, number(at.value)).bind(2, number(r.sequence)).bind(3, std::int64_t{r.ordinal});
        if (auto done = insert_resend_.run(); !done) return done;
        any_resend_ = true;
        // For the trace: found by message as its attempts are.
        if (auto done = insert_attempt_.bind(1, number(r.sequence)).bind(2, number(at.value)).run(); !done)
            return done;
        if (auto done = reopen_message_.bind(1, number(r.sequence)).run(); !done) return done;
        requeue_.bind(1, number(r.sequence))
            .bind(2, std::int64_t{r.ordinal})
            .bind(3, std::int64_t{r.destination})
            .bind(4, r.time_us);
        return requeue_.run();
    }

    Result<void> add(Position at, ResultRecord const& r) {
        if (auto done = insert_attempt_.bind(1, number(r.sequence)).bind(2, number(at.value)).run(); !done)
            return done;
        if (r.outcome == DeliveryOutcome::answered) return {};
        if (r.destination == 0) return release_message_.bind(1, number(r.sequence)).run();
        std::int64_t ordinal = r.key.ordinal;
        if (any_resend_) {
            auto const there = find_resend_.bind(1, number(r.key.position.value)).step();
            if (!there) return there.error();
            if (*there) ordinal = find_resend_.integer(0);
            find_resend_.reset();
        }
        bool const released = r.outcome == DeliveryOutcome::released;
        auto& change = released ? release_delivery_ : change_delivery_;
        change.bind(1, static_cast<std::int64_t>(row_of(r.outcome)))
            .bind(2, std::int64_t{r.attempt})
            .bind(3, r.time_us)
            .bind(4, r.code)
            .bind(5, r.text);
        change.bind(6, number(r.sequence)).bind(7, ordinal).bind(8, std::int64_t{r.destination});
        if (auto done = change.run(); !done) return done;
        bool const open = r.outcome == DeliveryOutcome::held || (!released && !settles(r.outcome));
        if (open) return {};
        return finish_message_.bind(1, number(r.sequence)).run();
    }

    // Some of the messages before `first`; how many rows went.
    Result<std::int64_t> forget(Sequence first) {
        auto const lowest = value("SELECT ifnull(min(sequence), 0) FROM messages");
        if (!lowest) return lowest.error();
        if (*lowest == 0 || *lowest >= number(first)) return std::int64_t{0};
        std::int64_t const until = std::min(number(first), *lowest + forget_at_once);
        std::int64_t gone = 0;
        for (auto const* table : {"messages", "deliveries", "attempts", "resends"}) {
            auto s = db_->prepare(std::string("DELETE FROM ") + table + " WHERE sequence < ?");
            if (!s) return s.error();
            if (auto r = s->bind(1, until).run(); !r) return r.error();
            gone += db_->changes();
        }
        return std::max<std::int64_t>(gone, 1);
    }

    Position position;
    Sequence last_sequence = 0;

  private:
    static std::int64_t number(std::uint64_t v) { return static_cast<std::int64_t>(v); }

    static Row row_of(DeliveryOutcome o) {
        switch (o) {
            case DeliveryOutcome::delivered:
                return Row::delivered;
            case DeliveryOutcome::held:
                return Row::held;
            case DeliveryOutcome::skipped:
                return Row::skipped;
            case DeliveryOutcome::cancelled:
                return Row::cancelled;
            case DeliveryOutcome::failed:
                return Row::retrying;
            case DeliveryOutcome::released:
                return Row::cancelled;
            case DeliveryOutcome::in_flight:
                return Row::in_flight;
            case DeliveryOutcome::ambiguous:
                return Row::ambiguous;
            case DeliveryOutcome::answered:
                break;
        }
        return Row::queued;
    }

    Result<std::int64_t> value(std::string_view sql) {
        auto s = db_->prepare(sql);
        if (!s) return s.error();
        auto const there = s->step();
        if (!there) return there.error();
        if (!*there) return error("index_damaged", "index.sqlite", "a row is missing");
        return s->integer(0);
    }

    Result<void> create(std::uint64_t store_id) {
        if (auto r = db_->execute("BEGIN"); !r) return r;
        if (auto r = db_->execute(index_schema); !r) return r;
        auto s = db_->prepare("INSERT INTO meta VALUES ('version', ?), ('store', ?), ('position', 0)");
        if (!s) return s.error();
        if (auto r = s->bind(1, index_version).bind(2, number(store_id)).run(); !r) return r;
        return db_->execute("COMMIT");
    }

    Result<void> queue(Sequence sequence, std::uint32_t ordinal, NameId destination, NameId route,
                       std::int64_t time_us) {
        insert_delivery_.bind(1, number(sequence))
            .bind(2, std::int64_t{ordinal})
            .bind(3, std::int64_t{destination})
            .bind(4, std::int64_t{route});
        return insert_delivery_.bind(5, time_us).run();
    }

    Result<void> prepare() {
        struct {
            sqlite::Statement* into;
            char const* sql;
        } const all[] = {
            {&save_position_, "UPDATE meta SET value = ? WHERE key = 'position'"},
            {&insert_message_, "INSERT OR REPLACE INTO messages VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"},
            {&insert_delivery_, "INSERT OR REPLACE INTO deliveries VALUES (?,?,?,?,0,0,?,'','')"},
            {&insert_resend_, "INSERT OR REPLACE INTO resends VALUES (?,?,?)"},
            {&requeue_,
             "INSERT INTO deliveries VALUES (?1,?2,?3,ifnull((SELECT route FROM deliveries WHERE sequence = "
             "?1 AND ordinal = ?2 LIMIT 1),0),0,0,?4,'','') "
             "ON CONFLICT DO UPDATE SET state = 0, time_us = excluded.time_us"},
            {&reopen_message_, "UPDATE messages SET state = 1 WHERE sequence = ? AND state = 5"},
            {&insert_attempt_, "INSERT OR IGNORE INTO attempts VALUES (?,?)"},
            {&release_message_, "UPDATE messages SET state = 5 WHERE sequence = ? AND state = 4"},
            {&find_resend_, "SELECT ordinal FROM resends WHERE position = ?"},
            {&change_delivery_,
             "UPDATE deliveries SET state = ?, attempts = max(attempts, ?), time_us = ?, code = ?, text = ? "
             "WHERE sequence = ? AND ordinal = ? AND destination = ?"},
            {&release_delivery_,
             "UPDATE deliveries SET state = ?, attempts = max(attempts, ?), time_us = ?, code = ?, text = ? "
             "WHERE sequence = ? AND ordinal = ? AND destination = ? "
             "AND state = 3"},
            {&finish_message_,
             "UPDATE messages SET state = 5 WHERE sequence = ?1 AND state = 1 AND NOT EXISTS (SELECT 1 FROM "
             "deliveries WHERE sequence = ?1 AND state IN (0,1,3))"},
        };
        for (auto const& s : all) {
            auto prepared = db_->prepare(s.sql);
            if (!prepared) return prepared.error();
            *s.into = std::move(*prepared);
        }
        return {};
    }

    std::optional<sqlite::Connection> db_;
    bool any_resend_ = false;
    sqlite::Statement save_position_, insert_message_, insert_delivery_, insert_resend_, requeue_,
        reopen_message_, insert_attempt_, release_message_, find_resend_, change_delivery_, release_delivery_,
        finish_message_;
};

class IndexImpl final : public Index {
  public:
    IndexImpl(std::string dir, IndexSource source)
        : dir_(std::move(dir)), source_(std::move(source)), queries_(source_) {}

    Result<void> start(std::vector<std::string>& notes) {
        bool const there = std::filesystem::exists(index_path(dir_));
        if (!there) notes.push_back("index.sqlite is missing: it is built from the journal");
        if (auto r = open(); !r) {
            notes.push_back("index.sqlite can't be used (" + r.error().what +
                            "): it is rebuilt from the journal");
            // The journal does without it; the thread tries again.
            if (auto again = rebuild(); !again)
                notes.push_back("index.sqlite can't be made now: " + again.error().what);
        }
        thread_ = std::thread([this] { run(); });
        return {};
    }

    ~IndexImpl() override {
        stop_ = true;
        source_.committed->raise();
        if (thread_.joinable()) thread_.join();
        queries_.close();  // first, so that the writer is the last and takes the write-ahead log in
    }

    Position reached() const override { return {reached_.load(std::memory_order_acquire)}; }
    std::uint64_t lag() const override {
        Sequence const last = source_.last_sequence();
        Sequence const mine = last_sequence_.load(std::memory_order_acquire);
        if (last > mine) return last - mine;
        return reached() < source_.written_end() ? 1 : 0;
    }
    Result<std::vector<MessageRow>> query(Query const& query) override { return queries_.query(query); }
    Result<Store::Count> count(Query const& query) override { return queries_.count(query); }
    Result<std::vector<Position>> attempts(Sequence sequence) override { return queries_.attempts(sequence); }
    std::optional<Position> find(Sequence sequence) override { return queries_.find(sequence); }
    void forget_before(Sequence first) override {
        forget_before_ = first;
        source_.committed->raise();
    }

  private:
    Result<void> open() {
        tables_.emplace();
        auto r = tables_->open(index_path(dir_), source_.store_id, source_.durable_end());
        if (r) r = queries_.open(index_path(dir_));
        if (!r) {
            queries_.close();
            tables_.reset();
            return r;
        }
        std::error_code ignored;  // a file system without permissions is no reason not to start
        using std::filesystem::perms;
        std::filesystem::permissions(index_path(dir_),
                                     perms::owner_read | perms::owner_write | perms::group_read, ignored);
        published();
        forget_before_ =
            source_.catalogue->front().first;  // what an earlier run pruned but did not get to forget
        return {};
    }

    Result<void> rebuild() {
        queries_.close();
        tables_.reset();
        delete_index(dir_);
        ops::kill_point(ops::KillPoint::index_deleted);
        return open();
    }

    void published() {
        last_sequence_.store(tables_->last_sequence, std::memory_order_release);
        reached_.store(tables_->position.value, std::memory_order_release);
    }

    void run() {
        // Search may lag; traffic may not. On Linux a thread's scheduling is its own: SCHED_IDLE runs when
        // nothing else wants the core and gives it back at once (nice 15 took a quarter of the engine's time
        // at full load).
        sched_param const none{};
        (void)sched_setscheduler(static_cast<pid_t>(syscall(SYS_gettid)), SCHED_IDLE, &none);
        while (!stop_) {
            auto const busy = step();
            if (!busy) {
                recover_from(busy.error());
            } else if (!*busy) {
                source_.committed->wait_for(idle_wait);
                if (!stop_) std::this_thread::sleep_for(rest_after_little);
            }
        }
    }

    void recover_from(Error const& e) {
        if (tables_) tables_->roll_back();
        if (e.code == "index_damaged" && rebuild()) return;
        // No room, or no file: try again until there is.
        for (auto waited = std::chrono::milliseconds(0); waited < wait_after_error && !stop_;
             waited += rest_after_little) {
            std::this_thread::sleep_for(rest_after_little);
        }
    }

    // One transaction. True: there is more to do at once.
    Result<bool> step() {
        if (!tables_) return error("index_damaged", "index.sqlite", "there is no index");
        Position const limit = source_.durable_end();
        Sequence const first = forget_before_.load();
        bool const reads = tables_->position < limit;
        bool const forgets = first > forgotten_;
        if (!reads && !forgets) return false;
        if (auto r = tables_->begin(); !r) return r.error();
        int taken = 0;
        Position reached = tables_->position;
        if (reads) {
            auto const r = take(limit, reached, taken);
            if (!r) return r.error();
        }
        bool more_to_forget = false;
        if (forgets) {
            auto const gone = tables_->forget(first);
            if (!gone) return gone.error();
            more_to_forget = *gone > 0;
            if (!more_to_forget) forgotten_ = first;
        }
        ops::kill_point(ops::KillPoint::index_step);
        if (auto r = tables_->commit(reached); !r) return r.error();
        tables_->position = reached;
        published();
        return taken >= records_a_transaction || reached < source_.durable_end() || more_to_forget;
    }

    Result<void> take(Position limit, Position& reached, int& taken) {
        auto const until = std::chrono::steady_clock::now() + time_a_transaction;
        JournalCursor cursor(*source_.catalogue, Checksum(source_.store_id), tables_->position, limit,
                             source_.damage);
        JournalCursor::Record r;
        while (taken < records_a_transaction && !stop_ && std::chrono::steady_clock::now() < until) {
            auto const more = cursor.next(r);
            if (!more) return more.error();
            if (!*more) break;
            ++taken;
            if (auto added = add(cursor, r); !added) return added;
        }
        reached = std::max(reached, cursor.reached());
        return {};
    }

    Result<void> add(JournalCursor& cursor, JournalCursor::Record const& r) {
        if (r.is(Kind::message)) {
            front_.assign(r.front);  // reading the body moves the window that the front is a view of
            std::uint64_t received = 0;
            std::uint64_t answer = 0;
            if (!decode_message_front(r.header, front_, message_, body_lengths_, received, answer)) return {};
            message_.sequence = r.header.sequence;
            std::size_t const most =
                static_cast<std::size_t>(std::min<std::uint64_t>(received, most_field_bytes));
            fields_.read(cursor.body(most), found_);
            return tables_->add(r.position, message_, received, found_);
        }
        if (ResendRecord resend; r.is(Kind::resend) && decode_resend(r.header, r.front, resend))
            return tables_->add(r.position, resend);
        if (ResultRecord result; r.is(Kind::result) && decode_result(r.header, r.front, {}, result))
            return tables_->add(r.position, result);
        return {};
    }

    std::string dir_;
    IndexSource source_;
    IndexQueries queries_;
    std::optional<Tables> tables_;
    FieldReader fields_;
    IndexFields found_;
    MessageRecord message_;
    std::vector<std::uint64_t> body_lengths_;
    std::string front_;
    Sequence forgotten_ = 0;
    std::atomic<Sequence> forget_before_{0};
    std::atomic<std::uint64_t> reached_{0};
    std::atomic<Sequence> last_sequence_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Index>> open_index(std::string const& dir, IndexSource source,
                                          std::vector<std::string>& notes) {
    auto index = std::make_unique<IndexImpl>(dir, std::move(source));
    if (auto r = index->start(notes); !r) return r.error();
    return std::unique_ptr<Index>(std::move(index));
}

void delete_index(std::string const& dir) {
    std::error_code ignored;  // what is not there need not be deleted
    for (auto const* suffix : {"", "-wal", "-shm"})
        std::filesystem::remove(index_path(dir) + suffix, ignored);
}

std::uint64_t size_of_index(std::string const& dir) {
    std::uint64_t bytes = 0;
    for (auto const* suffix : {"", "-wal"}) {
        std::error_code missing;
        if (auto const size = std::filesystem::file_size(index_path(dir) + suffix, missing); !missing)
            bytes += size;
    }
    return bytes;
}

}  // namespace hilum::store
