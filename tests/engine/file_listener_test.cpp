#include <random>

#include "engine/listeners/folder.h"
#include "engine/listeners/listener.h"
#include "parsers/hl7/batch.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::test;
namespace fs = std::filesystem;
using Names = std::vector<std::string>;

namespace {

// A folder with an engine that can be stopped and started over it.
struct Watched {
    TemporaryFolder root;
    Engine engine;
    FakeIntake intake;
    std::unique_ptr<listeners::Listener> listener;
    std::string options;

    explicit Watched(std::string more = "")
        : options("dir: " + root.text() + "\npoll: 20ms\nsettle: 50ms\n" + std::move(more)) {}
    ~Watched() { stop(); }
    void start() {
        auto const kind = listeners::file_listener();
        config::Diagnostics diagnostics;
        auto const c = component("file", options, diagnostics);
        kind.check(c, diagnostics);
        REQUIRE(diagnostics.text() == "");
        listener = kind.make(c, {engine.runtime, intake, engine.listener, engine.log});
        REQUIRE(listener->start().has_value());
    }
    void stop() {
        if (listener) engine.run(listener->stop());
        listener.reset();
    }
    fs::path operator/(std::string const& name) const { return root.path() / name; }
    void put(std::string const& name, std::string const& bytes) {  // as a good sender does
        write_file(*this / ("." + name), bytes);
        fs::rename(*this / ("." + name), *this / name);
    }
    bool files_become(Names const& names) {
        return eventually([&] { return files_in(root.path()) == names; });
    }
};

flow::Answer refused(std::string const& id) {
    return {hl7::AckCode::AE, ack("AE", id, "101"), 1, true};
}
flow::Answer accepted(std::string const& id) {
    return {hl7::AckCode::AA, ack("AA", id), 1, true};
}
flow::Answer not_now(std::string const& id) {
    return {hl7::AckCode::AR, ack("AR", id, "207"), 0, false};
}

std::string many(int from, int to) {
    std::string out;
    for (int n = from; n <= to; ++n) out += message(std::to_string(n));
    return out;
}

Names numbers(int from, int to) {
    Names out;
    for (int n = from; n <= to; ++n) out.push_back(std::to_string(n));
    return out;
}

}  // namespace

TEST_CASE(
    "files of one message, several and a batch are taken in the order of their names and moved to done") {
    Watched w;
    w.put("b.hl7", many(2, 3));
    w.put("a.hl7", message("1"));
    w.put("c.txt", "FHS|^~\\&|\rBHS|^~\\&|\r" + many(4, 5) + "BTS|2\rFTS|1\r");
    w.put("d.hl7", "FHS|^~\\&|\rFTS|0\r");  // a batch without messages is in order
    for (auto const* name : {"x.tmp", "y.part", "z.csv"}) w.put(name, message("no"));
    write_file(w / ".hidden.hl7", message("no"));
    fs::create_directory(w / "folder.hl7");
    fs::create_symlink(w / "z.csv", w / "link.hl7");
    w.start();
    CHECK(w.files_become(
        {".hidden.hl7", "done/a.hl7", "done/b.hl7", "done/c.txt", "done/d.hl7", "x.tmp", "y.part", "z.csv"}));
    CHECK(w.intake.ids() == numbers(1, 5));
    CHECK(w.intake.sources() ==
          Names{"file:a.hl7#1", "file:b.hl7#1", "file:b.hl7#2", "file:c.txt#1", "file:c.txt#2"});
    CHECK(w.intake.seen()[0] == message("1"));
    CHECK(fs::is_symlink(w / "link.hl7"));
    CHECK(w.listener->where() == "file " + w.root.text());
    // The name again: the first file is kept.
    w.put("a.hl7", message("6"));
    CHECK(eventually([&] { return !fs::exists(w / "a.hl7") && fs::is_empty(w / ".processing"); }));
    CHECK(read_file(w / "done/a.hl7") == message("1"));
    CHECK(w.intake.ids().back() == "6");
    CHECK(files_in(w / "done").size() == 5);
}

TEST_CASE("a file that is being written is not read before it is whole") {
    Watched w;
    w.options = "dir: " + w.root.text() + "\npoll: 10ms\nsettle: 150ms\n";
    w.start();
    auto const whole = many(1, 8);
    std::ofstream out(w / "slow.hl7", std::ios::binary);
    for (std::size_t at = 0; at < whole.size(); at += whole.size() / 8 + 1) {
        out << whole.substr(at, whole.size() / 8 + 1) << std::flush;
        std::this_thread::sleep_for(40ms);
        CHECK(w.intake.seen().empty());
    }
    out.close();
    CHECK(w.files_become({"done/slow.hl7"}));
    CHECK(w.intake.ids() == numbers(1, 8));
}

TEST_CASE(
    "a file with refused messages goes to failed with the numbers and codes, and nothing of a patient") {
    Watched w("max_file: 10KiB\n");
    w.intake.answer = [](std::string_view bytes) {
        auto const id = control_id(bytes);
        return id == "2" || id == "4" ? refused(id) : accepted(id);
    };
    w.put("mixed.hl7", many(1, 5));
    w.put("empty.hl7", "");
    w.put("junk.hl7", "SMITH^JOHN");
    w.put("tail.hl7", "stray text\r" + message("7"));
    w.put("big.hl7", std::string(20'000, 'x'));
    w.start();
    CHECK(w.files_become({"failed/big.hl7", "failed/big.hl7.errors.txt", "failed/empty.hl7",
                          "failed/empty.hl7.errors.txt", "failed/junk.hl7", "failed/junk.hl7.errors.txt",
                          "failed/mixed.hl7", "failed/mixed.hl7.errors.txt", "failed/tail.hl7",
                          "failed/tail.hl7.errors.txt"}));
    CHECK(read_file(w / "failed/mixed.hl7.errors.txt") == "message 2: AE/101\nmessage 4: AE/101\n");
    CHECK(read_file(w / "failed/empty.hl7.errors.txt") == "the file holds no HL7 message\n");
    CHECK(read_file(w / "failed/junk.hl7.errors.txt") == "the file holds no HL7 message\n");
    CHECK(read_file(w / "failed/big.hl7.errors.txt") == "the file is larger than max_file\n");
    CHECK(read_file(w / "failed/tail.hl7.errors.txt") ==
          "the file holds text that belongs to no message; that text was not taken\n");
    CHECK(w.intake.ids() == Names{"1", "2", "3", "4", "5", "7"});
}

TEST_CASE("when nothing can be stored, the same message is tried again and nothing fails") {
    Watched w;
    std::atomic<int> refusals{2};
    w.intake.answer = [&](std::string_view bytes) {
        return refusals-- > 0 ? not_now(control_id(bytes)) : accepted(control_id(bytes));
    };
    w.put("a.hl7", many(1, 2));
    w.start();
    CHECK(w.files_become({"done/a.hl7"}));
    CHECK(w.intake.ids() == Names{"1", "1", "1", "2"});
}

TEST_CASE("a stop in the middle of a file loses and repeats nothing") {
    Watched w;
    std::promise<void> third;
    w.intake.answer = [&](std::string_view bytes) {
        if (control_id(bytes) == "3") third.set_value();
        return accepted(control_id(bytes));
    };
    w.put("a.hl7", many(1, 100));
    w.start();
    third.get_future().wait();
    w.stop();
    auto const before = w.intake.ids().size();
    CHECK(before < 100);
    CHECK(fs::exists(w / ".processing/a.hl7"));
    w.intake.answer = [](std::string_view bytes) { return accepted(control_id(bytes)); };
    w.put("0.hl7", message("later"));  // what was begun comes first
    w.start();
    CHECK(w.files_become({"done/0.hl7", "done/a.hl7"}));
    auto expected = numbers(1, 100);
    expected.push_back("later");
    CHECK(w.intake.ids() == expected);
}

TEST_CASE("a crash at any point: what was accepted is at most once repeated, refusals are remembered") {
    listeners::FolderOptions options{"", {"*.hl7"}, "done", "failed", 1 << 20, 0ms};
    for (int crash_after = 0; crash_after <= 5; ++crash_after) {
        CAPTURE(crash_after);
        Watched w;
        options.dir = w.root.text();
        w.put("a.hl7", many(1, 5));
        {  // As the listener does, until it crashes: nothing is finished and nothing more is noted.
            auto folder = listeners::Folder::open(options);
            REQUIRE(folder.has_value());
            REQUIRE((*folder)->lock().has_value());
            REQUIRE((*folder)->ready(std::chrono::steady_clock::now())->size() == 1);
            auto file = (*folder)->claim("a.hl7");
            REQUIRE(file.has_value());
            REQUIRE_FALSE((*file)->next()->empty());
            for (int n = 1; n <= crash_after; ++n) {
                if (n > 1) REQUIRE((*file)->note_settled(static_cast<std::uint64_t>(n) - 1).has_value());
                if (n == 2) REQUIRE((*file)->note_error("message 2: AE/101").has_value());
            }
        }
        w.start();
        bool const fails = crash_after >= 2;
        CHECK(w.files_become(fails ? Names{"failed/a.hl7", "failed/a.hl7.errors.txt"} : Names{"done/a.hl7"}));
        CHECK(w.intake.ids() == numbers(std::max(crash_after, 1), 5));
    }
}

TEST_CASE(
    "the progress of another file of the same name is not believed; what belongs to no file is put away") {
    Watched w;
    fs::create_directories(w / ".processing");
    write_file(w / ".processing/a.hl7", many(1, 3));
    write_file(w / ".processing/.a.hl7.progress", "1 2 3 00000000000000000002\n");
    write_file(w / ".processing/.gone.hl7.progress", "1 2 3 00000000000000000002\n");
    write_file(w / ".processing/.gone.hl7.errors", "message 1: AR\n");
    w.start();
    CHECK(w.files_become({"done/a.hl7", "failed/gone.hl7.errors.txt"}));
    CHECK(w.intake.ids() == numbers(1, 3));
}

TEST_CASE("two engines over one folder: one works, the other takes over when it stops") {
    Watched w;
    Engine other_engine;
    FakeIntake other_intake;
    w.start();
    w.put("a.hl7", message("1"));
    REQUIRE(w.files_become({"done/a.hl7"}));
    config::Diagnostics diagnostics;
    auto const c = component("file", w.options, diagnostics);
    auto const other = listeners::file_listener().make(
        c, {other_engine.runtime, other_intake, other_engine.listener, other_engine.log});
    REQUIRE(other->start().has_value());
    w.put("b.hl7", message("2"));
    REQUIRE(w.files_become({"done/a.hl7", "done/b.hl7"}));
    w.stop();
    w.put("c.hl7", message("3"));
    CHECK(w.files_become({"done/a.hl7", "done/b.hl7", "done/c.hl7"}));
    CHECK(w.intake.ids() == Names{"1", "2"});
    CHECK(other_intake.ids() == Names{"3"});
    other_engine.run(other->stop());
}

TEST_CASE("links and folders put in the way are not followed") {
    Watched w;
    TemporaryFolder outside;
    write_file(outside.path() / "secret", message("secret"));
    fs::create_directories(w / ".processing");
    fs::create_symlink(outside.path() / "secret", w / ".processing/a.hl7");
    w.start();
    CHECK(w.files_become({"failed/a.hl7.errors.txt"}));
    CHECK(fs::is_symlink(w / "failed/a.hl7"));
    CHECK(w.intake.seen().empty());
    w.stop();
    fs::remove_all(w / "done");
    fs::create_directory_symlink(outside.path(), w / "done");
    auto const kind = listeners::file_listener();
    config::Diagnostics diagnostics;
    auto const refused_listener = kind.make(component("file", w.options, diagnostics),
                                            {w.engine.runtime, w.intake, w.engine.listener, w.engine.log});
    CHECK_FALSE(refused_listener->start().has_value());
}

TEST_CASE("reading in pieces cuts a file as reading it whole does") {
    std::vector<std::string> const lines{"MSH|^~\\&|a\r",
                                         "PID|1\r",
                                         "\rMSH|x\n",
                                         "FHS|\r",
                                         "BHS|\n",
                                         "BTS|1\r",
                                         "FTS|1\r\n",
                                         "stray\r",
                                         "\x0bMSH|y\r",
                                         "\x1c\r",
                                         "MSHX\r",
                                         "OBX|MSH|\r",
                                         "\r\n",
                                         "M",
                                         "MS",
                                         "MSH",
                                         "\xef\xbb\xbf",
                                         "NTE|\x0bMSH|z\r",
                                         std::string(300, 'l') + "\r"};
    std::mt19937 random(11);
    TemporaryFolder root(true);
    for (int round = 0; round < 150; ++round) {
        std::string text;
        for (auto count = random() % 30; count > 0; --count) text += lines[random() % lines.size()];
        write_file(root.path() / "f", text);
        auto const whole = hl7::split_messages(text);
        for (std::size_t const piece : {1u, 2u, 3u, 7u, 64u, 100'000u}) {
            struct stat about {};
            auto const folder = net::open_folder(root.text());
            auto const file = net::open_file_in(folder->get(), "f", about);
            listeners::MessageReader reader(file->get(), piece);
            Names messages;
            for (auto next = reader.next(); next.has_value() && !next->empty(); next = reader.next())
                messages.insert(messages.end(), next->begin(), next->end());
            CAPTURE(text);
            CAPTURE(piece);
            CHECK(messages == Names(whole.messages.begin(), whole.messages.end()));
            CHECK(reader.leftover() == whole.leftover);
            CHECK(reader.batch() == whole.batch);
        }
    }
}

TEST_CASE("file listener options are checked") {
    TemporaryFolder root;
    auto const kind = listeners::file_listener();
    auto const dir = "dir: " + root.text() + "\n";
    CHECK(findings(kind, dir) == "");
    CHECK(findings(kind, "dir: " + root.text() + "/new\npattern: ['*.hl7', 'ADT*']\n") == "");
    for (auto const& bad :
         Names{"pattern: x\n", "dir: ''\n", "dir: " + root.text() + "/no/such\n", dir + "done: ../x\n",
               dir + "done: .x\n", dir + "done: failed\n", dir + "pattern: []\n", dir + "poll: 0s\n",
               dir + "max_file: 0\n", dir + "poll: 1\n", dir + "recursive: true\n"}) {
        CAPTURE(bad);
        CHECK(findings(kind, bad).find("error: ") != std::string::npos);
    }
    write_file(root.path() / "plain", "");
    CHECK(findings(kind, "dir: " + root.text() + "/plain\n").find("not a folder") != std::string::npos);
}
