// What tests of listeners and destinations need: a runtime, a component out of YAML text, an intake that
// remembers, raw TCP peers that block with a time limit, a folder that goes away.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

#include "engine/flow/intake.h"
#include "engine/net/posix_file.h"
#include "engine/net/runtime.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"
#include "routes/config/config.h"
#include "routes/fhir_conformance.h"

namespace hilum::test {

using namespace std::chrono_literals;

inline config::Component component(std::string kind, std::string const& yaml,
                                   config::Diagnostics& diagnostics) {
    config::SystemEnvironment const environment;
    config::Component out;
    out.name = "it";
    out.kind = std::move(kind);
    out.options = config::read_yaml(yaml, "test.yaml", environment, diagnostics);
    return out;
}

// What `check` says of these options, one line a finding; empty when nothing.
template <class Kind>
std::string findings(Kind const& kind, std::string const& yaml) {
    config::Diagnostics diagnostics;
    auto const c = component(std::string(kind.name), yaml, diagnostics);
    kind.check(c, diagnostics);
    return diagnostics.text();
}

struct Engine {
    net::Runtime runtime{2};
    ops::Log log{ops::Level::error};
    ops::ListenerMetrics listener;
    ops::DestinationMetrics destination;
    Engine() { runtime.start(); }
    ~Engine() { runtime.stop(); }

    template <class T>
    T run(net::Task<T> task) {
        auto const done = std::make_shared<std::promise<T>>();
        auto result = done->get_future();
        net::asio::co_spawn(runtime.context(0).get_executor(), fulfil(std::move(task), done),
                            net::asio::detached);
        REQUIRE(result.wait_for(10s) == std::future_status::ready);
        return result.get();
    }

  private:
    template <class T>
    static net::Task<void> fulfil(net::Task<T> task, std::shared_ptr<std::promise<T>> done) {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            done->set_value();
        } else {
            done->set_value(co_await std::move(task));
        }
    }
};

inline std::string message(std::string const& control_id) {
    return "MSH|^~\\&|A|B|C|D|20260102030405||ADT^A01|" + control_id + "|P|2.5\rPID|1||X\r";
}
inline std::string control_id(std::string_view bytes) {
    std::size_t at = 0;
    for (int n = 0; n < 9; ++n) at = bytes.find('|', at) + 1;
    return std::string(bytes.substr(at, bytes.find('|', at) - at));
}
inline std::string ack(std::string const& code, std::string const& id, std::string const& error = {}) {
    return "MSH|^~\\&|C|D|A|B|20260102030405||ACK|9|P|2.5\rMSA|" + code + "|" + id + "\r" +
           (error.empty() ? std::string() : "ERR|||" + error + "|E\r");
}

// Answers AA unless told otherwise; keeps what it was given.
class FakeIntake final : public flow::Intake {
  public:
    std::function<flow::Answer(std::string_view)> answer = [](std::string_view bytes) {
        return flow::Answer{hl7::AckCode::AA, ack("AA", control_id(bytes)), 1, true};
    };
    net::Task<flow::Answer> accept(std::string_view bytes, std::string_view source) override {
        net::Timer timer(co_await net::asio::this_coro::executor);
        timer.expires_after(1ms);  // resumes later, as the store does
        co_await timer.async_wait(net::as_result);
        std::lock_guard lock(mutex_);
        seen_.emplace_back(bytes);
        sources_.emplace_back(source);
        co_return answer(bytes);
    }
    std::function<flow::FhirAnswer(flow::FhirArrival const&)> fhir_answer =
        [](flow::FhirArrival const& arrival) {
            flow::FhirAnswer stored;
            stored.status = arrival.success;
            stored.message = 1;
            stored.stored = true;
            return stored;
        };
    net::Task<flow::FhirAnswer> accept(flow::FhirArrival const& arrival, std::string_view source) override {
        std::lock_guard lock(mutex_);
        seen_.push_back(fhir::interaction_text(arrival.request, arrival.body));
        sources_.emplace_back(source);
        co_return fhir_answer(arrival);
    }
    std::vector<fhir::Finding> check(fhir::Element resource) const override {
        return FhirConformance().check(resource);
    }
    std::vector<std::string> seen() const {
        std::lock_guard lock(mutex_);
        return seen_;
    }
    std::vector<std::string> ids() const {
        std::vector<std::string> out;
        for (auto const& bytes : seen()) out.push_back(control_id(bytes));
        return out;
    }
    std::vector<std::string> sources() const {
        std::lock_guard lock(mutex_);
        return sources_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> seen_;
    std::vector<std::string> sources_;
};

// A connected socket.
class Peer {
  public:
    explicit Peer(net::Descriptor fd) : fd_(std::move(fd)) {}
    static Peer connect(std::uint16_t port) {
        net::Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        return Peer(std::move(fd));
    }
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            auto const count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    // One read; empty at the end, on an error or when nothing comes in time.
    std::string read(std::chrono::milliseconds within = 5s) {
        pollfd waiting{fd_.get(), POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(within.count())) <= 0) return {};
        std::string chunk(65'536, '\0');
        auto const count = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
        chunk.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return chunk;
    }
    // One HTTP message with a Content-Length (or none): head and body. What follows it is kept for the next
    // call.
    std::string http() {
        auto head = std::string::npos;
        while ((head = rest_.find("\r\n\r\n")) == std::string::npos) {
            auto const more = read();
            if (more.empty()) return std::exchange(rest_, {});
            rest_ += more;
        }
        auto const field = rest_.find("Content-Length: ");
        auto const length = field < head ? std::stoul(rest_.substr(field + 16)) : 0;
        while (rest_.size() < head + 4 + length) {
            auto const more = read();
            if (more.empty()) break;
            rest_ += more;
        }
        auto out = rest_.substr(0, head + 4 + length);
        rest_.erase(0, out.size());
        return out;
    }
    bool at_end(std::chrono::milliseconds within = 5s) {
        auto const end = std::chrono::steady_clock::now() + within;
        while (std::chrono::steady_clock::now() < end) {
            pollfd waiting{fd_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 50) <= 0) continue;
            char byte = 0;
            if (::recv(fd_.get(), &byte, 1, 0) <= 0) return true;
        }
        return false;
    }
    void reset() {  // RST
        linger const hard{1, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        fd_ = net::Descriptor();
    }
    int fd() const { return fd_.get(); }

  private:
    net::Descriptor fd_;
    std::string rest_;
};

// A receiver: the n-th connection is served by the n-th script; it ends when the script does.
class Server {
  public:
    using Script = std::function<void(Peer&)>;
    explicit Server(std::vector<Script> scripts) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(fd_.get(), 16) == 0);
        REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, scripts = std::move(scripts)] {
            for (auto const& script : scripts) {
                pollfd waiting{fd_.get(), POLLIN, 0};
                if (::poll(&waiting, 1, 5000) <= 0) return;
                net::Descriptor accepted(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!accepted.valid() || stopping_) return;
                ++connections_;
                Peer peer(std::move(accepted));
                script(peer);
            }
        });
    }
    ~Server() {
        stopping_ = true;
        ::shutdown(fd_.get(), SHUT_RDWR);
        thread_.join();
    }
    std::uint16_t port() const { return port_; }
    int connections() const { return connections_; }

  private:
    net::Descriptor fd_;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

class TemporaryFolder {
  public:
    // `in_memory`: where there is such a place, for tests that sync hundreds of times.
    explicit TemporaryFolder(bool in_memory = false) {
        auto const shm = in_memory && ::access("/dev/shm", W_OK) == 0;
        auto const base = shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
        std::string name = (base / "hilum-test-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path const& path() const { return path_; }
    std::string text() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

inline void write_file(std::filesystem::path const& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}
inline std::string read_file(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}
// Every regular file below, relative, sorted. What vanishes meanwhile is passed over.
inline std::vector<std::string> files_in(std::filesystem::path const& path) {
    std::vector<std::string> out;
    std::error_code ec;
    for (std::filesystem::recursive_directory_iterator at(path, ec), end; !ec && at != end;
         at.increment(ec)) {
        std::error_code gone;
        auto const status = at->symlink_status(gone);
        if (std::filesystem::is_regular_file(status))
            out.push_back(at->path().lexically_relative(path).string());
    }
    std::sort(out.begin(), out.end());
    return out;
}
template <class F>
bool eventually(F condition, std::chrono::milliseconds within = 5s) {
    for (auto const end = std::chrono::steady_clock::now() + within;
         std::chrono::steady_clock::now() < end;) {
        if (condition()) return true;
        std::this_thread::sleep_for(5ms);
    }
    return condition();
}

}  // namespace hilum::test
