// The console's files, which are in the binary, over HTTP.
#pragma once

#include <span>
#include <string_view>

#include "engine/ops/api.h"

namespace hilum::ops {

struct PageFile {
    std::string_view path;  // "/index.html"
    std::string_view type;  // for Content-Type
    std::string_view etag;  // W/"5015b2a7", a hash of the content: weak, for it is sent packed and unpacked
    bool named_by_hash = false;  // another content has another path
    std::string_view gzip;
};
// In the order of their paths; none when the engine was built without the console. Generated at build.
std::span<PageFile const> page_files();

// Whether a path is a file of the console or an address that its page makes something of.
bool is_page(std::string_view path);
// The file, or the page for an address; without the console a line that says so. `files`: for tests.
Reply page(Request const& request, std::string_view path, std::span<PageFile const> files = page_files());

}  // namespace hilum::ops
