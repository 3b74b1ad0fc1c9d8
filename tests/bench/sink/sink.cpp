// An MLLP receiver that acknowledges at once, or misbehaves in a chosen way.
//
//   sink --listen PORT [--ledger FILE] [--delay-ms N] [--mode MODE] [--first N] [--every N]
//
// MODE is what an answer looks like: aa (default), ae, ar, garbage (no HL7), twice, late (after --delay-ms,
// 3,000 by default), silent (none), wrong-id (another MSA-2), close (the connection instead), half-open (not
// even read any more), slow (a byte each 20 ms). --first N: only the first N messages are treated so, the
// rest get AA; --every N: only each N-th.
// --delay-ms with mode aa delays every answer.
//
// Prints `ready PORT`, and at SIGUSR1 and at the end (SIGTERM) one line of JSON: messages seen, and how long
// each took from the time in its ZTS-1 (written by load) to here. --ledger appends "ARRIVAL-NUMBER
// CONTROL-ID" before the answer goes out.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tests/bench/common/arguments.h"
#include "tests/bench/common/frame.h"
#include "tests/bench/common/histogram.h"
#include "tests/bench/common/socket.h"

namespace hilum::bench {
namespace {

struct Connection {
    Fd fd;
    Frames frames;
    std::uint64_t number = 0;  // descriptors are used again, numbers are not
};

class Sink {
  public:
    explicit Sink(Arguments const& arguments)
        : listener_(listen_on(static_cast<std::uint16_t>(arguments.number("--listen", 0)))),
          epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
          mode_(arguments.text("--mode", "aa")),
          delay_ns_(static_cast<std::uint64_t>(arguments.number("--delay-ms", mode_ == "late" ? 3000 : 0)) *
                    1'000'000),
          first_(static_cast<std::uint64_t>(arguments.number("--first", 0))),
          every_(static_cast<std::uint64_t>(arguments.number("--every", 0))) {
        if (std::string const path = arguments.text("--ledger"); !path.empty())
            ledger_.reset(
                check(::open(path.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600), "ledger"));
        sigset_t set;
        ::sigemptyset(&set);
        for (int s : {SIGTERM, SIGINT, SIGUSR1}) ::sigaddset(&set, s);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        signals_.reset(check(::signalfd(-1, &set, SFD_CLOEXEC), "signalfd"));
        watch(listener_.get());
        watch(signals_.get());
    }

    int run() {
        std::printf("ready %u\n", static_cast<unsigned>(port_of(listener_)));
        std::fflush(stdout);
        while (!stopped_) {
            poll();
            flush_ledger();
            answer_all();
            send_due();
        }
        return 0;
    }

  private:
    void watch(int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }

    void poll() {
        int timeout = -1;
        if (!later_.empty()) {
            std::uint64_t const now = now_ns();
            std::uint64_t const due = later_.begin()->first;
            timeout = due <= now ? 0 : static_cast<int>((due - now) / 1'000'000 + 1);
        }
        epoll_event events[512];
        int const n = ::epoll_wait(epoll_.get(), events, 512, timeout);
        for (int i = 0; i < n; ++i) {
            int const fd = events[i].data.fd;
            if (fd == listener_.get())
                accept_all();
            else if (fd == signals_.get())
                on_signal();
            else if (auto it = connections_.find(fd); it != connections_.end() && !read(it->second))
                connections_.erase(fd);
        }
    }
    void accept_all() {
        for (;;) {
            int const fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            no_delay(fd);
            Connection& connection = connections_[fd];
            connection.fd.reset(fd);
            connection.number = ++accepted_;
            watch(fd);
        }
    }
    void on_signal() {
        signalfd_siginfo info{};
        if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
        flush_ledger();
        std::printf(
            "{\"messages\":%llu,\"connections\":%llu,\"timed\":%llu,\"p50_us\":%.1f,\"p90_us\":%.1f,"
            "\"p99_us\":%.1f,\"max_us\":%.1f}\n",
            static_cast<unsigned long long>(messages_), static_cast<unsigned long long>(accepted_),
            static_cast<unsigned long long>(latency_.count()), latency_.quantile_us(0.5),
            latency_.quantile_us(0.9), latency_.quantile_us(0.99), latency_.max_us());
        std::fflush(stdout);
        latency_.clear();
        if (info.ssi_signo != SIGUSR1) stopped_ = true;
    }

    // False when the connection is to be closed.
    bool read(Connection& connection) {
        for (;;) {
            ssize_t const n = ::recv(connection.fd.get(), connection.frames.room(65536), 65536, 0);
            if (n == 0) return false;
            if (n < 0) return errno == EAGAIN || errno == EINTR;
            connection.frames.filled(static_cast<std::size_t>(n));
            while (auto frame = connection.frames.next()) {
                if (!received(connection, *frame)) return false;
            }
            if (n < 65536) return true;
        }
    }

    bool received(Connection& connection, std::string_view message) {
        ++messages_;
        std::string_view const id = control_id(message);
        if (ledger_) {
            ledger_lines_ += std::to_string(messages_);
            ledger_lines_ += ' ';
            ledger_lines_ += id;
            ledger_lines_ += '\n';
        }
        time_of(message);
        bool const by_mode = (first_ == 0 || messages_ <= first_) && (every_ == 0 || messages_ % every_ == 0);
        std::string_view const mode = by_mode ? std::string_view(mode_) : "aa";
        std::string answer;
        if (mode == "silent") return true;
        if (mode == "close") return false;
        if (mode == "half-open") {
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.fd.get(), nullptr);
            return true;
        }
        if (mode == "garbage") {
            answer = "\x07no mllp\x0bno hl7\x1c\r";
        } else if (mode == "wrong-id") {
            append_ack(answer, "AA", "NOT-" + std::string(id.substr(0, 16)));
        } else {
            append_ack(answer, mode == "ae" ? "AE" : mode == "ar" ? "AR" : "AA", id);
            if (mode == "twice") answer += std::string(answer);
        }
        if (mode == "slow") {
            std::uint64_t at = now_ns();
            for (char c : answer)
                later_.emplace(at += 20'000'000,
                               Due{connection.fd.get(), connection.number, std::string(1, c)});
        } else if (delay_ns_ > 0 && (by_mode || mode_ == "aa")) {
            later_.emplace(now_ns() + delay_ns_,
                           Due{connection.fd.get(), connection.number, std::move(answer)});
        } else {
            now_.push_back(Due{connection.fd.get(), connection.number, std::move(answer)});
        }
        return true;
    }
    void time_of(std::string_view message) {
        std::size_t const at = message.rfind("\rZTS|");
        if (at == std::string_view::npos) return;
        std::uint64_t const sent =
            std::strtoull(std::string(message.substr(at + 5, 19)).c_str(), nullptr, 10);
        std::uint64_t const now = now_ns();
        if (sent > 0 && sent <= now) latency_.observe(now - sent);
    }

    void flush_ledger() {
        if (ledger_lines_.empty()) return;
        ssize_t const n = ::write(ledger_.get(), ledger_lines_.data(), ledger_lines_.size());
        if (n != static_cast<ssize_t>(ledger_lines_.size())) die("ledger");
        ledger_lines_.clear();
    }
    struct Due {
        int fd;
        std::uint64_t number;
        std::string bytes;
    };
    void send(Due const& due) {
        auto it = connections_.find(due.fd);
        if (it != connections_.end() && it->second.number == due.number) send_all(due.fd, due.bytes);
    }
    void answer_all() {
        for (Due const& due : now_) send(due);
        now_.clear();
    }
    void send_due() {
        std::uint64_t const now = now_ns();
        while (!later_.empty() && later_.begin()->first <= now) {
            send(later_.begin()->second);
            later_.erase(later_.begin());
        }
    }

    Fd listener_, epoll_, signals_, ledger_;
    std::string mode_;
    std::uint64_t delay_ns_, first_, every_;
    std::unordered_map<int, Connection> connections_;
    std::vector<Due> now_;
    std::multimap<std::uint64_t, Due> later_;
    std::string ledger_lines_;
    Histogram latency_;
    std::uint64_t messages_ = 0, accepted_ = 0;
    bool stopped_ = false;
};

}  // namespace
}  // namespace hilum::bench

int main(int argc, char** argv) {
    using namespace hilum::bench;
    Arguments const arguments(
        argc, argv, {"--listen", "--ledger", "--delay-ms", "--mode", "--first", "--every"}, {},
        "sink --listen PORT [--ledger FILE] [--delay-ms N] [--mode MODE] [--first N] [--every N]");
    Sink sink(arguments);
    return sink.run();
}
