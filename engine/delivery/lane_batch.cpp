// Several messages of a lane as one HL7 batch. All of them stay queued until the batch is delivered: what
// ends the engine before that has them sent again.
#include <algorithm>
#include <deque>

#include "engine/delivery/lane.h"
#include "engine/flow/timestamp.h"
#include "parsers/hl7/batch.h"

namespace hilum::delivery {

using destinations::Attempt;
using store::DeliveryOutcome;

// Whether what may go next need not wait for others.
bool Lane::batch_due() {
    auto const* options = policy_.batch();
    auto const* next = options ? schedule_.next() : nullptr;
    if (!next) return true;
    auto const& first = next->front();
    if (next->size() >= options->max || schedule_.attempts_of(first.order.key) != 0) return true;
    // All that was there when the time was over goes, in as many batches as it takes.
    if (gathered_ && first.key <= *gathered_) return true;
    auto const now = Clock::now();
    if (!gathering_ || gathering_->first != first.key) gathering_ = {first.key, now + options->every};
    if (now < gathering_->until) return false;
    gathered_ = next->back().key;
    return true;
}

net::Task<Lane::Batch> Lane::gather(Schedule::Claim const& claim, std::string_view body) {
    auto const options = *policy_.batch();
    // What has failed is tried again as it was: if it did arrive, the same again changes nothing.
    bool const again = tried_ && tried_->first == claim.entry.key;
    std::size_t const count = again ? tried_->second : options.max;
    auto behind = schedule_.behind(claim, count - 1);
    auto const cancelled = std::find_if(behind.begin(), behind.end(), [this](store::LaneEntry const& entry) {
        return cancelled_.contains(entry.sequence);
    });
    behind.erase(cancelled, behind.end());
    auto const work = [this, &options, &claim, &behind, body] {
        Batch batch;
        if (!hl7::fits_batch(body)) return batch;
        std::deque<std::string> kept;  // not the records, which may hold what other routes made as well
        std::vector<std::string_view> bodies{body};
        std::size_t size = body.size();
        auto last_us = claim.entry.received_us;
        for (auto const& entry : behind) {
            // What can't be read, or can't stand in a batch, ends this one, and is dealt with when it is
            // first.
            auto const stored = context_.store.read(entry.message);
            if (!stored || entry.ordinal >= stored->record.deliveries.size()) break;
            auto const next = stored->body(entry.ordinal);
            size += next.size();
            if (size > options.max_bytes.count || !hl7::fits_batch(next)) break;
            bodies.push_back(kept.emplace_back(next));
            batch.behind.push_back(entry);
            last_us = entry.received_us;
        }
        // Nothing in it is of the moment at which it is made: the same messages make the same batch.
        auto const id = std::to_string(claim.entry.sequence);
        auto const time = flow::hl7_timestamp(last_us);
        batch.text = hl7::build_batch(bodies, {id, time, options.file_header});
        return batch;
    };
    auto batch = co_await net::run_blocking(context_.runtime, work);
    tried_.emplace(claim.entry.key, batch.behind.size() + 1);
    co_return batch;
}

// What the first message comes to by the policy is its own; with it delivered, those behind it are as well.
// Where it is tried again or held, they are not touched: another batch begins with them.
net::Task<void> Lane::book_batch(Schedule::Claim const& claim, Batch const& batch, Attempt const& attempt,
                                 std::uint32_t duration_us) {
    bool const good = policy_.decide(attempt).action == Action::delivered;
    auto const head = schedule_.head(claim.key);
    booking_ = good;  // nobody else takes what is delivered already
    co_await book(claim, attempt, duration_us);
    for (auto const& entry : batch.behind) {
        if (!good) break;
        auto const next = schedule_.claim_entry(entry.key);
        if (!next) break;  // the result before it could not be recorded, and the lane is stopping
        auto& own = schedule_.head(next->key);
        own.attempts = head.attempts;
        own.possible_duplicate = head.possible_duplicate && entry.key.position < last_run_.until;
        if (own.possible_duplicate)
            context_.metrics.possible_duplicates.fetch_add(1, std::memory_order_relaxed);
        co_await settle(*next, DeliveryOutcome::delivered, attempt, duration_us);
    }
    booking_ = false;
    wake();
}

}  // namespace hilum::delivery
