// A load generator on one thread: HL7 v2 over MLLP, or FHIR over HTTP.
//
//   load --to HOST:PORT --connections N (--seconds S | --messages M) [--warmup S] [--rate R] [--size 1024]
//        [--fhir PATH] [--run ID] [--ledger FILE] [--reconnect] [--json]
//
// Without --rate a closed loop: each connection sends its next message when the last one is answered. With
// --rate an open loop: message i is due at i/R seconds, whatever the receiver does, and its latency counts
// from then, so a receiver that stalls is charged for all who had to wait.
//
// Each answer must carry MSA-1 = AA or CA and MSA-2 = the MSH-10 sent. With --fhir a Patient (from --size
// 4096 on a transaction) is posted there instead, and the answer must be 2xx. --ledger appends each control
// id acknowledged so. With
// --reconnect a lost connection is opened again and the message that had no answer is sent again under its
// old id; without it, that is an error. Exit code 1 when there was any error.
#include <netdb.h>
#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "tests/bench/common/arguments.h"
#include "tests/bench/common/frame.h"
#include "tests/bench/common/histogram.h"
#include "tests/bench/common/http.h"
#include "tests/bench/common/socket.h"
#include "tests/bench/load/message.h"

namespace hilum::bench {
namespace {

constexpr char const* usage =
    "load --to HOST:PORT --connections N (--seconds S | --messages M) [--warmup S] [--rate R] [--size 1024] "
    "[--fhir PATH] [--run ID] "
    "[--ledger FILE] [--reconnect] [--json]";

volatile sig_atomic_t stop_asked = 0;

struct Target {
    sockaddr_storage address{};
    socklen_t size = 0;
};

Target resolve(std::string const& to) {
    std::size_t const colon = to.rfind(':');
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (colon == std::string::npos ||
        ::getaddrinfo(to.substr(0, colon).c_str(), to.substr(colon + 1).c_str(), &hints, &found) != 0) {
        std::fprintf(stderr, "no such address: %s\n%s\n", to.c_str(), usage);
        std::exit(2);
    }
    Target target;
    std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
    target.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    return target;
}

struct Connection {
    Connection(std::string_view run, std::uint32_t number, std::size_t size) : message(run, number, size) {}
    Connection(std::string_view run, std::uint32_t number, std::size_t size, std::string_view path)
        : message(run, number, size, path) {}
    PatchedMessage message;
    Fd fd;
    Frames frames;
    HttpAnswers answers;  // of HTTP
    std::uint64_t counter = 0;
    std::uint64_t due_ns = 0;       // latency counts from here
    std::uint64_t retry_at_ns = 0;  // reconnect not before
    std::size_t unsent = 0;         // bytes of the message still to go
    bool connecting = false;
    bool waiting = false;  // a message is under way
};

class Load {
  public:
    Load(Arguments const& arguments)
        : target_(resolve(arguments.text("--to"))),
          epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
          run_(arguments.text("--run")),
          rate_(arguments.number("--rate", 0)),
          messages_(static_cast<std::uint64_t>(arguments.number("--messages", 0))),
          warmup_ns_(static_cast<std::uint64_t>(arguments.number("--warmup", 0) * 1e9)),
          reconnect_(arguments.has("--reconnect")) {
        double const seconds = arguments.number("--seconds", messages_ > 0 ? 0 : 10);
        seconds_ns_ = static_cast<std::uint64_t>(seconds * 1e9);
        if (run_.empty()) {
            std::random_device random;
            for (int i = 0; i < 6; ++i) run_ += "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"[random() % 32];
        }
        run_.resize(6, '_');
        if (std::string const path = arguments.text("--ledger"); !path.empty())
            ledger_.reset(
                check(::open(path.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600), "ledger"));
        auto const size = static_cast<std::size_t>(arguments.number("--size", 1024));
        auto const count = static_cast<std::uint32_t>(arguments.number("--connections", 1));
        std::string const path = arguments.text("--fhir");
        http_ = !path.empty();
        for (std::uint32_t i = 0; i < count; ++i)
            connections_.push_back(http_ ? std::make_unique<Connection>(run_, i, size, path)
                                         : std::make_unique<Connection>(run_, i, size));
    }

    int run(bool json) {
        start_ns_ = now_ns();
        for (auto& connection : connections_) open(*connection);
        // The clock starts when all connections stand: connecting is not what is measured.
        while (open_ < connections_.size() && !failed_ && !reconnect_) poll(100'000'000);
        start_ns_ = now_ns();
        measure_from_ns_ = start_ns_ + warmup_ns_;
        stop_at_ns_ = seconds_ns_ > 0 ? measure_from_ns_ + seconds_ns_ : UINT64_MAX;
        for (auto& connection : connections_) release(*connection);
        while (!finished()) {
            feed();
            poll(wait_ns());
            reconnect_lost();
            flush_ledger();
        }
        return report(json);
    }

  private:
    bool sending_over() const {
        return stop_asked || failed_ || (messages_ > 0 && begun_ >= messages_) || now_ >= stop_at_ns_;
    }
    bool finished() {
        now_ = now_ns();
        if (failed_) return true;
        if (!sending_over()) return false;
        if (in_flight_ == 0) return true;
        if (grace_until_ns_ == 0) grace_until_ns_ = now_ + 30'000'000'000u;
        return now_ > grace_until_ns_ || stop_asked > 1;
    }

    // Connections.
    void open(Connection& connection) {
        connection.fd.reset(check(
            ::socket(target_.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
        no_delay(connection.fd.get());
        connection.frames.clear();
        connection.answers.clear();
        connection.connecting = true;
        ::connect(connection.fd.get(), reinterpret_cast<sockaddr*>(&target_.address), target_.size);
        watch(connection, EPOLL_CTL_ADD, EPOLLOUT);
    }
    void watch(Connection& connection, int what, std::uint32_t events) {
        epoll_event event{};
        event.events = events;
        event.data.ptr = &connection;
        check(::epoll_ctl(epoll_.get(), what, connection.fd.get(), &event), "epoll_ctl");
    }
    void opened(Connection& connection) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(connection.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return lost(connection);
        connection.connecting = false;
        watch(connection, EPOLL_CTL_MOD, EPOLLIN);
        ++open_;
        if (connection.waiting) {
            ++resent_;
            connection.unsent = connection.message.framed().size();
            write(connection);
        } else if (measure_from_ns_ > 0) {
            release(connection);
        }
    }
    void lost(Connection& connection) {
        if (!connection.connecting) --open_;
        connection.fd.reset();
        connection.connecting = false;
        if (!reconnect_) {
            fail("connection lost");
            return;
        }
        ++lost_;
        connection.retry_at_ns = now_ns() + 20'000'000;
        down_.push_back(&connection);
    }
    void reconnect_lost() {
        while (!down_.empty() && down_.front()->retry_at_ns <= now_) {
            Connection& connection = *down_.front();
            down_.pop_front();
            open(connection);
        }
    }
    void fail(char const* what) {
        ++errors_;
        if (!failed_) std::fprintf(stderr, "load: %s\n", what);
        failed_ = true;
    }

    // Sending.
    void release(Connection& connection) {
        if (rate_ > 0) {
            if (connection.fd && !connection.connecting) idle_.push_back(&connection);
        } else if (connection.fd && !connection.connecting && !sending_over()) {
            begin(connection, now_ns());
        }
    }
    void feed() {
        if (rate_ <= 0) return;
        while (!idle_.empty() && !sending_over()) {
            std::uint64_t const due = due_ns(begun_);
            if (due > now_) return;
            Connection& connection = *idle_.front();
            idle_.pop_front();
            // A connection that was lost meanwhile is queued again by opened(), and may then be here twice.
            if (!connection.fd || connection.connecting || connection.waiting) continue;
            begin(connection, due);
        }
    }
    std::uint64_t due_ns(std::uint64_t i) const {
        return start_ns_ + static_cast<std::uint64_t>(static_cast<double>(i) * 1e9 / rate_);
    }
    std::uint64_t wait_ns() const {
        std::uint64_t wait = 100'000'000;
        auto until = [&](std::uint64_t t) { wait = std::min(wait, t > now_ ? t - now_ : 0); };
        if (rate_ > 0 && !idle_.empty() && !sending_over()) until(due_ns(begun_));
        if (!down_.empty()) until(down_.front()->retry_at_ns);
        if (stop_at_ns_ > now_) until(stop_at_ns_);
        return wait;
    }
    void begin(Connection& connection, std::uint64_t due) {
        ++begun_;
        ++in_flight_;
        connection.waiting = true;
        connection.due_ns = due;
        connection.message.next(++connection.counter, due);
        connection.unsent = connection.message.framed().size();
        write(connection);
    }
    void write(Connection& connection) {
        std::string_view const bytes = connection.message.framed();
        while (connection.unsent > 0) {
            ssize_t const n = ::send(connection.fd.get(), bytes.data() + bytes.size() - connection.unsent,
                                     connection.unsent, MSG_NOSIGNAL);
            if (n < 0) {
                if (errno == EAGAIN) return watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
                return;  // epoll tells of the end
            }
            connection.unsent -= static_cast<std::size_t>(n);
        }
    }

    // Receiving.
    void poll(std::uint64_t timeout_ns) {
        epoll_event events[512];
        timespec const timeout{static_cast<time_t>(timeout_ns / 1'000'000'000u),
                               static_cast<long>(timeout_ns % 1'000'000'000u)};
        int const n = ::epoll_pwait2(epoll_.get(), events, 512, &timeout, nullptr);
        now_ = now_ns();
        for (int i = 0; i < n; ++i) {
            auto& connection = *static_cast<Connection*>(events[i].data.ptr);
            if (connection.connecting) {
                opened(connection);
                continue;
            }
            if (events[i].events & EPOLLOUT) {
                watch(connection, EPOLL_CTL_MOD, EPOLLIN);
                write(connection);
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(connection);
        }
    }
    void read(Connection& connection) {
        char* const room = http_ ? connection.answers.room(8192) : connection.frames.room(8192);
        ssize_t const n = ::recv(connection.fd.get(), room, 8192, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) return lost(connection);
        if (http_) {
            connection.answers.filled(static_cast<std::size_t>(n));
            while (auto const status = connection.answers.next())
                answered(connection, true, *status >= 200 && *status < 300);
            return;
        }
        connection.frames.filled(static_cast<std::size_t>(n));
        while (auto frame = connection.frames.next()) {
            std::string_view const msa = segment(*frame, "MSA");
            std::string_view const code = field(msa, 1);
            answered(connection, field(msa, 2) == connection.message.control_id(),
                     code == "AA" || code == "CA");
        }
    }
    void answered(Connection& connection, bool to_it, bool good) {
        if (!connection.waiting || !to_it) {
            ++mismatched_;
            ++errors_;
            return;
        }
        std::uint64_t const now = now_ns();
        --in_flight_;
        connection.waiting = false;
        if (good) {
            ++acknowledged_;
            if (ledger_) {
                ledger_lines_ += connection.message.control_id();
                ledger_lines_ += '\n';
            }
            if (now >= measure_from_ns_ && now <= stop_at_ns_) {
                ++measured_;
                last_ns_ = now;
                latency_.observe(now - std::min(now, connection.due_ns));
            }
        } else {
            ++refused_;
            ++errors_;
        }
        release(connection);
    }
    void flush_ledger() {
        if (ledger_lines_.empty()) return;
        ssize_t const n = ::write(ledger_.get(), ledger_lines_.data(), ledger_lines_.size());
        if (n != static_cast<ssize_t>(ledger_lines_.size())) die("ledger");
        ledger_lines_.clear();
    }

    int report(bool json) {
        flush_ledger();
        std::uint64_t const until = stop_at_ns_ != UINT64_MAX && now_ >= stop_at_ns_ ? stop_at_ns_ : last_ns_;
        double const seconds =
            until > measure_from_ns_ ? static_cast<double>(until - measure_from_ns_) / 1e9 : 0;
        double const per_second = seconds > 0 ? static_cast<double>(measured_) / seconds : 0;
        auto const u = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
        std::printf(
            json
                ? "{\"run\":\"%s\",\"connections\":%zu,\"begun\":%llu,\"acknowledged\":%llu,\"seconds\":%.3f,"
                  "\"per_second\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,"
                  "\"errors\":%llu,"
                  "\"refused\":%llu,\"mismatched\":%llu,\"unanswered\":%llu,\"lost_connections\":%llu,"
                  "\"resent\":%llu}\n"
                : "run %s: %zu connections, %llu begun, %llu acknowledged\n%.3f s, %.1f messages/s\n"
                  "latency us: p50 %.1f, p90 %.1f, p99 %.1f, max %.1f\nerrors %llu (refused %llu, mismatched "
                  "%llu), "
                  "unanswered %llu, connections lost %llu, resent %llu\n",
            run_.c_str(), connections_.size(), u(begun_), u(acknowledged_), seconds, per_second,
            latency_.quantile_us(0.5), latency_.quantile_us(0.9), latency_.quantile_us(0.99),
            latency_.max_us(), u(errors_), u(refused_), u(mismatched_), u(in_flight_), u(lost_), u(resent_));
        return errors_ > 0 || (in_flight_ > 0 && !reconnect_) ? 1 : 0;
    }

    Target target_;
    Fd epoll_;
    Fd ledger_;
    std::string run_;
    double rate_;
    std::uint64_t messages_;
    std::uint64_t warmup_ns_;
    std::uint64_t seconds_ns_ = 0;
    bool reconnect_;
    bool failed_ = false;
    bool http_ = false;

    std::vector<std::unique_ptr<Connection>> connections_;
    std::deque<Connection*> idle_;  // open loop: ready for the next message
    std::deque<Connection*> down_;  // to be opened again, oldest first
    std::size_t open_ = 0;

    std::uint64_t now_ = 0, start_ns_ = 0, measure_from_ns_ = 0, stop_at_ns_ = UINT64_MAX, last_ns_ = 0;
    std::uint64_t grace_until_ns_ = 0;
    std::uint64_t begun_ = 0, in_flight_ = 0, acknowledged_ = 0, measured_ = 0;
    std::uint64_t errors_ = 0, refused_ = 0, mismatched_ = 0, lost_ = 0, resent_ = 0;
    Histogram latency_;
    std::string ledger_lines_;
};

}  // namespace
}  // namespace hilum::bench

int main(int argc, char** argv) {
    using namespace hilum::bench;
    Arguments const arguments(argc, argv,
                              {"--to", "--connections", "--seconds", "--messages", "--warmup", "--rate",
                               "--size", "--fhir", "--run", "--ledger"},
                              {"--reconnect", "--json"}, usage);
    auto const on_signal = [](int) { stop_asked = stop_asked + 1; };
    ::signal(SIGTERM, on_signal);
    ::signal(SIGINT, on_signal);
    Load load(arguments);
    return load.run(arguments.has("--json"));
}
