#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/desk.h"
#include "engine/cli/output.h"
#include "engine/flow/timestamp.h"
#include "parsers/hl7/ack.h"
#include "parsers/mllp/decoder.h"

namespace hilum::cli {
namespace {

constexpr std::size_t connections_max = 1000;

struct Options {
    std::string at, answer = "AA", out, delay = "0ms";
    std::size_t count = 0;  // 0: until stopped
    bool show = false;
};

// Numbers files where an earlier run stopped, and overwrites none.
class Folder {
  public:
    Result<void> open(std::string const& path) {
        std::error_code ec;
        std::filesystem::create_directories(path, ec);
        if (ec) return error("unwritable", path, ec.message());
        path_ = path;
        return {};
    }
    Result<void> keep(std::string_view bytes) {
        if (path_.empty()) return {};
        std::filesystem::path file;
        std::error_code ec;
        do {
            std::string const number = std::to_string(++last_);
            file = std::filesystem::path(path_) /
                   (std::string(6 - std::min<std::size_t>(6, number.size()), '0') + number + ".hl7");
        } while (std::filesystem::exists(file, ec));
        std::ofstream out(file, std::ios::binary);
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        out.close();
        if (!out) return error("unwritable", file.string(), "the message could not be written");
        return {};
    }

  private:
    std::string path_;
    std::size_t last_ = 0;
};

class Server {
  public:
    Server(Options const& options, std::chrono::milliseconds delay, Desk& desk)
        : options_(options), delay_(delay), desk_(desk), acceptor_(desk.context), done_(desk.context) {
        done_.expires_at(net::Timer::time_point::max());
    }

    Result<void> open(net::tcp::endpoint const& endpoint) {
        if (!options_.out.empty()) {
            if (auto const opened = folder_.open(options_.out); !opened) return opened.error();
        }
        boost::system::error_code ec;
        acceptor_.open(endpoint.protocol(), ec);
        if (!ec) acceptor_.set_option(net::tcp::acceptor::reuse_address(true), ec);
        if (!ec) acceptor_.bind(endpoint, ec);
        if (!ec) acceptor_.listen(net::asio::socket_base::max_listen_connections, ec);
        if (ec)
            return error("bind", net::text(endpoint), ec.message(),
                         "choose another port; 0 takes any free one");
        answer("listening on " + net::text(acceptor_.local_endpoint()) + "\n");
        return {};
    }

    // Until so many messages were answered, or a signal comes.
    net::Task<void> run() {
        net::asio::co_spawn(desk_.context, accept(), net::asio::detached);
        net::asio::basic_signal_set<net::Executor> signals(desk_.context, SIGINT, SIGTERM);
        signals.async_wait([this](boost::system::error_code ec, int) {
            if (!ec) done_.cancel();
        });
        co_await done_.async_wait(net::as_result);
    }
    bool failed() const { return failed_; }

  private:
    net::Task<void> accept() {
        for (;;) {
            auto [ec, socket] = co_await acceptor_.async_accept(net::as_result);
            if (ec) {
                net::Timer pause(desk_.context);
                pause.expires_after(std::chrono::milliseconds(100));
                co_await pause.async_wait(net::as_result);
            } else if (open_ < connections_max) {
                net::asio::co_spawn(desk_.context, serve(std::move(socket)), net::asio::detached);
            }
        }
    }

    net::Task<void> serve(net::Socket socket) {
        ++open_;
        net::tune(socket);
        mllp::Decoder decoder;
        bool alive = true;
        while (alive) {
            auto const room = decoder.prepare(8192);
            auto [ec, count] =
                co_await socket.async_read_some(net::asio::buffer(room.data(), room.size()), net::as_result);
            if (ec) break;
            decoder.commit(count);
            for (auto event = decoder.next(); alive && event.kind != mllp::Event::Kind::need_more;
                 event = decoder.next()) {
                using enum mllp::Event::Kind;
                if (event.kind == frame) {
                    alive = co_await take(socket, event.bytes);
                } else if (event.kind == too_large) {
                    answer("a frame longer than 16 MiB: connection closed\n");
                    alive = false;
                } else {
                    answer(std::to_string(event.skipped) + " bytes outside a frame\n");
                }
            }
        }
        --open_;
    }

    // False when the connection is to end.
    net::Task<bool> take(net::Socket& socket, std::string_view bytes) {
        if (full()) co_return false;
        ++received_;
        auto const message = hl7::Message::view(bytes);
        answer(line(bytes, message));
        std::string reply;
        if (auto const kept = folder_.keep(bytes); !kept) {
            complain(kept.error().text());
            failed_ = true;
            done_.cancel();
            co_return false;  // not kept, so not acknowledged
        }
        if (options_.answer != "none") reply = acknowledge(bytes, message);
        if (delay_.count() > 0) {
            net::Timer timer(desk_.context);
            timer.expires_after(delay_);
            co_await timer.async_wait(net::as_result);
        }
        boost::system::error_code ec;
        if (!reply.empty()) {
            std::string frame;
            mllp::encode(reply, frame);
            std::tie(ec, std::ignore) =
                co_await net::asio::async_write(socket, net::asio::buffer(frame), net::as_result);
        }
        ++answered_;
        if (options_.count != 0 && answered_ >= options_.count) done_.cancel();
        co_return !ec;
    }

    bool full() const { return options_.count != 0 && received_ >= options_.count; }

    std::string line(std::string_view bytes, Result<hl7::Message> const& message) const {
        std::string out;
        if (message) {
            out = printable(message->text("MSH-9")) + " " + printable(message->text("MSH-10"));
        } else {
            out = "not HL7 (" + message.error().code + ")";
        }
        out += " " + std::to_string(bytes.size()) + " bytes\n";
        if (!options_.show) return out;
        while (!bytes.empty()) {
            std::string_view const segment = bytes.substr(0, bytes.find('\r'));
            out += "  " + printable(segment) + "\n";
            bytes.remove_prefix(std::min(bytes.size(), segment.size() + 1));
        }
        return out;
    }

    std::string acknowledge(std::string_view bytes, Result<hl7::Message> const& message) {
        std::string const control_id = "HL" + std::to_string(received_), time = flow::hl7_timestamp(now_us());
        hl7::AckOptions const options{control_id, time};
        hl7::AckError wrong;
        if (!message) {
            wrong.code = "100";
            wrong.text = message.error().what;
            return hl7::build_nak_for_fragment(bytes, options, wrong);
        }
        auto const code = hl7::ack_code(options_.answer).value_or(hl7::AckCode::AA);
        bool const accepted = code == hl7::AckCode::AA || code == hl7::AckCode::CA;
        wrong.code = "102";  // a refusal for good: 206 and 207 would ask for another try
        wrong.text = "hilum listen was told to answer " + options_.answer;
        std::string reply;
        hl7::build_ack(*message, code, options, accepted ? nullptr : &wrong, reply);
        return reply;
    }

    Options const& options_;
    std::chrono::milliseconds delay_;
    Desk& desk_;
    net::Acceptor acceptor_;
    net::Timer done_;
    Folder folder_;
    std::size_t open_ = 0, received_ = 0, answered_ = 0;
    bool failed_ = false;
};

int listen(Options const& options) {
    bool const port_only = options.at.find_first_not_of("0123456789") == std::string::npos;
    auto const at = parse_endpoint(port_only ? "127.0.0.1:" + options.at : options.at);
    auto const endpoint = at ? net::resolve_listen(*at) : at.error();
    if (!endpoint) {
        complain(endpoint.error().text());
        return used_wrongly;
    }
    auto const delay_ms = parse_duration_ms(options.delay);
    if (!delay_ms) {
        complain("--delay: not a time; write it like 10ms or 2s");
        return used_wrongly;
    }
    Desk desk;
    auto server = std::make_unique<Server>(options, std::chrono::milliseconds(*delay_ms), desk);
    if (auto const opened = server->open(*endpoint); !opened) {
        complain(opened.error().text());
        return answer_is_no;
    }
    desk.run(server->run());
    return server->failed() ? answer_is_no : good;
}

}  // namespace

void add_listen(App& app, int& exit_code) {
    auto* const command = app.add_subcommand(
        "listen", "Receive messages over MLLP and acknowledge them: a server for the desk");
    auto const options = std::make_shared<Options>();
    command->add_option("PORT", options->at, "port on 127.0.0.1 (0: any free one), or ADDRESS:PORT")
        ->required();
    command->add_option("--answer", options->answer, "what to answer: AA, AE, AR, CA, CE, CR or none")
        ->one_of({"AA", "AE", "AR", "CA", "CE", "CR", "none"})
        ->show_default();
    command->add_option("--out", options->out, "keep each message in this folder, 000001.hl7 and on");
    command->add_option("--delay", options->delay, "wait before each answer, such as 10ms");
    command->add_option("--count", options->count, "stop after this many messages");
    command->add_flag("--show", options->show, "print the content too; it may be about a patient");
    command->footer(
        "Prints `listening on ADDRESS:PORT` once bound, then a line a message: its type, control id and "
        "size. Ctrl-C ends it.\n"
        "Exit code: 0 ended as asked, 1 the port is taken or a file can't be written, 2 used wrongly.\n\n"
        "Example:\n"
        "  hilum listen 2576 --answer AE --count 1\n"
        "  listening on 127.0.0.1:2576\n"
        "  ADT^A01^ADT_A01 MSG00001 812 bytes");
    command->callback([options, &exit_code] { exit_code = listen(*options); });
}

}  // namespace hilum::cli
