// Writes down how one message goes through the routes, for `explain`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "parsers/hl7/message_diff.h"
#include "routes/expression/expression.h"
#include "routes/observer.h"
#include "routes/pipeline.h"

namespace hilum::testing {

// Holds what is in the message: for the desk, never for logs.
class Story final : public routes::Observer {
  public:
    // A condition that was tested, or a step that ran.
    struct Event {
        bool is_step = false;
        std::size_t depth = 0;                // of a step inside another one
        config::Location where;               // of the condition's text or the step
        std::string text;                     // the condition's text, or the step's kind
        std::string detail;                   // of a call the list's name, of a conversion the form
        std::size_t number = 0;               // of the step in its list, from 1
        bool holds = true;                    // of a condition
        std::string failed;                   // the clause that does not hold
        std::vector<expression::Read> reads;  // the paths of that clause
        std::vector<hl7::Difference> differences;
        std::string made;     // by a step that turned the message into the other language
        bool inside = false;  // steps inside it ran: what they changed is told of them
        std::string ended;    // "stop": the step ended the route
        std::string reason;
    };
    struct Chapter {
        std::uint32_t route = 0;
        std::size_t depth = 0;  // of a route behind another one
        routes::RouteVerdict verdict;
        std::vector<Event> events;
    };
    std::vector<Chapter> const& chapters() const { return chapters_; }

    void route_begins(std::uint32_t route, routes::Subject const& subject) override;
    void route_ends(routes::RouteVerdict const& verdict) override;
    void condition(config::Location const& where, expression::Expression const& when,
                   expression::Context const& context, bool holds) override;
    void step_begins(routes::StepPlace const& step, routes::Subject const& subject) override;
    void step_ends(routes::StepPlace const& step, routes::Subject const& subject,
                   routes::StepResult const& result) override;

  private:
    struct Open {
        std::size_t event = 0;  // in the open chapter
        std::string before;     // the message
    };
    Chapter& chapter() { return chapters_[open_.back()]; }
    std::vector<Chapter> chapters_;
    std::vector<std::size_t> open_;  // chapters that have begun and not ended
    std::vector<Open> steps_;        // the same of steps
};

}  // namespace hilum::testing
