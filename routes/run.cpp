#include "routes/run.h"

#include <algorithm>
#include <utility>

#include "routes/forms.h"

namespace hilum::routes {
namespace {

// Loading finds circles of routes; these hold whatever a configuration says.
constexpr std::size_t depth_max = 32;  // routes one behind the other
constexpr std::size_t verdicts_max =
    1000;  // routes that see one message; diamonds of routes could double at each level

// FNV-1a with a last mixing: keys are told apart by all of their 64 bits, which are in the journal.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (char const c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash ^= hash >> 32;
    return hash * 0x9e3779b97f4a7c15;
}

constexpr std::size_t notes_max = 20;  // of one route about one message

// What a route works on, as it would leave now.
struct Body {
    std::uint32_t number = 0;  // among Processed::bodies, of its ER7; none when it is not there yet
    hl7::Form form = hl7::Form::er7;
};

class Run {
  public:
    Run(RunContext const& context, Processed& out)
        : routes_(&context.routes),
          names_(&context.names),
          dictionary_(&context.dictionary),
          orders_(&context.orders),
          now_us_(context.now_us),
          out_(&out),
          observer_(context.observer),
          outside_(context.outside) {}

    // `bytes` are those of `subject`.
    void route(std::uint32_t index, Subject const& subject, std::string_view bytes, Body body,
               std::size_t depth, std::uint32_t from = RouteVerdict::no_route) {
        auto const verdict = out_->verdicts.size();
        out_->verdicts.push_back({index, RouteOutcome::sent, {}});
        out_->verdicts.back().from = from;
        if (observer_) observer_->route_begins(index, subject);
        pass(verdict, subject, bytes, body, depth);
        if (observer_) observer_->route_ends(out_->verdicts[verdict]);
    }

    // A route that waits goes on from its first step; those behind it that wait wait again.
    void resume(std::uint32_t index, Subject const& subject, std::string_view bytes) {
        out_->verdicts.push_back({index, RouteOutcome::sent, {}});
        work(0, subject, bytes, {}, 0, std::exchange(outside_, nullptr));
    }

  private:
    void pass(std::size_t verdict, Subject const& subject, std::string_view bytes, Body body,
              std::size_t depth) {
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        if (depth >= depth_max || verdict >= verdicts_max)
            return refuse(verdict, route,
                          "the message went through too many routes; check what each route names in \"to\"");
        if (route.when.valid()) {
            std::string_view clause;
            auto const context = subject.context(now_us_);
            auto const wanted = route.when.test(context, clause);
            if (!wanted)
                return refuse(verdict, route,
                              "when: " + wanted.error().what + " (" + wanted.error().place + ")");
            if (observer_) observer_->condition(route.when_where, route.when, context, *wanted);
            if (!*wanted) return settle(verdict, RouteOutcome::filtered, "when: " + std::string(clause));
        }
        if (route.lane != Pipeline::none && !outside_) return wait(verdict, bytes, body);
        work(verdict, subject, bytes, body, depth, outside_);
    }

    // The body goes into the lane of the route; what it would leave as does not.
    void wait(std::size_t verdict, std::string_view bytes, Body body) {
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        if (body.form != hl7::Form::er7)
            return refuse(verdict, route,
                          "a convert to XML or JSON stands in a route before this one, which waits");
        if (body.number == Pipeline::none) body.number = place(bytes);
        out_->deliveries.push_back({route.lane, index, body.number});
    }

    // The steps of a route that has taken the message, and its deliveries.
    void work(std::size_t verdict, Subject const& subject, std::string_view bytes, Body body,
              std::size_t depth, Outside* outside) {
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        if (route.steps.empty()) return deliver(verdict, subject, bytes, body, depth);
        Workpiece piece;
        if (auto const read = piece.read(subject.content(), bytes, charset_of(subject), *dictionary_); !read)
            return refuse(verdict, route, read.error().what);
        std::vector<std::string> notes;
        Work work{piece, now_us_, observer_, &notes, outside};
        work.form = body.form;
        std::uint64_t lost = 0;
        work.lost = &lost;
        auto const result = route.steps.run(work);
        note(index, std::move(notes), lost);
        if (result.next == StepResult::Next::split)
            return split(verdict, piece.subject(), result, work.form, depth, outside);
        if (!go_on(verdict, route, result, result.text())) return;
        body.form = work.form;
        if (!piece.changed()) return deliver(verdict, subject, bytes, body, depth);
        auto const changed_subject = piece.subject();
        std::string const changed = changed_subject.text();
        if (changed == bytes) return deliver(verdict, subject, bytes, body, depth);
        deliver(verdict, changed_subject, changed, {Pipeline::none, work.form}, depth);
    }

    static std::optional<hl7::Charset> charset_of(Subject const& subject) {
        return subject.message ? subject.message->charset_given() : std::nullopt;
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
            case StepResult::Next::retry:
                out_->retry = true;
                settle(verdict, RouteOutcome::held, std::move(reason));
                break;
        }
        return false;
    }

    // The rest of the steps for each part. Nothing is delivered before all of them are done: a message is
    // never held for one part while others have left.
    void split(std::size_t verdict, Subject const& subject, StepResult const& first, hl7::Form form,
               std::size_t depth, Outside* outside) {
        struct Part {
            std::string bytes;
            std::size_t from;
            hl7::Form form;
            Content content;
        };
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        auto const charset = charset_of(subject);
        std::vector<Part> waiting;  // the next one last
        std::size_t parts = 0;
        auto const add = [&](StepResult const& result, hl7::Form of_parts, Content content) {
            parts += result.parts.size();
            for (auto part = result.parts.rbegin(); part != result.parts.rend(); ++part)
                waiting.push_back({*part, result.resume, of_parts, content});
        };
        add(first, form, subject.content());
        std::vector<Part> done;
        std::vector<std::string> notes;
        std::uint64_t lost = 0;
        std::size_t number = 0;
        std::size_t stopped = 0;
        std::string last_stop;
        while (!waiting.empty()) {
            if (parts > StepResult::parts_max)
                return refuse(verdict, route, "the message was split into too many parts");
            auto const part = std::move(waiting.back());
            waiting.pop_back();
            Workpiece piece;
            if (auto const read = piece.read(part.content, part.bytes, charset, *dictionary_); !read)
                return refuse(verdict, route, read.error().what);
            Work work{piece, now_us_, observer_, &notes, outside};
            work.form = part.form;
            work.lost = &lost;
            auto const result = route.steps.run(work, part.from);
            if (result.next == StepResult::Next::split) {
                add(result, work.form, piece.content());
                continue;
            }
            ++number;
            if (result.next == StepResult::Next::stop) {
                ++stopped;
                last_stop = result.text();
            } else if (go_on(verdict, route, result,
                             "part " + std::to_string(number) + ", " + result.text())) {
                done.push_back({piece.subject().text(), 0, work.form, piece.content()});
            } else {
                return;
            }
        }
        if (done.empty()) return settle(verdict, RouteOutcome::filtered, "every part, " + last_stop);
        if (stopped != 0)
            notes.push_back(std::to_string(stopped) + " of " + std::to_string(number) +
                            " parts stopped, the last at " + last_stop);
        note(index, std::move(notes), lost);
        deliver_parts(verdict, done, charset, depth);
    }

    template <class Parts>
    void deliver_parts(std::size_t verdict, Parts const& parts, std::optional<hl7::Charset> charset,
                       std::size_t depth) {
        auto const& route = (*routes_)[out_->verdicts[verdict].route];
        auto const planned = out_->deliveries.size();
        for (auto const& part : parts) {
            Workpiece piece;
            if (auto const read = piece.read(part.content, part.bytes, charset, *dictionary_); !read)
                return refuse(verdict, route, read.error().what);
            deliver(verdict, piece.subject(), part.bytes, {Pipeline::none, part.form}, depth);
            if (out_->verdicts[verdict].outcome == RouteOutcome::sent) continue;
            out_->deliveries.resize(planned);  // one part has no form to leave in: none leaves
            return;
        }
    }

    void note(std::uint32_t index, std::vector<std::string> notes, std::uint64_t lost) {
        // What was lost is said last, and has to be said.
        if (notes.size() > notes_max) notes.erase(notes.begin() + notes_max - 1, notes.end() - 1);
        for (auto& text : notes)
            out_->verdicts.push_back({index, RouteOutcome::noted, std::move(text), std::exchange(lost, 0)});
    }

    void deliver(std::size_t verdict, Subject const& subject, std::string_view bytes, Body body,
                 std::size_t depth) {
        auto const index = out_->verdicts[verdict].route;
        auto const& route = (*routes_)[index];
        std::uint32_t written = body.form == hl7::Form::er7 ? body.number : Pipeline::none;
        if (body.form != hl7::Form::er7 && route.delivers()) {
            auto const other = in_form(subject, body.form);
            if (!other) return refuse(verdict, route, other.error().what);
            written = place(*other);
        }
        for (auto const& target : route.to) {
            if (target.route) {
                this->route(target.index, subject, bytes, body, depth + 1, index);
                continue;
            }
            if (written == Pipeline::none) written = place(bytes);
            if (body.form == hl7::Form::er7) body.number = written;
            DeliveryOrder order;
            if (target.index < orders_->size()) order = (*orders_)[target.index].of(subject, now_us_);
            out_->deliveries.push_back({target.index, index, written, order});
        }
    }

    Result<std::string> in_form(Subject const& subject, hl7::Form form) const {
        if (subject.message) return hl7::in_form(*subject.message, form, *dictionary_);
        auto const& resource = subject.interaction->resource;
        if (form == hl7::Form::xml) return resource.xml();
        return {boost::system::in_place_value, resource.json()};
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
    std::vector<CompiledOrder> const* orders_;
    std::int64_t now_us_;
    Processed* out_;
    Observer* observer_;
    Outside* outside_;  // null: routes that wait do so
};

}  // namespace

DeliveryOrder CompiledOrder::of(Subject const& subject, std::int64_t now_us) const {
    DeliveryOrder order;
    if (rule == 0) return order;
    auto const context = subject.context(now_us);
    order.rule = rule;
    auto const value = subject.content() == content ? by.text(context) : Result<std::string>();
    order.failed = !value;
    order.key = hash_of(value ? std::string_view(*value) : std::string_view());
    if (!urgent.valid() || subject.content() != content) return order;
    auto const first = urgent.test(context);
    order.urgent = first && *first;
    return order;
}

void run_routes(RunContext const& context, std::vector<std::uint32_t> const& routes, Subject const& subject,
                std::string_view received, Processed& out) {
    Run run(context, out);
    for (auto const route : routes) run.route(route, subject, received, {}, 0);
}

void resume_route(RunContext const& context, std::uint32_t route, Subject const& subject,
                  std::string_view received, Processed& out) {
    Run run(context, out);
    run.resume(route, subject, received);
}

}  // namespace hilum::routes
