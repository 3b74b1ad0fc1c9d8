// A step changes one message on its way through a route. One file per kind; catalogue.cpp lists them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/hl7/message.h"
#include "parsers/hl7/message_form.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/validate.h"
#include "routes/config/config.h"
#include "routes/config/parameters.h"
#include "routes/expression/expression.h"
#include "routes/observer.h"
#include "routes/outside.h"
#include "routes/subject.h"
#include "routes/tables/table.h"
#include "routes/tables/time_zones.h"

namespace hilum::routes::mapping {
struct FhirMaps;
}

namespace hilum::routes {

// Those in which a message may leave a route.
using Forms = std::set<hl7::Form>;

// The message a step works on.
struct Work {
    Workpiece& piece;
    std::int64_t now_us = 0;
    Observer* observer = nullptr;  // null: nobody watches
    std::vector<std::string>* notes =
        nullptr;                             // for the trace, no patient data; null where nobody reads them
    Outside* outside = nullptr;              // never null where a step that waits runs
    fhir::Resource const* answer = nullptr;  // to the enrich around the step: %answer
    std::uint64_t* lost = nullptr;    // counts values that a map has carried nowhere; null: nobody asks
    hl7::Form form = hl7::Form::er7;  // in which it leaves; to the steps it is a message all the same

    expression::Context context() const { return piece.subject().context(now_us, answer); }
    // Of HL7 v2: steps are compiled for what comes to them.
    hl7::Message& message() const { return piece.message(); }
    hl7::StructureCache& structures() const { return piece.structures(); }
};

struct StepResult {
    enum class Next : unsigned char {
        go_on,
        stop,    // ends this route without a delivery: the message is filtered here, with `reason`
        hold,    // a person has to look: `reason`
        reject,  // refuse the message at intake: `reason`
        retry,   // of a step that waits: the other side did not answer, try the message again later: `reason`
        split,   // the steps from `resume` on are done for each of `parts`
    };
    static constexpr std::size_t parts_max = 1'000;

    Next next = Next::go_on;
    std::string reason;  // no patient data: names paths, tables and rules
    std::string steps;   // the way to the step: "step 3 (when) > step 1 (set)"; written by StepList

    std::vector<std::string> parts;
    std::size_t resume = 0;  // index into the route's steps; written by StepList

    // "step 3 (when) > step 1 (set): reason"
    std::string text() const {
        return steps.empty() || reason.empty() ? steps + reason : steps + ": " + reason;
    }

    static StepResult ok() { return {}; }
};

// Compiled once, run on any thread at once: run() changes nothing in the step.
class Step {
  public:
    virtual ~Step() = default;
    virtual StepResult run(Work& work) const = 0;
    // What tells this one from others of its kind, where its kind says little: the list that is called.
    virtual std::string_view detail() const { return {}; }
    // What may have become of the form when it has run: `forms` are those from which it starts.
    virtual Forms forms(Forms forms) const { return forms; }
};

struct CompileContext;

// Of which messages a step can make something.
enum class WorksOn : unsigned char { hl7, fhir, both };

struct StepKind {
    std::string_view name;
    std::string_view summary;
    // nullptr after a diagnostic. What the step will work on is context.content, one of `works_on`.
    std::unique_ptr<Step> (*compile)(config::Step const& step, CompileContext& context);
    std::string (*schema)();  // JSON Schema of what stands after "name:"
    bool in_answers = true;   // it changes the message and no more, so that an answer can be shaped by it
    // It asks the world outside: its route is processed after the commit (DESIGN §2).
    bool waits = false;
    WorksOn works_on = WorksOn::hl7;
    // What comes to the steps behind it is in the other language.
    bool turns = false;
};

// Every kind there is, in the order of the documentation.
std::vector<StepKind> const& step_catalogue();

// What calls of step lists need to know while they are compiled.
struct Calls {
    std::vector<config::NamedSteps> lists{};
    std::vector<std::string> way{};  // the lists inside one another, the outermost first
    std::set<std::string, std::less<>> called{};
    config::Budget budget{"the step lists that are called", "call something smaller"};
};

struct CompileContext {
    static constexpr std::size_t depth_max = 16;

    Tables const& tables;
    config::Diagnostics& diagnostics;
    std::vector<StepKind> const& kinds = step_catalogue();  // what may stand inside a step
    std::vector<StepPlace>* compiled = nullptr;             // gets each step that was compiled
    std::vector<Asked>* asked = nullptr;                    // gets what is asked outside
    hl7::Dictionary dictionary = hl7::Dictionary::standard();
    std::set<std::uint16_t> closed_tables{};  // as in the configuration
    std::size_t depth = 0;                    // of the step being compiled, inside others
    bool answer = false;                      // what is compiled shapes an answer
    std::string route{};                      // whose steps are compiled
    bool waits = false;                       // one of them waits
    bool enriched = false;                    // an enrich is around the step being compiled: there is %answer
    Content content = Content::hl7;           // of what the steps being compiled work on
    std::vector<std::string> each{};          // the segments that the for_each around it go through
    std::optional<hl7::Rules> rules{};        // of the dictionary, once a step has asked for them
    Calls calls{};
    TimeZones zones{};
    // By the site's files on top of the guide's; null: something is wrong in them, and reported.
    std::map<std::string, std::shared_ptr<mapping::FhirMaps const>, std::less<>> fhir_maps{};

    // How expressions about the message are read.
    expression::Options language() const {
        expression::Options options;
        options.fhir = content == Content::fhir;
        return options;
    }
};

}  // namespace hilum::routes
