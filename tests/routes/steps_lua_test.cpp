// What a script can do, and what it can't.
#include "routes/steps/lua_machine.h"
#include "tests/routes/steps_support.h"

using namespace hilum;
using namespace hilum::steps_test;

namespace {

std::string quoted(std::string_view script) {
    std::string text = "\"";
    for (char const c : script) {
        if (c == '"' || c == '\\') text += '\\';
        text += c == '\n' ? "\\n" : std::string(1, c);
    }
    return text + "\"";
}

std::string lua(std::string_view script) {
    return run("lua: { tables: wards, script: " + quoted(script) + " }");
}

}  // namespace

TEST_CASE("lua: what a script does to the message") {
    constexpr Row rows[] = {
        {"msg['NK1-2'] = 'X'", "NK1|1|X"},
        {"msg['NK1-2'] = msg['PID-5.1']:lower() .. '&'", "NK1|1|doe\\T\\"},
        {"msg:set('NK1-2', msg:get('PID-5.2'))", "NK1|1|JANE"},
        {"msg['NK1-2'] = nil", "NK1|1|"},
        {"msg:delete('NK1[*]')", "-2 segments"},
        {"for i = 1, msg:count('OBX') do msg['OBX[' .. i .. ']-4'] = i end",
         "OBX|1|ST|A|1|x\nOBX|2|ST|B|2|y\nOBX|3|ST||3|z"},
        {"msg['NK1-3'] = msg:count('PID-3')", "NK1|1|A|2"},
        {"msg['NK1-3'] = tostring(msg['ZZZ-1']) .. msg['PID-4'] .. msg['PID-14']", "NK1|1|A|nil\"\""},
        {"msg['PV1-3.1'] = lookup('wards', msg['PV1-3.1'])", "PV1|1|I|IC^101"},
        {"msg['NK1-3'] = tostring(lookup('wards', 'none'))", "NK1|1|A|nil"},
        {"msg['NK1-3'] = ('a1b2'):gsub('%d', '')", "NK1|1|A|ab"},
        {"msg['NK1-3'] = table.concat({ 'a', 'b' }, math.floor(2.5))", "NK1|1|A|a2b"},
        {"msg['NK1-3'] = utf8.len('äö')", "NK1|1|A|2"},
        {"log('seen')", ""},
        {"return 'stop', 'not ours'", "stop: not ours"},
        {"return 'hold', 'by hand'", "hold: by hand"},
        {"return 'reject'", "reject: "},
        {"return 'x'", "hold: the script returned a word that is none of stop, hold, reject"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.yaml);
        CHECK(lua(row.yaml) == row.result);
    }
    CHECK(run("lua: \"msg['NK1-2'] = 'X'\"") == "NK1|1|X");
}

TEST_CASE("lua: what goes wrong holds the message, with the line and without what is in the message") {
    constexpr Row rows[] = {
        {"\nwhile true do end", "hold: line 2: it takes more than 1000000 instructions"},
        {"local t = {}\nfor i = 1, 1e9 do\nt[i] = i end",
         "hold: line 3: it needs more memory than its limit"},
        {"local s = 'x'\nwhile true do\ns = s .. s end", "hold: line 3: it needs more memory than its limit"},
        {"\n\nlocal s = ('x'):rep(1e7 - 1)", "hold: line 3: it needs more memory than its limit"},
        {"local s = (''):rep(1e18)", "hold: line 1: it repeats texts too often"},
        {"error(msg['PID-5.1'])", "hold: line 1: it called error()"},
        {"error({})", "hold: line 1: it called error()"},
        {"assert(false, msg['PID-5.1'])", "hold: line 1: it called error()"},
        {"local x = nothing.at.all", "hold: line 1: attempt to index a nil value (global 'nothing')"},
        {"local x = msg['PID-99'] .. 'x'",
         "hold: line 1: attempt to concatenate a nil value (field 'PID-99')"},
        {"msg['PID'] = 'x'", "hold: line 1: a path of the script names no field"},
        {"msg[msg['PID-5.1']] = 'x'", "hold: line 1: a path of the script names no field"},
        {"msg['MSH-1'] = 'x'",
         "hold: line 1: MSH-1: MSH-1 and MSH-2 declare the delimiters of the whole message"},
        {"msg:delete('MSH')", "hold: line 1: a path of the script can't be deleted"},
        {"lookup('other', 'x')", "hold: line 1: lookup of a table that is not in \"tables\" of the step"},
        {"string.upper = nil", "hold: line 1: attempt to change what all scripts share"},
        {"local s = ('a'):rep(100000)\nreturn s:find('.-.-.-.-b')",
         "hold: line 2: its patterns could take too long on so long a text; use the replace step"},
        {"local function f() return f() + 1 end f()", "hold: line 1: "},
        {"table.sort({ 3, 1, 2 }, function() while true do end end)",
         "hold: line 1: it takes more than 1000000 instructions"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.yaml);
        CHECK(lua(row.yaml).starts_with(row.result));
    }
}

TEST_CASE("lua: what takes long without many instructions has a limit of time") {
    auto const script = std::make_shared<routes::LuaScript>(
        routes::LuaScript{"\nwhile true do local s = ('x'):rep(100000):upper() end", {}, {}});
    script->limits.instructions = 1'000'000'000;
    script->limits.time = std::chrono::milliseconds(20);
    auto const machine = routes::LuaMachine::make(script);
    REQUIRE(machine.has_value());
    auto message = hl7::Message::view(sample);
    auto const returned = (*machine)->run(*message, nullptr);
    REQUIRE_FALSE(returned.has_value());
    CHECK(returned.error().what == "it takes longer than 20 ms");
    CHECK(returned.error().place == "2");
}

TEST_CASE("lua: nothing leads out of the sandbox") {
    for (char const* name :
         {"io",         "os",       "debug",          "package",      "require",      "load",
          "loadstring", "dofile",   "loadfile",       "getmetatable", "setmetatable", "rawget",
          "rawset",     "rawequal", "collectgarbage", "pcall",        "xpcall",       "coroutine",
          "print",      "_G",       "string.dump",    "table.move",   "math.random",  "warn"}) {
        CAPTURE(name);
        CHECK(lua("msg['NK1-2'] = type(" + std::string(name) + ")") == "NK1|1|nil");
    }
}

TEST_CASE("lua: a message sees nothing that another one left") {
    auto const script = std::make_shared<routes::LuaScript>(
        routes::LuaScript{"seen = (seen or 0) + 1\n_ENV.other = 1\nmsg['NK1-2'] = seen", {}, {}});
    auto machine = routes::LuaMachine::make(script);
    REQUIRE(machine.has_value());
    for (int i = 0; i < 3; ++i) {
        auto message = hl7::Message::view(sample);
        REQUIRE((*machine)->run(*message, nullptr).has_value());
        CHECK(message->text("NK1-2") == "1");
    }
}

TEST_CASE("lua: a script that failed does not spoil the next message") {
    config::Diagnostics diagnostics;
    std::string kind;
    auto const step = compile("lua: \"if msg['NK1-2'] == 'A' then while true do end end msg['NK1-2'] = 'C'\"",
                              diagnostics, kind);
    REQUIRE(step);
    for (int i = 0; i < 3; ++i) {
        routes::Workpiece bad, good;
        for (auto* piece : {&bad, &good})
            REQUIRE(piece->read(routes::Content::hl7, sample, {}, hl7::Dictionary::standard()).has_value());
        routes::Work bad_work{bad, 0};
        CHECK(step->run(bad_work).next == StepResult::Next::hold);
        CHECK(good.message().set(*hl7::Path::parse("NK1-2"), "B").has_value());
        routes::Work good_work{good, 0};
        CHECK(step->run(good_work).next == StepResult::Next::go_on);
        CHECK(good.message().text("NK1-2") == "C");
    }
}

TEST_CASE("lua: notes are cut") {
    auto const script = std::make_shared<routes::LuaScript>(
        routes::LuaScript{"for i = 1, 100 do log(('x'):rep(1000)) end", {}, {}});
    auto machine = routes::LuaMachine::make(script);
    REQUIRE(machine.has_value());
    auto message = hl7::Message::view(sample);
    std::vector<std::string> notes;
    REQUIRE((*machine)->run(*message, &notes).has_value());
    CHECK(notes.size() == 20);
    CHECK(notes[0].size() == 205);
}

TEST_CASE("lua: what check finds") {
    constexpr Wrong wrong[] = {
        {"lua: \"x = = 1\"", "s.yaml:1:7: error: unexpected symbol near '='; mend the script"},
        {"lua: |\n  local x = 1\n  x = = 1\n", "s.yaml:3:1: error: unexpected symbol near '='"},
        {"lua: { script: x = 1, file: a.lua }", "lua takes either a script or a file"},
        {"lua", "lua takes either a script or a file"},
        {"lua: { file: none.lua }", "the script \"none.lua\" can't be read"},
        {"lua: { script: 'x = 1', tables: wads }", "no table is called \"wads\"; did you mean \"wards\"?"},
        {"lua: { script: 'x = 1', memory: 1KiB }", "too little memory"},
        {"lua: \"\\eLua\"", "error"},
    };
    check_wrong(wrong);
}
