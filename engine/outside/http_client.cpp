#include "engine/outside/http_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "engine/ops/json.h"

namespace hilum::outside {

using namespace std::chrono_literals;
using routes::OutsideAnswer;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;
using Parser = http::response_parser<http::string_body>;

namespace {

constexpr std::uint32_t header_limit = 16 * 1024;
constexpr int interim_at_most = 10;     // 100 Continue, 103 Early Hints
constexpr auto looks_for_stop = 100ms;  // how long a question outlives stop() at most

std::string status_text(unsigned status) {
    return "the server answered " + std::to_string(status);
}

bool begins_with_type(std::string_view type, std::string_view wanted) {
    return type.size() >= wanted.size() &&
           std::equal(wanted.begin(), wanted.end(), type.begin(), [](char a, char b) {
               return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
           });
}

// RFC 8259 §8.1, RFC 6839 §3.1: application/json, application/fhir+json ...
bool is_json(std::string_view type) {
    auto const bare = type.substr(0, type.find_first_of("; "));
    return begins_with_type(type, "application/json") || bare.ends_with("+json") || bare.ends_with("+JSON");
}

Result<OutsideAnswer> read(unsigned status, std::string_view type, std::string body) {
    if (status == 204 || status == 404 || status == 410) return OutsideAnswer{};
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return error("unreachable", "", status_text(status));
    if (status >= 300 && status < 400)
        return error("refused", "", status_text(status) + ", which sends on to another address",
                     "ask there in the first place");
    if (status != 200) return error("refused", "", status_text(status));
    if (body.empty()) return OutsideAnswer{};
    if (is_json(type)) return OutsideAnswer{true, std::move(body)};
    if (begins_with_type(type, "text/")) {
        ops::json::Writer w;
        w.value(std::string_view(body));
        return OutsideAnswer{true, w.text()};
    }
    return error("bad_answer", "", "the answer is neither JSON nor text",
                 "have the server send application/json");
}

Error failed(boost::system::error_code const& ec) {
    if (ec == http::error::body_limit) return error("too_large", "", "the answer is longer than max_answer");
    bool const ended = ec == http::error::end_of_stream || ec == http::error::partial_message;
    bool const of_http = ec.category() == http::make_error_code(http::error::bad_version).category();
    if (of_http && !ended) return error("bad_answer", "", "the answer is no HTTP");
    return error("cut", "", "the connection ended before the answer");
}

// The URL is asked for as it is written, so it must hold nothing that ends a line (RFC 9112 §3).
std::string request(routes::HttpQuestion const& question, net::HttpUrl const& url) {
    std::string out = "GET " + url.target + " HTTP/1.1\r\nHost: " + url.authority +
                      "\r\nUser-Agent: hilum/" HILUM_VERSION "\r\n";
    bool accepts = false;
    for (auto const& [name, value] : question.headers) {
        accepts = accepts || name == "Accept" || name == "accept";
        ((out += name) += ": ") += value + "\r\n";
    }
    if (!accepts) out += "Accept: application/json, application/fhir+json, text/plain;q=0.5\r\n";
    return out + "\r\n";
}

}  // namespace

HttpClient::HttpClient() = default;
HttpClient::~HttpClient() {
    kept_.clear();
}

Result<OutsideAnswer> HttpClient::ask(routes::HttpQuestion const& question) {
    auto url = net::parse_http_url(question.url);
    if (!url) return error("refused", "", url.error().what, url.error().next);
    auto const answer = std::make_shared<std::optional<Answer>>();
    net::asio::co_spawn(context_, exchange(answer, question, std::move(*url)), net::asio::detached);
    while (!*answer && !stopped_) {
        context_.restart();
        context_.run_for(looks_for_stop);
    }
    if (!*answer) return error("stopped", "", "Hilum is stopping");
    return std::move(**answer);
}

std::shared_ptr<HttpClient::Kept> HttpClient::take(std::string const& authority) {
    auto const found = kept_.find(authority);
    if (found == kept_.end()) return nullptr;
    auto kept = std::move(found->second);
    kept_.erase(found);
    return kept;
}

// A kept connection may have been closed by the server at any time: when not a byte has come on it, the
// question is put once more on a new one (RFC 9112 §9.3.1; GET may be repeated).
net::Task<void> HttpClient::exchange(std::shared_ptr<std::optional<Answer>> answer,
                                     routes::HttpQuestion question, net::HttpUrl url) {
    auto const until = Clock::now() + question.within;
    bool nothing_came = true;
    if (auto kept = take(url.authority)) {
        auto again = co_await over(std::move(kept), question, url, until, nothing_came);
        if (again || !nothing_came || again.error().code == "timeout") {
            answer->emplace(std::move(again));
            co_return;
        }
    }
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    auto connected = co_await net::connect(url.endpoint, left);
    if (!connected) {
        auto const late = connected.error().code == "timeout";
        answer->emplace(
            error(late ? "timeout" : "unreachable", "",
                  late ? "no connection in time" : "there is no connection: " + connected.error().what));
        co_return;
    }
    auto fresh = std::make_shared<Kept>(Kept{std::move(*connected), {}});
    auto came = co_await over(std::move(fresh), question, url, until, nothing_came);
    answer->emplace(std::move(came));
}

net::Task<HttpClient::Answer> HttpClient::over(std::shared_ptr<Kept> kept,
                                               routes::HttpQuestion const& question, net::HttpUrl const& url,
                                               Clock::time_point until, bool& nothing_came) {
    net::Timer timer(context_.get_executor());
    timer.expires_at(until);
    auto const late = std::make_shared<bool>(false);
    timer.async_wait([kept, late](boost::system::error_code ec) {
        if (ec) return;
        *late = true;
        boost::system::error_code ignored;
        kept->socket.close(ignored);
    });
    auto const timed_out = [&](Error const& otherwise) {
        return *late ? error("timeout", "", "no answer within the time limit") : otherwise;
    };
    nothing_came = true;
    std::string const text = request(question, url);
    auto [write_error, written] =
        co_await net::asio::async_write(kept->socket, net::asio::buffer(text), net::as_result);
    for (int n = 0; n <= interim_at_most; ++n) {
        Parser parser;
        parser.header_limit(header_limit);
        parser.body_limit(question.max_answer);
        auto [head_error, head_size] =
            co_await http::async_read_header(kept->socket, kept->buffer, parser, net::as_result);
        if (head_size > 0) nothing_came = false;
        if (head_error) co_return timed_out(failed(head_error));
        auto const status = parser.get().result_int();
        if (status < 200 && status != 101) continue;
        auto [body_error, body_size] =
            co_await http::async_read(kept->socket, kept->buffer, parser, net::as_result);
        if (body_error) co_return timed_out(failed(body_error));
        timer.cancel();
        auto& response = parser.get();
        if (!write_error && response.keep_alive() && kept->buffer.size() == 0) {
            if (kept_.size() >= servers_max) kept_.clear();
            kept_[url.authority] = kept;
        }
        auto const type = response[http::field::content_type];
        co_return read(status, {type.data(), type.size()}, std::move(response.body()));
    }
    co_return error("bad_answer", "", "no final answer");
}

}  // namespace hilum::outside
