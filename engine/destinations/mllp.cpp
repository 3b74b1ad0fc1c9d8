// The MLLP destination: one kept connection, one message in flight, and an answer counts only for the message
// it names.
#include <sys/socket.h>

#include <boost/asio/write.hpp>
#include <optional>

#include "engine/destinations/destination.h"
#include "engine/destinations/hl7_answer.h"
#include "parsers/hl7/message.h"
#include "parsers/mllp/decoder.h"

namespace hilum::destinations {

using namespace std::chrono_literals;

namespace {

struct Options {
    config::Endpoint connect;
    config::Duration connect_within = 10s;
    config::Duration answer_within = 30s;
    config::Bytes max_answer{1u << 20};
    unsigned char start_byte = 0x0b;
    unsigned char end_byte = 0x1c;
    unsigned char trailer_byte = 0x0d;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("connect", o.connect, "host and port of the receiver, such as lab.example:2575");
    v.optional("connect_within", o.connect_within, "time limit for a connection");
    v.optional("answer_within", o.answer_within,
               "time limit for the answer; then the connection is dropped before the message is sent again");
    v.optional("max_answer", o.max_answer, "a longer answer is refused");
    v.optional("start_byte", o.start_byte, "the byte before a message");
    v.optional("end_byte", o.end_byte, "the byte after a message");
    v.optional("trailer_byte", o.trailer_byte, "the byte after the end byte");
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "destination \"" + component.name + "\" (mllp)",
                                           diagnostics);
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    if (o.start_byte == o.end_byte) {
        diagnostics.error(at, "start_byte and end_byte are the same",
                          "leave both out for the standard's 0x0b and 0x1c");
    }
    if (o.connect_within.count() <= 0 || o.answer_within.count() <= 0) {
        diagnostics.error(at, "a time limit of nothing would fail every message",
                          "leave it out for the default");
    }
}

class MllpDestination final : public Destination {
  public:
    MllpDestination(Options options, DestinationContext context)
        : options_(std::move(options)),
          context_(std::move(context)),
          framing_{static_cast<char>(options_.start_byte), static_cast<char>(options_.end_byte),
                   static_cast<char>(options_.trailer_byte)},
          decoder_(framing_, mllp::Limits{options_.max_answer.count}) {}

    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override { drop(); }
    std::string where() const override { return "mllp " + options_.connect.text(); }

  private:
    void drop() noexcept;
    bool still_open();
    void orphan(std::uint64_t message, std::string_view why);
    net::Task<Attempt> wait_for_answer(Outgoing const& outgoing, std::string_view control_id);

    Options options_;
    DestinationContext context_;
    mllp::Framing framing_;
    mllp::Decoder decoder_;
    std::optional<net::Socket> socket_;
    std::string out_;
};

void MllpDestination::drop() noexcept {
    if (!socket_) return;
    boost::system::error_code ignored;
    socket_->close(ignored);
}

void MllpDestination::orphan(std::uint64_t message, std::string_view why) {
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
            if (event.kind == mllp::Event::Kind::frame) orphan(0, "nothing was in flight");
        }
    }
}

net::Task<Attempt> MllpDestination::deliver(Outgoing const& outgoing) {
    if (!still_open()) {
        drop();
        socket_.reset();
        decoder_ = mllp::Decoder(framing_, mllp::Limits{options_.max_answer.count});
        auto connected = co_await net::connect(options_.connect, options_.connect_within);
        if (!connected)
            co_return Attempt{AttemptClass::connect, connected.error().code, connected.error().what, {}, {}};
        socket_.emplace(std::move(*connected));
    }
    std::string control_id;
    if (auto const message = hl7::Message::view(outgoing.body)) control_id = message->text("MSH-10");

    bool timed_out = false;
    net::Deadline deadline(context_.runtime.deadlines(socket_->get_executor()), [this, &timed_out] {
        timed_out = true;
        drop();
    });
    deadline.set(options_.answer_within);
    out_.clear();
    mllp::encode(outgoing.body, out_, framing_);
    auto [ec, count] = co_await net::asio::async_write(*socket_, net::asio::buffer(out_), net::as_result);
    if (out_.capacity() > (1u << 20)) std::string().swap(out_);
    if (ec) {
        drop();
        co_return timed_out ? Attempt{AttemptClass::timeout, "timeout", "the receiver does not read", {}, {}}
                            : Attempt{AttemptClass::cut, "cut", ec.message(), {}, {}};
    }
    auto attempt = co_await wait_for_answer(outgoing, control_id);
    if (timed_out)
        attempt = Attempt{AttemptClass::timeout, "timeout", "no answer within the time limit", {}, {}};
    // An answer may still be under way for this message: only a new connection is sure not to carry it.
    if (attempt.result == AttemptClass::timeout || attempt.result == AttemptClass::cut ||
        attempt.result == AttemptClass::bad_answer)
        drop();
    co_return attempt;
}

net::Task<Attempt> MllpDestination::wait_for_answer(Outgoing const& outgoing, std::string_view control_id) {
    auto next = [this] {
        auto const event = decoder_.next();
        // One answer is all that is due, so none is waited for behind an <EB> that lacks its <CR>.
        bool const complete = event.kind != mllp::Event::Kind::need_more || !decoder_.awaiting_trailer();
        return complete ? event : decoder_.flush();
    };
    for (;;) {
        for (auto event = next(); event.kind != mllp::Event::Kind::need_more; event = next()) {
            if (event.kind == mllp::Event::Kind::too_large) {
                co_return Attempt{AttemptClass::bad_answer,
                                  "answer_too_large",
                                  "the answer is longer than max_answer",
                                  {},
                                  {}};
            }
            if (event.kind != mllp::Event::Kind::frame) continue;
            if (auto attempt = read_hl7_answer(event.bytes, control_id)) co_return std::move(*attempt);
            orphan(outgoing.message, "MSA-2 names another message");
        }
        auto const room = decoder_.prepare(8'192);
        auto [ec, count] =
            co_await socket_->async_read_some(net::asio::buffer(room.data(), room.size()), net::as_result);
        if (ec) co_return Attempt{AttemptClass::cut, "cut", "the connection ended before the answer", {}, {}};
        decoder_.commit(count);
    }
}

std::unique_ptr<Destination> make(config::Component const& component, DestinationContext context) {
    config::Diagnostics ignored;  // check has seen it
    return std::make_unique<MllpDestination>(decode(component, ignored), std::move(context));
}

}  // namespace

DestinationKind mllp_destination() {
    return {"mllp", "HL7 v2 over TCP with MLLP framing", check, config::SchemaWriter::of<Options>, make};
}

}  // namespace hilum::destinations
