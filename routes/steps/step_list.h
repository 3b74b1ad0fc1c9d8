// Steps one after the other: those of a route, and those that stand inside another step.
#pragma once

#include <string>
#include <vector>

#include "routes/steps/step.h"

namespace hilum::routes {

class StepList {
  public:
    StepList() = default;
    // Reports what is wrong to the context's diagnostics; a step that does not compile is left out.
    static StepList compile(std::vector<config::Step> const& steps, CompileContext& context);
    // The list that stands behind `key` of another step.
    static StepList compile(config::StepNodes const& nodes, std::string_view key, std::string const& step,
                            CompileContext& context);

    // Runs them from the one at index `from` on, until one does not go on. That one's result, with the way
    // to it in `steps`.
    StepResult run(Work& work, std::size_t from = 0) const;
    // In which forms a message may leave that comes in one of `forms`.
    Forms forms(Forms forms) const;
    std::size_t size() const { return steps_.size(); }
    bool empty() const { return steps_.empty(); }

  private:
    struct Entry {
        StepPlace place;
        std::unique_ptr<Step> step;
    };
    std::vector<Entry> steps_;
};

}  // namespace hilum::routes
