#include "routes/pipeline.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "routes/answer.h"
#include "routes/contents.h"
#include "routes/expression/expression.h"
#include "routes/forms.h"
#include "routes/run.h"
#include "routes/steps/step_list.h"

namespace hilum::routes {
namespace {

template <class Items>
std::uint32_t index_of(Items const& items, std::string_view name) {
    auto const found = std::find(items.begin(), items.end(), name);
    return found == items.end() ? Pipeline::none : static_cast<std::uint32_t>(found - items.begin());
}

// Stands for the text of an order_by; never 0.
std::uint32_t rule_of(std::string_view text) {
    std::uint32_t hash = 0x811c9dc5;
    for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
    return hash == 0 ? 1 : hash;
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
    rejected = retry = false;
    rejection.clear();
}

struct Pipeline::Impl {
    std::vector<std::string> listeners;
    std::vector<std::string> destinations;
    std::vector<std::string> route_names;
    std::vector<CompiledRoute> routes;
    std::vector<std::vector<std::uint32_t>> routes_of_listener;
    std::vector<Content> contents;      // parallel to listeners
    std::vector<AnswerSteps> answers;   // parallel to listeners
    std::vector<CompiledOrder> orders;  // parallel to the destinations of the configuration
    hl7::Dictionary dictionary = hl7::Dictionary::standard();
    Tables tables;
    std::vector<StepPlace> steps;
    std::vector<Asked> asked;
};

namespace {

// One route of the configuration. What loading has reported already (names that lead nowhere) is left out
// silently.
CompiledRoute compile_route(config::Route const& source, std::vector<std::string> const& destinations,
                            std::vector<std::string> const& routes, CompileContext& context) {
    CompiledRoute route;
    route.on_error = source.on_error;
    route.when_where = source.when.where;
    if (!source.when.empty() || source.when.where.line != 0)
        route.when = expression::Expression::compile(source.when, 0, context.diagnostics, context.language());
    context.route = source.name;
    context.waits = false;
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

CompiledOrder compile_order(config::Component const& destination, std::set<Content> const& contents) {
    config::Diagnostics ignored;  // checked where the other common keys of a destination are
    auto const text = [&](std::string_view key) {
        config::Text out;
        if (auto const* node = destination.common.find(key)) config::decode_value(*node, out, ignored);
        return out;
    };
    CompiledOrder order;
    order.content = contents.contains(Content::fhir) ? Content::fhir : Content::hl7;
    expression::Options language;
    language.fhir = order.content == Content::fhir;
    auto const by = text("order_by");
    if (by.empty()) return order;
    order.by = expression::Expression::compile(by, 0, ignored, language);
    if (!order.by.valid()) return order;
    order.rule = rule_of(by.value);
    if (auto const priority = text("priority"); !priority.empty())
        order.urgent = expression::Expression::compile(priority, 0, ignored, language);
    return order;
}

// The sender of a message that waits has its answer already.
void check_waiting(config::Route const& route, std::span<StepPlace const> steps,
                   config::Diagnostics& diagnostics) {
    for (auto const& step : steps) {
        if (step.kind == "reject")
            diagnostics.error(
                step.where,
                "the route asks other systems after the sender has had its answer: too late to reject",
                "use hold, or reject in a route before it");
    }
    if (route.on_error != config::OnError::reject) return;
    diagnostics.error(route.where,
                      "the route " + config::in_quotes(route.name) +
                          " asks other systems after the sender has had its answer, and can't reject then",
                      "leave out on_error: reject, or check what is to be rejected in a route before it");
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
    auto const destinations = names_of(config.destinations);
    impl.destinations = destinations;
    auto const contents = contents_of(config, diagnostics);
    for (std::size_t i = 0; i < config.destinations.size(); ++i)
        impl.orders.push_back(compile_order(config.destinations[i], contents.of_destination[i]));
    for (auto const& listener : config.listeners)
        impl.contents.push_back(listener.content.value_or(Content::hl7));
    impl.route_names = names_of(config.routes);
    impl.dictionary = config.dictionary;
    impl.routes_of_listener.resize(impl.listeners.size());
    auto& tables = impl.tables;
    for (auto const& table : config.tables) tables[table.name] = Table::load(table, diagnostics);
    CompileContext context{tables, diagnostics, kinds};
    context.compiled = &impl.steps;
    context.dictionary = config.dictionary;
    context.closed_tables = config.closed_tables;
    context.calls.lists = config.step_lists;
    context.asked = &impl.asked;
    for (std::uint32_t i = 0; i < config.routes.size(); ++i) {
        auto const steps_before = impl.steps.size();
        context.content = contents.of_route[i];
        impl.routes.push_back(compile_route(config.routes[i], destinations, impl.route_names, context));
        if (context.waits) {
            check_waiting(config.routes[i], std::span(impl.steps).subspan(steps_before), diagnostics);
            impl.routes.back().lane = static_cast<std::uint32_t>(impl.destinations.size());
            impl.destinations.push_back(waiting_lane(config.routes[i].name));
        }
        for (auto const& from : config.routes[i].from) {
            auto const listener = index_of(impl.listeners, from.name);
            if (listener == none) continue;
            auto& routes = impl.routes_of_listener[listener];
            if (std::find(routes.begin(), routes.end(), i) == routes.end()) routes.push_back(i);
        }
    }
    context.compiled = nullptr;  // no message runs through these
    context.content = Content::hl7;
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

std::vector<Asked> const& Pipeline::asked() const {
    return impl_->asked;
}

bool Pipeline::shapes_answers(std::uint32_t listener) const {
    return listener < impl_->answers.size() && !impl_->answers[listener].empty();
}
Result<void> Pipeline::shape_answer(std::uint32_t listener, std::string& answer, std::int64_t now_us) const {
    if (!shapes_answers(listener)) return {};
    return impl_->answers[listener].shape(answer, now_us, impl_->dictionary);
}

std::uint32_t Pipeline::route(std::string_view name) const {
    return index_of(impl_->route_names, name);
}

std::vector<std::uint32_t> Pipeline::waiting_routes() const {
    std::vector<std::uint32_t> waiting;
    for (std::uint32_t i = 0; i < impl_->routes.size(); ++i)
        if (impl_->routes[i].lane != none) waiting.push_back(i);
    return waiting;
}

std::string Pipeline::waiting_lane(std::string_view route) {
    return "(route " + std::string(route) + ")";
}

bool Pipeline::has_order(std::string_view destination) const {
    auto const index = index_of(impl_->destinations, destination);
    return index < impl_->orders.size() && impl_->orders[index].rule != 0;
}

DeliveryOrder Pipeline::order_of(std::string_view destination, Subject const& subject,
                                 std::int64_t now_us) const {
    auto const index = index_of(impl_->destinations, destination);
    return index < impl_->orders.size() ? impl_->orders[index].of(subject, now_us) : DeliveryOrder{};
}

config::Content Pipeline::content_of_order(std::string_view destination) const {
    auto const index = index_of(impl_->destinations, destination);
    return index < impl_->orders.size() ? impl_->orders[index].content : Content::hl7;
}

config::Content Pipeline::content(std::uint32_t listener) const {
    return listener < impl_->contents.size() ? impl_->contents[listener] : Content::hl7;
}
hl7::Dictionary const& Pipeline::dictionary() const {
    return impl_->dictionary;
}

void Pipeline::resume(std::uint32_t route, Subject const& subject, std::string_view received,
                      std::int64_t now_us, Outside& outside, Processed& out) const {
    out.clear();
    RunContext const context{
        impl_->routes, impl_->route_names, impl_->dictionary, impl_->orders, now_us, nullptr, &outside};
    resume_route(context, route, subject, received, out);
}

void Pipeline::process(std::uint32_t listener, hl7::Message const& message, std::string_view received,
                       std::int64_t now_us, Processed& out, Observer* observer, Outside* outside) const {
    hl7::StructureCache structures(message, impl_->dictionary);
    process(listener, Subject{&message, &structures, nullptr}, received, now_us, out, observer, outside);
}

void Pipeline::process(std::uint32_t listener, Subject const& subject, std::string_view received,
                       std::int64_t now_us, Processed& out, Observer* observer, Outside* outside) const {
    out.clear();
    if (listener >= impl_->routes_of_listener.size()) return;
    RunContext const context{
        impl_->routes, impl_->route_names, impl_->dictionary, impl_->orders, now_us, observer, outside};
    run_routes(context, impl_->routes_of_listener[listener], subject, received, out);
    if (!out.rejected) return;
    // A refused message is owed to nobody.
    out.deliveries.clear();
    out.bodies.clear();
}

}  // namespace hilum::routes
