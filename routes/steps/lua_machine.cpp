// Errors of Lua are longjmps. So a function that Lua calls holds nothing with a destructor: what needs one is
// done by a method of Host, which neither throws nor calls Lua, and leaves its answer in Host.
#include "routes/steps/lua_machine.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}

namespace hilum::routes {

namespace {

constexpr int hook_every = 1000;          // instructions
constexpr double pattern_work_max = 1e9;  // steps that matching patterns may take at the worst, per message
constexpr std::size_t note_max = 200;     // bytes
constexpr std::size_t notes_max = 20;

}  // namespace

struct LuaMachine::Host {
    LuaScript const* script = nullptr;
    lua_State* lua = nullptr;
    hl7::Message* message = nullptr;
    std::vector<std::string>* notes = nullptr;
    std::uint64_t instructions = 0;
    std::chrono::steady_clock::time_point end{};
    bool late = false;
    double pattern_work = 0;
    std::size_t memory = 0;
    int line = 0;         // of the error
    int memory_line = 0;  // where there was not enough of it, for which Lua calls no handler
    std::string reason;   // of it, when it is one of ours: no message content
    std::string answer;   // of the last method
    std::string scratch;

    enum class Got : unsigned char { nothing, text, error };

    bool parse(std::string_view text, hl7::Path& path) noexcept {
        auto const parsed = hl7::Path::parse(text);
        if (parsed && parsed->field != 0) {
            path = *parsed;
            return true;
        }
        reason = "a path of the script names no field";
        return false;
    }

    Got get(std::string_view text) noexcept {
        hl7::Path path;
        if (!parse(text, path)) return Got::error;
        auto const value = message->get(path);
        if (value.presence == hl7::Presence::absent) return Got::nothing;
        answer = value.presence == hl7::Presence::null ? "\"\"" : message->decode(value.raw, scratch);
        return Got::text;
    }

    bool set(std::string_view text, std::string_view value) noexcept {
        hl7::Path path;
        if (!parse(text, path)) return false;
        auto const done = message->set(path, value);
        if (!done) reason = path.text() + ": " + done.error().what;
        return done.has_value();
    }

    bool erase(std::string_view text) noexcept {
        auto const path = hl7::Path::parse(text);
        if (!path || hl7::Message::fixed(*path) || (path->field == 0 && path->segment_name() == "MSH")) {
            reason = "a path of the script can't be deleted";
            return false;
        }
        message->erase(*path);
        return true;
    }

    // -1: no path.
    std::ptrdiff_t count(std::string_view text) noexcept {
        auto const path = hl7::Path::parse(text);
        if (!path) {
            reason = "a path of the script is none";
            return -1;
        }
        if (path->field == 0) return static_cast<std::ptrdiff_t>(message->count(path->segment_name()));
        return static_cast<std::ptrdiff_t>(message->repetitions(*path));
    }

    Got lookup(std::string_view table, std::string_view key) noexcept {
        auto const found = script->tables.find(table);
        if (found == script->tables.end()) {
            reason = "lookup of a table that is not in \"tables\" of the step";
            return Got::error;
        }
        auto const value = found->second->find(key);
        if (!value) return Got::nothing;
        answer = *value;
        return Got::text;
    }

    void log(std::string_view text) noexcept {
        if (notes && notes->size() < notes_max)
            notes->push_back("lua: " + std::string(text.substr(0, note_max)));
    }

    // Lua's patterns backtrack, and nothing can stop them on the way: so what they may cost at the worst is
    // paid before. Each quantifier is a factor of the text's length, and so is the search for a beginning.
    bool pay_for_pattern(std::string_view text, std::string_view pattern) noexcept {
        auto factors = pattern.starts_with('^') ? 0 : 1;
        for (char const c : pattern)
            factors += static_cast<int>(std::string_view("*+-?").find(c) != std::string_view::npos);
        pattern_work += std::pow(static_cast<double>(text.size() + 1), factors) +
                        static_cast<double>(text.size() + pattern.size());
        if (pattern_work <= pattern_work_max) return true;
        reason = "its patterns could take too long on so long a text; use the replace step";
        return false;
    }

    // A loop of the library that counts as one instruction.
    bool pay_for_rounds(double rounds) noexcept {
        pattern_work += rounds;
        if (pattern_work <= pattern_work_max) return true;
        reason = "it repeats texts too often";
        return false;
    }

    int current_line() const noexcept {
        lua_Debug frame;
        for (int level = 0; lua != nullptr && lua_getstack(lua, level, &frame) != 0; ++level) {
            lua_getinfo(lua, "l", &frame);
            if (frame.currentline > 0) return frame.currentline;
        }
        return 0;
    }
};

namespace {

using Host = LuaMachine::Host;

void* allocate(void* data, void* block, std::size_t old_size, std::size_t size) {
    auto& host = *static_cast<Host*>(data);
    if (block == nullptr) old_size = 0;  // it tells the type then
    if (size == 0) {
        std::free(block);
        host.memory -= old_size;
        return nullptr;
    }
    if (size > old_size && host.memory + (size - old_size) > host.script->limits.memory) {
        host.memory_line = host.current_line();
        return nullptr;
    }
    void* const moved = std::realloc(block, size);
    if (moved != nullptr) host.memory = host.memory - old_size + size;
    return moved;
}

Host& host_of(lua_State* lua) {
    void* data = nullptr;
    lua_getallocf(lua, &data);
    return *static_cast<Host*>(data);
}

// A view of an argument, which stays on the stack; a longjmp when it is no text.
std::string_view text_at(lua_State* lua, int index) {
    std::size_t size = 0;
    char const* const text = luaL_checklstring(lua, index, &size);
    return {text, size};
}

int fail(lua_State* lua) {
    return luaL_error(lua, "refused");  // Host::reason says why
}

int push(lua_State* lua, Host::Got got) {
    if (got == Host::Got::error) return fail(lua);
    auto const& answer = host_of(lua).answer;
    if (got == Host::Got::nothing) {
        lua_pushnil(lua);
    } else {
        lua_pushlstring(lua, answer.data(), answer.size());
    }
    return 1;
}

int msg_get(lua_State* lua) {
    return push(lua, host_of(lua).get(text_at(lua, 2)));
}
int msg_delete(lua_State* lua) {
    return host_of(lua).erase(text_at(lua, 2)) ? 0 : fail(lua);
}
int msg_set(lua_State* lua) {
    if (lua_isnil(lua, 3)) return msg_delete(lua);
    auto const path = text_at(lua, 2);
    return host_of(lua).set(path, text_at(lua, 3)) ? 0 : fail(lua);
}
int msg_count(lua_State* lua) {
    auto const count = host_of(lua).count(text_at(lua, 2));
    if (count < 0) return fail(lua);
    lua_pushinteger(lua, count);
    return 1;
}
// msg["PID-5.1"], and the methods, which are in the first upvalue.
int msg_index(lua_State* lua) {
    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    return msg_get(lua);
}
int lookup(lua_State* lua) {
    auto const table = text_at(lua, 1);
    return push(lua, host_of(lua).lookup(table, text_at(lua, 2)));
}
int log_note(lua_State* lua) {
    host_of(lua).log(text_at(lua, 1));
    return 0;
}
int refuse_write(lua_State* lua) {
    return luaL_error(lua, "attempt to change what all scripts share");
}

// The function in the first upvalue, with the same arguments.
int call_original(lua_State* lua) {
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
    return lua_gettop(lua);
}
int with_pattern(lua_State* lua) {
    auto const text = text_at(lua, 1);
    if (!host_of(lua).pay_for_pattern(text, text_at(lua, 2))) return fail(lua);
    return call_original(lua);
}
// It loops as often as it is told, also over nothing.
int repeat(lua_State* lua) {
    auto const rounds = static_cast<double>(luaL_checkinteger(lua, 2));
    if (rounds > 0 && !host_of(lua).pay_for_rounds(rounds)) return fail(lua);
    return call_original(lua);
}

void count_instructions(lua_State* lua, lua_Debug*) {
    auto& host = host_of(lua);
    host.instructions += hook_every;
    host.late = std::chrono::steady_clock::now() > host.end;
    if (host.late || host.instructions > host.script->limits.instructions) luaL_error(lua, "limit");
}

int note_error(lua_State* lua) {
    host_of(lua).line = host_of(lua).current_line();
    return 1;
}

// Replaces the table on the stack by one that shows it and can't be written to.
void protect(lua_State* lua) {
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_write);
    lua_setfield(lua, -2, "__newindex");
    lua_setmetatable(lua, -2);
    lua_remove(lua, -2);
}

void remove(lua_State* lua, std::initializer_list<char const*> names) {
    for (char const* name : names) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, name);
    }
}

void wrap(lua_State* lua, lua_CFunction by, std::initializer_list<char const*> names) {
    for (char const* name : names) {
        lua_getfield(lua, -1, name);
        lua_pushcclosure(lua, by, 1);
        lua_setfield(lua, -2, name);
    }
}

// Builds the globals of all scripts, and leaves the compiled script as the first value on the stack, the
// metatable of its globals as the second.
int prepare(lua_State* lua) {
    auto const& script = *host_of(lua).script;
    if (luaL_loadbufferx(lua, script.text.data(), script.text.size(), "=script", "t") != LUA_OK)
        return lua_error(lua);
    lua_newtable(lua);  // the metatable
    lua_newtable(lua);  // what it shows
    luaL_requiref(lua, LUA_GNAME, luaopen_base, 0);
    for (char const* name :
         {"assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "tostring", "type"}) {
        lua_getfield(lua, -1, name);
        lua_setfield(lua, -3, name);
    }
    lua_pop(lua, 1);
    luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 0);
    remove(lua, {"dump", "pack", "packsize", "unpack"});
    wrap(lua, with_pattern, {"find", "match", "gmatch", "gsub"});
    wrap(lua, repeat, {"rep"});
    protect(lua);
    lua_setfield(lua, -2, "string");
    luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 0);
    remove(lua, {"move"});  // loops as often as it is told
    protect(lua);
    lua_setfield(lua, -2, "table");
    luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 0);
    remove(lua, {"random", "randomseed"});
    protect(lua);
    lua_setfield(lua, -2, "math");
    luaL_requiref(lua, LUA_UTF8LIBNAME, luaopen_utf8, 0);
    protect(lua);
    lua_setfield(lua, -2, "utf8");

    lua_newtable(lua);  // msg
    lua_newtable(lua);  // its metatable
    luaL_Reg const methods[] = {
        {"get", msg_get}, {"set", msg_set}, {"delete", msg_delete}, {"count", msg_count}, {nullptr, nullptr}};
    lua_newtable(lua);
    luaL_setfuncs(lua, methods, 0);
    lua_pushcclosure(lua, msg_index, 1);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, msg_set);
    lua_setfield(lua, -2, "__newindex");
    lua_setmetatable(lua, -2);
    lua_setfield(lua, -2, "msg");
    lua_pushcfunction(lua, lookup);
    lua_setfield(lua, -2, "lookup");
    lua_pushcfunction(lua, log_note);
    lua_setfield(lua, -2, "log");
    lua_setfield(lua, -2, "__index");
    return 2;
}

// Runs the script, the first argument, with new globals.
int run_script(lua_State* lua) {
    lua_newtable(lua);
    lua_pushvalue(lua, 2);
    lua_setmetatable(lua, -2);
    lua_setupvalue(lua, 1, 1);  // its only one: _ENV
    lua_settop(lua, 1);
    lua_call(lua, 0, 2);
    return 2;
}

// The line and the text of "script:3: text".
std::pair<std::string, std::string> split_place(std::string_view text) {
    std::string_view const prefix = "script:";
    if (!text.starts_with(prefix)) return {"1", std::string(text)};
    text.remove_prefix(prefix.size());
    auto const end = std::min(text.find(':'), text.size());
    return {std::string(text.substr(0, end)), std::string(text.substr(std::min(end + 2, text.size())))};
}

// What may be said of an error: Lua's own words where they are made of the script alone.
std::string safe(int status, std::string_view text, Host const& host) {
    if (status == LUA_ERRMEM) return "it needs more memory than its limit";
    if (host.instructions > host.script->limits.instructions)
        return "it takes more than " + std::to_string(host.script->limits.instructions) + " instructions";
    if (host.late) return "it takes longer than " + std::to_string(host.script->limits.time.count()) + " ms";
    if (!host.reason.empty()) return host.reason;
    auto const said = split_place(text).second;
    return said.starts_with("attempt to ") || said.starts_with("bad argument #") ? said : "it called error()";
}

}  // namespace

LuaMachine::LuaMachine(std::shared_ptr<LuaScript const> script)
    : script_(std::move(script)), host_(std::make_unique<Host>()) {
    host_->script = script_.get();
    lua_ = lua_newstate(allocate, host_.get());
    host_->lua = lua_;
}

LuaMachine::~LuaMachine() {
    if (lua_ != nullptr) lua_close(lua_);
}

Result<std::unique_ptr<LuaMachine>> LuaMachine::make(std::shared_ptr<LuaScript const> script) {
    std::unique_ptr<LuaMachine> machine(new LuaMachine(std::move(script)));
    auto* const lua = machine->lua_;
    if (lua == nullptr)
        return error("bad_script", "1", "the script has too little memory to start", "give it 1MiB or more");
    lua_pushcfunction(lua, prepare);
    if (auto const status = lua_pcall(lua, 0, 2, 0); status != LUA_OK) {
        char const* const text = lua_tostring(lua, -1);
        auto [line, what] = split_place(text != nullptr && status != LUA_ERRMEM ? text : "too little memory");
        return error("bad_script", std::move(line), std::move(what), "mend the script");
    }
    lua_sethook(lua, count_instructions, LUA_MASKCOUNT, hook_every);
    return {boost::system::in_place_value, std::move(machine)};
}

Result<LuaMachine::Returned> LuaMachine::run(hl7::Message& message, std::vector<std::string>* notes) {
    auto& host = *host_;
    host.message = &message;
    host.notes = notes;
    host.instructions = 0;
    host.end = std::chrono::steady_clock::now() + host.script->limits.time;
    host.late = false;
    host.pattern_work = 0;
    host.line = 0;
    host.reason.clear();
    lua_settop(lua_, 2);
    lua_pushcfunction(lua_, note_error);
    lua_pushcfunction(lua_, run_script);
    lua_pushvalue(lua_, 1);
    lua_pushvalue(lua_, 2);
    if (auto const status = lua_pcall(lua_, 2, 2, 3); status != LUA_OK) {
        std::string_view text;
        if (lua_type(lua_, -1) == LUA_TSTRING) text = lua_tostring(lua_, -1);
        int const line = status == LUA_ERRMEM ? host.memory_line : host.line;
        return error("script_error", line == 0 ? "" : std::to_string(line), safe(status, text, host));
    }
    Returned returned;
    if (lua_type(lua_, -2) == LUA_TSTRING) returned.word = lua_tostring(lua_, -2);
    if (lua_type(lua_, -1) == LUA_TSTRING) returned.reason = lua_tostring(lua_, -1);
    return {boost::system::in_place_value, std::move(returned)};
}

}  // namespace hilum::routes
