#include "engine/cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include "engine/net/instant.h"
#include "engine/ops/utf8.h"
#include "routes/config/describe.h"

namespace hilum::cli {

Result<std::string> read_file(std::string const& path) {
    if (path == "-")
        return {boost::system::in_place_value, std::istreambuf_iterator<char>(std::cin),
                std::istreambuf_iterator<char>()};
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec))
        return error("unreadable", path, "it is a folder");  // it would open
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text;
    if (file) text.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || file.bad())
        return error("unreadable", path, errno ? std::strerror(errno) : "it can't be read");
    return {boost::system::in_place_value, std::move(text)};
}

void answer(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
    if (errno == EPIPE) return;  // `hilum ... | head`
    throw std::runtime_error(std::string("can't write the answer: ") + std::strerror(errno));
}

void complain(std::string_view text) {
    std::string const line = "hilum: " + std::string(text) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        auto const [length, point] = ops::first_character(text);
        std::size_t const taken = length == 0 ? 1 : length;
        if (length == 0 || ops::deceives(point)) {
            ops::append_escaped(out, text.substr(0, taken));
        } else {
            out += text.substr(0, taken);  // a backslash is HL7's own escape character and stays readable
        }
        text.remove_prefix(taken);
    }
    return out;
}

namespace {

std::size_t width(std::string_view text) {
    std::size_t characters = 0;
    for (char const c : text) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    return characters;
}

}  // namespace

std::string table(std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths;
    for (auto const& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        (out += line) += '\n';
    }
    return out;
}

std::string age(std::int64_t since_us, std::int64_t now_us) {
    if (since_us == 0) return {};
    std::int64_t const s = std::max<std::int64_t>(0, now_us - since_us) / 1'000'000;
    if (s < 120) return std::to_string(s) + "s";
    if (s < 2 * 3600) return std::to_string(s / 60) + "m";
    if (s < 2 * 86400) return std::to_string(s / 3600) + "h";
    return std::to_string(s / 86400) + "d";
}

std::int64_t now_us() {
    return net::now_us();
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
    config::Node node;
    node.kind = config::Node::Kind::scalar;
    node.scalar = text;
    config::Diagnostics unused;
    config::Duration duration{};
    if (!config::decode_value(node, duration, unused)) return std::nullopt;
    return duration.count();
}

}  // namespace hilum::cli
