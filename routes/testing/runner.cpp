#include "routes/testing/runner.h"

#include <algorithm>

#include "parsers/hl7/batch.h"
#include "parsers/hl7/lookup.h"
#include "parsers/hl7/message_form.h"
#include "routes/subject.h"
#include "routes/testing/compare.h"
#include "routes/testing/outside.h"

namespace hilum::testing {
namespace {

using routes::Pipeline;
using routes::RouteOutcome;

constexpr std::size_t inputs_max = 10'000;  // messages of one case

template <class Names>
std::uint32_t index_of(Names const& names, std::string_view name) {
    auto const found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? Pipeline::none : static_cast<std::uint32_t>(found - names.begin());
}

// What an answer says: an acknowledgement, or an OperationOutcome by its first issue.
hl7::AckReading told_in(std::string const& answer) {
    hl7::AckReading told;
    if (!fhir::looks_like_interaction(answer)) {
        if (auto const read =
                answer.empty() ? Result<hl7::AckReading>(error("", "", "")) : hl7::read_ack(answer))
            told = *read;
        return told;
    }
    auto const outcome = fhir::Resource::read_json(answer);
    auto const issue = outcome ? outcome->root().child("issue") : fhir::Element();
    if (!issue.exists()) return told;
    told.error_code = issue.text_of("code");
    told.text = issue.text_of("diagnostics");
    if (auto const details = issue.child("details"); details.exists() && told.text.empty())
        told.text = details.text_of("text");
    return told;
}

// What the listener of a case takes.
bool takes_fhir(Case const& one, Pipeline const& pipeline) {
    auto const listener = one.listener.empty() ? 0 : pipeline.listener(one.listener.value);
    return pipeline.content(listener) == config::Content::fhir;
}

// The messages of a case; false after a diagnostic.
bool read_inputs(Case const& one, bool fhir, Files& files, config::Diagnostics& diagnostics,
                 std::vector<std::string>& out) {
    for (auto const& input : one.inputs) {
        std::string text;
        if (is_message(input.value)) {
            text = fhir ? input.value : with_segment_ends(input.value);
        } else if (auto file = files.read(input.value)) {
            text = fhir ? std::move(*file) : with_segment_ends(*file);
        } else {
            diagnostics.error(
                input.where, "the file " + config::in_quotes(input.value) + " can't be read",
                "the path is relative to this file; a message begins with MSH and its delimiter");
            return false;
        }
        if (fhir) {
            if (auto request = fhir::from_request_line(text)) text = std::move(*request);
            out.push_back(std::move(text));
            continue;
        }
        auto const split = hl7::split_messages(text);
        if (split.messages.empty()) {
            diagnostics.error(input.where, "there is no message in " + config::in_quotes(input.value),
                              "a message begins with MSH and its delimiter");
            return false;
        }
        for (auto const message : split.messages) out.emplace_back(message);
        if (out.size() > inputs_max) {
            diagnostics.error(input.where, "more than 10,000 messages in one case", "use a smaller file");
            return false;
        }
    }
    return true;
}

void check_name(config::NameRef const& ref, std::vector<std::string> const& names, std::string_view what,
                config::Diagnostics& diagnostics) {
    if (index_of(names, ref.name) != Pipeline::none) return;
    std::vector<std::string_view> const known(names.begin(), names.end());
    diagnostics.error(ref.where, "there is no " + std::string(what) + " " + config::in_quotes(ref.name),
                      config::suggest(ref.name, known, std::string(what) + "s"));
}

// One delivery that came, and the message that caused it.
struct Came {
    std::string_view bytes;
    std::uint32_t destination = 0;
    std::uint32_t route = 0;
    bool unchanged = false;
};

class CaseRun {
  public:
    CaseRun(Case const& one, Subject const& subject, RunOptions const& options,
            std::vector<std::string>& updated)
        : case_(one), subject_(subject), options_(options), updated_(updated) {}

    CaseResult run() {
        result_.name = case_.name.value;
        result_.where = case_.name.where;
        config::Diagnostics diagnostics;
        auto const& pipeline = subject_.pipeline;
        bool const fhir = takes_fhir(case_, pipeline);
        if (!read_inputs(case_, fhir, subject_.files, diagnostics, inputs_)) {
            for (auto const& d : diagnostics.sorted()) fail(d.where, d.what);
            return std::move(result_);
        }
        auto const& listeners = subject_.pipeline.listener_names();
        auto const listener =
            case_.listener.empty() ? std::uint32_t{0} : index_of(listeners, case_.listener.value);
        taken_.reserve(inputs_.size());
        ScriptedOutside outside(case_.outside);
        for (auto const& input : inputs_) {
            outside.begin(taken_.size(), case_.now_us);
            taken_.push_back(subject_.door.take(listener, input, case_.now_us, subject_.observer, &outside));
        }
        for (auto const& question : outside.unanswered())
            fail(case_.name.where, "nothing says what comes when a step asks " + config::in_quotes(question));
        check_files(outside.written());
        for (auto const& taken : taken_) check_ack(taken);
        check_routes(case_.filtered, RouteOutcome::filtered, "filtered");
        check_routes(case_.held, RouteOutcome::held, "held");
        nothing_else_held();
        check_deliveries();
        return std::move(result_);
    }

  private:
    void fail(config::Location where, std::string what, std::vector<hl7::Difference> differences = {}) {
        result_.failures.push_back({std::move(where), std::move(what), std::move(differences)});
    }

    std::string const& route_name(std::uint32_t route) const {
        return subject_.pipeline.route_names()[route];
    }

    void check_ack(Taken const& taken) {
        auto const& ack = case_.ack;
        auto const& where = ack.where.line != 0 ? ack.where : case_.name.where;
        auto const& code = taken.answer_code;
        auto const told = told_in(taken.answer);
        std::string const came = code + (told.error_code.empty() ? "" : " " + told.error_code) +
                                 (told.text.empty() ? "" : ": " + told.text);
        bool const taken_over = code == "AA" || code == "CA" || code == "none" || code.starts_with('2');
        if (ack.code.empty() ? ack.error.empty() && ack.text.empty() && !taken_over : ack.code != code)
            return fail(where, "ack: expected " + (ack.code.empty() ? std::string("AA") : ack.code) +
                                   ", came " + came);
        if (!ack.error.empty() && ack.error != told.error_code)
            return fail(where, "ack: expected error " + ack.error + ", came " + came);
        if (told.text.find(ack.text) == std::string::npos)
            fail(where, "ack: expected a text with " + config::in_quotes(ack.text) + ", came " + came);
    }

    void check_routes(std::vector<RouteExpectation> const& expected, RouteOutcome outcome,
                      std::string const& word) {
        for (auto const& one : expected) {
            bool seen = false, met = false;
            std::string came;
            for (auto const& taken : taken_) {
                for (auto const& verdict : taken.processed.verdicts) {
                    if (route_name(verdict.route) != one.route.name) continue;
                    seen = true;
                    met = met || (verdict.outcome == outcome &&
                                  verdict.reason.find(one.reason) != std::string::npos);
                    came = std::string(name(verdict.outcome)) +
                           (verdict.reason.empty() ? "" : ": " + verdict.reason);
                }
            }
            if (met) continue;
            if (!seen) came = "never seen by the route";
            fail(one.route.where, "route " + one.route.name + ": expected " + word +
                                      (one.reason.empty() ? "" : ": " + one.reason) + ", was " + came);
        }
    }

    void nothing_else_held() {
        for (auto const& taken : taken_) {
            for (auto const& verdict : taken.processed.verdicts) {
                if (verdict.outcome != RouteOutcome::held) continue;
                auto const& route = route_name(verdict.route);
                bool const expected =
                    std::any_of(case_.held.begin(), case_.held.end(),
                                [&](RouteExpectation const& e) { return e.route.name == route; });
                if (!expected)
                    fail(case_.name.where, "route " + route + " held the message: " + verdict.reason);
            }
        }
    }

    void check_files(std::map<std::string, std::string> const& written) {
        for (auto const& one : case_.wrote) {
            auto const found = written.find(one.path.name);
            if (found == written.end()) {
                fail(one.path.where, one.path.name + " was not written");
            } else if (one.text && *one.text != found->second) {
                fail(one.path.where, one.path.name + ": expected " + config::in_quotes(*one.text) +
                                         ", came " + config::in_quotes(found->second));
            }
        }
        if (!case_.says_wrote) return;
        for (auto const& file : written) {
            bool const expected =
                std::any_of(case_.wrote.begin(), case_.wrote.end(),
                            [&](FileExpectation const& e) { return e.path.name == file.first; });
            if (!expected) fail(case_.name.where, file.first + " was written, and is not expected");
        }
    }

    void check_deliveries() {
        std::vector<std::vector<Came>> came(subject_.pipeline.destination_names().size());
        for (std::size_t i = 0; i < taken_.size(); ++i) {
            auto const& processed = taken_[i].processed;
            for (auto const& d : processed.deliveries) {
                std::string_view const bytes = d.body == 0 ? inputs_[i] : processed.bodies[d.body - 1];
                came[d.destination].push_back({bytes, d.destination, d.route, d.body == 0});
            }
        }
        auto const& names = subject_.pipeline.destination_names();
        for (std::size_t i = 0; i < names.size(); ++i) {
            auto const expected =
                std::find_if(case_.expect.begin(), case_.expect.end(),
                             [&](DestinationExpectation const& e) { return e.destination.name == names[i]; });
            if (expected != case_.expect.end()) {
                check_destination(*expected, came[i]);
            } else if (!came[i].empty()) {
                fail(case_.name.where, names[i] + ": nothing was expected, came " + counted(came[i].size()) +
                                           " from route " + route_name(came[i].front().route));
            }
        }
    }

    static std::string counted(std::size_t n) {
        return std::to_string(n) + (n == 1 ? " message" : " messages");
    }

    void check_destination(DestinationExpectation const& expected, std::vector<Came> const& came) {
        auto const& name = expected.destination.name;
        if (expected.messages.size() != came.size())
            fail(expected.destination.where,
                 name + ": expected " + counted(expected.messages.size()) + ", came " + counted(came.size()));
        for (std::size_t i = 0; i < std::min(came.size(), expected.messages.size()); ++i) {
            std::string const what = came.size() == 1 ? name : name + " #" + std::to_string(i + 1);
            check_message(expected.messages[i], came[i], what);
        }
    }

    void check_message(MessageExpectation const& expected, Came const& came, std::string const& what) {
        if (expected.unchanged && !came.unchanged)
            return fail(expected.where,
                        what + ": expected as it came, but route " + route_name(came.route) + " changed it",
                        differences_between(inputs_.size() == 1 ? inputs_.front() : "", came.bytes));
        if (!expected.golden.empty()) check_golden(expected.golden, came, what);
        if (expected.fields.empty() && expected.that.empty()) return;
        if (auto const interaction = fhir::Interaction::read(came.bytes);
            interaction && expected.fields.empty()) {
            routes::Subject const subject{nullptr, nullptr, &*interaction};
            for (auto const& assertion : expected.that)
                check_assertion(assertion, assertion.fhir, subject.context(case_.now_us), what);
            return;
        }
        auto const message = hl7::read_body(came.bytes);
        if (!message) return fail(expected.where, what + ": no HL7 v2 message came: " + message.error().what);
        hl7::StructureCache structures(*message, subject_.config.dictionary);
        for (auto const& field : expected.fields) check_field(field, *message, structures, what);
        for (auto const& assertion : expected.that)
            check_assertion(assertion, assertion.expression, {&*message, case_.now_us, &structures}, what);
    }

    void check_assertion(Assertion const& assertion, expression::Expression const& expression,
                         expression::Context const& context, std::string const& what) {
        if (!expression.valid())
            return fail(assertion.where, what + ": the expression is not about what came");
        auto const holds = expression.test(context);
        if (!holds) {
            fail(assertion.where, what + ": " + holds.error().text());
        } else if (!*holds) {
            std::string values;
            for (auto const& read : expression.reads(context))
                values += (values.empty() ? "; " : ", ") + read.text();
            fail(assertion.where, what + ": not so: " + std::string(expression.source()) + values);
        }
    }

    void check_field(FieldExpectation const& expected, hl7::Message const& message,
                     hl7::StructureCache& structures, std::string const& what) {
        auto const came = value_at(message, expected.path, structures);
        if (came == expected.value) return;
        hl7::Lookup const lookup(subject_.config.dictionary, message);
        fail(expected.where, what + ": " + named(expected.path, message, lookup) + ": expected " +
                                 config::in_quotes(expected.value) + ", came " + config::in_quotes(came));
    }

    void check_golden(config::Text const& golden, Came const& came, std::string const& what) {
        auto const file = subject_.files.read(golden.value);
        if (file && same_message(*file, came.bytes)) return;
        if (options_.update) {
            if (subject_.files.write(golden.value, golden_text(came.bytes))) {
                updated_.push_back(golden.value);
            } else {
                fail(golden.where, what + ": " + golden.value + " can't be written");
            }
            return;
        }
        if (!file)
            return fail(golden.where,
                        what + ": there is no " + golden.value + "; hilum test --update writes it");
        auto differences = differences_between(with_segment_ends(*file), came.bytes);
        std::string text = what + ": differs from " + golden.value;
        if (differences.empty()) text += " in its bytes, though in no value";
        fail(golden.where, std::move(text), std::move(differences));
    }

    Case const& case_;
    Subject const& subject_;
    RunOptions const& options_;
    std::vector<std::string>& updated_;
    CaseResult result_;
    std::vector<std::string> inputs_;
    std::vector<Taken> taken_;
};

}  // namespace

void check_names(TestFile const& file, Subject const& subject, config::Diagnostics& diagnostics) {
    auto const& pipeline = subject.pipeline;
    for (auto const& one : file.cases) {
        if (!one.listener.empty()) {
            check_name({one.listener.value, one.listener.where}, pipeline.listener_names(), "listener",
                       diagnostics);
        } else if (pipeline.listener_names().size() != 1) {
            std::vector<std::string_view> const known(pipeline.listener_names().begin(),
                                                      pipeline.listener_names().end());
            diagnostics.error(one.name.where, "the case doesn't say where its messages come in",
                              "add listener: one of " + config::suggest("", known, "listeners"));
        }
        for (auto const& e : one.expect)
            check_name(e.destination, pipeline.destination_names(), "destination", diagnostics);
        for (auto const* routes : {&one.filtered, &one.held})
            for (auto const& e : *routes) check_name(e.route, pipeline.route_names(), "route", diagnostics);
        std::vector<std::string> inputs;
        read_inputs(one, takes_fhir(one, pipeline), subject.files, diagnostics, inputs);
    }
}

std::vector<CaseResult> run(TestFile const& file, Subject const& subject, RunOptions const& options,
                            std::vector<std::string>& updated) {
    std::vector<CaseResult> results;
    for (auto const& one : file.cases) {
        if (one.name.value.find(options.only) == std::string::npos) continue;
        results.push_back(CaseRun(one, subject, options, updated).run());
    }
    return results;
}

}  // namespace hilum::testing
