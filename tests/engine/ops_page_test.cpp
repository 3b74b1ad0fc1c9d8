#include <doctest/doctest.h>

#include "engine/ops/page.h"
#include "parsers/gzip.h"

using namespace hilum;

namespace {

std::string header(ops::Reply const& reply, std::string_view name) {
    for (auto const& [n, value] : reply.headers)
        if (n == name) return value;
    return {};
}

}  // namespace

TEST_CASE("the console's files, as a browser wants them") {
    std::string const html = gzip("<p>hello"), script = gzip("let a = 1;");
    ops::PageFile const files[] = {
        {"/assets/index-Bw3kXv2a.js", "text/javascript; charset=utf-8", "\"s1\"", true, script},
        {"/index.html", "text/html; charset=utf-8", "\"h1\"", false, html}};
    ops::Request request;
    request.gzip = true;

    auto reply = ops::page(request, "/", files);
    CHECK(reply.status == 200);
    CHECK(reply.content_type == "text/html; charset=utf-8");
    CHECK(reply.body == html);
    CHECK(reply.may_be_kept);
    CHECK(header(reply, "Content-Encoding") == "gzip");
    CHECK(header(reply, "Cache-Control") == "no-cache");
    CHECK(header(reply, "ETag") == "\"h1\"");
    auto const policy = header(reply, "Content-Security-Policy");
    CHECK(policy.find("default-src 'self'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);

    CHECK(ops::page(request, "/queues/lab", files).body == html);  // an address of the page's own
    reply = ops::page(request, "/assets/index-Bw3kXv2a.js", files);
    CHECK(reply.body == script);
    CHECK(header(reply, "Cache-Control").find("immutable") != std::string::npos);

    request.if_none_match = "\"h1\"";
    reply = ops::page(request, "/", files);
    CHECK(reply.status == 304);
    CHECK(reply.body.empty());
    CHECK(header(reply, "ETag") == "\"h1\"");

    request = {};
    reply = ops::page(request, "/", files);
    CHECK(reply.body == "<p>hello");
    CHECK(header(reply, "Content-Encoding").empty());
}

TEST_CASE("built without the console, it says so") {
    auto const reply = ops::page({}, "/", {});
    CHECK(reply.status == 404);
    CHECK(reply.body.find("without its console") != std::string::npos);
}

TEST_CASE("what a page may be asked for") {
    CHECK(!ops::is_page("/api/v1/nothing"));
    CHECK(!ops::is_page("/api"));
    CHECK(!ops::is_page("/../etc/passwd"));
    CHECK(!ops::is_page("/favicon.ico.bak"));
}
