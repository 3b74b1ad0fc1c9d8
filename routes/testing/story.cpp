#include "routes/testing/story.h"

#include "routes/steps/step.h"
#include "routes/testing/compare.h"

namespace hilum::testing {
namespace {

std::string_view word(routes::StepResult::Next next) {
    using enum routes::StepResult::Next;
    switch (next) {
        case go_on:
            return "";
        case stop:
            return "stop";
        case hold:
            return "hold";
        case reject:
            return "reject";
        case retry:
            return "retry";
        case split:
            return "split";
    }
    return "";
}

}  // namespace

void Story::route_begins(std::uint32_t route, routes::Subject const&) {
    Chapter chapter;
    chapter.route = route;
    chapter.depth = open_.size();
    open_.push_back(chapters_.size());
    chapters_.push_back(std::move(chapter));
}

void Story::route_ends(routes::RouteVerdict const& verdict) {
    chapter().verdict = verdict;
    open_.pop_back();
}

void Story::condition(config::Location const& where, expression::Expression const& when,
                      expression::Context const& context, bool holds) {
    Event event;
    event.depth = steps_.size();
    event.where = where;
    event.text = when.source();
    event.holds = holds;
    if (!holds) {
        std::string_view failed;
        (void)when.test(context, failed);
        event.failed = failed;
        event.reads = when.reads(context);
    }
    chapter().events.push_back(std::move(event));
}

void Story::step_begins(routes::StepPlace const& step, routes::Subject const& subject) {
    Event event;
    event.is_step = true;
    event.depth = steps_.size();
    event.where = step.where;
    event.text = step.kind;
    event.detail = step.detail;
    event.number = step.number;
    steps_.push_back({chapter().events.size(), subject.text()});
    chapter().events.push_back(std::move(event));
}

void Story::step_ends(routes::StepPlace const&, routes::Subject const& subject,
                      routes::StepResult const& result) {
    auto const [index, before] = std::move(steps_.back());
    steps_.pop_back();
    auto& events = chapter().events;
    auto& event = events[index];
    event.ended = word(result.next);
    event.reason = result.reason;
    for (std::size_t i = index + 1; i < events.size(); ++i) event.inside = event.inside || events[i].is_step;
    auto after = subject.text();
    if (event.inside || after == before) return;
    if (fhir::looks_like_interaction(before) == (subject.content() == routes::Content::fhir))
        event.differences = differences_between(before, after);
    else
        event.made = std::move(after);
}

}  // namespace hilum::testing
