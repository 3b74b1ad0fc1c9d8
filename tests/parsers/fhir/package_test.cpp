#include "parsers/fhir/package.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/fhir/profiles.h"

using namespace hilum;

namespace {

std::string padded(std::string text) {
    text.resize((text.size() + 511) / 512 * 512);
    return text;
}

// One file as POSIX's ustar has it; `kind` is its type flag.
std::string entry(std::string_view name, std::string const& content, char kind = '0') {
    std::string header(512, '\0');
    header.replace(0, name.size(), name);
    char size[12];
    std::snprintf(size, sizeof size, "%011zo", content.size());
    header.replace(124, 11, size);
    header[156] = kind;
    header.replace(257, 5, "ustar");
    return header + padded(content);
}

std::string zipped(std::string const& text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(text.size() + 1024, '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.erase(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

// "name=text" of each file, or the error's code.
std::string files_of(std::string const& tgz, fhir::PackageLimits const& limits = {}) {
    std::string out;
    auto const done = fhir::read_package(
        tgz,
        [&](std::string_view name, std::string text) -> Result<void> {
            out += std::string(name) + "=" + text + " ";
            return {};
        },
        limits);
    return done ? out : done.error().code;
}

}  // namespace

TEST_CASE("a FHIR package is a gzip-ed tar") {
    std::string const long_name = "package/" + std::string(150, 'n') + ".json";
    auto const tar = entry("package/package.json", "{}") + entry("package/a.json", "A") +
                     entry("package/", "", '5') + entry("package/example/b.json", "B") +
                     entry("package/readme.md", "C") + entry("x", "30 mtime=1\n", 'x') +
                     entry("package/d.json", "D") + entry("x", "172 path=" + long_name + "\n", 'x') +
                     entry("package/nnn", "E") + entry("././@LongLink", long_name, 'L') +
                     entry("package/nnn", "F") + std::string(1024, '\0');
    auto const expected = "package/a.json=A package/d.json=D " + long_name + "=E " + long_name + "=F ";
    auto const tgz = zipped(tar);
    CHECK(files_of(tgz) == expected);
    CHECK(files_of("") == "bad_package");
    CHECK(files_of("PK") == "bad_package");
    for (std::size_t cut = 1; cut < tgz.size(); cut += 7)
        CHECK(files_of(tgz.substr(0, cut)) == "bad_package");
    CHECK(files_of(zipped(entry("package/a.json", "A").substr(0, 512).replace(124, 11, "77777777777"))) ==
          "bad_package");
    CHECK(files_of(tgz, {.files_max = 3}) == "too_large");
}

TEST_CASE("a package that unpacks to more than the limit is refused") {
    auto const bomb = zipped(std::string(std::size_t{100} << 20U, '\0'));
    CHECK(bomb.size() < 200'000);
    CHECK(files_of(bomb, {.bytes_max = std::size_t{10} << 20U}) == "too_large");
}

TEST_CASE("the definitions of a package are taken in, and a broken one is named") {
    fhir::Profiles profiles;
    auto const good =
        entry("package/vs.json",
              R"({"resourceType":"ValueSet","url":"v","compose":{"include":[{"system":"c"}]}})") +
        entry("package/cs.json",
              R"({"resourceType":"CodeSystem","url":"c","content":"complete","concept":[{"code":"1"}]})") +
        entry("package/p.json",
              R"({"resourceType":"StructureDefinition","url":"p","type":"Patient","derivation":"constraint",)"
              R"("snapshot":{"element":[{"id":"Patient","path":"Patient"}]}})");
    REQUIRE(profiles.add_package(zipped(good)).has_value());
    CHECK(profiles.find("p|1.0") != nullptr);
    CHECK(profiles.find("q") == nullptr);
    CHECK(profiles.has("v", "c", "1"));
    CHECK(!profiles.has("v", "c", "2"));
    CHECK(!profiles.lists("w"));
    auto const refused = profiles.add_package(zipped(good + entry("package/x.json", "{")));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == "bad_json");
    CHECK(refused.error().place == "package/x.json, byte 2");
}
