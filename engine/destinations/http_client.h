// One kept HTTP/1.1 connection to a receiver, for the destinations that speak it. A connection is used again
// only when nothing has come on it in between.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/destinations/destination.h"
#include "engine/net/url.h"

namespace hilum::destinations {

struct HttpClientLimits {
    std::chrono::milliseconds connect_within{10'000};
    std::chrono::milliseconds answer_within{30'000};
    std::size_t max_answer = 1U << 20U;
};

struct HttpRequestText {
    std::string_view method = "POST";
    std::string_view target;   // path and query
    std::string_view headers;  // further lines, each ended by CR LF
    std::string_view body;
};

struct HttpResponseText {
    unsigned status = 0;
    std::string content_type, content_encoding, retry_after, location, etag, last_modified;
    std::string body;
    bool early = false;  // it came before the whole request was sent
};

class HttpClient {
  public:
    HttpClient(net::Runtime& runtime, net::HttpUrl url, HttpClientLimits limits);
    ~HttpClient();
    HttpClient(HttpClient const&) = delete;
    HttpClient& operator=(HttpClient const&) = delete;

    net::HttpUrl const& url() const;
    // A connection that can be written to; an attempt that failed, when there is none to be had. First of the
    // two: nothing is sent by it.
    net::Task<std::optional<Attempt>> connect();
    // The final response; an attempt (cut, timeout, bad_answer) when there is none. After connect().
    net::Task<std::variant<HttpResponseText, Attempt>> exchange(HttpRequestText const& request);
    // The connection is not used again: a peer that answers wrongly may have another answer under way.
    void drop() noexcept;
    // Ends what is open; connect() fails until begin().
    void close() noexcept;
    void begin();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hilum::destinations
