// Told how a message goes through the routes: for explaining, and for what route tests have covered. A
// pipeline without one does nothing for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "routes/config/diagnostics.h"

namespace hilum::expression {
struct Context;
class Expression;
}  // namespace hilum::expression

namespace hilum::routes {

struct RouteVerdict;
struct Subject;
struct StepResult;

// A step as the configuration has it. The same step has the same place however often it runs; lives as long
// as the pipeline.
struct StepPlace {
    std::string kind;  // "set"
    config::Location where;
    std::size_t number = 0;  // in its list, from 1
    std::string detail{};    // of a call the list's name, of a conversion the form

    std::string title() const { return detail.empty() ? kind : kind + " " + detail; }
};

// What is borrowed holds for the call. Called in the order of events, on the thread of Pipeline::process().
class Observer {
  public:
    virtual ~Observer() = default;
    // What follows up to its end is of this route, or of the routes that it leads to.
    virtual void route_begins(std::uint32_t /*route*/, Subject const& /*subject*/) {}
    virtual void route_ends(RouteVerdict const& /*verdict*/) {}
    // `when` of a route or of a step; `where` is the place of the expression's text.
    virtual void condition(config::Location const& /*where*/, expression::Expression const& /*when*/,
                           expression::Context const& /*context*/, bool /*holds*/) {}
    virtual void step_begins(StepPlace const& /*step*/, Subject const& /*subject*/) {}
    virtual void step_ends(StepPlace const& /*step*/, Subject const& /*subject*/,
                           StepResult const& /*result*/) {}
    // A key was looked up in a table.
    virtual void looked_up(std::string_view /*table*/, std::string_view /*key*/, bool /*found*/) {}
};

}  // namespace hilum::routes
