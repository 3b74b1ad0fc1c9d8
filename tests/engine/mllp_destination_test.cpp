#include "engine/destinations/awaited.h"
#include "engine/destinations/destination.h"
#include "engine/destinations/hl7_answer.h"
#include "parsers/mllp/commit.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::test;
using destinations::Attempt;
using destinations::AttemptClass;
using destinations::Awaited;

namespace {

std::string asking(std::string const& id, std::string const& accept, std::string const& application) {
    return "MSH|^~\\&|A|B|LAB|C|20260102030405||ADT^A01|" + id + "|P|2.5|||" + accept + "|" + application +
           "\rPID|1||X\r";
}

std::string framed(std::string const& content) {
    std::string out;
    mllp::encode(content, out);
    return out;
}

std::string block(mllp::Commit commit) {
    std::string out;
    mllp::encode(commit, out);
    return out;
}

// What the peer sent so far, until one more frame is complete.
std::string frame(Peer& peer) {
    std::string bytes;
    while (bytes.find("\x1c\r") == std::string::npos) {
        auto const more = peer.read();
        if (more.empty()) break;
        bytes += more;
    }
    return bytes;
}

struct Sending {
    Engine engine;
    Awaited awaited;
    std::mutex mutex;
    std::vector<std::string> late;  // "message code"
    std::unique_ptr<destinations::Destination> destination;

    explicit Sending(std::uint16_t port, std::string const& options = "") {
        auto const kind = destinations::mllp_destination();
        config::Diagnostics diagnostics;
        auto const c =
            component("mllp", "connect: 127.0.0.1:" + std::to_string(port) + "\n" + options, diagnostics);
        kind.check(c, diagnostics);
        REQUIRE(diagnostics.text() == "");
        awaited.on_answer([this](Awaited::Sent const& sent, Attempt const& attempt) {
            auto const number = sent.message;
            if (forward) {
                auto post = [this, number, attempt] { destination->answered(number, attempt); };
                net::asio::post(engine.runtime.context(0), post);
            }
            std::lock_guard lock(mutex);
            late.push_back(std::to_string(number) + " " + attempt.code);
        });
        destination = kind.make(c, {engine.runtime, 0, engine.destination, engine.log, "lab", &awaited});
    }
    ~Sending() { engine.runtime.stop(); }
    std::string deliver(std::string const& body, std::uint64_t number = 7) {
        destinations::Outgoing outgoing;
        outgoing.message = number;
        outgoing.body = body;
        auto const attempt = engine.run(destination->deliver(outgoing));
        return std::string(destinations::name(attempt.result)) + " " + attempt.code;
    }
    std::vector<std::string> late_so_far() {
        std::lock_guard lock(mutex);
        return late;
    }
    bool forward = false;
};

}  // namespace

TEST_CASE("mllp destination: what is waited for, by MSH-15, MSH-16 and wait_for") {
    using destinations::WaitFor;
    using destinations::Wanted;
    struct Row {
        char const* accept;
        char const* application;
        char const* by_message;  // a: accept, p: application, q: quiet, -: nothing
    };
    Row const rows[] = {
        {"", "", "a"},      {"AL", "", "a"}, {"AL", "NE", "a"}, {"AL", "AL", "ap"}, {"AL", "ER", "a"},
        {"AL", "SU", "ap"}, {"NE", "", "-"}, {"NE", "NE", "-"}, {"NE", "AL", "p"},  {"NE", "ER", "q"},
        {"NE", "SU", "p"},  {"ER", "", "q"}, {"ER", "NE", "q"}, {"ER", "AL", "p"},  {"ER", "ER", "q"},
        {"ER", "SU", "p"},  {"SU", "", "a"}, {"SU", "NE", "a"}, {"SU", "AL", "ap"}, {"SU", "ER", "a"},
        {"SU", "SU", "ap"}, {"", "AL", "p"}, {"", "NE", "-"},   {"", "ER", "q"},    {"", "SU", "p"},
    };
    auto const text = [](Wanted const& w) {
        std::string out =
            std::string(w.accept ? "a" : "") + (w.application ? "p" : "") + (w.quiet ? "q" : "");
        return out.empty() ? std::string("-") : out;
    };
    for (auto const& row : rows) {
        CAPTURE(row.accept);
        CAPTURE(row.application);
        auto const request =
            hl7::ack_request(hl7::ack_condition(row.accept), hl7::ack_condition(row.application));
        CHECK(text(wanted(request, WaitFor::message)) == row.by_message);
        CHECK(text(wanted(request, WaitFor::accept)) == "a");
        CHECK(text(wanted(request, WaitFor::application)) == "p");
        CHECK(text(wanted(request, WaitFor::none)) == "-");
    }
}

TEST_CASE("mllp destination: answers of enhanced mode, row by row") {
    struct Row {
        char const* name;
        char const* accept;
        char const* application;
        char const* options;
        std::vector<std::string> answers;  // codes, sent one after the other
        char const* outcome;
    };
    std::string const quick = "answer_within: 300ms\napplication_within: 300ms\n";
    std::string const accept = quick + "wait_for: accept\n", application = quick + "wait_for: application\n",
                      none = quick + "wait_for: none\n";
    Row const rows[] = {
        {"original mode", "", "", quick.c_str(), {"AA"}, "delivered AA"},
        {"accept alone", "AL", "NE", quick.c_str(), {"CA"}, "delivered CA"},
        {"a receiver of original mode", "AL", "NE", quick.c_str(), {"AA"}, "delivered AA"},
        {"both", "AL", "AL", quick.c_str(), {"CA", "AA"}, "delivered AA"},
        {"accepted, then refused", "AL", "AL", quick.c_str(), {"CA", "AE"}, "ae AE"},
        {"accepted, then rejected", "AL", "AL", quick.c_str(), {"CA", "AR"}, "ar AR"},
        {"not accepted", "AL", "AL", quick.c_str(), {"CE"}, "ae CE"},
        {"rejected", "AL", "AL", quick.c_str(), {"CR"}, "ar CR"},
        {"application alone", "NE", "AL", quick.c_str(), {"AA"}, "delivered AA"},
        {"application at once", "AL", "AL", quick.c_str(), {"AA"}, "delivered AA"},
        {"accepted, then silence", "AL", "AL", quick.c_str(), {"CA"}, "unconfirmed no_application_answer"},
        {"silence", "AL", "NE", quick.c_str(), {}, "timeout timeout"},
        {"success is answered, and none is", "SU", "NE", quick.c_str(), {}, "timeout timeout"},
        {"only errors are answered", "ER", "NE", quick.c_str(), {}, "delivered quiet"},
        {"only errors are answered: an error", "ER", "NE", quick.c_str(), {"CE"}, "ae CE"},
        {"nothing is asked for", "NE", "NE", quick.c_str(), {}, "delivered sent"},
        {"wait_for: accept", "NE", "NE", accept.c_str(), {}, "timeout timeout"},
        {"wait_for: accept, of two", "AL", "AL", accept.c_str(), {"CA"}, "delivered CA"},
        {"wait_for: application", "AL", "NE", application.c_str(), {"CA", "AA"}, "delivered AA"},
        {"wait_for: none", "AL", "AL", none.c_str(), {}, "delivered sent"},
        {"wait_for: application, in vain",
         "AL",
         "NE",
         application.c_str(),
         {"CA"},
         "unconfirmed no_application_answer"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        Server server({[&row](Peer& peer) {
            frame(peer);
            for (auto const& code : row.answers) peer.send(framed(ack(code, "M1")));
            peer.at_end(2s);
        }});
        Sending sending(server.port(), row.options);
        CHECK(sending.deliver(asking("M1", row.accept, row.application)) == row.outcome);
        sending.destination->close();
        CHECK(sending.engine.destination.orphans == 0);
    }
}

TEST_CASE(
    "mllp destination: an application acknowledgement after its delivery is told, not taken for another") {
    Server server({[](Peer& peer) {
        frame(peer);
        peer.send(framed(ack("CA", "M1")));
        frame(peer);
        peer.send(framed(ack("AE", "M1", "101")) + framed(ack("CA", "M2")));
        frame(peer);
        peer.send(framed(ack("AA", "M2")) + framed(ack("AA", "X")) + framed(ack("CA", "M3")));
        peer.at_end(2s);
    }});
    Sending sending(server.port(), "wait_for: accept\n");
    CHECK(sending.deliver(asking("M1", "AL", "AL"), 1) == "delivered CA");
    CHECK(sending.deliver(asking("M2", "AL", "AL"), 2) == "delivered CA");
    CHECK(sending.deliver(asking("M3", "AL", "NE"), 3) == "delivered CA");
    CHECK(sending.late_so_far() == std::vector<std::string>{"1 AE/101", "2 AA"});
    CHECK(sending.engine.destination.orphans == 1);  // X
    sending.destination->close();
}

TEST_CASE("mllp destination: the application acknowledgement comes at a listener") {
    for (bool const closes : {false, true}) {
        CAPTURE(closes);
        std::promise<void> written;
        Server server({[&](Peer& peer) {
            frame(peer);
            peer.send(framed(ack("CA", "M1")));
            written.set_value();
            if (!closes) peer.at_end(5s);
        }});
        Sending sending(server.port(), "answers_at: acks_in\napplication_within: 5s\n");
        sending.forward = true;
        auto outcome =
            std::async(std::launch::async, [&] { return sending.deliver(asking("M1", "AL", "AL")); });
        written.get_future().wait();
        std::this_thread::sleep_for(100ms);
        CHECK_FALSE(sending.awaited.answer("elsewhere", ack("AA", "M1")));
        CHECK_FALSE(sending.awaited.answer("acks_in", ack("AA", "M2")));
        CHECK(sending.awaited.answer("acks_in", ack("AE", "M1")));
        CHECK(outcome.get() == "ae AE");
        sending.destination->close();
    }
}

TEST_CASE("mllp destination: release 2") {
    struct Row {
        char const* name;
        char const* accept;
        char const* application;
        std::string answer;
        char const* outcome;
        bool commits;  // the answer is acknowledged by a block
    };
    auto const yes = block(mllp::Commit::ack), no = block(mllp::Commit::nak);
    Row const rows[] = {
        {"commit and answer", "", "", yes + framed(ack("AA", "M1")), "delivered AA", true},
        {"not committed", "", "", no, "busy NAK", false},
        {"nothing else is asked for", "NE", "NE", yes, "delivered commit", false},
        {"committed, and no answer", "", "", yes, "unconfirmed no_application_answer", false},
        {"nothing", "NE", "NE", "", "timeout timeout", false},
        {"an answer without the block", "", "", framed(ack("AA", "M1")), "delivered AA", true},
        {"all three", "AL", "AL", yes + framed(ack("CA", "M1")) + framed(ack("AA", "M1")), "delivered AA",
         true},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        std::string got;
        {
            Server server({[&](Peer& peer) {
                frame(peer);
                peer.send(row.answer);
                if (row.commits) got = frame(peer);
                peer.at_end(2s);
            }});
            Sending sending(server.port(), "release: 2\nanswer_within: 300ms\napplication_within: 300ms\n");
            CHECK(sending.deliver(asking("M1", row.accept, row.application)) == row.outcome);
            sending.destination->close();
        }
        if (row.commits) CHECK(got.starts_with(yes));
    }
}

TEST_CASE("awaited: two receivers of one message are told apart, the oldest is forgotten") {
    Awaited awaited;
    std::vector<std::string> told;
    awaited.on_answer([&](Awaited::Sent const& sent, Attempt const& attempt) {
        told.push_back(sent.destination + attempt.code);
    });
    auto const from = [](std::string const& sender) {
        return "MSH|^~\\&|" + sender + "|W|A|B|1||ACK|9|P|2.5\rMSA|AA|M1\r";
    };
    awaited.remember("in", "M1", {"lab", 1, {}, "LAB\nW"});
    awaited.remember("in", "M1", {"ehr", 1, {}, "EHR\nW"});
    CHECK_FALSE(awaited.answer("in", from("XYZ")));
    CHECK(awaited.answer("in", from("EHR")));
    CHECK(awaited.answer("in", from("XYZ")));  // only one is left
    CHECK_FALSE(awaited.answer("in", from("LAB")));
    CHECK(told == std::vector<std::string>{"ehrAA", "labAA"});

    awaited.remember("in", "M1", {"lab", 1, {}, ""});
    for (std::size_t i = 0; i < Awaited::capacity; ++i)
        awaited.remember("in", "N" + std::to_string(i), {"lab", i, {}, ""});
    CHECK_FALSE(awaited.answer("in", from("LAB")));
    CHECK_FALSE(awaited.answer("in", "no HL7"));
    CHECK_FALSE(awaited.answer("in", message("M1")));
}
