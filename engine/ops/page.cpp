#include "engine/ops/page.h"

#include <algorithm>

#include "parsers/gzip.h"

namespace hilum::ops {
namespace {

constexpr std::size_t file_bytes_max = 16u << 20;
constexpr std::string_view index = "/index.html";
// What messages hold is never run as a script, whatever a page makes of it.
constexpr std::string_view policy =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

PageFile const* find(std::span<PageFile const> files, std::string_view path) {
    auto const found =
        std::find_if(files.begin(), files.end(), [&](auto const& f) { return f.path == path; });
    return found == files.end() ? nullptr : &*found;
}

}  // namespace

bool is_page(std::string_view path) {
    if (find(page_files(), path)) return true;
    bool const other = path == "/api" || path.starts_with("/api/");
    return !page_files().empty() && !other && path.find('.') == std::string_view::npos;
}

Reply page(Request const& request, std::string_view path, std::span<PageFile const> files) {
    auto const* file = find(files, path);
    if (!file) file = find(files, index);
    if (!file)
        return {.status = 404,
                .content_type = "text/plain; charset=utf-8",
                .body =
                    "This hilum was built without its console, which needs Node.js 18 and npm at build "
                    "time.\nThe API is there: /api/v1/openapi.yaml describes it.\n",
                .allow = {}};
    Reply reply{.status = 200, .content_type = std::string(file->type), .body = {}, .allow = {}};
    reply.may_be_kept = true;
    reply.headers = {
        {"ETag", std::string(file->etag)},
        {"Cache-Control", file->named_by_hash ? "public, max-age=31536000, immutable" : "no-cache"},
        {"Vary", "Accept-Encoding"},
        {"Content-Security-Policy", std::string(policy)},
        {"Referrer-Policy", "no-referrer"}};
    if (request.if_none_match.find(file->etag) != std::string::npos) {
        reply.status = 304;
        reply.content_type.clear();
    } else if (request.gzip) {
        reply.body = file->gzip;
        reply.headers.emplace_back("Content-Encoding", "gzip");
    } else {
        auto plain = gunzip(file->gzip, file_bytes_max);
        if (!plain) return problem(500, plain.error());
        reply.body = std::move(*plain);
    }
    return reply;
}

}  // namespace hilum::ops
