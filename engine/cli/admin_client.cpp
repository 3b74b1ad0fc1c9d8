#include "engine/cli/admin_client.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <cstdlib>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/desk.h"
#include "engine/cli/output.h"
#include "parsers/time_text.h"

namespace hilum::cli {

namespace http = boost::beast::http;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t body_bytes_max = 512u << 20;  // a raw message may be large

Error unreachable(std::string const& admin, std::string what) {
    return error(
        "unreachable", admin, "no engine answers there: " + std::move(what),
        "start it with `hilum run CONFIG`, or name its admin port with --admin HOST:PORT or HILUM_ADMIN");
}

net::Task<Result<ApiReply>> exchange(config::Endpoint to, http::request<http::string_body> request,
                                     net::Deadlines& deadlines) {
    auto connected = co_await net::connect(to, 5s);
    if (!connected) co_return unreachable(to.text(), connected.error().what);
    net::Socket socket = std::move(*connected);
    net::Deadline deadline(deadlines, [&socket] {
        boost::system::error_code ignored;
        socket.close(ignored);
    });
    deadline.set(30s);
    auto [write_error, written] = co_await http::async_write(socket, request, net::as_result);
    if (write_error) co_return unreachable(to.text(), write_error.message());
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(body_bytes_max);
    auto [read_error, count] = co_await http::async_read(socket, buffer, parser, net::as_result);
    if (deadline.passed()) co_return unreachable(to.text(), "no reply within 30 s");
    if (read_error)
        co_return error("bad_reply", to.text(), "the reply is not HTTP: " + read_error.message(),
                        "is this the admin port?");
    co_return ApiReply{parser.get().result_int(), std::move(parser.get().body())};
}

net::Task<void> store_in(std::optional<Result<ApiReply>>& out, net::Task<Result<ApiReply>> task) {
    out.emplace(co_await std::move(task));
}

// The findings, each on its line, and what they lead to.
std::pair<std::string, std::string> problem_text(ApiReply const& reply) {
    auto const problem = ops::json::parse(reply.body);
    if (!problem || problem->text("detail").empty())
        return {"", "the engine replied with status " + std::to_string(reply.status)};
    return {diagnostics_text(*problem),
            printable(problem->text("code")) + ": " + printable(problem->text("detail"))};
}

}  // namespace

Result<ApiReply> call_api(std::string const& admin, std::string_view method, std::string const& target,
                          std::string const& body) {
    auto const to = parse_endpoint(admin);
    if (!to) return error("bad_endpoint", admin, to.error().what, "write it like 127.0.0.1:8080");
    http::request<http::string_body> request;
    request.version(11);
    request.method_string({method.data(), method.size()});
    request.target(target);
    request.set(http::field::host, to->text());
    request.set(http::field::user_agent, "hilum/" HILUM_VERSION);
    request.set(http::field::connection, "close");
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
    std::optional<Result<ApiReply>> reply;
    Desk desk;
    desk.run(store_in(reply, exchange(*to, std::move(request), desk.deadlines)));
    return std::move(*reply);
}

void add_api_options(App& command, ApiOptions& options) {
    command.add_option("--admin", options.admin, "HOST:PORT of the running engine's admin port")
        ->or_variable("HILUM_ADMIN")
        ->show_default();
    command.add_flag("--json", options.json, "the engine's JSON as it came");
}

std::optional<ApiAnswer> fetch(ApiOptions const& options, std::string_view method, std::string const& target,
                               std::string const& body, int& exit_code) {
    exit_code = answer_is_no;
    auto reply = call_api(options.admin, method, target, body);
    if (!reply) {
        complain(reply.error().text());
        if (reply.error().code == "bad_endpoint") exit_code = used_wrongly;
        return std::nullopt;
    }
    if (reply->status != 200) {
        if (options.json) answer(reply->body + "\n");
        auto const [findings, what] = problem_text(*reply);
        std::fputs(findings.c_str(), stderr);
        complain(what);
        if (reply->status == 400) exit_code = used_wrongly;
        return std::nullopt;
    }
    auto value = ops::json::parse(reply->body);
    if (!value) {
        complain("the engine's reply can't be read: " + value.error().text());
        return std::nullopt;
    }
    exit_code = good;
    return ApiAnswer{std::move(reply->body), std::move(*value)};
}

int ask(ApiOptions const& options, std::string_view method, std::string const& target,
        std::string const& body, std::function<std::string(ops::json::Value const&)> const& show) {
    int exit_code = good;
    auto const reply = fetch(options, method, target, body, exit_code);
    if (reply) answer(options.json ? reply->raw + "\n" : show(reply->value));
    return exit_code;
}

std::string time_parameter(std::string const& text) {
    auto const ms = parse_duration_ms(text);
    return ms ? rfc3339(now_us() - *ms * 1000) : text;
}
std::string coming_time_parameter(std::string const& text) {
    auto const ms = parse_duration_ms(text);
    return ms ? rfc3339(now_us() + *ms * 1000) : text;
}

std::string asked_by() {
    char const* const user = std::getenv("USER");
    return std::string("cli") + (user ? ":" + std::string(user).substr(0, 100) : "");
}

std::string diagnostics_text(ops::json::Value const& reply) {
    std::string out;
    for (auto const& d : reply["diagnostics"].items) {
        config::Diagnostic const finding{
            d.text("severity") == "error" ? config::Severity::error : config::Severity::warning,
            {std::make_shared<std::string const>(d.text("file")),
             static_cast<std::uint32_t>(d.number("line")), static_cast<std::uint32_t>(d.number("column"))},
            std::string(d.text("what")),
            std::string(d.text("remedy"))};
        std::string const used(d.text("used"));
        out += printable(finding.text()) + (used.empty() ? "" : " (" + printable(used) + ')') + '\n';
    }
    return out;
}

}  // namespace hilum::cli
