// The MLLP listener: HL7 v2 over TCP (MLLP Release 1, or 2 with its commit acknowledgements), one message at
// a time per connection, as the protocol has it.
#include <boost/asio/write.hpp>

#include "engine/listeners/batch_frame.h"
#include "engine/listeners/listener.h"
#include "engine/listeners/pacing.h"
#include "engine/listeners/text_options.h"
#include "engine/listeners/validation_options.h"
#include "engine/net/accept.h"
#include "engine/net/mllp_framing.h"
#include "engine/ops/kill_point.h"
#include "parsers/hl7/batch.h"
#include "parsers/mllp/commit.h"
#include "parsers/mllp/decoder.h"

namespace hilum::listeners {

using namespace std::chrono_literals;

namespace {

constexpr auto trailer_time = 250ms;
// Of a message under a rate limit. So many senders share it that no answer could come in time; the connection
// is closed, and its sender has to wait before it tries again.
constexpr auto longest_turn = 1h;

enum class Batch : unsigned char { split, refuse };

struct Options {
    config::Endpoint listen;
    config::Bytes max_frame{16u << 20};
    config::Duration idle = 1h;
    config::Duration frame_time = 30s;
    std::uint32_t max_connections = 16'000;
    std::uint32_t release = 1;
    net::MllpFraming framing;
    Batch batch = Batch::split;
    TextOptions text;
    ValidationOptions validation;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("listen", o.listen, "address and port, such as 0.0.0.0:2575");
    v.optional("max_frame", o.max_frame,
               "a longer message is refused without being kept, and the connection closed");
    v.optional("idle", o.idle, "close a connection on which nothing has come for this long");
    v.optional("frame_time", o.frame_time, "a message that has begun must be complete within this time");
    v.optional("max_connections", o.max_connections, "further connections are closed at once and counted");
    v.optional("release", o.release,
               "of MLLP: 1, or 2 for a commit acknowledgement (a block of one byte) before the HL7 one");
    describe(v, o.framing);
    v.choice(
        "batch", o.batch, {{"split", Batch::split}, {"refuse", Batch::refuse}},
        "a frame that holds a batch (FHS, BHS): take its messages one by one and answer with a batch, or "
        "refuse it");
    describe(v, o.text);
    describe(v, o.validation);
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "listener \"" + component.name + "\" (mllp)",
                                           diagnostics);
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    net::check(o.framing, at, diagnostics);
    if (o.release != 1 && o.release != 2)
        diagnostics.error(at, "MLLP has release 1 and release 2", "leave it out for 1");
    if (o.max_frame.count < 1024 || o.max_frame.count > (256u << 20)) {
        diagnostics.error(at, "max_frame must be from 1KiB to 256MiB", "the default is 16MiB");
    }
    check(o.text, component, diagnostics);
    check(o.validation, component, diagnostics);
    if (o.max_connections == 0)
        diagnostics.error(at, "max_connections is 0: nobody could connect", "leave it out for 16000");
}

class MllpListener final : public Listener {
  public:
    MllpListener(std::string name, Options options, ListenerContext context)
        : name_(std::move(name)),
          options_(std::move(options)),
          context_(context),
          framing_(options_.framing.framing()),
          loop_(std::make_shared<net::AcceptLoop>(
              context.runtime, context.log, context.metrics, name_, options_.max_connections,
              [this](std::shared_ptr<net::Connection> connection) { return serve(std::move(connection)); })) {
    }

    Result<void> start() override {
        auto const endpoint = net::resolve_listen(options_.listen);
        if (!endpoint) return endpoint.error();
        loop_->accept_while([&intake = context_.intake] { return intake.takes(); });
        return loop_->start(*endpoint);
    }
    net::Task<void> stop() override { co_await loop_->stop(5s); }
    std::string where() const override { return "mllp " + net::text(loop_->endpoint()); }

  private:
    net::Task<void> serve(std::shared_ptr<net::Connection> connection);
    // False when the connection is to end.
    net::Task<bool> handle(net::Connection& connection, mllp::Event event, net::Deadline& deadline,
                           std::string& out);
    void write_answers(flow::Answer const& answer, std::string& out) const;
    bool commit_block(net::Connection const& connection, std::string_view content) const;
    void complain(net::Connection const& connection, mllp::Event const& event);

    std::string name_;
    Options options_;
    ListenerContext context_;
    mllp::Framing framing_;
    std::shared_ptr<net::AcceptLoop> loop_;
};

net::Task<void> MllpListener::serve(std::shared_ptr<net::Connection> connection) {
    mllp::Decoder decoder(framing_, mllp::Limits{options_.max_frame.count});
    // Once a message's <EB> is here and its <CR> is not, the peer gets a moment to send it; then the message
    // counts as complete (a named tolerance: some senders leave it out and wait for their answer).
    bool awaiting = false;
    net::Deadline deadline(context_.runtime.deadlines(connection->socket.get_executor()),
                           [&connection, &awaiting] {
                               boost::system::error_code ignored;
                               if (awaiting) {
                                   connection->socket.cancel(ignored);
                               } else {
                                   connection->close();
                               }
                           });
    std::string out;
    bool in_frame = false;
    bool complained = false;  // garbage is logged once a connection, counted always
    deadline.set(options_.idle);
    while (!connection->stopping) {
        if (connection->waited || !context_.intake.takes()) {
            deadline.clear();
            bool const there = co_await wait_for_room(context_, *connection);
            if (!there) co_return;
            deadline.set(in_frame ? options_.frame_time : options_.idle);
        }
        awaiting = decoder.awaiting_trailer();
        if (awaiting) {
            deadline.set(trailer_time);
        } else if (decoder.inside_frame() != in_frame) {
            // The clock of a frame starts with its first byte and does not start anew with each further one.
            in_frame = !in_frame;
            deadline.set(in_frame ? options_.frame_time : options_.idle);
        }
        if (decoder.buffered() == 0 && decoder.capacity() > 16'384) decoder.release();
        auto const room = decoder.prepare(in_frame ? 65'536 : 8'192);
        auto [ec, count] = co_await connection->socket.async_read_some(
            net::asio::buffer(room.data(), room.size()), net::as_result);
        bool const complete = ec == net::asio::error::operation_aborted && awaiting && deadline.passed() &&
                              !connection->stopping;
        if (ec && !complete) {
            if (deadline.passed()) {
                context_.metrics.timeouts.fetch_add(1, std::memory_order_relaxed);
                context_.log.info("connection_timed_out", {{"listener", name_},
                                                           {"peer", connection->peer},
                                                           {"inside_message", in_frame ? "yes" : "no"}});
            }
            co_return;
        }
        decoder.commit(count);
        awaiting = false;
        for (auto event = complete ? decoder.flush() : decoder.next();
             event.kind != mllp::Event::Kind::need_more; event = decoder.next()) {
            if (event.kind == mllp::Event::Kind::frame) {
                if (commit_block(*connection, event.bytes)) {
                    in_frame = false;
                    deadline.set(options_.idle);
                    continue;
                }
                deadline.clear();
                bool const go_on = co_await handle(*connection, event, deadline, out);
                if (!go_on) co_return;
                in_frame = false;
                deadline.set(options_.idle);
                continue;
            }
            context_.metrics.garbage_bytes.fetch_add(event.skipped, std::memory_order_relaxed);
            bool const fatal = event.kind == mllp::Event::Kind::too_large;
            if (fatal) context_.metrics.too_large.fetch_add(1, std::memory_order_relaxed);
            if (fatal || !complained) complain(*connection, event);
            complained = true;
            if (fatal) co_return;
        }
    }
}

net::Task<bool> MllpListener::handle(net::Connection& connection, mllp::Event event, net::Deadline& deadline,
                                     std::string& out) {
    if (context_.intake.paced()) {
        auto const turn = co_await wait_turn(context_, connection, longest_turn);
        if (turn != Turn::go) co_return false;
    }
    auto const began = std::chrono::steady_clock::now();
    if (event.missing_trailer) context_.metrics.tolerated.fetch_add(1, std::memory_order_relaxed);
    connection.busy = true;
    flow::Answer answer;
    std::optional<std::string> batch;
    if (options_.batch == Batch::split && hl7::is_batch(event.bytes))
        batch = co_await accept_batch(context_, name_, event.bytes, connection);
    if (batch) {
        answer.bytes = std::move(*batch);
        answer.stored = true;  // each of its messages has an answer of its own in it
    } else {
        answer = co_await context_.intake.accept(event.bytes, connection.peer);
    }
    out.clear();
    write_answers(answer, out);
    if (out.empty()) {
        connection.busy = false;
        co_return !connection.stopping;
    }
    ops::kill_point(ops::KillPoint::before_ack);
    deadline.set(30s);  // a peer that does not read its answers
    auto [ec, count] =
        co_await net::asio::async_write(connection.socket, net::asio::buffer(out), net::as_result);
    connection.busy = false;
    auto const took = std::chrono::steady_clock::now() - began;
    context_.metrics.ack_seconds.observe(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    if (out.capacity() > 65'536) std::string().swap(out);
    co_return !ec && !connection.stopping;
}

// What goes back for one message: nothing when its sender asked for nothing (MSH-15, MSH-16); in enhanced
// mode up to two acknowledgements.
void MllpListener::write_answers(flow::Answer const& answer, std::string& out) const {
    if (options_.release == 2) {
        // Stored is what a commit acknowledgement says, also of what an HL7 NAK refuses for its content.
        // After a negative one the peer sends the block again, so there is nothing else to say yet.
        mllp::encode(answer.stored ? mllp::Commit::ack : mllp::Commit::nak, out, framing_);
        if (!answer.stored) return;
    }
    if (answer.owed) mllp::encode(answer.bytes, out, framing_);
    if (!answer.application.empty()) mllp::encode(answer.application, out, framing_);
}

// True when the frame is the peer's commit acknowledgement of an answer. That needs nothing more: a peer that
// could not store the answer sends its message again.
bool MllpListener::commit_block(net::Connection const& connection, std::string_view content) const {
    auto const commit = options_.release == 2 ? mllp::commit_of(content) : std::nullopt;
    if (commit == mllp::Commit::nak)
        context_.log.warn("answer_not_committed", {{"listener", name_}, {"peer", connection.peer}});
    return commit.has_value();
}

void MllpListener::complain(net::Connection const& connection, mllp::Event const& event) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string const byte{'0', 'x', hex[event.first_byte >> 4], hex[event.first_byte & 15]};
    using enum mllp::Event::Kind;
    std::string_view const name = event.kind == garbage   ? "bytes_outside_frame"
                                  : event.kind == restart ? "frame_restarted"
                                                          : "frame_too_large";
    context_.log.warn(name, {{"listener", name_},
                             {"peer", connection.peer},
                             {"bytes", event.skipped},
                             {"first_byte", byte},
                             {"offset", event.offset}});
}

std::unique_ptr<Listener> make(config::Component const& component, ListenerContext context) {
    config::Diagnostics ignored;  // check has seen it
    return std::make_unique<MllpListener>(component.name, decode(component, ignored), context);
}

}  // namespace

ListenerKind mllp_listener() {
    return {"mllp", "HL7 v2 over TCP with MLLP framing", check, config::SchemaWriter::of<Options>, make};
}

}  // namespace hilum::listeners
