#include "routes/config/environment.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "routes/config/secrets.h"

namespace hilum::config {
namespace {

constexpr std::size_t secret_bytes_max = 1u << 20;

bool is_variable_name(std::string_view name) {
    auto const letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && letter(name[0]) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

// The value of what stands between ${ and }; an empty `problem` means it was found.
struct Looked {
    std::string value;
    std::string problem;
    std::string remedy;
};

Looked look_up(std::string_view inside, Environment const& environment) {
    Looked out;
    constexpr std::string_view file = "file:";
    std::string subject;
    if (inside.starts_with(file)) {
        std::string const path(inside.substr(file.size()));
        subject = "the file " + in_quotes(path);
        if (!path.starts_with('/')) {
            return {{},
                    "the path in ${file:" + path + "} is not absolute",
                    "begin it with /, such as ${file:/run/secrets/token}"};
        }
        if (!environment.file(path, out.value)) {
            return {{},
                    "cannot read " + subject + " named in ${file:...}",
                    "create it readable for this user (a regular file of at most 1 MiB) or correct the path"};
        }
    } else {
        if (!is_variable_name(inside)) {
            return {{},
                    in_quotes(inside) + " is not the name of an environment variable",
                    "write ${NAME} or ${file:/path}, or $${ for a literal ${"};
        }
        subject = "the environment variable " + in_quotes(inside);
        if (!environment.variable(std::string(inside), out.value)) {
            return {{}, subject + " is not set", "set it, or write $${ for a literal ${"};
        }
    }
    if (find_bad_byte(out.value) != std::string_view::npos) {
        return {{}, subject + " holds bytes that are not UTF-8 text", "store it as UTF-8 without NUL bytes"};
    }
    return out;
}

}  // namespace

bool SystemEnvironment::variable(std::string const& name, std::string& value) const {
    char const* found = std::getenv(name.c_str());
    if (found == nullptr) return false;
    value = found;
    return true;
}

bool SystemEnvironment::file(std::string const& path, std::string& value) const {
    std::error_code ignored;
    // A pipe or device could keep us waiting, or never end.
    if (!std::filesystem::is_regular_file(path, ignored)) return false;
    std::ifstream in(path, std::ios::binary);
    if (!in) return false;
    std::string bytes(secret_bytes_max + 1, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (in.bad() || in.gcount() > static_cast<std::streamsize>(secret_bytes_max)) return false;
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    if (bytes.ends_with('\n')) bytes.pop_back();
    if (bytes.ends_with('\r')) bytes.pop_back();
    value = std::move(bytes);
    return true;
}

Filled fill_in(std::string_view text, Location const& where, Environment const& environment,
               std::size_t bytes_max, Diagnostics& diagnostics) {
    Filled out;
    std::size_t at = 0;
    while (true) {
        std::size_t const dollar = text.find("${", at);
        if (dollar == std::string_view::npos) break;
        if (dollar > at && text[dollar - 1] == '$') {
            out.text.append(text.substr(at, dollar - 1 - at)).append("${");
            at = dollar + 2;
            continue;
        }
        out.text.append(text.substr(at, dollar - at));
        std::size_t const end = text.find('}', dollar);
        constexpr std::string_view param = "${param.";
        if (text.substr(dollar).starts_with(param) && end != std::string_view::npos) {
            std::size_t const name = dollar + param.size();
            out.holes.push_back(
                {std::string(text.substr(name, end - name)), out.text.size(), where.shifted(dollar)});
            at = end + 1;
            continue;
        }
        out.any = true;
        if (end == std::string_view::npos) {
            diagnostics.error(where.shifted(dollar), "a ${ is not closed",
                              "add the }, or write $${ for a literal ${");
            out.failed = true;
            return out;
        }
        std::string_view const inside = text.substr(dollar + 2, end - dollar - 2);
        out.secret = out.secret || inside.starts_with("file:") || names_secret(inside);
        Looked looked = look_up(inside, environment);
        if (looked.problem.empty() && out.text.size() + looked.value.size() > bytes_max) {
            looked.problem = "the text grows too long with what ${...} fills in";
            looked.remedy = "shorten it";
        }
        if (looked.problem.empty()) {
            out.text += looked.value;
        } else {
            diagnostics.error(where.shifted(dollar), std::move(looked.problem), std::move(looked.remedy));
            out.failed = true;
        }
        at = end + 1;
    }
    out.text.append(text.substr(at));
    return out;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i).starts_with("${")) out += '$';
        out += text[i];
    }
    return out;
}

// Well-formed UTF-8 by table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above
// U+10FFFF.
std::size_t find_bad_byte(std::string_view text) {
    auto const byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    std::size_t i = 0;
    while (i < text.size()) {
        unsigned const lead = byte(i);
        if (lead == 0) return i;
        if (lead < 0x80) {
            ++i;
            continue;
        }
        std::size_t const length = lead >= 0xc2 && lead <= 0xdf   ? 2
                                   : lead >= 0xe0 && lead <= 0xef ? 3
                                   : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                                  : 0;
        unsigned const low = lead == 0xe0 ? 0xa0u : lead == 0xf0 ? 0x90u : 0x80u;
        unsigned const high = lead == 0xed ? 0x9fu : lead == 0xf4 ? 0x8fu : 0xbfu;
        if (length == 0 || byte(i + 1) < low || byte(i + 1) > high) return i;
        for (std::size_t k = 2; k < length; ++k) {
            if ((byte(i + k) & 0xc0u) != 0x80u) return i;
        }
        i += length;
    }
    return std::string_view::npos;
}

}  // namespace hilum::config
