// One step, written in YAML, on a small message: what the row tables of the kinds are made of.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "routes/config/node.h"
#include "routes/steps/step.h"

namespace hilum::steps_test {

using routes::StepResult;

inline constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\r"
    "PID|1|OLD|4711^^^NORTH~0815||DOE^JANE||19800203|F||||||\"\"\r"
    "NK1|1|A\rNK1|2|B\r"
    "PV1|1|I|W1^101\r"
    "OBX|1|ST|A||x\rOBX|2|ST|B||y\rOBX|3|ST|||z\r";

class NoEnvironment final : public config::Environment {
  public:
    bool variable(std::string const&, std::string&) const override { return false; }
    bool file(std::string const&, std::string&) const override { return false; }
};

inline routes::Tables tables() {
    config::Diagnostics diagnostics;
    config::Table const wards{"wards", {}, {"wards.csv", {}}, {"local"}, "standard"};
    config::Table by_site{"by_site", {}, {"by_site.csv", {}}, {"site", "local"}, "standard"};
    by_site.from = "from";
    by_site.fallback = {"?", {std::make_shared<std::string const>("hilum.yaml"), 1, 1}};
    routes::Tables result;
    result["wards"] = routes::Table::parse("local,standard\nW1,IC\nA,a|1\nB,\n", wards, diagnostics);
    result["by_site"] = routes::Table::parse(
        "site,local,from,standard\nNORTH,W1,1980-01-01,N1\nSOUTH,W1,,S1\n", by_site, diagnostics);
    REQUIRE(!diagnostics.failed());
    return result;
}

// The step written in YAML, as it stands behind "- ".
inline std::unique_ptr<routes::Step> compile(std::string const& yaml, config::Diagnostics& diagnostics,
                                             std::string& kind) {
    static auto const known = tables();
    auto const node = config::read_yaml(yaml, "s.yaml", NoEnvironment(), diagnostics);
    REQUIRE(!diagnostics.failed());
    config::Node list;
    list.kind = config::Node::Kind::sequence;
    list.items = {node};
    std::vector<std::string_view> kinds;
    for (auto const& k : routes::step_catalogue()) kinds.push_back(k.name);
    auto const step = config::read_steps(list, "steps", "the test", kinds, diagnostics).at(0);
    kind = step.kind;
    routes::CompileContext context{known, diagnostics};
    for (auto const& k : routes::step_catalogue())
        if (k.name == step.kind) return k.compile(step, context);
    return nullptr;
}

// What the step makes of the sample: the lines that changed, or "stop: reason", "hold: reason".
inline std::string run(std::string const& yaml) {
    config::Diagnostics diagnostics;
    std::string kind;
    auto const step = compile(yaml, diagnostics, kind);
    if (!step) return diagnostics.text();
    routes::Workpiece piece;
    REQUIRE(piece.read(routes::Content::hl7, sample, std::nullopt, hl7::Dictionary::standard()).has_value());
    auto* const message = &piece.message();
    routes::Work work{piece};
    auto const result = step->run(work);
    if (result.next == StepResult::Next::stop) return "stop: " + result.text();
    if (result.next == StepResult::Next::hold) return "hold: " + result.text();
    if (result.next == StepResult::Next::reject) return "reject: " + result.text();
    auto const original = hl7::Message::view(sample);
    std::string out;
    for (std::size_t i = 1; i <= message->segment_count(); ++i) {
        auto const text = message->segment(i);
        bool known = false;
        for (std::size_t j = 1; j <= original->segment_count(); ++j)
            known = known || original->segment(j) == text;
        if (!known) out += (out.empty() ? "" : "\n") + std::string(text);
    }
    if (message->segment_count() < original->segment_count())
        out += "-" + std::to_string(original->segment_count() - message->segment_count()) + " segments";
    return out;
}

struct Row {
    std::string_view yaml;
    std::string_view result;
};

template <std::size_t N>
void check(Row const (&rows)[N]) {
    for (auto const& row : rows) {
        CAPTURE(row.yaml);
        CHECK(run(std::string(row.yaml)) == row.result);
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
        std::string kind;
        CHECK(!compile(std::string(row.yaml), diagnostics, kind));
        CAPTURE(diagnostics.text());
        CHECK(diagnostics.failed());
        CHECK(diagnostics.text().find(row.found) != std::string::npos);
    }
}

}  // namespace hilum::steps_test
