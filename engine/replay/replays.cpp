#include "engine/replay/replays.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "engine/replay/preview.h"

namespace hilum::replay {

using namespace std::chrono_literals;

namespace {

constexpr auto idle_look = 500ms;
constexpr auto wait_for_index = 50ms;

}  // namespace

Replays::Replays(Context context, store::NumberedFiles files)
    : context_(std::move(context)),
      table_(std::move(files)),
      executor_(context_.runtime.context(context_.runtime.next_delivery_index()).get_executor()),
      runner_(context_, table_, executor_, stopping_),
      idle_(executor_) {}

Result<void> Replays::start() {
    if (auto loaded = table_.load(); !loaded) return loaded;
    ++active_;
    net::asio::co_spawn(executor_, work(), net::asio::detached);
    return {};
}

net::Task<void> Replays::stop() {
    stopping_ = true;
    wake();
    auto const executor = co_await net::asio::this_coro::executor;
    net::Timer pause(executor);
    while (active_ > 0) {
        pause.expires_after(2ms);
        co_await pause.async_wait(net::as_result);
    }
}

void Replays::wake() {
    net::asio::post(executor_, [this] {
        idle_.cancel();
        runner_.wake();
    });
}

net::Task<void> Replays::work() {
    while (!stopping_) {
        if (auto const number = table_.next()) {
            co_await runner_.run(*number);
            continue;
        }
        idle_.expires_after(idle_look);
        co_await idle_.async_wait(net::as_result);
    }
    --active_;
}

Result<ops::ReplayView> Replays::plan(ops::ReplayRequest request) {
    if (stopping_) return error("not_now", "", "the engine is stopping");
    auto const generation = context_.flow.generation();
    auto const checked = Selection::make(request, generation, context_.store, context_.now_us());
    if (!checked) return checked.error();
    Job job;
    job.view.request = std::move(request);
    job.view.state = "previewing";
    job.view.asked_us = context_.now_us();
    job.last = context_.store.stat().last;
    job.planned_at = context_.store.written_end();
    job.counted_to = context_.store.durable_end();
    auto const number = table_.add(std::move(job));
    if (!number) return number.error();
    ++active_;
    net::asio::co_spawn(executor_, preview(*number), net::asio::detached);
    return this->job(*number);
}

net::Task<void> Replays::preview(std::uint64_t number) {
    co_await work_out(number);
    --active_;
}

net::Task<void> Replays::work_out(std::uint64_t number) {
    auto const job = table_.get(number);
    if (!job) co_return;
    auto const fail = [&](std::string const& why) {
        table_.update(number, [&](Job& j) {
            j.view.state = "failed";
            j.view.why = why;
            j.view.ended_us = context_.now_us();
        });
    };
    net::Timer pause(executor_);
    while (context_.store.indexed_to() < job->planned_at) {
        if (stopping_ || !table_.wanted(number)) co_return;
        pause.expires_after(wait_for_index);
        co_await pause.async_wait(net::as_result);
    }
    auto const generation = context_.flow.generation();
    auto selection = Selection::make(job->view.request, generation, context_.store, context_.now_us());
    if (!selection) co_return fail(selection.error().text());
    Preview preview(job->view.request, generation, context_.store);
    store::Sequence reached = 0;
    for (bool end = false; !end;) {
        if (stopping_ || !table_.wanted(number)) co_return;
        auto look = [&] {
            return (*selection)->page(reached, job->last, [&](Item const& item, store::StoredMessage& m) {
                preview.add(item, m);
                return true;
            });
        };
        auto const page = co_await net::run_blocking(context_.runtime, look);
        if (!page) co_return fail(page.error().text());
        reached = page->reached;
        end = page->end;
        auto const result = preview.result(**selection);
        table_.update(number, [&](Job& j) {
            j.view.preview = result;
            j.view.last_message = end ? 0 : reached;
            if (end) j.view.state = "previewed";
        });
    }
}

std::vector<ops::ReplayView> Replays::jobs() const {
    std::vector<ops::ReplayView> views;
    for (auto& job : table_.all()) views.push_back(std::move(job.view));
    return views;
}

Result<ops::ReplayView> Replays::job(std::uint64_t number) const {
    auto const found = table_.get(number);
    if (!found) return no_such_job(number);
    return found->view;
}

net::Task<Result<ops::ReplayView>> Replays::start(std::uint64_t number) {
    bool right = false;
    std::string state;
    bool const known = table_.update(number, [&](Job& job) {
        state = job.view.state;
        right = state == "previewed";
        if (right) job.view.state = "starting";  // until it is on disk, nobody runs it
    });
    if (!known) co_return no_such_job(number);
    if (!right)
        co_return error("not_now", std::to_string(number), "the job is " + state + " already",
                        "`hilum replay list` shows where it is");
    auto save = [&] { return table_.save(number); };
    auto const saved = co_await net::run_blocking(context_.runtime, save);
    table_.update(number, [&](Job& job) { job.view.state = saved ? "queued" : "previewed"; });
    if (!saved) co_return saved.error();
    context_.log.info("replay_asked", {{"job", number}});
    auto started = job(number);
    if (started)
        context_.changes.add({context_.now_us(),
                              "job",
                              {},
                              "job " + std::to_string(number) + " begins, asked by " + started->request.by +
                                  ": " + std::to_string(started->preview.messages) + " messages",
                              {},
                              {}});
    wake();
    co_return started;
}

net::Task<Result<ops::ReplayView>> Replays::cancel(std::uint64_t number) {
    auto before = job(number);
    if (!before) co_return before;
    if (ended(before->state))
        co_return error("not_now", std::to_string(number), "the job is " + before->state + " already");
    if (before->state == "previewing" || before->state == "previewed") {
        table_.forget(number);
        before->state = "cancelled";
        co_return before;
    }
    table_.update(number, [&](Job& job) {
        job.cancel = true;
        if (job.view.state != "queued") return;
        job.view.state = "cancelled";
        job.view.ended_us = context_.now_us();
    });
    wake();
    // On disk before it is said: a start must not take it up again.
    auto const executor = co_await net::asio::this_coro::executor;
    net::Timer pause(executor);
    for (int i = 0; i < 1000; ++i) {
        auto const now = job(number);
        if (!now || ended(now->state)) break;
        pause.expires_after(5ms);
        co_await pause.async_wait(net::as_result);
    }
    auto save = [&] { return table_.save(number); };
    auto const saved = co_await net::run_blocking(context_.runtime, save);
    if (!saved) co_return saved.error();
    co_return job(number);
}

}  // namespace hilum::replay
