#include "engine/cli/check_connect.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>

#include "engine/net/asio.h"
#include "engine/net/url.h"
#include "engine/outside/postgres_query.h"
#include "engine/outside/sqlite_query.h"
#include "routes/outside.h"

namespace hilum::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t queries_at_once = 16;

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

// A connection, at once.
struct Connection {
    config::Endpoint to;
    std::size_t row;
};
// A query, which blocks.
struct Query {
    routes::SqlQuestion question;
    std::size_t row;
};

struct Tries {
    std::vector<Reached> rows;
    std::vector<Connection> connections;
    std::vector<Query> queries;

    void connect(Result<net::HttpUrl> const& url) {
        if (!url) {
            rows.back().problem = url.error().what;
        } else {
            connect(url->endpoint);
        }
    }
    void connect(config::Endpoint const& to) {
        rows.back().where = to.text();
        connections.push_back({to, rows.size() - 1});
    }
};

void add(config::Component const& component, Tries& tries) {
    auto& one = tries.rows.emplace_back(Reached{component.name, component.kind, {}, {}});
    if (component.options.find("connect"))
        return tries.connect(option<config::Endpoint>(component, "connect"));
    // A subscriber's endpoint; its url is Hilum's own.
    for (auto const* key : {"endpoint", "base", "url"}) {
        if (component.options.find(key))
            return tries.connect(net::parse_http_url(option<std::string>(component, key)));
    }
    if (component.options.find("dir")) {
        one.where = option<std::string>(component, "dir");
        one.problem = folder_problem(one.where);
    } else {
        one.problem = "there is no way to try this kind";
    }
}

void add(routes::Asked const& asked, Tries& tries) {
    auto& one = tries.rows.emplace_back();
    one.destination = routes::Pipeline::waiting_lane(asked.route);
    if (!asked.sql) {
        one.kind = "enrich http";
        auto const server =
            asked.url.substr(0, asked.url.find_first_of("/?#", std::string_view("http://").size()));
        if (server.find('{') == std::string::npos) return tries.connect(net::parse_http_url(server));
        one.untried = "the message names the server";
        return;
    }
    bool const sqlite = asked.sql->system == routes::SqlQuestion::System::sqlite;
    one.kind = sqlite ? "enrich sqlite" : "enrich postgres";
    one.where = sqlite ? asked.sql->database : outside::PostgresQueries::shown(asked.sql->database);
    tries.queries.push_back({*asked.sql, tries.rows.size() - 1});
    tries.queries.back().question.within = 3s;
}

Result<void> try_query(routes::SqlQuestion const& question) {
    if (question.system == routes::SqlQuestion::System::sqlite)
        return outside::SqliteQueries().try_out(question);
    return outside::PostgresQueries().try_out(question);
}

}  // namespace

std::vector<Reached> try_connections(flow::Loaded const& loaded) {
    Tries tries;
    for (auto const& component : loaded.config.destinations) add(component, tries);
    for (auto const& asked : loaded.pipeline->asked()) add(asked, tries);
    net::asio::io_context context{1};
    for (auto const& one : tries.connections)
        net::asio::co_spawn(context, try_connection(one.to, tries.rows[one.row]), net::asio::detached);
    net::asio::thread_pool threads(queries_at_once);
    for (auto const& one : tries.queries) {
        net::asio::post(threads, [&one, &tries] {
            auto const tried = try_query(one.question);
            if (tried) return;
            auto const& why = tried.error();
            tries.rows[one.row].problem = why.what + (why.next.empty() ? "" : "; " + why.next);
        });
    }
    context.run();
    threads.join();
    return std::move(tries.rows);
}

}  // namespace hilum::cli
