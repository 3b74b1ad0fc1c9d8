// What a restart still knows of the messages before it: read from the journal, which is what was
// acknowledged.
#include <algorithm>
#include <chrono>
#include <deque>

#include "engine/flow/duplicates.h"
#include "engine/store/store.h"

namespace hilum::flow {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto longest = 3s;  // of a start; what is older than what was read by then counts as not seen

class Recall final : public store::LookBack {
  public:
    Recall(std::vector<Recalling>& listeners, std::int64_t now_us)
        : now_us_(now_us), end_(Clock::now() + longest) {
        for (auto& listener : listeners) all_.push_back({&listener, {}, {}});
    }

    bool segment(std::int64_t created_us) override {
        std::int64_t within = 0;
        bool more = false;
        for (auto& one : all_) {
            put_in_front(one);
            if (one.all.size() >= one.of->duplicates->options().keep) continue;
            more = true;
            within = std::max(within, one.of->duplicates->within_us());
        }
        // What is in a segment is older than the one that follows it.
        bool const too_old = follower_us_ && now_us_ - *follower_us_ > within;
        follower_us_ = created_us;
        if (!more || too_old) return false;
        return !late();
    }

    bool wanted(store::MessageHead const& head) override {
        // What was made of a message that waited, or went through its routes again, did not come in.
        if (head.state == store::MessageState::rejected || head.origin != 0) return false;
        auto* const one = of(head.listener);
        return one && now_us_ - head.received_us <= one->of->duplicates->within_us() && !late();
    }

    void found(store::Position position, store::MessageRecord const& message) override {
        auto* const one = of(message.listener);
        auto const fingerprint = fingerprint_of(*one->of, message);
        if (!fingerprint) return;
        one->segment.push_back({*fingerprint, {message.sequence, position, message.received_us}});
        if (one->segment.size() > one->of->duplicates->options().keep) one->segment.pop_front();
    }

    // Into the tables, the oldest first.
    void finish() {
        for (auto& one : all_) {
            put_in_front(one);
            auto const keep = one.of->duplicates->options().keep;
            auto const skip = one.all.size() > keep ? one.all.size() - keep : 0;
            for (auto i = one.all.begin() + static_cast<std::ptrdiff_t>(skip); i != one.all.end(); ++i)
                one.of->duplicates->table().recall(i->first, i->second);
            one.of->found = one.all.size() - skip;
            one.of->complete = !late_ || one.of->found >= keep;
        }
    }

  private:
    using Found = std::pair<Fingerprint, DuplicateTable::Known>;
    struct One {
        Recalling* of = nullptr;
        std::deque<Found> segment;  // of the segment that is being read
        std::deque<Found> all;      // of the newer ones, which were read before
    };

    static std::optional<Fingerprint> fingerprint_of(Recalling const& of,
                                                     store::MessageRecord const& message) {
        auto const& duplicates = *of.duplicates;
        if (duplicates.content() == config::Content::fhir) {
            auto const read = fhir::Interaction::read(message.received);
            if (!read) return std::nullopt;
            auto const made =
                duplicates.fingerprint({nullptr, nullptr, &*read}, message.received, message.received_us);
            return made ? *made : std::nullopt;
        }
        auto const read = hl7::Message::view(message.received, of.charset);
        if (!read) return std::nullopt;
        auto const made =
            duplicates.fingerprint({&*read, nullptr, nullptr}, message.received, message.received_us);
        return made ? *made : std::nullopt;
    }
    One* of(store::NameId listener) {
        auto const found = std::find_if(all_.begin(), all_.end(),
                                        [&](One const& one) { return one.of->listener == listener; });
        return found == all_.end() ? nullptr : &*found;
    }
    static void put_in_front(One& one) {
        one.all.insert(one.all.begin(), one.segment.begin(), one.segment.end());
        one.segment.clear();
    }
    bool late() {
        if (!late_ && Clock::now() > end_) late_ = true;
        return late_;
    }

    std::int64_t now_us_;
    Clock::time_point end_;
    std::vector<One> all_;
    std::optional<std::int64_t> follower_us_;
    bool late_ = false;
};

}  // namespace

Result<void> recall(store::Store& store, std::vector<Recalling>& listeners, std::int64_t now_us) {
    if (listeners.empty()) return {};
    Recall recall(listeners, now_us);
    auto const read = store.look_back(recall);
    recall.finish();
    return read;
}

}  // namespace hilum::flow
