#include "engine/cli/check_connect.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>

#include "engine/net/asio.h"
#include "engine/net/url.h"

namespace hilum::cli {
namespace {

using namespace std::chrono_literals;

// Reads what the kinds' options have been checked for already.
template <class T>
T option(config::Component const& component, std::string_view key) {
    T out;
    config::Diagnostics ignored;
    if (auto const* node = component.options.find(key)) config::decode_value(*node, out, ignored);
    return out;
}

net::Task<void> try_connection(config::Endpoint to, Reached& out) {
    auto const connected = co_await net::connect(to, 3s);
    if (!connected) out.problem = connected.error().what;
}

// The folder, or the first above it that is there, for it is made when it is needed.
std::string folder_problem(std::string const& dir) {
    namespace fs = std::filesystem;
    std::error_code ec;
    fs::path folder = fs::absolute(dir, ec);
    while (!fs::exists(folder, ec) && folder.has_relative_path()) folder = folder.parent_path();
    if (!fs::is_directory(folder, ec)) return folder.string() + " is not a folder";
    return access(folder.c_str(), W_OK | X_OK) == 0 ? "" : "this user may not write to " + folder.string();
}

}  // namespace

std::vector<Reached> try_destinations(config::Config const& config) {
    std::vector<Reached> all;
    all.reserve(config.destinations.size());  // the coroutines write to their places
    net::asio::io_context context{1};
    auto const spawn = [&context](config::Endpoint const& to, Reached& out) {
        net::asio::co_spawn(context, try_connection(to, out), net::asio::detached);
    };
    for (auto const& component : config.destinations) {
        Reached& one = all.emplace_back(Reached{component.name, component.kind, {}, {}});
        if (component.options.find("connect")) {
            auto const to = option<config::Endpoint>(component, "connect");
            one.where = to.text();
            spawn(to, one);
        } else if (component.options.find("url")) {
            auto const url = net::parse_http_url(option<std::string>(component, "url"));
            if (url) {
                one.where = url->endpoint.text();
                spawn(url->endpoint, one);
            } else {
                one.problem = url.error().what;
            }
        } else if (component.options.find("dir")) {
            one.where = option<std::string>(component, "dir");
            one.problem = folder_problem(one.where);
        } else {
            one.problem = "there is no way to try this kind";
        }
    }
    context.run();
    return all;
}

}  // namespace hilum::cli
