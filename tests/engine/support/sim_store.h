// A store for simulations: records in memory, in order, of which a prefix is on stable storage. What a
// restart knows comes from the real ledger over the records that survived.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/store/ledger.h"
#include "engine/store/store.h"

namespace hilum::test {

class SimStore final : public store::Store {
  public:
    struct Message {
        store::Sequence sequence = 0;
        std::string body;
        store::Order order;
        std::int64_t received_us = 0;
    };
    struct Result {
        store::ResultRecord record;
        std::string code, text, answer;
    };

    bool full = false;  // no room: nothing is accepted, no result is recorded

    // Accepts: on stable storage when it returns, with all that was written before it.
    std::optional<store::LaneEntry> accept(std::string body, store::Order order, std::int64_t now_us) {
        if (full) return std::nullopt;
        auto const position = next_position();
        records_.push_back({position, Message{++last_, std::move(body), order, now_us}});
        durable_ = records_.size();
        return entry_of(records_.back());
    }
    // Some or all of what is not on stable storage is gone, as after a power cut; or nothing, as after a
    // kill.
    void crash(std::size_t lost) {
        records_.erase(
            records_.end() - static_cast<std::ptrdiff_t>(std::min(lost, records_.size() - durable_)),
            records_.end());
        durable_ = records_.size();
    }
    std::size_t not_durable() const { return records_.size() - durable_; }
    void sync() { durable_ = records_.size(); }

    store::LaneState recovered() const {
        store::Ledger ledger;
        for (auto const& r : records_) {
            if (auto const* m = std::get_if<Message>(&r.what)) {
                ledger.delivery(destination, {r.position, 0});
                ledger.message(r.position, m->sequence, store::MessageState::accepted);
            } else {
                ledger.result(std::get<Result>(r.what).record);
            }
        }
        // By way of a checkpoint.
        std::string front;
        ledger.encode(front);
        store::RecordHeader header;
        header.layout = store::layout_now;
        store::Ledger again;
        if (!again.decode(header, front)) return {};
        for (auto const& lane : again.states())
            if (lane.destination == destination) return lane;
        return {};
    }

    // What the last result for each message says.
    std::map<store::Sequence, store::DeliveryOutcome> outcomes() const {
        std::map<store::Sequence, store::DeliveryOutcome> last;
        for (auto const& r : records_)
            if (auto const* result = std::get_if<Result>(&r.what))
                last[result->record.sequence] = result->record.outcome;
        return last;
    }

    static constexpr store::NameId destination = 1;

    store::RecoveryReport const& recovery() const override { return recovery_; }
    store::NameId name_id(std::string_view) override { return destination; }
    std::string name(store::NameId) const override { return "lab"; }
    hilum::Result<void> append(store::MessageRecord const&, store::Ticket&) override { return unused(); }
    hilum::Result<void> append(store::ResendRecord const&, store::Ticket&) override { return unused(); }
    hilum::Result<void> append(store::Continuation const&, store::Ticket&) override { return unused(); }
    hilum::Result<void> append(store::Transfer const&, store::Ticket&) override { return unused(); }
    hilum::Result<void> record(store::ResultRecord const& result) override {
        if (full) return error("disk_full", "", "no room");
        Result kept{result, std::string(result.code), {}, {}};
        kept.record.code = kept.record.text = kept.record.answer = {};
        records_.push_back({next_position(), std::move(kept)});
        return {};
    }
    hilum::Result<void> record_durably(store::ResultRecord const& result) override {
        auto const done = record(result);
        if (done) sync();
        return done;
    }
    store::Health health() const override { return full ? store::Health::full : store::Health::good; }
    store::Position durable_end() const override {
        return durable_ == records_.size() ? next_position() : records_[durable_].position;
    }
    store::Position written_end() const override { return next_position(); }
    std::vector<store::LaneState> lanes() const override { return {recovered()}; }
    std::uint64_t settled_ahead(store::NameId) const override { return recovered().settled_ahead.size(); }
    hilum::Result<Scan> scan(store::NameId, store::LaneKey from, std::size_t max, std::size_t) override {
        Scan found;
        found.reached = from;
        for (std::size_t i = 0; i < durable_; ++i) {
            auto const& r = records_[i];
            if (r.position < from.position || !std::holds_alternative<Message>(r.what)) continue;
            auto const entry = entry_of(r);
            if (entry.key < from) continue;
            if (found.entries.size() == std::min<std::size_t>(max, 7)) return found;
            found.entries.push_back(entry);
            found.reached = entry.key.next();
        }
        found.at_end = true;
        return found;
    }
    hilum::Result<store::StoredMessage> read(store::Position position) override {
        for (auto const& r : records_) {
            auto const* m = std::get_if<Message>(&r.what);
            if (!m || r.position != position) continue;
            store::StoredMessage stored;
            stored.buffer = m->body + std::string(64, ' ');
            stored.record.sequence = m->sequence;
            stored.record.received = std::string_view(stored.buffer).substr(0, m->body.size());
            stored.record.deliveries = {{destination, 0, 0, m->order}};
            return stored;
        }
        return error("no_such_record", "", "");
    }
    hilum::Result<store::Position> find(store::Sequence) override { return unused(); }
    hilum::Result<store::StoredResend> read_order(store::Position) override { return unused(); }
    hilum::Result<void> walk_made(store::Position, std::function<void(store::Made const&)> const&) override {
        return unused();
    }
    hilum::Result<std::vector<store::MessageRow>> query(store::Query const&) override { return unused(); }
    hilum::Result<std::vector<store::StoredResult>> results(store::Sequence) override { return unused(); }
    hilum::Result<std::vector<store::StoredResend>> resends(store::Sequence) override { return unused(); }
    store::Position indexed_to() const override { return next_position(); }
    std::uint64_t index_lag() const override { return 0; }
    hilum::Result<std::size_t> prune() override { return std::size_t{0}; }
    Stat stat() const override { return {}; }
    hilum::Result<void> close() override { return {}; }

  private:
    struct Record {
        store::Position position;
        std::variant<Message, Result> what;
    };
    static Error unused() { return error("unused", "", ""); }
    store::Position next_position() const {
        return store::Position::at(1, records_.empty() ? 100 : records_.back().position.offset() + 100);
    }
    static store::LaneEntry entry_of(Record const& r) {
        auto const& m = std::get<Message>(r.what);
        return {{r.position, 0}, m.sequence, r.position, 0, m.received_us, false, m.order};
    }

    std::vector<Record> records_;
    std::size_t durable_ = 0;
    store::Sequence last_ = 0;
    store::RecoveryReport recovery_;
};

}  // namespace hilum::test
