#include "engine/outside/world.h"

#include <unistd.h>

#include <cerrno>

#include "engine/net/file_writer.h"
#include "engine/net/posix_file.h"
#include "engine/outside/http_client.h"
#include "engine/outside/postgres_query.h"
#include "engine/outside/sqlite_query.h"

namespace hilum::outside {

using routes::OutsideAnswer;

struct World::Connections {
    HttpClient http;
    SqliteQueries sqlite;
    PostgresQueries postgres;
};

namespace {

// Lengths tell the parts apart.
void add(std::string& question, std::string_view part) {
    ((question += std::to_string(part.size())) += ':') += part;
}

std::vector<std::string> components_of(std::string_view name) {
    std::vector<std::string> out;
    while (true) {
        auto const slash = name.find('/');
        out.emplace_back(name.substr(0, slash));
        if (slash == std::string_view::npos) return out;
        name.remove_prefix(slash + 1);
    }
}

Result<std::string> read_file(routes::FilePlace const& place, std::size_t max_size) {
    auto const components = components_of(place.name);
    auto folder = net::open_folder(place.dir);
    if (!folder) return error("disk", "", folder.error().what);
    for (std::size_t n = 0; n + 1 < components.size(); ++n) {
        // What is only read makes no folders.
        struct stat about {};
        if (::fstatat(folder->get(), components[n].c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0)
            return error("not_found", "", "there is no such file");
        auto below = net::open_folder_in(folder->get(), components[n]);
        if (!below) return error("disk", "", below.error().what);
        *folder = std::move(*below);
    }
    struct stat about {};
    auto const file = net::open_file_in(folder->get(), components.back(), about);
    if (!file) {
        bool const absent =
            ::faccessat(folder->get(), components.back().c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0;
        return absent ? error("not_found", "", "there is no such file")
                      : error("disk", "", file.error().what);
    }
    auto const size = static_cast<std::uint64_t>(about.st_size);
    if (size > max_size) return error("too_large", "", "the file is larger than max_size");
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < bytes.size();) {
        auto const count = ::read(file->get(), bytes.data() + at, bytes.size() - at);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return error("disk", "", "the file can't be read to its end");
        at += static_cast<std::size_t>(count);
    }
    return {boost::system::in_place_value, std::move(bytes)};
}

class OfMessage final : public routes::Outside {
  public:
    OfMessage(Shared& shared, World::Connections& connections, std::uint64_t number, std::int64_t now_us)
        : shared_(shared), connections_(connections), number_(number), now_us_(now_us) {}

    Result<OutsideAnswer> ask(routes::HttpQuestion const& question) override {
        std::string asked = "http";
        add(asked, question.url);
        for (auto const& [name, value] : question.headers) {
            add(asked, name);
            add(asked, value);
        }
        return through(shared_.cache, asked, question.keeping, now_us_,
                       [&] { return connections_.http.ask(question); });
    }

    Result<OutsideAnswer> ask(routes::SqlQuestion const& question) override {
        bool const sqlite = question.system == routes::SqlQuestion::System::sqlite;
        std::string asked = sqlite ? "sqlite" : "postgres";
        add(asked, question.database);
        add(asked, question.query);
        for (auto const& value : question.values) add(asked, value);
        return through(shared_.cache, asked, question.keeping, now_us_, [&] {
            return sqlite ? connections_.sqlite.ask(question) : connections_.postgres.ask(question);
        });
    }

    Result<void> write(routes::FilePlace const& place, std::string_view bytes) override {
        auto const written =
            net::write_message(place.dir, components_of(place.name), bytes, "detach", net::Taken::refuse);
        if (written) return {};
        auto const& why = written.error();
        return error(why.code == "exists" ? "exists" : "disk", "", why.what, why.next);
    }

    Result<std::string> read(routes::FilePlace const& place, std::size_t max_size) override {
        return read_file(place, max_size);
    }

    Result<std::optional<std::int64_t>> seen(std::string_view scope, std::string_view key,
                                             std::chrono::milliseconds window) override {
        return shared_.memory.seen(scope, key, number_, window, now_us_);
    }

  private:
    Shared& shared_;
    World::Connections& connections_;
    std::uint64_t number_;
    std::int64_t now_us_;
};

}  // namespace

World::World(Shared& shared) : shared_(shared), connections_(std::make_unique<Connections>()) {}
World::~World() = default;

std::unique_ptr<routes::Outside> World::of_message(std::uint64_t number, std::int64_t now_us) {
    return std::make_unique<OfMessage>(shared_, *connections_, number, now_us);
}

void World::stop() noexcept {
    connections_->http.stop();
    connections_->postgres.stop();
}

}  // namespace hilum::outside
