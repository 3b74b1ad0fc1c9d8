#include <boost/asio/write.hpp>
#include <set>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/desk.h"
#include "engine/cli/output.h"
#include "engine/destinations/hl7_answer.h"
#include "engine/ops/json.h"
#include "parsers/hl7/ack.h"
#include "parsers/hl7/batch.h"
#include "parsers/mllp/decoder.h"

namespace hilum::cli {
namespace {

constexpr std::size_t answer_bytes_max = 1u << 20;

struct Options {
    std::string to, timeout = "30s", wait_for = "accept";
    std::vector<std::string> files;
    std::size_t repeat = 1;
    bool json = false, quiet = false;
};

struct Outgoing {
    std::string name;  // "adt.hl7#2"
    std::string_view bytes;
    std::string control_id;     // MSH-10; empty when it can't be read
    hl7::AckRequest request{};  // MSH-15, MSH-16
};

// What came back for one message.
struct Outcome {
    bool accepted = false;
    std::string code;        // AA ... CR; empty without an answer
    std::string control_id;  // MSA-2
    std::string text;        // what the NAK says, or what went wrong
    std::int64_t micros = 0;
};

class Client {
  public:
    Client(net::Deadlines& deadlines, config::Endpoint to, std::chrono::milliseconds timeout,
           destinations::WaitFor wait_for)
        : to_(std::move(to)), timeout_(timeout), wait_for_(wait_for), deadline_(deadlines, [this] {
              boost::system::error_code ignored;
              if (socket_) socket_->close(ignored);
          }) {}

    // Error: there is no connection to be had.
    net::Task<Result<Outcome>> send(Outgoing const& outgoing) {
        if (!socket_) {
            auto connected = co_await net::connect(to_, timeout_);
            if (!connected) co_return connected.error();
            socket_ = std::move(*connected);
            decoder_ = mllp::Decoder({}, mllp::Limits{answer_bytes_max});
            not_waited_for_.clear();
        }
        auto const began = std::chrono::steady_clock::now();
        Outcome outcome = co_await exchange(outgoing);
        outcome.micros =
            std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began)
                .count();
        bool const kept = !outcome.code.empty() || (outcome.accepted && socket_->is_open());
        if (!kept) socket_.reset();  // a late answer must not be taken for the next message's
        co_return outcome;
    }

  private:
    net::Task<Outcome> exchange(Outgoing const& outgoing) {
        std::string frame;
        mllp::encode(outgoing.bytes, frame);
        deadline_.set(timeout_);
        auto [ec, written] =
            co_await net::asio::async_write(*socket_, net::asio::buffer(frame), net::as_result);
        if (ec) co_return ended(ec);
        auto const wanted = destinations::wanted(outgoing.request, wait_for_);
        Outcome outcome;
        if (wanted.nothing()) {
            outcome.accepted = true;
            outcome.text = "the message asks for no answer";
        }
        // In enhanced mode CA comes first, AA or AE later.
        bool done = wanted.nothing();
        while (!done) {
            mllp::Event event;
            auto const failed = co_await read_frame(event);
            if (failed) {
                deadline_.clear();
                bool const consent = wanted.quiet && deadline_.passed();
                if (!consent) co_return nothing(failed->text);
                outcome.accepted = true;
                outcome.text = "the message asks for errors alone, and none came";
                co_return outcome;
            }
            outcome = judge(outgoing, event.bytes);
            bool const earlier =
                outcome.control_id != outgoing.control_id && not_waited_for_.contains(outcome.control_id);
            bool const more = wanted.application && outcome.accepted && outcome.code == "CA";
            done = !earlier && !more;
        }
        deadline_.clear();
        if (outgoing.request.enhanced) not_waited_for_.insert(outgoing.control_id);
        co_return outcome;
    }

    // What went wrong, or nothing and the frame.
    net::Task<std::optional<Outcome>> read_frame(mllp::Event& event) {
        while ((event = decoder_.next()).kind != mllp::Event::Kind::frame) {
            if (event.kind == mllp::Event::Kind::too_large)
                co_return nothing("the answer is longer than 1 MiB");
            if (event.kind != mllp::Event::Kind::need_more) continue;  // bytes between frames
            if (decoder_.awaiting_trailer()) {
                // No standard answer stops here, but some receivers send no CR: what follows at once decides.
                event = co_await trailer();
                if (event.kind == mllp::Event::Kind::frame) break;
                continue;
            }
            auto const room = decoder_.prepare(8192);
            auto [failed, count] = co_await socket_->async_read_some(
                net::asio::buffer(room.data(), room.size()), net::as_result);
            if (failed) co_return ended(failed);
            decoder_.commit(count);
        }
        co_return std::nullopt;
    }

    Outcome ended(boost::system::error_code const& ec) {
        if (deadline_.passed()) return nothing("no answer in time");
        return nothing(ec == net::asio::error::eof ? "the receiver closed the connection without an answer"
                                                   : ec.message());
    }

    net::Task<mllp::Event> trailer() {
        net::Timer timer(socket_->get_executor());
        timer.expires_after(std::chrono::milliseconds(200));
        co_await timer.async_wait(net::as_result);
        boost::system::error_code ec;
        std::size_t const waiting = socket_->available(ec);
        if (ec || waiting == 0) co_return decoder_.flush();
        auto const room = decoder_.prepare(waiting);
        auto [failed, count] =
            co_await socket_->async_read_some(net::asio::buffer(room.data(), waiting), net::as_result);
        if (failed) co_return decoder_.flush();
        decoder_.commit(count);
        co_return decoder_.next();
    }

    static Outcome nothing(std::string text) {
        Outcome outcome;
        outcome.text = std::move(text);
        return outcome;
    }

    static Outcome judge(Outgoing const& outgoing, std::string_view answer) {
        auto const ack = hl7::read_ack(answer);
        if (!ack) return nothing("the answer is no acknowledgment: " + ack.error().text());
        Outcome outcome;
        outcome.code = hl7::name(ack->code);
        outcome.control_id = ack->control_id;
        outcome.accepted = ack->code == hl7::AckCode::AA || ack->code == hl7::AckCode::CA;
        if (outcome.accepted && ack->control_id != outgoing.control_id) {
            outcome.accepted = false;
            outcome.text = "the answer is for another message: its MSA-2 is not the MSH-10 that was sent";
        } else if (!outcome.accepted) {
            outcome.text =
                ack->error_code + (ack->error_code.empty() || ack->text.empty() ? "" : " ") + ack->text;
        }
        return outcome;
    }

    config::Endpoint to_;
    std::chrono::milliseconds timeout_;
    destinations::WaitFor wait_for_;
    net::Deadline deadline_;
    std::optional<net::Socket> socket_;
    mllp::Decoder decoder_;
    std::set<std::string>
        not_waited_for_;  // MSH-10 of messages for which answers may come that none asked for
};

void report(Options const& options, Outgoing const& outgoing, Outcome const& outcome) {
    if (options.quiet && outcome.accepted) return;
    if (options.json) {
        ops::json::Writer w;
        w.object([&] {
            w.field("message", outgoing.name);
            w.field("accepted", outcome.accepted);
            w.field_if("code", outcome.code);
            w.field_if("control_id", outcome.control_id);
            w.field_if("text", outcome.text);
            w.field("us", outcome.micros);
        });
        answer(w.text() + "\n");
        return;
    }
    std::string line = printable(outgoing.name) + " " +
                       (!outcome.code.empty() ? outcome.code
                        : outcome.accepted    ? "sent:"
                                              : "no answer:");
    if (!outcome.control_id.empty()) line += " " + printable(outcome.control_id);
    if (!outcome.text.empty()) line += " " + printable(outcome.text);
    answer(line + "\n");
}

// The messages of each file; a file with no message in it is sent as it is.
std::vector<Outgoing> messages_of(std::vector<std::string> const& names,
                                  std::vector<std::string> const& texts) {
    std::vector<Outgoing> all;
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto messages = hl7::split_messages(texts[i]).messages;
        if (messages.empty()) messages.push_back(texts[i]);
        for (std::size_t n = 0; n < messages.size(); ++n) {
            Outgoing outgoing{names[i] + "#" + std::to_string(n + 1), messages[n], {}};
            if (auto const message = hl7::Message::view(messages[n])) {
                outgoing.control_id = message->text("MSH-10");
                outgoing.request = hl7::ack_request(*message);
            }
            all.push_back(std::move(outgoing));
        }
    }
    return all;
}

net::Task<void> send_all(Options const& options, config::Endpoint to, std::chrono::milliseconds timeout,
                         net::Deadlines& deadlines, std::vector<Outgoing> const& messages,
                         std::size_t& refused) {
    auto const wait_for = options.wait_for == "accept"        ? destinations::WaitFor::accept
                          : options.wait_for == "application" ? destinations::WaitFor::application
                                                              : destinations::WaitFor::message;
    Client client(deadlines, std::move(to), timeout, wait_for);
    for (std::size_t round = 0; round < options.repeat; ++round) {
        for (auto const& outgoing : messages) {
            auto const outcome = co_await client.send(outgoing);
            if (!outcome) {
                complain(outcome.error().text());
                ++refused;
                co_return;
            }
            report(options, outgoing, *outcome);
            refused += outcome->accepted ? 0 : 1;
        }
    }
}

int send(Options const& options) {
    auto const to = parse_endpoint(options.to);
    if (!to) {
        complain("--to: " + to.error().text());
        return used_wrongly;
    }
    auto const timeout_ms = parse_duration_ms(options.timeout);
    if (!timeout_ms || *timeout_ms <= 0) {
        complain("--timeout: not a time; write it like 30s or 500ms");
        return used_wrongly;
    }
    std::vector<std::string> texts;
    for (auto const& file : options.files) {
        auto text = read_file(file);
        if (!text) {
            complain(text.error().text());
            return used_wrongly;
        }
        texts.push_back(std::move(*text));
    }
    auto const messages = messages_of(options.files, texts);
    std::size_t refused = 0;
    Desk desk;
    auto const began = std::chrono::steady_clock::now();
    desk.run(
        send_all(options, *to, std::chrono::milliseconds(*timeout_ms), desk.deadlines, messages, refused));
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
    if (options.repeat > 1 && refused == 0) {
        auto const count = static_cast<double>(messages.size() * options.repeat);
        char line[96];
        std::snprintf(line, sizeof line, "%.0f messages in %.2f s, %.0f a second", count, took.count(),
                      count / took.count());
        complain(line);
    }
    return refused == 0 ? good : answer_is_no;
}

}  // namespace

void add_send(App& app, int& exit_code) {
    auto* const command = app.add_subcommand("send", "Send messages over MLLP and check each answer");
    auto const options = std::make_shared<Options>();
    command->add_option("--to", options->to, "HOST:PORT of the receiver")->required();
    command
        ->add_option("FILE", options->files,
                     "HL7 v2 messages: one, several or a batch a file; - for standard input")
        ->required();
    command->add_option("--timeout", options->timeout, "time limit for the connection and for each answer")
        ->show_default();
    command
        ->add_option("--wait-for", options->wait_for,
                     "the answer to wait for: message (as its MSH-15 and MSH-16 ask), accept or application")
        ->one_of({"message", "accept", "application"})
        ->show_default();
    command->add_option("--repeat", options->repeat, "send everything this many times")->positive();
    command->add_flag("--json", options->json, "one JSON object a message");
    command->add_flag("--quiet", options->quiet, "print only what was not accepted");
    command->footer(
        "One line a message: FILE#n, MSA-1, MSA-2, and what a NAK says. The next message leaves when the "
        "answer is there. A\n"
        "file with no message in it is sent as it is, to see what a receiver makes of it.\n"
        "Exit code: 0 when each was answered AA or CA for its own MSH-10, or asks for no answer, else 1; 2 "
        "when "
        "a file can't be read.\n\n"
        "Example:\n"
        "  hilum send --to 127.0.0.1:2575 adt.hl7\n"
        "  adt.hl7#1 AA MSG00001");
    command->callback([options, &exit_code] { exit_code = send(*options); });
}

}  // namespace hilum::cli
