#include "engine/flow/duplicates.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "engine/store/store.h"

using namespace hilum;
using namespace hilum::flow;
using Verdict = DuplicateTable::Verdict;

namespace {

Fingerprint print(std::uint64_t n, std::uint64_t name = 0, std::uint64_t other = 0) {
    return {{n * 0x9e3779b97f4a7c15U, n}, name, other};
}

DuplicateOptions options(std::string by) {
    DuplicateOptions o;
    o.by.value = std::move(by);
    return o;
}

std::optional<Fingerprint> of(Duplicates const& duplicates, std::string const& bytes) {
    auto const message = hl7::Message::view(bytes);
    auto const made = duplicates.fingerprint({&*message, nullptr, nullptr}, bytes, 0);
    return made ? *made : std::nullopt;
}

std::string adt(std::string const& id, std::string const& rest, std::string const& time = "1",
                std::string const& sender = "A", std::string const& type = "ADT^A01") {
    return "MSH|^~\\&|" + sender + "|F|C|D|" + time + "||" + type + "|" + id + "|P|2.5\r" + rest + "\r";
}

}  // namespace

TEST_CASE("duplicates: only what is on disk counts, and two at once are one") {
    DuplicateTable table(10, 1000);
    CHECK(table.arrive(print(1), 0).verdict == Verdict::fresh);
    CHECK(table.arrive(print(1), 0).verdict == Verdict::being_stored);
    table.settled(print(1), std::nullopt);
    CHECK(table.arrive(print(1), 0).verdict == Verdict::fresh);
    table.settled(print(1), DuplicateTable::Known{7, {70}, 0});
    auto const arrival = table.arrive(print(1), 1000);
    CHECK(arrival.verdict == Verdict::here);
    CHECK(arrival.known.message == 7);
    CHECK(table.arrive(print(1), 1001).verdict == Verdict::fresh);
    CHECK(table.size() == 0);
}

TEST_CASE("duplicates: a claim that is given up leaves nothing") {
    DuplicateTable table(10, 1000);
    {
        Claim claim;
        table.arrive(print(1), 0);
        claim.take(table, print(1));
    }
    {
        Claim claim;
        REQUIRE(table.arrive(print(1), 0).verdict == Verdict::fresh);
        claim.take(table, print(1));
        claim.stored({1, {}, 0});
    }
    CHECK(table.arrive(print(1), 0).verdict == Verdict::here);
}

TEST_CASE("duplicates: a name that is used for another content is told") {
    DuplicateTable table(10, 1000);
    table.arrive(print(1, 99), 0);
    table.settled(print(1, 99), DuplicateTable::Known{1, {}, 0});
    auto const second = table.arrive(print(2, 99), 0);
    CHECK(second.verdict == Verdict::fresh);
    REQUIRE(second.differs);
    CHECK(second.differs->message == 1);
    table.settled(print(2, 99), DuplicateTable::Known{2, {}, 0});
    // Both are known from now on, and neither is new again.
    CHECK(table.arrive(print(1, 99), 0).known.message == 1);
    CHECK(table.arrive(print(2, 99), 0).known.message == 2);
    CHECK_FALSE(table.arrive(print(2, 99), 0).differs);

    table.arrive(print(5, 0, 1), 0);
    table.settled(print(5, 0, 1), DuplicateTable::Known{5, {}, 0});
    auto const taken = table.arrive(print(5, 0, 2), 0);
    CHECK(taken.verdict == Verdict::here);
    CHECK(taken.differs.has_value());
}

TEST_CASE("duplicates: the table agrees with a plain one over many messages, and stays within its bounds") {
    constexpr std::uint32_t keep = 1000;
    DuplicateTable table(keep, 5000);
    std::mt19937_64 random(42);
    struct Plain {
        std::uint64_t key;
        std::int64_t at;
    };
    std::deque<Plain> plain;
    for (std::int64_t now = 0; now < 100'000; ++now) {
        std::uint64_t const key = random() % 3000;
        std::erase_if(plain, [&](Plain const& p) { return now - p.at > 5000; });
        bool const known =
            std::any_of(plain.begin(), plain.end(), [&](Plain const& p) { return p.key == key; });
        auto const arrival = table.arrive(print(key, key % 100 + 1), now);
        REQUIRE((arrival.verdict == Verdict::here) == known);
        if (known) continue;
        table.settled(print(key, key % 100 + 1), DuplicateTable::Known{key, {}, now});
        plain.push_back({key, now});
        if (plain.size() > keep) plain.pop_front();
        REQUIRE(table.size() == plain.size());
    }
}

TEST_CASE("duplicates: what makes two messages the same") {
    Duplicates const by_id(options("control_id"), config::Content::hl7);
    auto const first = of(by_id, adt("M1", "PID|1||X"));
    CHECK(of(by_id, adt("M1", "PID|1||X"))->same == first->same);
    CHECK(of(by_id, adt("M1", "PID|1||X", "2"))->same == first->same);  // stamped anew
    CHECK(of(by_id, adt("M2", "PID|1||X"))->same != first->same);
    CHECK(of(by_id, adt("M1", "PID|1||X", "1", "B"))->name != first->name);
    CHECK(of(by_id, adt("M1", "PID|1||Y"))->same != first->same);
    CHECK(of(by_id, adt("M1", "PID|1||Y"))->name == first->name);
    CHECK(of(by_id, adt("M1", "PID|1||X", "1", "A", "ADT^A08"))->same != first->same);

    auto whatever = options("control_id");
    whatever.content_differs = ContentDiffers::is_duplicate;
    Duplicates const by_id_alone(whatever, config::Content::hl7);
    CHECK(of(by_id_alone, adt("M1", "PID|1||Y"))->same == of(by_id_alone, adt("M1", "PID|1||X"))->same);
    CHECK(of(by_id_alone, adt("M1", "PID|1||Y"))->other != of(by_id_alone, adt("M1", "PID|1||X"))->other);

    Duplicates const by_content(options("content"), config::Content::hl7);
    CHECK(of(by_content, adt("M1", "PID|1"))->same == of(by_content, adt("M1", "PID|1"))->same);
    CHECK(of(by_content, adt("M1", "PID|1"))->same != of(by_content, adt("M1", "PID|1", "2"))->same);

    Duplicates const by_key(options("=PID-3.1"), config::Content::hl7);
    CHECK(of(by_key, adt("M1", "PID|1||X"))->same == of(by_key, adt("M2", "PID|2||X"))->same);
    CHECK_FALSE(of(by_key, adt("M1", "EVN|1")));
}

// http://hl7.org/fhir/R4/messaging.html#reliable
TEST_CASE("duplicates: of FHIR messages") {
    Duplicates const by_id(options("message_id"), config::Content::fhir);
    auto const print_of = [&](Duplicates const& duplicates, std::string const& text) {
        auto const interaction = fhir::Interaction::read(text);
        REQUIRE(interaction.has_value());
        auto const made = duplicates.fingerprint({nullptr, nullptr, &*interaction}, text, 0);
        return made ? *made : std::nullopt;
    };
    auto const message = [](std::string const& envelope, std::string const& header) {
        return R"({"resourceType":"Bundle",)" + envelope +
               R"("type":"message","entry":[{"resource":{"resourceType":"MessageHeader",)" + header +
               R"("eventUri":"urn:e","source":{"endpoint":"urn:s"}}}]})";
    };
    auto const first = print_of(by_id, message(R"("id":"b1",)", R"("id":"h1",)"));
    REQUIRE(first.has_value());
    CHECK(print_of(by_id, message(R"("id":"b1",)", R"("id":"h1",)"))->same == first->same);
    // Submitted again in a new envelope: another; one envelope for two messages: a finding.
    CHECK(print_of(by_id, message(R"("id":"b2",)", R"("id":"h1",)"))->same != first->same);
    CHECK(print_of(by_id, message(R"("id":"b2",)", R"("id":"h1",)"))->name != first->name);
    CHECK(print_of(by_id, message(R"("id":"b1",)", R"("id":"h2",)"))->same != first->same);
    CHECK(print_of(by_id, message(R"("id":"b1",)", R"("id":"h2",)"))->name == first->name);
    // An identifier names the envelope, whatever id a server has given it.
    std::string const named = R"("identifier":{"system":"urn:s","value":"b1"},)";
    auto const by_identifier = print_of(by_id, message(named, R"("id":"h1",)"));
    REQUIRE(by_identifier.has_value());
    CHECK(by_identifier->same != first->same);
    CHECK(print_of(by_id, message(R"("id":"7",)" + named, R"("id":"h1",)"))->same == by_identifier->same);
    CHECK(print_of(by_id, message(named, "")).has_value());
    // Nothing to tell them by.
    for (auto const& text : {message("", R"("id":"h1",)"), message(R"("id":"b1",)", ""),
                             message(R"("identifier":{"system":"urn:s"},)", R"("id":"h1",)"),
                             std::string(R"({"resourceType":"Patient","id":"1"})"),
                             std::string(R"({"resourceType":"Bundle","id":"1","type":"transaction"})"),
                             std::string(R"({"resourceType":"Bundle","id":"1","type":"message"})")})
        CHECK_MESSAGE(!print_of(by_id, text), text);

    Duplicates const by_key(options("=Patient.identifier.value"), config::Content::fhir);
    auto const patient = [](std::string const& value, std::string const& more = {}) {
        return R"({"resourceType":"Patient",)" + more + R"("identifier":[{"value":")" + value + "\"}]}";
    };
    CHECK(print_of(by_key, patient("1"))->same == print_of(by_key, patient("1", R"("id":"2",)"))->same);
    CHECK(print_of(by_key, patient("1"))->same != print_of(by_key, patient("2"))->same);
}

TEST_CASE("duplicates: a control ID can't be made to run into another") {
    Duplicates const by_id(options("control_id"), config::Content::hl7);
    CHECK(of(by_id, adt("M1", "PID|1", "1", "AB"))->name != of(by_id, adt("M1", "PID|1", "1", "A"))->name);
}
