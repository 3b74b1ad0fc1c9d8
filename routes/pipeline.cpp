#include "routes/pipeline.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "routes/answer.h"
#include "routes/expression/expression.h"
#include "routes/forms.h"
#include "routes/steps/step_list.h"

namespace hilum::routes {
namespace {

// Loading finds circles of routes; these hold whatever a configuration says.
constexpr std::size_t depth_max = 32;  // routes one behind the other
constexpr std::size_t verdicts_max =
    1000;  // routes that see one message; diamonds of routes could double at each level

constexpr std::size_t notes_max = 20;  // of one route about one message

struct Target {
    bool route = false;
    std::uint32_t index = 0;
};

struct CompiledRoute {
    expression::Expression when;  // not valid: always
    config::Location when_where;
    StepList steps;
    std::vector<Target> to;
    config::OnError on_error = config::OnError::hold;

    bool delivers() const {
        return std::any_of(to.begin(), to.end(), [](Target const& target) { return !target.route; });
    }
};

// What a route works on, as it would leave now.
struct Body {
    std::uint32_t number = 0;  // among Processed::bodies, of its ER7; none when it is not there yet
    hl7::Form form = hl7::Form::er7;
};

template <class Items>
std::uint32_t index_of(Items const& items, std::string_view name) {
    auto const found = std::find(items.begin(), items.end(), name);
    return found == items.end() ? Pipeline::none : static_cast<std::uint32_t>(found - items.begin());
}

template <class Items>
std::vector<std::string> names_of(Items const& items) {
    std::vector<std::string> names;
    for (auto const& item : items) names.push_back(item.name);
    return names;
}

}  // namespace

std::string_view name(RouteOutcome outcome) {
    switch (outcome) {
        case RouteOutcome::sent:
            return "sent";
        case RouteOutcome::filtered:
            return "filtered";
        case RouteOutcome::held:
            return "held";
        case RouteOutcome::rejected:
            return "rejected";
        case RouteOutcome::noted:
            return "noted";
    }
    return "";
}

bool Processed::held() const {
    return std::any_of(verdicts.begin(), verdicts.end(),
                       [](RouteVerdict const& v) { return v.outcome == RouteOutcome::held; });
}

void Processed::clear() {
    verdicts.clear();
    bodies.clear();
    deliveries.clear();
    rejected = false;
    rejection.clear();
}

struct Pipeline::Impl {
    std::vector<std::string> listeners;
    std::vector<std::string> destinations;
    std::vector<std::string> route_names;
    std::vector<CompiledRoute> routes;
    std::vector<std::vector<std::uint32_t>> routes_of_listener;
    std::vector<AnswerSteps> answers;  // parallel to listeners
    hl7::Dictionary dictionary = hl7::Dictionary::standard();
    Tables tables;
    std::vector<StepPlace> steps;
};

namespace {

// One message on its way through the routes of one listener.
class Run {
  public:
    Run(std::vector<CompiledRoute> const& routes, std::vector<std::string> const& names,
        hl7::Dictionary const& dictionary, std::int64_t now_us, Processed& out, Observer* observer)
        : routes_(&routes),
          names_(&names),
          dictionary_(&dictionary),
          now_us_(now_us),
          out_(&out),
          observer_(observer) {}

    // `bytes` are those of `message`.
    void route(std::uint32_t index, hl7::Message const& message, hl7::StructureCache& structures,
               std::string_view bytes, Body body, std::size_t depth) {
        auto const verdict = out_->verdicts.size();
        out_->verdicts.push_back({index, RouteOutcome::sent, {}});
        if (observer_) observer_->route_begins(index, message);
        pass(verdict, message, structures, bytes, body, depth);
        if (observer_) observer_->route_ends(out_->verdicts[verdict]);
    }

  private:
    void pass(std::size_t verdict, hl7::Message const& message, hl7::StructureCache& structures,
              std::string_view bytes, Body body, std::size_t depth) {
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        if (depth >= depth_max || verdict >= verdicts_max)
            return refuse(verdict, route,
                          "the message went through too many routes; check what each route names in \"to\"");
        if (route.when.valid()) {
            std::string_view clause;
            expression::Context const context{&message, now_us_, &structures};
            auto const wanted = route.when.test(context, clause);
            if (!wanted)
                return refuse(verdict, route,
                              "when: " + wanted.error().what + " (" + wanted.error().place + ")");
            if (observer_) observer_->condition(route.when_where, route.when, context, *wanted);
            if (!*wanted) return settle(verdict, RouteOutcome::filtered, "when: " + std::string(clause));
        }
        if (route.steps.empty()) return deliver(verdict, message, structures, bytes, body, depth);
        auto view = hl7::Message::view(bytes, message.charset_given());
        if (!view) return refuse(verdict, route, view.error().what);
        hl7::StructureCache changed_structures(*view, *dictionary_);
        std::vector<std::string> notes;
        Work work{*view, now_us_, &changed_structures, observer_, &notes};
        work.form = body.form;
        auto const result = route.steps.run(work);
        note(index, std::move(notes));
        if (result.next == StepResult::Next::split) return split(verdict, *view, result, work.form, depth);
        if (!go_on(verdict, route, result, result.text())) return;
        body.form = work.form;
        if (!view->edited() && !work.replaced)
            return deliver(verdict, message, structures, bytes, body, depth);
        std::string const changed = view->bytes();
        if (changed == bytes) return deliver(verdict, message, structures, bytes, body, depth);
        deliver(verdict, *view, changed_structures, changed, {Pipeline::none, work.form}, depth);
    }

    // Whether a result lets the message go on; else the route ended.
    bool go_on(std::size_t verdict, CompiledRoute const& route, StepResult const& result,
               std::string reason) {
        switch (result.next) {
            case StepResult::Next::go_on:
            case StepResult::Next::split:
                return true;
            case StepResult::Next::stop:
                settle(verdict, RouteOutcome::filtered, std::move(reason));
                break;
            case StepResult::Next::reject:
                settle(verdict, RouteOutcome::rejected, std::move(reason));
                break;
            case StepResult::Next::hold:
                refuse(verdict, route, std::move(reason));
                break;
        }
        return false;
    }

    // The rest of the steps for each part. Nothing is delivered before all of them are done: a message is
    // never held for one part while others have left.
    void split(std::size_t verdict, hl7::Message const& message, StepResult const& first, hl7::Form form,
               std::size_t depth) {
        struct Part {
            std::string bytes;
            std::size_t from;
            hl7::Form form;
        };
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        std::vector<Part> waiting;  // the next one last
        std::size_t parts = 0;
        auto const add = [&](StepResult const& result, hl7::Form of_parts) {
            parts += result.parts.size();
            for (auto part = result.parts.rbegin(); part != result.parts.rend(); ++part)
                waiting.push_back({*part, result.resume, of_parts});
        };
        add(first, form);
        std::vector<Part> done;
        std::vector<std::string> notes;
        std::size_t number = 0;
        std::size_t stopped = 0;
        std::string last_stop;
        while (!waiting.empty()) {
            if (parts > StepResult::parts_max)
                return refuse(verdict, route, "the message was split into too many parts");
            auto const part = std::move(waiting.back());
            waiting.pop_back();
            auto view = hl7::Message::view(part.bytes, message.charset_given());
            if (!view) return refuse(verdict, route, view.error().what);
            hl7::StructureCache structures(*view, *dictionary_);
            Work work{*view, now_us_, &structures, observer_, &notes};
            work.form = part.form;
            auto const result = route.steps.run(work, part.from);
            if (result.next == StepResult::Next::split) {
                add(result, work.form);
                continue;
            }
            ++number;
            if (result.next == StepResult::Next::stop) {
                ++stopped;
                last_stop = result.text();
            } else if (go_on(verdict, route, result,
                             "part " + std::to_string(number) + ", " + result.text())) {
                done.push_back({view->bytes(), 0, work.form});
            } else {
                return;
            }
        }
        if (done.empty()) return settle(verdict, RouteOutcome::filtered, "every part, " + last_stop);
        if (stopped != 0)
            notes.push_back(std::to_string(stopped) + " of " + std::to_string(number) +
                            " parts stopped, the last at " + last_stop);
        note(index, std::move(notes));
        deliver_parts(verdict, done, message.charset_given(), depth);
    }

    template <class Parts>
    void deliver_parts(std::size_t verdict, Parts const& parts, std::optional<hl7::Charset> charset,
                       std::size_t depth) {
        auto const& route = (*routes_)[out_->verdicts[verdict].route];
        auto const planned = out_->deliveries.size();
        for (auto const& part : parts) {
            auto const view = hl7::Message::view(part.bytes, charset);
            if (!view) return refuse(verdict, route, view.error().what);
            hl7::StructureCache structures(*view, *dictionary_);
            deliver(verdict, *view, structures, part.bytes, {Pipeline::none, part.form}, depth);
            if (out_->verdicts[verdict].outcome == RouteOutcome::sent) continue;
            out_->deliveries.resize(planned);  // one part has no form to leave in: none leaves
            return;
        }
    }

    void note(std::uint32_t index, std::vector<std::string> notes) {
        if (notes.size() > notes_max) notes.resize(notes_max);
        for (auto& text : notes) out_->verdicts.push_back({index, RouteOutcome::noted, std::move(text)});
    }

    void deliver(std::size_t verdict, hl7::Message const& message, hl7::StructureCache& structures,
                 std::string_view bytes, Body body, std::size_t depth) {
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        std::uint32_t written = body.form == hl7::Form::er7 ? body.number : Pipeline::none;
        if (body.form != hl7::Form::er7 && route.delivers()) {
            auto const other = hl7::in_form(message, body.form, *dictionary_);
            if (!other) return refuse(verdict, route, other.error().what);
            written = place(*other);
        }
        for (auto const& target : route.to) {
            if (target.route) {
                this->route(target.index, message, structures, bytes, body, depth + 1);
                continue;
            }
            if (written == Pipeline::none) written = place(bytes);
            if (body.form == hl7::Form::er7) body.number = written;
            out_->deliveries.push_back({target.index, index, written});
        }
    }

    // The number of a body, which is stored once however many routes made it.
    std::uint32_t place(std::string_view bytes) {
        auto& bodies = out_->bodies;
        auto const found = std::find(bodies.begin(), bodies.end(), bytes);
        if (found == bodies.end()) {
            bodies.emplace_back(bytes);
            return static_cast<std::uint32_t>(bodies.size());
        }
        return static_cast<std::uint32_t>(found - bodies.begin()) + 1;
    }

    // The route can't do its work.
    void refuse(std::size_t verdict, CompiledRoute const& route, std::string reason) {
        bool const reject = route.on_error == config::OnError::reject;
        settle(verdict, reject ? RouteOutcome::rejected : RouteOutcome::held, std::move(reason));
    }

    void settle(std::size_t verdict, RouteOutcome outcome, std::string reason) {
        auto& v = out_->verdicts[verdict];
        v.outcome = outcome;
        v.reason = std::move(reason);
        if (outcome != RouteOutcome::rejected || out_->rejected) return;
        out_->rejected = true;
        out_->rejection = "route " + (*names_)[v.route] + ": " + v.reason;
    }

    std::vector<CompiledRoute> const* routes_;
    std::vector<std::string> const* names_;
    hl7::Dictionary const* dictionary_;
    std::int64_t now_us_;
    Processed* out_;
    Observer* observer_;
};

// One route of the configuration. What loading has reported already (names that lead nowhere) is left out
// silently.
CompiledRoute compile_route(config::Route const& source, std::vector<std::string> const& destinations,
                            std::vector<std::string> const& routes, CompileContext& context) {
    CompiledRoute route;
    route.on_error = source.on_error;
    route.when_where = source.when.where;
    if (!source.when.empty() || source.when.where.line != 0)
        route.when = expression::Expression::compile(source.when, 0, context.diagnostics);
    route.steps = StepList::compile(source.steps, context);
    for (auto const& to : source.to) {
        if (auto const destination = index_of(destinations, to.name); destination != Pipeline::none) {
            route.to.push_back({false, destination});
        } else if (auto const next = index_of(routes, to.name); next != Pipeline::none) {
            route.to.push_back({true, next});
        }
    }
    return route;
}

}  // namespace

Pipeline::Pipeline() : impl_(std::make_unique<Impl>()) {}
Pipeline::~Pipeline() = default;

std::shared_ptr<Pipeline const> Pipeline::compile(config::Config const& config,
                                                  std::vector<StepKind> const& kinds,
                                                  config::Diagnostics& diagnostics) {
    std::shared_ptr<Pipeline> pipeline(new Pipeline());
    auto& impl = *pipeline->impl_;
    impl.listeners = names_of(config.listeners);
    impl.destinations = names_of(config.destinations);
    impl.route_names = names_of(config.routes);
    impl.dictionary = config.dictionary;
    impl.routes_of_listener.resize(impl.listeners.size());
    auto& tables = impl.tables;
    for (auto const& table : config.tables) tables[table.name] = Table::load(table, diagnostics);
    CompileContext context{tables, diagnostics, kinds, &impl.steps, config.dictionary, config.closed_tables};
    context.calls.lists = config.step_lists;
    for (std::uint32_t i = 0; i < config.routes.size(); ++i) {
        impl.routes.push_back(compile_route(config.routes[i], impl.destinations, impl.route_names, context));
        for (auto const& from : config.routes[i].from) {
            auto const listener = index_of(impl.listeners, from.name);
            if (listener == none) continue;
            auto& routes = impl.routes_of_listener[listener];
            if (std::find(routes.begin(), routes.end(), i) == routes.end()) routes.push_back(i);
        }
    }
    context.compiled = nullptr;  // no message runs through these
    for (auto const& listener : config.listeners)
        impl.answers.push_back(AnswerSteps::compile(listener, context));
    if (diagnostics.failed()) return pipeline;
    warn_of_forms(
        config,
        [&](std::size_t route, Forms forms) { return impl.routes[route].steps.forms(std::move(forms)); },
        diagnostics);
    for (auto const& list : config.step_lists) {
        if (!context.calls.called.contains(list.name))
            diagnostics.warning(list.where, "no step calls the step list \"" + list.name + "\"",
                                "remove it, or name it in a call");
    }
    for (auto const& table : config.tables) {
        if (tables[table.name].use_count() == 1)  // no step holds it
            diagnostics.warning(table.where, "no step uses the table \"" + table.name + "\"",
                                "remove it, or use it in a lookup");
    }
    return pipeline;
}

std::uint32_t Pipeline::listener(std::string_view name) const {
    return index_of(impl_->listeners, name);
}
std::vector<std::string> const& Pipeline::listener_names() const {
    return impl_->listeners;
}
std::vector<std::string> const& Pipeline::route_names() const {
    return impl_->route_names;
}
std::vector<std::string> const& Pipeline::destination_names() const {
    return impl_->destinations;
}
Tables const& Pipeline::tables() const {
    return impl_->tables;
}
std::vector<StepPlace> const& Pipeline::steps() const {
    return impl_->steps;
}

bool Pipeline::shapes_answers(std::uint32_t listener) const {
    return listener < impl_->answers.size() && !impl_->answers[listener].empty();
}
Result<void> Pipeline::shape_answer(std::uint32_t listener, std::string& answer, std::int64_t now_us) const {
    if (!shapes_answers(listener)) return {};
    return impl_->answers[listener].shape(answer, now_us, impl_->dictionary);
}

void Pipeline::process(std::uint32_t listener, hl7::Message const& message, std::string_view received,
                       std::int64_t now_us, Processed& out, Observer* observer) const {
    out.clear();
    if (listener >= impl_->routes_of_listener.size()) return;
    Run run(impl_->routes, impl_->route_names, impl_->dictionary, now_us, out, observer);
    hl7::StructureCache structures(message, impl_->dictionary);
    for (auto const route : impl_->routes_of_listener[listener])
        run.route(route, message, structures, received, {}, 0);
    if (!out.rejected) return;
    // A refused message is owed to nobody.
    out.deliveries.clear();
    out.bodies.clear();
}

}  // namespace hilum::routes
