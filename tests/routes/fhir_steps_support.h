// One step, written in YAML, on a small FHIR resource.
#pragma once

#include "tests/routes/steps_support.h"

namespace hilum::fhir_steps_test {

using routes::StepResult;

inline constexpr std::string_view patient =
    R"({"resourceType":"Patient","id":"p","identifier":[{"system":"urn:mrn","value":"4711"},{"system":"urn:ssn","value":"99"}],)"
    R"("active":true,"name":[{"use":"official","family":"Doe","given":["Jane",null],"_given":[null,{"id":"g"}]},{"use":"maiden","family":"Roe"}],)"
    R"("gender":"F","birthDate":"1980-02-03","_birthDate":{"id":"b"},"deceasedBoolean":false,)"
    R"("contact":[{"name":{"family":"Poe"},"telecom":[{"system":"phone","value":"1"}]}],"multipleBirthInteger":2})";

inline constexpr std::string_view observation =
    R"({"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"code":"W1"}]},"effectiveDateTime":"2026-01-02T03:04:05+01:00",)"
    R"("valueQuantity":{"value":1.50,"unit":"g"},"component":[{"code":{"text":"c"},"valueString":"7"}]})";

inline std::unique_ptr<routes::Step> compile(std::string const& yaml, config::Diagnostics& diagnostics,
                                             std::vector<config::NamedSteps> lists = {}) {
    static auto const known = steps_test::tables();
    auto const node = config::read_yaml(yaml, "s.yaml", steps_test::NoEnvironment(), diagnostics);
    REQUIRE(!diagnostics.failed());
    config::Node list;
    list.kind = config::Node::Kind::sequence;
    list.items = {node};
    std::vector<std::string_view> kinds;
    for (auto const& k : routes::step_catalogue()) kinds.push_back(k.name);
    auto const step = config::read_steps(list, "steps", "the test", kinds, diagnostics).at(0);
    routes::CompileContext context{known, diagnostics};
    context.content = routes::Content::fhir;
    context.route = "r";
    context.calls.lists = std::move(lists);
    for (auto const& k : routes::step_catalogue()) {
        if (k.name != step.kind) continue;
        REQUIRE(k.works_on != routes::WorksOn::hl7);
        return k.compile(step, context);
    }
    return nullptr;
}

struct Ran {
    std::string text;  // the interaction as it is then, or "hold: reason"
    std::vector<std::string> parts, notes;
    hl7::Form form = hl7::Form::er7;
};

inline Ran run_whole(std::string const& yaml, std::string_view interaction,
                     routes::Outside* outside = nullptr, std::vector<config::NamedSteps> lists = {}) {
    Ran out;
    config::Diagnostics diagnostics;
    auto const step = compile(yaml, diagnostics, std::move(lists));
    if (!step) {
        out.text = diagnostics.text();
        return out;
    }
    CHECK(diagnostics.text() == "");
    routes::Workpiece piece;
    auto const read =
        piece.read(routes::Content::fhir, interaction, std::nullopt, hl7::Dictionary::standard());
    REQUIRE(read.has_value());
    routes::Work work{piece};
    work.now_us = 1'767'312'000'000'000;  // 2026-01-02
    work.notes = &out.notes;
    work.outside = outside;
    auto result = step->run(work);
    using Next = StepResult::Next;
    char const* const word = result.next == Next::stop     ? "stop: "
                             : result.next == Next::hold   ? "hold: "
                             : result.next == Next::reject ? "reject: "
                             : result.next == Next::retry  ? "retry: "
                                                           : nullptr;
    out.text = word ? word + result.text() : piece.interaction().text();
    out.parts = std::move(result.parts);
    out.form = work.form;
    // What leaves has to be read by the next route, and nothing is said to have changed that has not.
    auto const again = fhir::Interaction::read(piece.interaction().text());
    CHECK(again.has_value());
    if (!piece.changed()) CHECK(piece.interaction().text() == interaction);
    return out;
}

inline std::string run(std::string const& yaml, std::string_view interaction) {
    return run_whole(yaml, interaction).text;
}

// What became of a resource, as the change: what is in `after` in place of what was in `before`.
inline std::string change(std::string_view before, std::string_view after) {
    if (before == after) return "";
    std::size_t begin = 0, end = 0;
    while (begin < before.size() && begin < after.size() && before[begin] == after[begin]) ++begin;
    while (end < before.size() - begin && end < after.size() - begin &&
           before[before.size() - 1 - end] == after[after.size() - 1 - end])
        ++end;
    // From the comma or bracket before, to the one behind, so that names can be read.
    auto const cut = [](char c) { return c == ',' || c == '{' || c == '[' || c == '}' || c == ']'; };
    while (begin > 0 && !cut(before[begin - 1])) --begin;
    while (end > 0 && !cut(before[before.size() - end])) --end;
    return std::string(before.substr(begin, before.size() - begin - end)) + " -> " +
           std::string(after.substr(begin, after.size() - begin - end));
}

struct Row {
    std::string_view yaml;
    std::string_view result;  // "before -> after"; the whole of what does not begin with a brace
};

template <std::size_t N>
void check(std::string_view resource, Row const (&rows)[N]) {
    for (auto const& row : rows) {
        CAPTURE(row.yaml);
        auto const after = run(std::string(row.yaml), resource);
        CHECK((after.starts_with("{") ? change(resource, after) : after) == row.result);
    }
}

struct Wrong {
    std::string_view yaml;
    std::string_view found;  // part of the diagnostics
};

template <std::size_t N>
void check_wrong(Wrong const (&rows)[N]) {
    for (auto const& row : rows) {
        CAPTURE(row.yaml);
        config::Diagnostics diagnostics;
        CHECK(!compile(std::string(row.yaml), diagnostics));
        CAPTURE(diagnostics.text());
        CHECK(diagnostics.failed());
        CHECK(diagnostics.text().find("s.yaml:1:") != std::string::npos);
        CHECK(diagnostics.text().find(row.found) != std::string::npos);
    }
}

}  // namespace hilum::fhir_steps_test
