#include "parsers/fhir/package.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "parsers/gzip.h"

namespace hilum::fhir {
namespace {

Error broken(std::string what) {
    return error("bad_package", "", std::move(what), "a FHIR package is a .tgz as npm makes it");
}

// A text of a tar header: up to its zero byte.
std::string_view field(std::string_view header, std::size_t at, std::size_t length) {
    auto const text = header.substr(at, length);
    return text.substr(0, text.find('\0'));
}

std::optional<std::size_t> octal(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::size_t value = 0;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    return result.ec == std::errc() ? std::optional(value) : std::nullopt;
}

// The name in a pax header (POSIX.1-2001): records "length path=name\n".
std::string_view pax_path(std::string_view records) {
    auto const at = records.find(" path=");
    if (at == records.npos) return {};
    auto const name = records.substr(at + 6);
    return name.substr(0, name.find('\n'));
}

// A resource stands directly in package/; examples and the like have folders of their own.
bool is_resource_file(std::string_view name) {
    if (!name.starts_with("package/") || !name.ends_with(".json")) return false;
    name.remove_prefix(8);
    return name.find('/') == name.npos && name != "package.json" && !name.starts_with('.');
}

}  // namespace

Result<void> read_package(std::string_view tgz,
                          std::function<Result<void>(std::string_view name, std::string text)> const& take,
                          PackageLimits const& limits) {
    auto const unpacked = gunzip(tgz, limits.bytes_max);
    if (!unpacked)
        return unpacked.error().code == "too_large" ? unpacked.error()
                                                    : broken("it is no gzip, or is cut off");
    std::string_view tar = *unpacked;
    constexpr std::size_t block = 512;
    std::string long_name;
    for (std::size_t files = 0; tar.size() >= block && tar[0] != '\0'; ++files) {
        if (files == limits.files_max)
            return error("too_large", "",
                         "the package has more than " + std::to_string(limits.files_max) + " files");
        auto const header = tar.substr(0, block);
        auto const size = octal(field(header, 124, 12));
        tar.remove_prefix(block);
        if (!size || *size > tar.size()) return broken("the tar in it is broken or cut off");
        auto const content = tar.substr(0, *size);
        tar.remove_prefix(std::min(tar.size(), (*size + block - 1) / block * block));
        auto const kind = header[156];
        if (kind == 'x') {
            long_name = pax_path(content);
        } else if (kind == 'L') {
            long_name = content.substr(0, content.find('\0'));
        } else if (kind == '0' || kind == '\0') {
            auto name = std::string(field(header, 0, 100));
            bool const posix = field(header, 257, 5) == "ustar";
            if (auto const prefix = field(header, 345, 155); posix && !prefix.empty())
                name = std::string(prefix) + "/" + name;
            if (!long_name.empty()) name = std::move(long_name);
            long_name.clear();
            if (!is_resource_file(name)) continue;
            if (auto taken = take(name, std::string(content)); !taken) {
                auto refused = taken.error();
                refused.place = name + (refused.place.empty() ? "" : ", " + refused.place);
                return refused;
            }
        }
    }
    return {};
}

}  // namespace hilum::fhir
