#include <sys/file.h>

#include <random>

#include "engine/destinations/destination.h"
#include "engine/net/file_writer.h"
#include "routes/file_name.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::test;
using destinations::Attempt;
using destinations::AttemptClass;
namespace fs = std::filesystem;

namespace {

struct Writing {
    Engine engine;
    std::unique_ptr<destinations::Destination> destination;

    Writing(std::string const& dir, std::string const& name) {
        auto const kind = destinations::file_destination();
        config::Diagnostics diagnostics;
        auto const c = component("file", "dir: " + dir + "\nname: \"" + name + "\"\n", diagnostics);
        kind.check(c, diagnostics);
        REQUIRE(diagnostics.text() == "");
        destination = kind.make(c, {engine.runtime, 0, engine.destination, engine.log, "archive"});
    }
    Attempt deliver(std::string const& body, std::string const& batch = {}) {
        destinations::Outgoing outgoing;
        outgoing.body = body;
        outgoing.batch = batch;
        return engine.run(destination->deliver(outgoing));
    }
};

std::string joined(std::vector<std::string> const& parts) {
    std::string out;
    for (auto const& part : parts) out += (out.empty() ? "" : "/") + part;
    return out;
}

bool is_safe(std::string const& name) {
    if (name.empty() || name.size() > routes::longest_name || name[0] == '.') return false;
    for (char const c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == '/' || c == '\\' || c == 0x7f) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("names are made of what a message says, without letting it choose the folder") {
    struct Row {
        std::string filled;
        char const* name;
    };
    for (auto const& row : std::vector<Row>{
             {"a-1.hl7", "a-1.hl7"},
             {"ADT/1.hl7", "ADT/1.hl7"},
             {"", "_"},
             {".hl7", "_hl7"},
             {"..", "__"},
             {"../x", "__/x"},
             {"/etc/passwd", "_/etc/passwd"},
             {"a//b", "a/_/b"},
             {"a/", "a/_"},
             {std::string("a\0b", 3), "a_b"},
             {"a\r\nb\x1b", "a__b_"},
             {"C:\\x", "C__x"},
             {"1/2/3/4/5/6/7/8/9/10", "1/2/3/4/5/6/7/8_9_10"},
         }) {
        CHECK(joined(routes::name_components(row.filled)) == row.name);
    }
    CHECK(routes::clean_part("../../etc") == ".._.._etc");
    CHECK(routes::clean_part("") == "");
    CHECK(routes::clean_part(std::string(99, 'a') + "\xc3\xa9") == std::string(99, 'a'));
    CHECK(routes::numbered("a.hl7", 2) == "a~2.hl7");
    CHECK(routes::numbered("a", 12) == "a~12");
    auto const long_one = routes::name_components(std::string(300, 'a') + ".hl7").back();
    auto const other = routes::name_components(std::string(301, 'a') + ".hl7").back();
    CHECK(long_one.size() == routes::longest_name);
    CHECK(long_one.ends_with(".hl7"));
    CHECK(long_one != other);
}

TEST_CASE("a message becomes a file of the same bytes, under its name, in folders made for it") {
    TemporaryFolder root;
    Writing w(root.text() + "/out", "{MSH-9.1}/{MSH-10}.hl7");
    auto const attempt = w.deliver(message("1"));
    CHECK(attempt.result == AttemptClass::delivered);
    CHECK(attempt.text == "ADT/1.hl7");
    CHECK(read_file(root.path() / "out/ADT/1.hl7") == message("1"));
    CHECK(w.deliver(message("2")).result == AttemptClass::delivered);
    CHECK(files_in(root.path()) == std::vector<std::string>{"out/ADT/1.hl7", "out/ADT/2.hl7"});
}

TEST_CASE("a batch is one file, named after its first message") {
    TemporaryFolder root;
    Writing w(root.text(), "{MSH-10}.hl7");
    for (int i = 0; i < 2; ++i) {
        auto const attempt = w.deliver(message("1"), "BHS|^~\\&\r" + message("1") + message("2") + "BTS|2\r");
        CHECK(attempt.result == AttemptClass::delivered);
        CHECK(attempt.code == (i == 0 ? "written" : "was there"));
    }
    CHECK(files_in(root.path()) == std::vector<std::string>{"1.hl7"});
    CHECK(read_file(root.path() / "1.hl7").starts_with("BHS|"));
}

TEST_CASE("a redelivery changes nothing; another message under the same name gets a number") {
    TemporaryFolder root;
    Writing w(root.text(), "{MSH-9.1}.hl7");
    for (auto const* id : {"1", "1", "2", "2", "3", "1"})
        CHECK(w.deliver(message(id)).result == AttemptClass::delivered);
    CHECK(files_in(root.path()) == std::vector<std::string>{"ADT.hl7", "ADT~2.hl7", "ADT~3.hl7"});
    CHECK(read_file(root.path() / "ADT.hl7") == message("1"));
    CHECK(read_file(root.path() / "ADT~2.hl7") == message("2"));
    CHECK(read_file(root.path() / "ADT~3.hl7") == message("3"));
    fs::create_directory(root.path() / "x.hl7");
    auto const written = net::write_message(root.text(), {"x.hl7"}, "y", "o");
    REQUIRE(written.has_value());
    CHECK(written->name == "x~2.hl7");
}

TEST_CASE("500 hostile names: no file outside the folder") {
    TemporaryFolder root(true);
    fs::create_directory(root.path() / "in");
    fs::create_directory(root.path() / "outside");
    write_file(root.path() / "outside/victim", "untouched");
    fs::create_directory_symlink(root.path() / "outside", root.path() / "in/link");
    fs::create_symlink(root.path() / "outside/victim", root.path() / "in/link.hl7");
    fs::create_symlink(root.path() / "outside/new", root.path() / "in/dangling.hl7");
    std::vector<std::string> const pieces{"..",
                                          "../",
                                          "/",
                                          "//",
                                          "../../outside/victim",
                                          "/etc/cron.d/x",
                                          ".",
                                          "~",
                                          "link",
                                          "link/x",
                                          "\\..\\",
                                          "%2e%2e%2f",
                                          "..%00",
                                          "\xc0\xae\xc0\xae/",
                                          "a",
                                          "\xef\xbc\x8f",
                                          "CON",
                                          "dangling",
                                          "\x01",
                                          " ",
                                          "-rf",
                                          "$(id)",
                                          "\t",
                                          "\xe2\x80\xae",
                                          "link/../../outside",
                                          "....//",
                                          "...",
                                          "*",
                                          std::string(400, '.'),
                                          std::string(300, 'x')};
    std::mt19937 random(7);
    std::size_t written = 0;
    Writing w(root.text() + "/in", "{MSH-4}/{MSH-10}.hl7");
    Writing flat(root.text() + "/in", "{MSH-10}.hl7");
    for (int n = 0; n < 500; ++n) {
        std::string parts[2];
        for (auto& part : parts) {
            for (auto count = random() % 4; count > 0; --count) part += pieces[random() % pieces.size()];
        }
        // Raw, and once more with the NUL and line ends that escapes bring.
        auto const id = n % 5 == 0 ? "\\X00\\" + parts[1] + "\\X0D0A2F2E2E2F\\" : parts[1];
        std::string const body = "MSH|^~\\&|A|" + parts[0] + "|C|D|2026||ADT^A01|" + id + "|P|2.5\r";
        auto const attempt = (n % 2 ? w : flat).deliver(body);
        for (auto const& part : routes::name_components(routes::clean_part(parts[0]) + "/" + parts[1]))
            CHECK(is_safe(part));
        // A folder named as the link is refused, nothing else is.
        if (attempt.result == AttemptClass::delivered) {
            ++written;
        } else {
            CHECK(attempt.code == "link_refused");
        }
    }
    CHECK(written > 400);
    CHECK(read_file(root.path() / "outside/victim") == "untouched");
    for (auto const& name : files_in(root.path()))
        CHECK((name.starts_with("in/") || name == "outside/victim"));
    CHECK(fs::is_symlink(root.path() / "in/link.hl7"));
}

TEST_CASE("a folder swapped for a link while messages come is refused") {
    TemporaryFolder root;
    fs::create_directories(root.path() / "in");
    fs::create_directory(root.path() / "outside");
    std::atomic<bool> stop{false};
    std::thread swapper([&] {
        auto const place = root.path() / "in/ADT";
        std::error_code ignored;
        while (!stop) {
            fs::rename(place, root.path() / ("in/real" + std::to_string(std::rand())), ignored);
            fs::create_directory_symlink(root.path() / "outside", place, ignored);
            std::this_thread::yield();
            fs::remove(place, ignored);
            std::this_thread::yield();
        }
    });
    for (int n = 0; n < 60; ++n)
        (void)net::write_message(root.text() + "/in", {"ADT", std::to_string(n)}, "x", "o");
    stop = true;
    swapper.join();
    CHECK(fs::is_empty(root.path() / "outside"));
}

TEST_CASE("what our side can't do is a local failure with its reason") {
    TemporaryFolder root;
    struct Row {
        std::function<void()> prepare;
        std::string dir;
        char const* code;
    };
    write_file(root.path() / "file", "x");
    auto const sealed = root.path() / "sealed";
    for (auto const& row : std::vector<Row>{
             {[] {}, "no/such", "no_such_folder"},
             {[] {}, "file", "link_refused"},
             {[&] {
                  fs::create_directory(sealed);
                  fs::permissions(sealed, fs::perms::owner_read | fs::perms::owner_exec);
              },
              "sealed", "permission"},
         }) {
        row.prepare();
        if (std::string(row.code) == "permission" && ::geteuid() == 0) continue;  // root may
        auto const written = net::write_message((root.path() / row.dir).string(), {"x"}, "y", "o");
        REQUIRE_FALSE(written.has_value());
        CHECK(written.error().code == row.code);
    }
    auto const full = net::write_message("/dev/full", {"x"}, "y", "o");
    CHECK_FALSE(full.has_value());
    if (fs::exists(sealed)) fs::permissions(sealed, fs::perms::owner_all);
    TemporaryFolder out;
    Writing w(out.text() + "/a", "{MSH-10}");
    fs::remove_all(out.path());
    auto const attempt = w.deliver(message("1"));
    CHECK(attempt.result == AttemptClass::local);
    CHECK(attempt.code == "no_such_folder");
    fs::create_directory(out.path());
    CHECK(w.deliver(message("1")).result == AttemptClass::delivered);
}

TEST_CASE("what a crash left half-written is removed, what another one is writing is not") {
    TemporaryFolder root;
    fs::create_directory(root.path() / "ADT");
    for (auto const* name :
         {".hilum-archive-1-2", "ADT/.hilum-archive-1-3", ".hilum-other-1-2", ".hidden", "ADT/x.hl7"})
        write_file(root.path() / name, "half");
    write_file(root.path() / ".hilum-archive-busy", "half");
    net::Descriptor const busy(::open((root.text() + "/.hilum-archive-busy").c_str(), O_WRONLY));
    REQUIRE(::flock(busy.get(), LOCK_EX) == 0);
    Writing w(root.text(), "{MSH-9.1}/{MSH-10}.hl7");
    CHECK(w.deliver(message("1")).result == AttemptClass::delivered);
    CHECK(files_in(root.path()) == std::vector<std::string>{".hidden", ".hilum-archive-busy",
                                                            ".hilum-other-1-2", "ADT/1.hl7", "ADT/x.hl7"});
}

TEST_CASE("file destination options are checked") {
    TemporaryFolder root;
    auto const kind = destinations::file_destination();
    auto const with = [&](std::string const& name) {
        return "dir: " + root.text() + "\nname: '" + name + "'\n";
    };
    CHECK(findings(kind, with("{MSH-9.1}/{MSH-7}-{MSH-10}.hl7")) == "");
    for (auto const& bad : std::vector<std::string>{
             "name: x\n", "dir: /tmp\n", with(""), with("/{MSH-10}"), with("../{MSH-10}"),
             with("a/../{MSH-10}"), with(".{MSH-10}"), with("a//{MSH-10}"), with("{MSH-10}/"),
             with("{MSH-10"), with("{nonsense(}"), with("a/b/c/d/e/f/g/h/{MSH-10}"),
             with("x") + "mode: append\n", "dir: ''\nname: x\n"}) {
        CAPTURE(bad);
        CHECK(findings(kind, bad).find("error: ") != std::string::npos);
    }
    CHECK(findings(kind, "dir: " + root.text() + "/no/such\nname: x\n").find("warning: ") !=
          std::string::npos);
}
