#include "engine/flow/duplicates.h"
#include "tests/engine/support/store_harness.h"

using namespace hilum;
using namespace hilum::testing;
using store::Health;

namespace {

std::string const page(4000, 'x');

store::Options budgeted(std::uint64_t budget) {
    auto options = small_store();
    options.budget = budget;
    return options;
}

}  // namespace

TEST_CASE("a budget: messages are refused beyond it, deliveries are not, and it is kept") {
    constexpr std::uint64_t budget = 512u << 10;
    Opened o(std::make_shared<MemoryFileSystem>(), budgeted(budget));
    auto const lab = o.id("lab");
    std::vector<store::Position> taken;
    std::uint32_t last = 0;
    for (int n = 0; n < 1000; ++n) {
        auto const& ticket = o.put(page, {{lab, 1, 0}});
        if (ticket.error) {
            CHECK(ticket.error->code == "over_budget");
            break;
        }
        taken.push_back(ticket.position);
        auto const space = o.store->measure();
        REQUIRE(space.used <= budget);
        REQUIRE(space.percent >= last);
        last = space.percent;
    }
    CHECK(taken.size() > 110);
    CHECK(o.store->health() == Health::full);
    auto const full = o.store->measure();
    CHECK_FALSE(full.takes);
    CHECK(full.percent == 100);
    CHECK(full.limit == budget);

    // All of it is owed: nothing goes. Once it is delivered, what is over three quarters goes.
    CHECK(*o.store->prune() == 0);
    for (auto const& entry : all_entries(*o.store, lab))
        CHECK(o.store->record(outcome(entry.key, entry.key.next(), lab, entry.sequence)).has_value());
    CHECK(*o.store->prune() > 0);
    auto const again = o.store->measure();
    CHECK(again.takes);
    CHECK(again.used <= budget / 4 * 3);
    CHECK(o.store->health() == Health::good);
    CHECK_FALSE(o.put(page).error);
}

TEST_CASE("a budget that holds between two measurements") {
    Opened o(std::make_shared<MemoryFileSystem>(), budgeted(512u << 10));
    o.store->measure();
    std::size_t taken = 0;
    while (taken < 1000 && !o.put(page).error) ++taken;
    CHECK(taken > 110);
    CHECK(taken < 130);
}

TEST_CASE("retention by size leaves what is owed") {
    auto options = small_store();
    options.retain_size = 256u << 10;
    Opened o(std::make_shared<MemoryFileSystem>(), options);
    auto const lab = o.id("lab");
    for (int n = 0; n < 100; ++n) o.put(page);
    o.put(page, {{lab, 1, 0}});
    for (int n = 0; n < 200; ++n) o.put(page);
    CHECK(*o.store->prune() > 0);
    CHECK(all_entries(*o.store, lab).size() == 1);
    auto const entry = all_entries(*o.store, lab).front();
    CHECK(o.store->stat().bytes > (800u << 10));
    CHECK(o.store->record(outcome(entry.key, entry.key.next(), lab, entry.sequence)).has_value());
    CHECK(*o.store->prune() > 0);
    CHECK(o.store->stat().bytes <= (256u << 10));
}

TEST_CASE("looking back: the newest segment first, what was accepted, and not what was made of it") {
    auto const disk = std::make_shared<MemoryFileSystem>();
    Opened o(disk);
    for (int n = 0; n < 50; ++n) o.put(page);
    o.put("refused", {}, store::MessageState::rejected);
    struct Look final : store::LookBack {
        std::vector<store::Sequence> seen;
        std::size_t segments = 0;
        bool segment(std::int64_t) override { return ++segments <= 2; }
        bool wanted(store::MessageHead const& head) override {
            CHECK(head.listener != 0);
            CHECK(head.received_us == 1'700'000'000'000'000);
            return head.state != store::MessageState::rejected;
        }
        void found(store::Position, store::MessageRecord const& m) override {
            CHECK(m.received == page);
            seen.push_back(m.sequence);
        }
    } look;
    REQUIRE(o.store->look_back(look).has_value());
    REQUIRE(look.seen.size() > 15);
    CHECK(look.segments == 3);
    auto const turn = std::adjacent_find(look.seen.begin(), look.seen.end(), std::greater<>());
    REQUIRE(turn != look.seen.end());
    CHECK(*turn == 50);
    CHECK(look.seen.back() + 1 == look.seen.front());
}

TEST_CASE("duplicates are recalled: as many as are kept, as far as they are remembered") {
    Opened o(std::make_shared<MemoryFileSystem>());
    auto const put = [&](int n) {
        o.put("MSH|^~\\&|A|B|||1||ADT^A01|M" + std::to_string(n) + "|P|2.5\rNTE|1||" + page + "\r");
    };
    for (int n = 0; n < 60; ++n) put(n);
    put(59);  // before there was a table
    flow::DuplicateOptions options;
    options.by.value = "control_id";
    options.keep = 20;
    flow::Duplicates some(options, config::Content::hl7), none(options, config::Content::hl7);
    options.keep = 1000;
    flow::Duplicates all(options, config::Content::hl7);
    std::vector<flow::Recalling> listeners{{o.id("adt_in"), &some, {}}, {o.id("other"), &none, {}}};
    constexpr std::int64_t then = 1'700'000'000'000'000;
    REQUIRE(flow::recall(*o.store, listeners, then).has_value());
    CHECK(listeners[0].found == 20);
    CHECK(listeners[0].complete);
    CHECK(listeners[1].found == 0);
    auto const verdict = [&](flow::Duplicates& in, int n) {
        auto const bytes =
            "MSH|^~\\&|A|B|||1||ADT^A01|M" + std::to_string(n) + "|P|2.5\rNTE|1||" + page + "\r";
        auto const message = hl7::Message::view(bytes);
        return in.table().arrive(**in.fingerprint({&*message, nullptr, nullptr}, bytes, then), then);
    };
    CHECK(verdict(some, 59).known.message == 61);
    CHECK(verdict(some, 41).known.message == 42);
    CHECK(verdict(some, 40).verdict == flow::DuplicateTable::Verdict::fresh);

    listeners = {{o.id("adt_in"), &all, {}}};
    REQUIRE(flow::recall(*o.store, listeners, then).has_value());
    CHECK(listeners[0].found == 61);
    CHECK(verdict(all, 0).known.message == 1);

    flow::Duplicates late(options, config::Content::hl7);
    listeners = {{o.id("adt_in"), &late, {}}};
    REQUIRE(flow::recall(*o.store, listeners, then + std::int64_t{25} * 3'600'000'000).has_value());
    CHECK(listeners[0].found == 0);
}
