// One HTTP/1.1 connection at a time, for the listeners that speak it: requests are read within their limits,
// given to the service, and answered in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/listeners/http_exchange.h"
#include "engine/listeners/listener.h"
#include "engine/net/accept.h"

namespace hilum::listeners {

struct HttpLimits {
    std::uint64_t max_body = 0;              // bytes
    std::chrono::milliseconds idle{0};       // without a request
    std::chrono::milliseconds read_time{0};  // for a header that has begun, and then for its body
};

// What a listener makes of requests. Lives as long as the connection; called on its thread.
class HttpService {
  public:
    virtual ~HttpService() = default;
    // Why a request must not be taken, once its head is there; nothing when its body may be read.
    virtual std::optional<HttpReply> refuse_head(HttpRequestParser const& parser) = 0;
    // The same once the body is there; the connection is closed after it.
    virtual std::optional<HttpReply> refuse_body(std::string_view /*body*/) { return std::nullopt; }
    // Never throws. `began` is when the request was there as a whole.
    virtual net::Task<HttpReply> answer(HttpRequestParser::value_type const& request,
                                        std::string_view peer) = 0;
    // How this listener says a refusal that was made for any of them.
    virtual HttpReply dressed(HttpReply plain) { return plain; }
};

// Until the connection ends, or is to stop.
net::Task<void> serve_http(net::Connection& connection, HttpLimits const& limits,
                           ListenerContext const& context, std::string_view name, HttpService& service);

}  // namespace hilum::listeners
