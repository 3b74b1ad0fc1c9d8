// What route tests have exercised of a configuration: routes, steps, both outcomes of each condition, rows of
// tables.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "routes/config/config.h"
#include "routes/observer.h"
#include "routes/pipeline.h"

namespace hilum::testing {

class Coverage final : public routes::Observer {
  public:
    // What there is to exercise is taken from the configuration. Both must outlive it.
    Coverage(config::Config const& config, routes::Pipeline const& pipeline);

    void route_begins(std::uint32_t route, routes::Subject const& subject) override;
    void condition(config::Location const& where, expression::Expression const& when,
                   expression::Context const& context, bool holds) override;
    void step_begins(routes::StepPlace const& step, routes::Subject const& subject) override;
    void looked_up(std::string_view table, std::string_view key, bool found) override;

    struct Count {
        std::string_view what;  // "routes"
        std::size_t exercised = 0, all = 0;
    };
    std::vector<Count> counts() const;  // routes, steps, outcomes, rows
    // What was never exercised, each with its place, in the order of the configuration; at most 20 rows of
    // a table.
    struct Gap {
        config::Location where;
        std::string what;  // "the step lookup never ran"
    };
    std::vector<Gap> gaps() const;

  private:
    // By place: a step that is called from two routes is one.
    using Place = std::tuple<std::string, std::uint32_t, std::uint32_t>;
    static Place place(config::Location const& where);
    void add_conditions(config::Node const& options);

    struct Step {
        config::Location where;
        std::string kind;
        bool ran = false;
    };
    struct Condition {
        config::Location where;
        std::string text;
        bool held = false, failed = false;
    };
    config::Config const& config_;
    routes::Pipeline const& pipeline_;
    std::set<std::uint32_t> routes_;
    std::map<Place, Step> steps_;
    std::map<Place, Condition> conditions_;
    std::set<std::pair<std::string, std::string>, std::less<>> rows_;  // table, key
};

}  // namespace hilum::testing
