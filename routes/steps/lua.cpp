// lua: |
//   msg["PID-5.1"] = string.upper(msg["PID-5.1"])
#include <algorithm>
#include <charconv>
#include <utility>

#include "routes/config/files.h"
#include "routes/config/node.h"
#include "routes/steps/lua_machine.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct LuaOptions {
    config::Text script;
    config::Text file;
    config::NameList tables;
    std::uint64_t instructions = LuaLimits{}.instructions;
    config::Bytes memory{LuaLimits{}.memory};
    config::Duration time{LuaLimits{}.time};
};

template <class V>
void describe(V& v, LuaOptions& o) {
    v.optional("script", o.script, "the script");
    v.optional("file", o.file, "or the file it is in, relative to this configuration file");
    v.optional("tables", o.tables, "the tables, one or a list, that it asks with lookup()");
    v.optional("instructions", o.instructions, "how many instructions it may take for one message");
    v.optional("memory", o.memory, "how much memory it may use, such as 8MiB");
    v.optional("time", o.time, "how long it may take for one message");
}

class LuaStep final : public Step {
  public:
    explicit LuaStep(std::shared_ptr<LuaScript const> script) : script_(std::move(script)) {}

    StepResult run(Work& work) const override {
        auto machine = take();
        if (!machine) return held("", machine.error());
        auto const returned = (*machine)->run(work.message(), work.notes);
        if (!returned) {  // it is not used again
            auto const& line = returned.error().place;
            return held(line.empty() ? "" : "line " + line, returned.error());
        }
        idle().push_back(std::move(*machine));
        StepResult result;
        result.reason = returned->reason;
        if (returned->word == "stop") {
            result.next = StepResult::Next::stop;
        } else if (returned->word == "hold") {
            result.next = StepResult::Next::hold;
        } else if (returned->word == "reject") {
            result.next = StepResult::Next::reject;
        } else if (!returned->word.empty()) {
            return held(
                "", error("bad_return", "", "the script returned a word that is none of stop, hold, reject"));
        }
        return result;
    }

  private:
    // Making a machine costs far more than running one, and a thread runs one at a time. Machines of scripts
    // that are no more, after a reload, go when the next one is looked for in vain.
    static std::vector<std::unique_ptr<LuaMachine>>& idle() {
        thread_local std::vector<std::unique_ptr<LuaMachine>> machines;
        return machines;
    }

    Result<std::unique_ptr<LuaMachine>> take() const {
        auto& machines = idle();
        auto const found = std::find_if(machines.begin(), machines.end(),
                                        [&](auto const& m) { return m->script() == script_.get(); });
        if (found != machines.end()) {
            auto machine = std::move(*found);
            *found = std::move(machines.back());
            machines.pop_back();
            return {boost::system::in_place_value, std::move(machine)};
        }
        std::erase_if(machines, [](auto const& m) { return m->expired(); });
        return LuaMachine::make(script_);
    }

    std::shared_ptr<LuaScript const> script_;
};

void add_tables(config::NameList const& names, CompileContext& context, LuaScript& script) {
    for (auto const& ref : names)
        if (auto table = find_table({ref.name, ref.where}, context))
            script.tables[ref.name] = std::move(table);
}

// The script, and where its first line is.
bool read_script(LuaOptions const& o, config::Step const& step, LuaScript& script, config::Location& where,
                 config::Diagnostics& diagnostics) {
    if (o.script.empty() == o.file.empty()) {
        diagnostics.error(step.where, "lua takes either a script or a file",
                          "write script: TEXT, or file: PATH");
        return false;
    }
    if (o.file.empty()) {
        script.text = o.script.value;
        where = o.script.where;
        return true;
    }
    auto const path = config::beside(o.file.value, step.where);
    if (!config::SystemEnvironment().file(path, script.text)) {
        diagnostics.error(
            o.file.where, "the script " + config::in_quotes(path) + " can't be read",
            "create it or correct the path, which is relative to the folder of this configuration file");
        return false;
    }
    where = {std::make_shared<std::string const>(path), 1, 1};
    return true;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    LuaOptions o;
    if (step.options.is_scalar()) {
        config::decode_value(step.options, o.script, diagnostics);
    } else {
        o = config::decode_options<LuaOptions>(step.options, "lua", diagnostics);
    }
    auto const script = std::make_shared<LuaScript>();
    config::Location where;
    if (diagnostics.errors() != before || !read_script(o, step, *script, where, diagnostics)) return nullptr;
    add_tables(o.tables, context, *script);
    script->limits = {o.instructions, static_cast<std::size_t>(o.memory.count), o.time};
    auto const machine = LuaMachine::make(script);
    if (!machine) {
        std::uint32_t line = 1;
        auto const& place = machine.error().place;
        std::from_chars(place.data(), place.data() + place.size(), line);
        where.line += line - 1;
        if (line > 1) where.column = 1;
        diagnostics.error(where, machine.error().what, machine.error().next);
    }
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<LuaStep>(script);
}

std::string schema() {
    return R"({"anyOf":[{"type":"string"},)" + config::SchemaWriter::of<LuaOptions>() + "]}";
}

}  // namespace

StepKind lua_step() {
    return {"lua", "runs a script, for what no other step does", compile, schema};
}

}  // namespace hilum::routes
