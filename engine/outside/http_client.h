// Asks HTTP servers, one question at a time, and waits: for a thread that may.
#pragma once

#include <atomic>
#include <boost/beast/core/flat_buffer.hpp>
#include <map>
#include <memory>
#include <string>

#include "engine/net/asio.h"
#include "engine/net/url.h"
#include "routes/outside.h"

namespace hilum::outside {

// For one thread, save stop(). A connection is kept for each server, a few of them.
class HttpClient {
  public:
    HttpClient();
    ~HttpClient();

    // GET. JSON comes as it is, text/* as one string of JSON. Errors: "refused" (another URL scheme, a status
    // that says so), "unreachable", "timeout", "cut", "too_large", "bad_answer", "stopped".
    Result<routes::OutsideAnswer> ask(routes::HttpQuestion const& question);
    // From any thread: what is being asked is given up, and nothing is asked any more.
    void stop() noexcept { stopped_ = true; }

  private:
    static constexpr std::size_t servers_max = 16;
    struct Kept {
        net::Socket socket;
        boost::beast::flat_buffer buffer;
    };
    using Answer = Result<routes::OutsideAnswer>;
    net::Task<void> exchange(std::shared_ptr<std::optional<Answer>> answer, routes::HttpQuestion question,
                             net::HttpUrl url);
    net::Task<Answer> over(std::shared_ptr<Kept> kept, routes::HttpQuestion const& question,
                           net::HttpUrl const& url, std::chrono::steady_clock::time_point until,
                           bool& nothing_came);
    std::shared_ptr<Kept> take(std::string const& authority);

    std::atomic<bool> stopped_{false};
    net::asio::io_context context_{1};
    std::map<std::string, std::shared_ptr<Kept>> kept_;
};

}  // namespace hilum::outside
