// The file listener: a watched folder; each file is one message, several or a batch.
#include <sys/stat.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "engine/listeners/folder.h"
#include "engine/listeners/listener.h"
#include "engine/listeners/text_options.h"
#include "engine/listeners/validation_options.h"
#include "engine/listeners/verdict.h"

namespace hilum::listeners {

using namespace std::chrono_literals;

namespace {

struct Options {
    std::string dir;
    std::vector<std::string> pattern{"*.hl7", "*.txt"};
    config::Duration poll = 1s;
    config::Duration settle = 1s;
    std::string done = "done";
    std::string failed = "failed";
    config::Bytes max_file{256u << 20};
    TextOptions text;
    ValidationOptions validation;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("dir", o.dir, "the folder to watch; made if its parent is there");
    v.optional("pattern", o.pattern, "names to take, with * and ?; one or a list");
    v.optional("poll", o.poll, "how often to look");
    v.optional("settle", o.settle, "a file is taken when its size and time have not changed for this long");
    v.optional("done", o.done, "folder inside dir for files whose messages were all accepted");
    v.optional("failed", o.failed, "folder inside dir for the others, each with its .errors.txt");
    v.optional("max_file", o.max_file, "a larger file goes to failed unread");
    describe(v, o.text);
    describe(v, o.validation);
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "listener \"" + component.name + "\" (file)",
                                           diagnostics);
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && !name.starts_with('.') && name.size() <= 100 &&
           name.find('/') == std::string_view::npos;
}

std::string parent_of(std::string const& dir) {
    auto const end = dir.find_last_not_of('/');
    auto const slash = end == std::string::npos ? end : dir.rfind('/', end);
    return slash == std::string::npos ? "." : dir.substr(0, std::max<std::size_t>(slash, 1));
}

void check_dir(config::Node const& node, std::string const& dir, config::Diagnostics& diagnostics) {
    struct stat about {};
    if (dir.empty()) {
        diagnostics.error(node.where, "dir is empty", "name a folder, such as ./in");
    } else if (::stat(dir.c_str(), &about) == 0) {
        if (!S_ISDIR(about.st_mode))
            diagnostics.error(node.where, "dir is not a folder", "name a folder, such as ./in");
    } else if (::stat(parent_of(dir).c_str(), &about) != 0) {
        diagnostics.error(node.where, "neither dir nor the folder it would be made in is here",
                          "make the folder, or mount its disk");
    }
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    auto const at = component.options.where;
    if (auto const* const dir = component.options.find("dir"); dir && dir->is_scalar())
        check_dir(*dir, o.dir, diagnostics);
    if (!is_plain_name(o.done) || !is_plain_name(o.failed)) {
        diagnostics.error(at, "done and failed are names of folders inside dir, without / and not hidden",
                          "leave them out for done and failed");
    } else if (o.done == o.failed) {
        diagnostics.error(at, "done and failed are the same folder", "give them two names");
    }
    if (o.pattern.empty())
        diagnostics.error(at, "pattern is an empty list: no file would be taken",
                          "leave it out for *.hl7 and *.txt");
    if (o.poll < 10ms) diagnostics.error(at, "poll must be at least 10ms", "leave it out for 1s");
    check(o.text, component, diagnostics);
    check(o.validation, component, diagnostics);
    if (o.max_file.count == 0)
        diagnostics.error(at, "max_file is 0: every file would fail", "leave it out for 256MiB");
}

class FileListener final : public Listener {
  public:
    FileListener(std::string name, Options options, ListenerContext context)
        : name_(std::move(name)),
          options_(std::move(options)),
          context_(context),
          executor_(context.runtime.context(context.runtime.next_index()).get_executor()),
          timer_(executor_) {}

    Result<void> start() override;
    net::Task<void> stop() override;
    std::string where() const override { return "file " + options_.dir; }

  private:
    net::Task<void> watch();
    net::Task<void> look();
    net::Task<void> take(std::unique_ptr<ClaimedFile> file);
    // False when the listener was stopped before the message was accepted or refused.
    net::Task<bool> give(ClaimedFile& file, std::string const& bytes, std::uint64_t number);
    // Repeats disk work until it is done: what is noted there decides what a restart does. False when stopped
    // before.
    template <class F>
    net::Task<bool> insist(F work);
    net::Task<void> pause(std::chrono::milliseconds time);
    // Until there is room, and the listener's `rate` lets the next message in. False when stopped before.
    net::Task<bool> wait_turn();
    void complain(std::string_view event, std::string_view code);

    std::string name_;
    Options options_;
    ListenerContext context_;
    net::Executor executor_;
    net::Timer timer_;
    std::unique_ptr<Folder> folder_;
    std::chrono::steady_clock::time_point next_complaint_ = std::chrono::steady_clock::time_point::min();
    bool stopping_ = false;  // on the executor
    std::atomic<bool> running_{false};
};

FolderOptions folder_options(Options const& o) {
    return {o.dir, o.pattern, o.done, o.failed, o.max_file.count, o.settle};
}

Result<void> FileListener::start() {
    auto folder = Folder::open(folder_options(options_));
    if (!folder) return error(folder.error().code, options_.dir, folder.error().what, folder.error().next);
    folder_ = std::move(*folder);
    running_ = true;
    net::asio::co_spawn(executor_, watch(), net::asio::detached);
    return {};
}

net::Task<void> FileListener::stop() {
    if (!running_) co_return;
    net::asio::post(executor_, [this] {
        stopping_ = true;
        timer_.cancel();
    });
    net::Timer timer(co_await net::asio::this_coro::executor);
    while (running_) {
        timer.expires_after(5ms);
        co_await timer.async_wait(net::as_result);
    }
    folder_.reset();  // another may have it
}

net::Task<void> FileListener::pause(std::chrono::milliseconds time) {
    if (stopping_) co_return;
    timer_.expires_after(time);
    co_await timer_.async_wait(net::as_result);
}

// At most once a minute; never a file's name, which may hold a patient's.
void FileListener::complain(std::string_view event, std::string_view code) {
    auto const now = std::chrono::steady_clock::now();
    if (now < next_complaint_) return;
    next_complaint_ = now + 60s;
    context_.log.warn(event, {{"listener", name_}, {"code", code}});
}

template <class F>
net::Task<bool> FileListener::insist(F work) {
    while (true) {
        auto const done = co_await net::run_blocking(context_.runtime, work);
        if (done) co_return true;
        complain("folder_trouble", done.error().code);
        if (stopping_) co_return false;
        co_await pause(1s);
    }
}

net::Task<void> FileListener::watch() {
    while (!stopping_) {
        co_await look();
        co_await pause(options_.poll);
    }
    running_ = false;
}

// One look at the folder: first what an earlier run left, then what is ready.
net::Task<void> FileListener::look() {
    struct Found {
        std::vector<std::string> unfinished;
        std::vector<std::string> ready;
    };
    auto const found = co_await net::run_blocking(context_.runtime, [this]() -> Result<Found> {
        if (!folder_->is_current()) {
            auto folder = Folder::open(folder_options(options_));
            if (!folder) return folder.error();
            folder_ = std::move(*folder);
        }
        auto const locked = folder_->lock();
        if (!locked) return locked.error();
        if (!*locked) return error("folder_in_use", "", "another engine works in the folder");
        auto unfinished = folder_->unfinished();
        if (!unfinished) return unfinished.error();
        auto ready = folder_->ready(std::chrono::steady_clock::now());
        if (!ready) return ready.error();
        return Found{std::move(*unfinished), std::move(*ready)};
    });
    if (!found) {
        complain("folder_trouble", found.error().code);
        co_return;
    }
    auto const count = found->unfinished.size() + found->ready.size();
    for (std::size_t n = 0; n < count && !stopping_; ++n) {
        bool const old = n < found->unfinished.size();
        auto const& file_name = old ? found->unfinished[n] : found->ready[n - found->unfinished.size()];
        auto file = co_await net::run_blocking(context_.runtime, [this, &file_name, old] {
            return old ? folder_->resume(file_name) : folder_->claim(file_name);
        });
        if (!file) {
            complain("folder_trouble", file.error().code);
        } else if (*file) {
            co_await take(std::move(*file));
        }
    }
}

net::Task<void> FileListener::take(std::unique_ptr<ClaimedFile> file) {
    std::uint64_t number = 0;
    std::uint64_t given = 0;
    while (true) {
        auto messages = co_await net::run_blocking(context_.runtime, [&file] { return file->next(); });
        if (!messages) {
            auto const line = "the file can't be read to its end (" + messages.error().code + ")";
            if (!co_await insist([&file, &line] { return file->note_error(line); })) co_return;
            break;
        }
        if (messages->empty()) break;
        for (auto const& bytes : *messages) {
            if (++number <= file->settled_before()) continue;
            // Noted only when another message follows: after a crash at most one message is taken twice
            // either way.
            if (given > 0) {
                bool const noted =
                    co_await insist([&file, number] { return file->note_settled(number - 1); });
                if (!noted) co_return;
            }
            if (!co_await give(*file, bytes, number)) co_return;
            ++given;
            if (stopping_) {
                (void)co_await insist([&file, number] { return file->note_settled(number); });
                co_return;
            }
        }
    }
    if (auto const& findings = file->findings(); !findings.empty()) {
        context_.metrics.tolerated.fetch_add(1, std::memory_order_relaxed);
        context_.log.warn("batch_findings", {{"listener", name_},
                                             {"code", findings.front().code},
                                             {"place", findings.front().place},
                                             {"findings", findings.size()}});
    }
    if (!co_await insist([&file] { return file->finish(); })) co_return;
    context_.log.info("file_taken", {{"listener", name_},
                                     {"messages", number},
                                     {"folder", file->failed() ? options_.failed : options_.done}});
}

net::Task<bool> FileListener::wait_turn() {
    while (!stopping_) {
        if (!context_.intake.takes()) {
            co_await pause(500ms);
            continue;
        }
        auto const wait = context_.intake.turn(24h);
        if (!wait) {
            co_await pause(1s);
            continue;
        }
        if (*wait > 0s) {
            context_.metrics.delayed.fetch_add(1, std::memory_order_relaxed);
            co_await pause(std::chrono::ceil<std::chrono::milliseconds>(*wait));
        }
        break;
    }
    co_return !stopping_;
}

net::Task<bool> FileListener::give(ClaimedFile& file, std::string const& bytes, std::uint64_t number) {
    std::string const source = "file:" + file.name() + "#" + std::to_string(number);
    constexpr std::chrono::milliseconds longest = 4s;
    for (std::chrono::milliseconds wait = 500ms;; wait = std::min(2 * wait, longest)) {
        bool const now = co_await wait_turn();
        if (!now) co_return false;
        auto const answer = co_await context_.intake.accept(bytes, source);
        auto const meaning = verdict(answer);
        if (meaning == Verdict::accepted) co_return true;
        if (meaning == Verdict::refused) {
            auto const line = "message " + std::to_string(number) + ": " + code_text(answer);
            co_return co_await insist([&file, &line] { return file.note_error(line); });
        }
        complain("store_not_ready", code_text(answer));
        if (stopping_) co_return false;
        co_await pause(wait);
        if (stopping_) co_return false;
    }
}

std::unique_ptr<Listener> make(config::Component const& component, ListenerContext context) {
    config::Diagnostics ignored;  // check has seen it
    return std::make_unique<FileListener>(component.name, decode(component, ignored), context);
}

}  // namespace

ListenerKind file_listener() {
    return {"file", "a watched folder: files of one or several messages", check,
            config::SchemaWriter::of<Options>, make};
}

}  // namespace hilum::listeners
