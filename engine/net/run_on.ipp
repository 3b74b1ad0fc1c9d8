#pragma once

#include <boost/asio/post.hpp>
#include <optional>

namespace hilum::net {

template <class Target, class F>
auto run_on(Target& target, F work) -> Task<decltype(work())> {
    using T = decltype(work());
    std::optional<T> value;
    auto executor = co_await asio::this_coro::executor;
    co_await asio::async_initiate<asio::use_awaitable_t<Executor> const, void()>(
        [&](auto handler) {
            asio::post(target, [&value, &work, executor, handler = std::move(handler)]() mutable {
                value.emplace(work());
                asio::post(executor, std::move(handler));
            });
        },
        use_task);
    co_return std::move(*value);
}

}  // namespace hilum::net
