// The MLLP destination: one kept connection, one message in flight, and an answer counts only for the message
// it names. In enhanced mode there may be two answers, the second much later or on another connection.
#include <sys/socket.h>

#include <boost/asio/write.hpp>
#include <optional>

#include "engine/destinations/awaited.h"
#include "engine/destinations/destination.h"
#include "engine/destinations/hl7_answer.h"
#include "engine/net/mllp_framing.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/message_form.h"
#include "parsers/mllp/commit.h"
#include "parsers/mllp/decoder.h"

namespace hilum::destinations {

using namespace std::chrono_literals;

namespace {

struct Options {
    config::Endpoint connect;
    config::Duration connect_within = 10s;
    config::Duration answer_within = 30s;
    WaitFor wait_for = WaitFor::message;
    config::Duration application_within = 60s;
    std::string answers_at;
    config::Bytes max_answer{1u << 20};
    std::uint32_t release = 1;
    net::MllpFraming framing;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("connect", o.connect, "host and port of the receiver, such as lab.example:2575");
    v.optional("connect_within", o.connect_within, "time limit for a connection");
    v.optional("answer_within", o.answer_within,
               "time limit for the answer; then the connection is dropped before the message is sent again");
    static constexpr config::Choice<WaitFor> words[] = {{"message", WaitFor::message},
                                                        {"accept", WaitFor::accept},
                                                        {"application", WaitFor::application},
                                                        {"none", WaitFor::none}};
    v.choice("wait_for", o.wait_for, words,
             "the acknowledgement that ends a delivery: as the message's MSH-15 and MSH-16 ask, or whatever "
             "they ask accept (CA), application (AA) or none");
    v.optional("application_within", o.application_within,
               "time limit for the application acknowledgement of enhanced mode");
    v.optional("answers_at", o.answers_at,
               "the listener at which application acknowledgements of this destination may come in");
    v.optional("max_answer", o.max_answer, "a longer answer is refused");
    v.optional("release", o.release,
               "of MLLP: 1, or 2 for a receiver that sends commit acknowledgements (blocks of one byte)");
    describe(v, o.framing);
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "destination \"" + component.name + "\" (mllp)",
                                           diagnostics);
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    net::check(o.framing, at, diagnostics);
    if (o.release != 1 && o.release != 2)
        diagnostics.error(at, "MLLP has release 1 and release 2", "leave it out for 1");
    if (o.connect_within.count() <= 0 || o.answer_within.count() <= 0 || o.application_within.count() <= 0) {
        diagnostics.error(at, "a time limit of nothing would fail every message",
                          "leave it out for the default");
    }
}

// What the answers to the message in flight have come to so far.
struct Exchange {
    Outgoing const& outgoing;
    std::string control_id;
    Wanted wanted;
    bool asks_application = false;  // MSH-16 asks for something, so that it may come later
    bool accepted = false;          // the receiver has said that it has the message: CA, or a commit block
    bool committed = true;          // false while the commit block of release 2 is due
    Attempt so_far{};               // what `accepted` came with
};

class MllpDestination final : public Destination {
  public:
    MllpDestination(Options options, DestinationContext context)
        : options_(std::move(options)),
          context_(std::move(context)),
          framing_(options_.framing.framing()),
          decoder_(framing_, mllp::Limits{options_.max_answer.count}),
          pause_(context_.runtime.context(context_.context_index).get_executor()) {}

    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override {
        closed_ = true;
        drop();
        pause_.cancel();
    }
    void answered(std::uint64_t message, Attempt attempt) override;
    std::string where() const override { return "mllp " + options_.connect.text(); }

  private:
    using Done = std::optional<Attempt>;

    void drop() noexcept;
    bool still_open();
    void not_for_this(std::string_view bytes, std::uint64_t message, std::string_view why);
    Exchange begin(Outgoing const& outgoing) const;
    void remember(Exchange const& exchange, Attempt const& attempt);
    net::Task<bool> write(std::string const& bytes);
    net::Task<Attempt> wait(Exchange& exchange);
    net::Task<Attempt> wait_elsewhere(Exchange& exchange);
    net::Task<Done> read_answers(Exchange& exchange);
    net::Task<Done> commit_answer(Exchange const& exchange);
    Done take_commit(Exchange& exchange, mllp::Commit commit) const;
    Done take_answer(Exchange& exchange, std::string_view bytes);
    Attempt silence(Exchange const& exchange) const;
    std::chrono::milliseconds time_limit(Exchange const& exchange) const;

    Options options_;
    DestinationContext context_;
    mllp::Framing framing_;
    mllp::Decoder decoder_;
    std::optional<net::Socket> socket_;
    std::string out_;
    net::Timer pause_;             // waits for an answer that comes elsewhere
    std::uint64_t in_flight_ = 0;  // a message's number, while its answers are waited for
    bool reading_ = false;         // the wait is a read, which an answer from elsewhere interrupts
    bool timed_out_ = false, closed_ = false;
    Done elsewhere_;  // the answer that came there
};

void MllpDestination::drop() noexcept {
    if (!socket_) return;
    boost::system::error_code ignored;
    socket_->close(ignored);
}

// An answer for another message: one that was waited for no longer, or an orphan.
void MllpDestination::not_for_this(std::string_view bytes, std::uint64_t message, std::string_view why) {
    if (options_.release == 2 && mllp::commit_of(bytes)) return;
    if (context_.awaited && context_.awaited->answer(Awaited::connection_of(context_.name), bytes)) return;
    context_.metrics.orphans.fetch_add(1, std::memory_order_relaxed);
    context_.log.warn("orphan_answer", {{"destination", context_.name}, {"message", message}, {"why", why}});
}

// What came while nothing was in flight answers nothing that is to come: it is counted and put away. False
// when the peer has gone, so that a message is not risked on a connection known to be dead.
bool MllpDestination::still_open() {
    if (!socket_ || !socket_->is_open()) return false;
    for (;;) {
        auto const room = decoder_.prepare(8'192);
        auto const got = ::recv(socket_->native_handle(), room.data(), room.size(), MSG_DONTWAIT);
        if (got == 0) return false;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        decoder_.commit(static_cast<std::size_t>(got));
        for (auto event = decoder_.next(); event.kind != mllp::Event::Kind::need_more;
             event = decoder_.next()) {
            if (event.kind == mllp::Event::Kind::too_large) return false;
            if (event.kind == mllp::Event::Kind::frame) not_for_this(event.bytes, 0, "nothing was in flight");
        }
    }
}

Exchange MllpDestination::begin(Outgoing const& outgoing) const {
    Exchange exchange{outgoing, {}, {}};
    hl7::AckRequest request;
    if (auto const message = hl7::read_body(outgoing.body)) {
        exchange.control_id = message->text("MSH-10");
        request = hl7::ack_request(*message);
    }
    exchange.wanted = wanted(request, options_.wait_for);
    // NE and NE: written is not delivered (a receiver that ends now has lost it), and most receivers answer
    // whatever they are asked. One that never does is to be named by `wait_for: none`.
    if (exchange.wanted.nothing() && options_.wait_for != WaitFor::none && options_.release == 1)
        exchange.wanted.accept = true;
    exchange.asks_application =
        exchange.wanted.application || (request.enhanced && request.application != hl7::AckCondition::NE);
    exchange.committed = options_.release == 1;
    return exchange;
}

// An application acknowledgement may still come for what is delivered without one.
void MllpDestination::remember(Exchange const& exchange, Attempt const& attempt) {
    bool const ended =
        attempt.result == AttemptClass::delivered || attempt.result == AttemptClass::unconfirmed;
    bool const open = exchange.asks_application || exchange.wanted.quiet || exchange.wanted.nothing();
    bool const complete = attempt.code.starts_with("AA") || !open;
    if (!context_.awaited || !ended || complete) return;
    context_.awaited->remember(Awaited::connection_of(context_.name), exchange.control_id,
                               {context_.name, exchange.outgoing.message, exchange.outgoing.key,
                                receiver_of(exchange.outgoing.body)});
}

void MllpDestination::answered(std::uint64_t message, Attempt attempt) {
    if (message != in_flight_) return;
    elsewhere_ = std::move(attempt);
    boost::system::error_code ignored;
    if (reading_) socket_->cancel(ignored);
    pause_.cancel();
}

std::chrono::milliseconds MllpDestination::time_limit(Exchange const& exchange) const {
    bool const accept_due = exchange.wanted.accept && !exchange.accepted;
    bool const application = exchange.wanted.application && !accept_due && exchange.committed;
    return application ? options_.application_within : options_.answer_within;
}

net::Task<bool> MllpDestination::write(std::string const& bytes) {
    auto [ec, count] = co_await net::asio::async_write(*socket_, net::asio::buffer(bytes), net::as_result);
    co_return !ec;
}

net::Task<Attempt> MllpDestination::deliver(Outgoing const& outgoing) {
    closed_ = false;
    if (!still_open()) {
        drop();
        socket_.reset();
        decoder_ = mllp::Decoder(framing_, mllp::Limits{options_.max_answer.count});
        auto connected = co_await net::connect(options_.connect, options_.connect_within);
        if (!connected)
            co_return Attempt{AttemptClass::connect, connected.error().code, connected.error().what, {}, {}};
        socket_.emplace(std::move(*connected));
    }
    auto exchange = begin(outgoing);
    bool const may_go = co_await departs(outgoing);
    if (!may_go) co_return not_departed();
    elsewhere_.reset();
    timed_out_ = false;
    in_flight_ = outgoing.message;
    // Before it is written: the answer may be as fast as the network.
    if (context_.awaited && exchange.asks_application && !options_.answers_at.empty()) {
        context_.awaited->remember(
            options_.answers_at, exchange.control_id,
            {context_.name, outgoing.message, outgoing.key, receiver_of(outgoing.body)});
    }
    auto attempt = co_await wait(exchange);
    in_flight_ = 0;
    if (elsewhere_) attempt = *std::exchange(elsewhere_, std::nullopt);
    remember(exchange, attempt);
    co_return attempt;
}

// Writes the message and waits for its answers.
net::Task<Attempt> MllpDestination::wait(Exchange& exchange) {
    bool const quiet = exchange.wanted.quiet;
    net::Deadline deadline(context_.runtime.deadlines(socket_->get_executor()), [this, quiet] {
        timed_out_ = true;
        boost::system::error_code ignored;
        if (quiet) {
            socket_->cancel(ignored);  // silence may be consent: the connection is as good as before
        } else {
            drop();
        }
    });
    deadline.set(options_.answer_within);
    out_.clear();
    mllp::encode(exchange.outgoing.body, out_, framing_);
    bool const written = co_await write(out_);
    if (out_.capacity() > (1u << 20)) std::string().swap(out_);
    if (!written) {
        drop();
        co_return timed_out_
            ? Attempt{AttemptClass::timeout, "timeout", "the receiver does not read", {}, {}}
            : Attempt{AttemptClass::cut, "cut", "the connection ended while the message was sent", {}, {}};
    }
    // Nothing is asked for, so nothing can be known but that it went out.
    if (exchange.wanted.nothing() && exchange.committed)
        co_return Attempt{AttemptClass::delivered, "sent", "the message asks for no answer", {}, {}};
    deadline.set(time_limit(exchange));
    Done done;
    while (!done && !elsewhere_) {
        auto const limit = time_limit(exchange);
        done = co_await read_answers(exchange);
        // The clock starts anew for the application acknowledgement.
        if (!done && time_limit(exchange) != limit) deadline.set(time_limit(exchange));
    }
    deadline.clear();
    if (elsewhere_) co_return Attempt{};
    bool const silent = done->result == AttemptClass::cut;
    if (silent && timed_out_ && quiet && exchange.committed) co_return silence(exchange);
    // Only a new connection is sure not to carry what may still be under way.
    if (silent || done->result == AttemptClass::bad_answer) drop();
    if (!silent || closed_) co_return std::move(*done);
    bool const accept_due = exchange.wanted.accept && !exchange.accepted;
    bool const elsewhere = exchange.wanted.application && !accept_due && !options_.answers_at.empty();
    if (elsewhere && context_.awaited && !timed_out_) co_return co_await wait_elsewhere(exchange);
    if (timed_out_) co_return silence(exchange);
    if (!exchange.accepted) co_return std::move(*done);
    co_return Attempt{AttemptClass::unconfirmed,
                      "cut",
                      "accepted, but the connection ended before the answer",
                      exchange.so_far.answer,
                      {}};
}

// The receiver has closed the connection and answers on one of its own.
net::Task<Attempt> MllpDestination::wait_elsewhere(Exchange& exchange) {
    pause_.expires_after(options_.application_within);
    co_await pause_.async_wait(net::as_result);
    if (elsewhere_) co_return Attempt{};
    if (closed_) co_return Attempt{AttemptClass::cut, "cut", "given up before the answer", {}, {}};
    co_return silence(exchange);
}

Attempt MllpDestination::silence(Exchange const& exchange) const {
    if (exchange.accepted) {
        return {AttemptClass::unconfirmed,
                "no_application_answer",
                "accepted, but the application acknowledgement did not come within the time limit",
                exchange.so_far.answer,
                {}};
    }
    if (exchange.wanted.quiet && exchange.committed)
        return {AttemptClass::delivered, "quiet", "only errors are answered, and none was", {}, {}};
    return {AttemptClass::timeout, "timeout", "no answer within the time limit", {}, {}};
}

// Reads once and looks at every answer that is there: the outcome, or nothing when more is to come.
net::Task<MllpDestination::Done> MllpDestination::read_answers(Exchange& exchange) {
    auto next = [this] {
        auto const event = decoder_.next();
        // One answer is all that is due, so none is waited for behind an <EB> that lacks its <CR>.
        bool const complete = event.kind != mllp::Event::Kind::need_more || !decoder_.awaiting_trailer();
        return complete ? event : decoder_.flush();
    };
    for (auto event = next(); event.kind != mllp::Event::Kind::need_more; event = next()) {
        if (event.kind == mllp::Event::Kind::too_large) {
            co_return Attempt{
                AttemptClass::bad_answer, "answer_too_large", "the answer is longer than max_answer", {}, {}};
        }
        if (event.kind != mllp::Event::Kind::frame) continue;
        Done done;
        auto const commit = options_.release == 2 ? mllp::commit_of(event.bytes) : std::nullopt;
        if (commit) {
            done = take_commit(exchange, *commit);
        } else {
            done = take_answer(exchange, event.bytes);
            auto const failed = co_await commit_answer(exchange);
            if (failed && !done) co_return *failed;
        }
        if (done) co_return std::move(*done);
    }
    auto const room = decoder_.prepare(8'192);
    reading_ = true;
    auto [ec, count] =
        co_await socket_->async_read_some(net::asio::buffer(room.data(), room.size()), net::as_result);
    reading_ = false;
    if (ec && !elsewhere_)
        co_return Attempt{AttemptClass::cut, "cut", "the connection ended before the answer", {}, {}};
    decoder_.commit(count);
    co_return std::nullopt;
}

// Release 2: the receiver's answer is a block that is acknowledged like ours.
net::Task<MllpDestination::Done> MllpDestination::commit_answer(Exchange const&) {
    if (options_.release != 2) co_return std::nullopt;
    out_.clear();
    mllp::encode(mllp::Commit::ack, out_, framing_);
    bool const written = co_await write(out_);
    if (written) co_return std::nullopt;
    co_return Attempt{AttemptClass::cut, "cut", "the connection ended before the answer", {}, {}};
}

MllpDestination::Done MllpDestination::take_commit(Exchange& exchange, mllp::Commit commit) const {
    if (commit == mllp::Commit::nak) {
        // The receiver could not store it: nothing is wrong with the message, send it again.
        return Attempt{AttemptClass::busy, "NAK", "the receiver could not store the message", {}, {}};
    }
    exchange.committed = exchange.accepted = true;
    exchange.so_far = {AttemptClass::delivered, "commit", "the receiver has stored the message", {}, {}};
    if (exchange.wanted.nothing()) return exchange.so_far;
    return std::nullopt;
}

MllpDestination::Done MllpDestination::take_answer(Exchange& exchange, std::string_view bytes) {
    auto attempt = read_hl7_answer(bytes, exchange.control_id);
    if (!attempt) {
        not_for_this(bytes, exchange.outgoing.message, "MSA-2 names another message");
        return std::nullopt;
    }
    if (exchange.outgoing.wants_response) attempt->response = bytes;
    bool const accept_level = attempt->code.starts_with("CA");
    if (!accept_level || !exchange.wanted.application) return attempt;
    // A receiver that answers has the message, with or without the block that says so.
    exchange.committed = exchange.accepted = true;
    exchange.so_far = std::move(*attempt);
    return std::nullopt;
}

std::unique_ptr<Destination> make(config::Component const& component, DestinationContext context) {
    config::Diagnostics ignored;  // check has seen it
    return std::make_unique<MllpDestination>(decode(component, ignored), std::move(context));
}

}  // namespace

DestinationKind mllp_destination() {
    return {"mllp", "HL7 v2 over TCP with MLLP framing",
            check,  config::SchemaWriter::of<Options>,
            make,   config::Content::hl7};
}

}  // namespace hilum::destinations
