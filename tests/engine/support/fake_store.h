// A store in memory for tests of what stands on it: entries committed by hand, results kept, calls that can
// be made to fail.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>

#include "engine/store/store.h"

namespace hilum::test {

class FakeStore final : public store::Store {
  public:
    // Puts a message into the "journal" and returns its lane entry, as the commit hub would push it.
    store::LaneEntry add(std::string body, store::NameId destination = 1, store::Order order = {}) {
        std::lock_guard lock(mutex_);
        auto const sequence = messages_.size() + 1;
        auto const position = store::Position::at(1, static_cast<std::uint32_t>(sequence * 100));
        messages_[position] = {sequence, std::move(body), destination, order};
        return {{position, 0}, sequence, position, 0, static_cast<std::int64_t>(sequence), false, order};
    }
    std::vector<store::ResultRecord> results_so_far() const {
        std::lock_guard lock(mutex_);
        return results_;
    }
    std::size_t scans() const {
        std::lock_guard lock(mutex_);
        return scans_;
    }
    void fail_records(int count) {
        std::lock_guard lock(mutex_);
        failing_records_ = count;
    }
    void lose(store::Position position) {
        std::lock_guard lock(mutex_);
        lost_.push_back(position);
    }

    store::RecoveryReport const& recovery() const override { return recovery_; }
    store::NameId name_id(std::string_view) override { return 1; }
    std::string name(store::NameId) const override { return "lab"; }
    Result<void> append(store::MessageRecord const&, store::Ticket&) override {
        return error("unused", "", "");
    }
    Result<void> append(store::ResendRecord const&, store::Ticket&) override {
        return error("unused", "", "");
    }
    Result<void> append(store::Continuation const&, store::Ticket&) override {
        return error("unused", "", "");
    }
    Result<void> append(store::Transfer const&, store::Ticket&) override { return error("unused", "", ""); }
    Result<void> record(store::ResultRecord const& result) override {
        std::lock_guard lock(mutex_);
        if (failing_records_ > 0) {
            --failing_records_;
            return error("disk_full", "", "no room");
        }
        results_.push_back(result);
        codes_.push_back(std::string(result.code));
        results_.back().code = results_.back().text = results_.back().answer = {};
        return {};
    }
    Result<void> record_durably(store::ResultRecord const& result) override { return record(result); }
    std::vector<std::string> codes() const {
        std::lock_guard lock(mutex_);
        return codes_;
    }
    store::Health health() const override { return store::Health::good; }
    store::Position durable_end() const override { return store::Position::at(9, 0); }
    store::Position written_end() const override { return store::Position::at(9, 0); }
    std::vector<store::LaneState> lanes() const override { return {}; }
    std::uint64_t settled_ahead(store::NameId) const override { return 0; }
    Result<Scan> scan(store::NameId destination, store::LaneKey from, std::size_t max, std::size_t) override {
        std::lock_guard lock(mutex_);
        ++scans_;
        Scan found;
        found.reached = from;
        found.at_end = true;
        for (auto const& [position, message] : messages_) {
            store::LaneKey const key{position, 0};
            if (key < from || message.destination != destination) continue;
            if (found.entries.size() == max) {
                found.at_end = false;
                break;
            }
            found.entries.push_back({key, message.sequence, position, 0,
                                     static_cast<std::int64_t>(message.sequence), false, message.order});
            found.reached = key.next();
        }
        return found;
    }
    Result<store::StoredMessage> read(store::Position position) override {
        std::lock_guard lock(mutex_);
        auto const message = messages_.find(position);
        if (message == messages_.end() || std::find(lost_.begin(), lost_.end(), position) != lost_.end()) {
            return error("damaged", "000001.log:100", "the checksum does not agree");
        }
        store::StoredMessage stored;
        stored.buffer = message->second.body + std::string(64, ' ');
        stored.record.sequence = message->second.sequence;
        stored.record.received = std::string_view(stored.buffer).substr(0, message->second.body.size());
        stored.record.deliveries = {{message->second.destination, 0, 0}};
        return stored;
    }
    Result<store::Position> find(store::Sequence) override { return error("unused", "", ""); }
    Result<std::vector<store::MessageRow>> query(store::Query const&) override {
        return std::vector<store::MessageRow>{};
    }
    Result<std::vector<store::StoredResult>> results(store::Sequence) override {
        return std::vector<store::StoredResult>{};
    }
    Result<store::StoredResend> read_order(store::Position) override { return error("unused", "", ""); }
    Result<void> walk_made(store::Position, std::function<void(store::Made const&)> const&) override {
        return {};
    }
    Result<std::vector<store::StoredResend>> resends(store::Sequence) override {
        return std::vector<store::StoredResend>{};
    }
    store::Position indexed_to() const override { return store::Position::at(9, 0); }
    std::uint64_t index_lag() const override { return 0; }
    Result<std::size_t> prune() override { return std::size_t{0}; }
    Stat stat() const override { return {}; }
    Result<void> close() override { return {}; }

  private:
    struct Message {
        store::Sequence sequence = 0;
        std::string body;
        store::NameId destination = 1;
        store::Order order{};
    };
    mutable std::mutex mutex_;
    std::map<store::Position, Message> messages_;
    std::vector<store::ResultRecord> results_;
    std::vector<std::string> codes_;
    std::vector<store::Position> lost_;
    std::size_t scans_ = 0;
    int failing_records_ = 0;
    store::RecoveryReport recovery_;
};

}  // namespace hilum::test
