#include "engine/store/index_query.h"

#include <algorithm>
#include <iterator>
#include <variant>

#include "engine/store/index_schema.h"

namespace hilum::store {
namespace {

constexpr std::uint32_t most_rows = 1000;
constexpr int most_million_steps = 500;  // a few seconds
constexpr auto longest_count = std::chrono::milliseconds(250);

Error rebuilding() {
    return error("index_error", "index.sqlite", "the index is being rebuilt", "try again in a moment");
}

// WHERE terms and their values, gathered together so that they can't get out of step.
struct Conditions {
    std::string sql = "1";
    std::vector<std::variant<std::int64_t, std::string_view>> values;
    void add(std::string_view term, std::variant<std::int64_t, std::string_view> value) {
        sql += " AND ";
        sql += term;
        values.push_back(value);
    }
    void text(std::string_view column, std::string_view value) {
        // The second term lets the partial index be used.
        if (!value.empty()) add(std::string(column) + " = ? AND " + std::string(column) + " <> ''", value);
    }
    int bind(sqlite::Statement& statement) const {  // how many
        int n = 0;
        for (auto const& value : values) {
            ++n;
            std::visit([&](auto v) { statement.bind(n, v); }, value);
        }
        return n;
    }
};

template <std::size_t N>
std::optional<std::int64_t> number_of(std::string_view const (&names)[N], std::string_view name) {
    auto const i = std::find(std::begin(names), std::end(names), name);
    return i == std::end(names) ? std::nullopt : std::optional<std::int64_t>(i - std::begin(names));
}

// Nothing when no message can be meant.
Result<std::optional<Conditions>> conditions_of(Query const& q, IndexSource const& source) {
    Conditions where;
    if (!q.listener.empty()) {
        auto const id = source.id(q.listener);
        if (!id) return std::optional<Conditions>();
        where.add("listener = ?", std::int64_t{*id});
    }
    where.text("type", q.type);
    where.text("control_id", q.control_id);
    where.text("sender", q.sender);
    where.text("patient_id", q.patient_id);
    where.text("visit", q.visit);
    if (!q.state.empty()) {
        auto const state = number_of(message_states, q.state);
        if (!state)
            return error("bad_query", "state", "there is no message state \"" + q.state.substr(0, 20) + "\"",
                         "accepted, filtered, rejected, held or done");
        bool const unusual = *state >= 2 && *state <= 4;
        where.add(unusual ? "state = ? AND state BETWEEN 2 AND 4" : "state = ?", *state);
    }
    if (q.since_us) where.add("received_us >= ?", *q.since_us);
    if (q.until_us) where.add("received_us < ?", *q.until_us);
    if (q.before)
        where.add("sequence < ?", static_cast<std::int64_t>(std::min<Sequence>(*q.before, INT64_MAX)));
    if (q.after)
        where.add("sequence > ?", static_cast<std::int64_t>(std::min<Sequence>(*q.after, INT64_MAX)));
    if (!q.destination.empty() || !q.delivery_state.empty()) {
        std::string inner;
        std::vector<std::int64_t> values;
        if (!q.delivery_state.empty()) {
            auto const state = number_of(delivery_states, q.delivery_state);
            if (!state)
                return error("bad_query", "delivery_state",
                             "there is no delivery state \"" + q.delivery_state.substr(0, 20) + "\"",
                             "queued, retrying, delivered, held, skipped or cancelled");
            inner += *state == static_cast<std::int64_t>(Row::delivered)
                         ? " AND d.state = ?"
                         : " AND d.state = ? AND d.state <> 2";
            values.push_back(*state);
        }
        if (!q.destination.empty()) {
            auto const id = source.id(q.destination);
            if (!id) return std::optional<Conditions>();
            inner += " AND d.destination = ?";
            values.push_back(*id);
        }
        if (q.after) {
            inner += " AND d.sequence > ?";
            values.push_back(static_cast<std::int64_t>(std::min<Sequence>(*q.after, INT64_MAX)));
        }
        bool const rare = !q.delivery_state.empty() && q.delivery_state != "delivered";
        where.sql += rare ? " AND sequence IN (SELECT d.sequence FROM deliveries d WHERE 1" + inner + ")"
                          : " AND EXISTS (SELECT 1 FROM deliveries d WHERE d.sequence = messages.sequence" +
                                inner + ")";
        for (auto const v : values) where.values.emplace_back(v);
    }
    return std::optional(std::move(where));
}

}  // namespace

Result<void> IndexQueries::open(std::string const& path) {
    std::lock_guard const lock(mutex_);
    auto db = sqlite::Connection::open(path, sqlite::Connection::Mode::read);
    if (!db) return db.error();
    if (auto r = db->execute("PRAGMA wal_autocheckpoint=0; PRAGMA query_only=1"); !r) return r;
    db->limit_steps(most_million_steps);
    db_ = std::move(*db);
    return {};
}

void IndexQueries::close() {
    std::lock_guard const lock(mutex_);
    db_.reset();
}

Result<sqlite::Statement> IndexQueries::prepare(std::string_view sql) {
    if (!db_) return rebuilding();
    return db_->prepare(sql);
}

Result<std::vector<MessageRow>> IndexQueries::query(Query const& q) {
    std::vector<MessageRow> rows;
    auto const where = conditions_of(q, source_);
    if (!where) return where.error();
    if (!*where) return rows;
    std::lock_guard const lock(mutex_);
    auto found = prepare(
        "SELECT sequence, received_us, listener, source, type, control_id, sender, patient_id, visit, state, "
        "answer_code, bytes, position FROM messages "
        "WHERE " +
        (*where)->sql + (q.oldest_first ? " ORDER BY sequence LIMIT ?" : " ORDER BY sequence DESC LIMIT ?"));
    if (!found) return found.error();
    int const n = (*where)->bind(*found);
    found->bind(n + 1, std::int64_t{std::min(q.limit, most_rows)});
    for (;;) {
        auto const more = found->step();
        if (!more) return more.error();
        if (!*more) break;
        MessageRow row;
        row.sequence = static_cast<Sequence>(found->integer(0));
        row.received_us = found->integer(1);
        row.listener = source_.name(static_cast<NameId>(found->integer(2)));
        row.source = found->text(3);
        row.type = found->text(4);
        row.control_id = found->text(5);
        row.sender = found->text(6);
        row.patient_id = found->text(7);
        row.visit = found->text(8);
        row.state = message_states[std::clamp<std::int64_t>(found->integer(9), 0, message_done)];
        row.answer_code = found->text(10);
        row.bytes = static_cast<std::uint64_t>(found->integer(11));
        row.position = {static_cast<std::uint64_t>(found->integer(12))};
        rows.push_back(std::move(row));
    }
    auto of_one = prepare(
        "SELECT ordinal, destination, route, state, attempts, time_us, code, text FROM deliveries WHERE "
        "sequence = ? ORDER BY ordinal, destination");
    if (!of_one) return of_one.error();
    for (auto& row : rows) {
        auto of_it = deliveries(*of_one, row.sequence);
        if (!of_it) return of_it.error();
        row.deliveries = std::move(*of_it);
    }
    return rows;
}

// Rows are counted as they are found, so that there is a number when the time is over.
Result<Store::Count> IndexQueries::count(Query q) {
    q.before.reset();
    q.after.reset();
    auto const where = conditions_of(q, source_);
    if (!where) return where.error();
    Store::Count count;
    if (!*where) return count;
    std::lock_guard const lock(mutex_);
    auto found = prepare("SELECT 1 FROM messages WHERE " + (*where)->sql);
    if (!found) return found.error();
    (*where)->bind(*found);
    db_->limit_time(std::chrono::steady_clock::now() + longest_count);
    for (;;) {
        auto const more = found->step();
        if (more && *more) {
            ++count.messages;
            continue;
        }
        db_->limit_steps(most_million_steps);
        if (more) return count;
        if (more.error().code == std::string_view("index_damaged")) return more.error();
        count.at_least = true;
        return count;
    }
}

Result<std::vector<DeliveryRow>> IndexQueries::deliveries(sqlite::Statement& of_one, Sequence sequence) {
    of_one.reset();
    of_one.bind(1, static_cast<std::int64_t>(sequence));
    std::vector<DeliveryRow> rows;
    for (;;) {
        auto const more = of_one.step();
        if (!more) return more.error();
        if (!*more) return rows;
        DeliveryRow d;
        d.ordinal = static_cast<std::uint32_t>(of_one.integer(0));
        d.destination = source_.name(static_cast<NameId>(of_one.integer(1)));
        d.route = source_.name(static_cast<NameId>(of_one.integer(2)));
        d.state =
            delivery_states[std::clamp<std::int64_t>(of_one.integer(3), 0, std::ssize(delivery_states) - 1)];
        d.attempts = static_cast<std::uint32_t>(of_one.integer(4));
        d.time_us = of_one.integer(5);
        d.code = of_one.text(6);
        d.text = of_one.text(7);
        rows.push_back(std::move(d));
    }
}

Result<std::vector<Position>> IndexQueries::attempts(Sequence sequence) {
    std::lock_guard const lock(mutex_);
    auto found = prepare("SELECT position FROM attempts WHERE sequence = ? ORDER BY position LIMIT 10000");
    if (!found) return found.error();
    found->bind(1, static_cast<std::int64_t>(sequence));
    std::vector<Position> positions;
    for (;;) {
        auto const more = found->step();
        if (!more) return more.error();
        if (!*more) return positions;
        positions.push_back({static_cast<std::uint64_t>(found->integer(0))});
    }
}

std::optional<Position> IndexQueries::find(Sequence sequence) {
    std::lock_guard const lock(mutex_);
    auto found = prepare("SELECT position FROM messages WHERE sequence = ?");
    if (!found) return std::nullopt;
    found->bind(1, static_cast<std::int64_t>(sequence));
    auto const there = found->step();
    if (!there || !*there) return std::nullopt;
    return Position{static_cast<std::uint64_t>(found->integer(0))};
}

}  // namespace hilum::store
