// The floor: the least any engine that keeps promise 1 must do. Frames MLLP, or reads HTTP with Beast,
// appends to one file, shares an fdatasync among all who wait, then acknowledges. No parsing, no routes, no
// index. What an engine adds is measured against it.
//
//   floor --listen PORT --file PATH [--threads N] [--preallocate MiB] [--zeroed MiB] [--http]
//
// --threads 0 (default): one thread reads what is ready, commits it, answers. --threads N: N threads read,
// one commits and answers. Which is faster depends on the number of connections; the runner takes the better.
#include <sys/epoll.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "tests/bench/common/arguments.h"
#include "tests/bench/common/frame.h"
#include "tests/bench/common/socket.h"

namespace hilum::bench {
namespace {

namespace http = boost::beast::http;

struct Connection {
    Fd fd;
    Frames frames;
    std::optional<http::request_parser<http::string_body>> request{};  // of HTTP
    std::string unread{};
};
using ConnectionPtr = std::shared_ptr<Connection>;

struct Answer {
    ConnectionPtr to;
    std::string bytes;
};

// One file, appended to.
class Log {
  public:
    explicit Log(std::string const& path, std::uint64_t preallocate)
        : fd_(check(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600), "open")),
          preallocate_(preallocate) {}

    // The first write to a block makes the file system note in its journal that it holds data: room that was
    // written before spares that too.
    void fill(std::uint64_t bytes) {
        std::string const zeros(1U << 20U, '\0');
        for (; allocated_ < bytes; allocated_ += zeros.size())
            if (::pwrite(fd_.get(), zeros.data(), zeros.size(), static_cast<off_t>(allocated_)) !=
                static_cast<ssize_t>(zeros.size()))
                die("write");
        check(::fdatasync(fd_.get()), "fdatasync");
    }

    void commit(std::string_view bytes) {
        // Room that is allocated beforehand spares the file system a block search inside every sync.
        if (preallocate_ > 0 && written_ + bytes.size() > allocated_) {
            check(::posix_fallocate(fd_.get(), static_cast<off_t>(allocated_),
                                    static_cast<off_t>(preallocate_)) == 0
                      ? 0
                      : -1,
                  "posix_fallocate");
            allocated_ += preallocate_;
        }
        while (!bytes.empty()) {
            ssize_t const n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(written_));
            if (n < 0) die("write");
            written_ += static_cast<std::uint64_t>(n);
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        check(::fdatasync(fd_.get()), "fdatasync");
    }

  private:
    Fd fd_;
    std::uint64_t preallocate_;
    std::uint64_t written_ = 0;
    std::uint64_t allocated_ = 0;
};

struct Batch {
    std::string bytes;
    std::vector<Answer> answers;
    bool empty() const { return answers.empty(); }
    void clear() {
        bytes.clear();
        answers.clear();
    }
};

// Reads what has come. False when the peer is gone.
bool read_frames(ConnectionPtr const& connection, Batch& batch) {
    for (;;) {
        char* room = connection->frames.room(65536);
        ssize_t const n = ::recv(connection->fd.get(), room, 65536, 0);
        if (n == 0) return false;
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        connection->frames.filled(static_cast<std::size_t>(n));
        Answer answer{connection, {}};
        while (auto frame = connection->frames.next()) {
            batch.bytes.append(*frame);
            append_ack(answer.bytes, "AA", control_id(*frame));
        }
        if (!answer.bytes.empty()) batch.answers.push_back(std::move(answer));
        if (n < 65536) return true;
    }
}

// An answer as short as one that says that it is stored can be.
constexpr std::string_view stored =
    "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 103\r\n\r\n"
    R"({"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]}        )";

// The same of HTTP, by Beast's parser.
bool read_requests(ConnectionPtr const& connection, Batch& batch) {
    auto& c = *connection;
    for (;;) {
        auto const had = c.unread.size();
        c.unread.resize(had + 65536);
        ssize_t const n = ::recv(c.fd.get(), c.unread.data() + had, 65536, 0);
        c.unread.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n == 0) return false;
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        Answer answer{connection, {}};
        std::size_t used = 0;
        while (used < c.unread.size()) {
            if (!c.request) {
                c.request.emplace();
                c.request->eager(true);
                c.request->body_limit(64U << 20U);
            }
            boost::system::error_code ec;
            auto const left = c.unread.size() - used;
            used += c.request->put(boost::asio::buffer(c.unread.data() + used, left), ec);
            if (ec == http::error::need_more) break;
            if (ec) return false;
            if (!c.request->is_done()) continue;
            batch.bytes.append(c.request->get().body());
            answer.bytes += stored;
            c.request.reset();
        }
        c.unread.erase(0, used);
        if (!answer.bytes.empty()) batch.answers.push_back(std::move(answer));
        if (n < 65536) return true;
    }
}

class Poller {
  public:
    explicit Poller(bool http)
        : http_(http), epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

    void add_listener(int fd) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLEXCLUSIVE;
        event.data.ptr = nullptr;
        check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
        listener_ = fd;
    }

    // Waits, accepts, and reads everything that is ready into `batch`.
    void poll(Batch& batch) {
        epoll_event events[512];
        int const n = ::epoll_wait(epoll_.get(), events, 512, -1);
        for (int i = 0; i < n; ++i) {
            auto* raw = static_cast<Connection*>(events[i].data.ptr);
            if (!raw) {
                accept_all();
                continue;
            }
            ConnectionPtr& connection = connections_[static_cast<std::size_t>(raw->fd.get())];
            if (http_ ? read_requests(connection, batch) : read_frames(connection, batch)) continue;
            // An answer still on its way may keep the descriptor open: take it out of the poll set by hand.
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection->fd.get(), nullptr);
            connection.reset();
        }
    }

  private:
    void accept_all() {
        for (;;) {
            int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            no_delay(fd);
            auto connection = std::make_shared<Connection>();
            connection->fd.reset(fd);
            if (connections_.size() <= static_cast<std::size_t>(fd))
                connections_.resize(static_cast<std::size_t>(fd) + 1);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = connection.get();
            connections_[static_cast<std::size_t>(fd)] = std::move(connection);
            check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
        }
    }

    bool http_;
    Fd epoll_;
    int listener_ = -1;
    std::vector<ConnectionPtr> connections_;  // by descriptor
};

void answer_all(Batch const& batch) {
    for (Answer const& answer : batch.answers) send_all(answer.to->fd.get(), answer.bytes);
}

void run_inline(int listener, Log& log, bool http) {
    Poller poller(http);
    poller.add_listener(listener);
    Batch batch;
    for (;;) {
        poller.poll(batch);
        if (batch.empty()) continue;
        log.commit(batch.bytes);
        answer_all(batch);
        batch.clear();
    }
}

void run_with_commit_thread(int listener, Log& log, int threads, bool http) {
    std::mutex mutex;
    std::condition_variable some;
    Batch waiting;
    std::vector<std::thread> readers;
    for (int i = 0; i < threads; ++i) {
        readers.emplace_back([&] {
            Poller poller(http);
            poller.add_listener(listener);
            Batch batch;
            for (;;) {
                poller.poll(batch);
                if (batch.empty()) continue;
                {
                    std::lock_guard lock(mutex);
                    waiting.bytes += batch.bytes;
                    for (Answer& answer : batch.answers) waiting.answers.push_back(std::move(answer));
                }
                some.notify_one();
                batch.clear();
            }
        });
    }
    Batch batch;
    for (;;) {
        {
            std::unique_lock lock(mutex);
            some.wait(lock, [&] { return !waiting.empty(); });
            std::swap(batch, waiting);
        }
        log.commit(batch.bytes);
        answer_all(batch);
        batch.clear();
    }
}

}  // namespace
}  // namespace hilum::bench

int main(int argc, char** argv) {
    using namespace hilum::bench;
    Arguments const arguments(
        argc, argv, {"--listen", "--file", "--threads", "--preallocate", "--zeroed"}, {"--http"},
        "floor --listen PORT --file PATH [--threads N] [--preallocate MiB] [--zeroed MiB] [--http]");
    bool const http = arguments.has("--http");
    Fd const listener = listen_on(static_cast<std::uint16_t>(arguments.number("--listen", 0)));
    Log log(arguments.text("--file", "floor.log"),
            static_cast<std::uint64_t>(arguments.number("--preallocate", 0)) << 20);
    log.fill(static_cast<std::uint64_t>(arguments.number("--zeroed", 0)) << 20);
    std::printf("ready %u\n", static_cast<unsigned>(port_of(listener)));
    std::fflush(stdout);
    int const threads = static_cast<int>(arguments.number("--threads", 0));
    if (threads <= 0)
        run_inline(listener.get(), log, http);
    else
        run_with_commit_thread(listener.get(), log, threads, http);
}
