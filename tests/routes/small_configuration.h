// A configuration for tests of what stands on the pipeline: two destinations, three routes.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>

#include "routes/config/config.h"
#include "routes/pipeline.h"
#include "routes/steps/step.h"

namespace hilum::test {

class NoEnvironment final : public config::Environment {
  public:
    bool variable(std::string const&, std::string&) const override { return false; }
    bool file(std::string const&, std::string&) const override { return false; }
};

struct SmallConfiguration {
    config::Config config;
    std::shared_ptr<routes::Pipeline const> pipeline;
};

inline SmallConfiguration small_configuration() {
    constexpr std::string_view text =
        "listeners:\n  in: { mllp: {} }\n"
        "destinations:\n  lab: { mllp: {} }\n  archive: { mllp: {} }\n"
        "routes:\n"
        "  - { name: to-lab, from: in, when: MSH-9.1 = 'ADT' and PID-8 = 'F', to: lab,\n"
        "      steps: [ set: { MSH-5: LAB, PID-5.1: =PID-5.1.upper() } ] }\n"
        "  - { name: keep, from: in, to: archive }\n"
        "  - { name: strict, from: in, when: PID-8 = 'X', steps: [ set: { 'NK1[7]-2': x } ], to: lab }\n";
    config::KindCheck const mllp{"mllp", [](config::Component const&, config::Diagnostics&) {},
                                 [] { return std::string("{}"); }};
    config::Catalogue catalogue;
    catalogue.listeners.push_back(mllp);
    catalogue.destinations.push_back(mllp);
    for (auto const& kind : routes::step_catalogue()) catalogue.steps.push_back(kind.name);
    config::Diagnostics diagnostics;
    SmallConfiguration out;
    out.config = config::load_text(text, "hilum.yaml", ".", catalogue, NoEnvironment(), diagnostics);
    out.pipeline = routes::Pipeline::compile(out.config, routes::step_catalogue(), diagnostics);
    REQUIRE(!diagnostics.failed());
    return out;
}

}  // namespace hilum::test
