// Lua 5.4 in a sandbox: the one door to the library.
//
// A script gets string, table, math and utf8 without what loads code, draws random numbers or moves blocks
// of memory about; msg, lookup, log; nothing that reaches files, the clock or other scripts. Instructions,
// memory and the work of pattern matching have limits. What it leaves in globals is gone before the next
// message.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message.h"
#include "parsers/result.h"
#include "routes/tables/table.h"

struct lua_State;

namespace hilum::routes {

struct LuaLimits {
    std::uint64_t instructions = 1'000'000;  // of one message
    std::size_t memory = std::size_t{8} << 20U;
    // For what counts as one instruction and is none, such as a large text turned round: looked at every
    // thousand instructions. The one clock of the routes, and it decides nothing but when to give up.
    std::chrono::milliseconds time{1000};
};

struct LuaScript {
    std::string text;
    Tables tables;  // those that lookup() may use
    LuaLimits limits;
};

class LuaMachine {
  public:
    // Compiles the script; the machine keeps it. Error "bad_script", its place the line, "3".
    static Result<std::unique_ptr<LuaMachine>> make(std::shared_ptr<LuaScript const> script);
    ~LuaMachine();
    LuaMachine(LuaMachine const&) = delete;
    LuaMachine& operator=(LuaMachine const&) = delete;

    // What the script returned: "" and "" when nothing.
    struct Returned {
        std::string word;
        std::string reason;
    };
    // Errors: "script_error", its place the line; without message content. After one the machine is not to
    // be used again.
    Result<Returned> run(hl7::Message& message, std::vector<std::string>* notes);

    LuaScript const* script() const { return script_.get(); }
    bool expired() const { return script_.use_count() == 1; }  // nobody but the machine has the script

    struct Host;  // what the functions that Lua calls work on

  private:
    explicit LuaMachine(std::shared_ptr<LuaScript const> script);

    std::shared_ptr<LuaScript const> script_;
    std::unique_ptr<Host> host_;
    lua_State* lua_ = nullptr;
};

}  // namespace hilum::routes
