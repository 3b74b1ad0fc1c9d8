// Runs route tests. Pure: files and the engine's door are handed in, time stands in the tests.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message_diff.h"
#include "routes/config/config.h"
#include "routes/pipeline.h"
#include "routes/testing/door.h"
#include "routes/testing/test_file.h"

namespace hilum::testing {

struct Failure {
    config::Location where;  // of the expectation
    std::string what;        // `lab: PID-5.1 (Family Name): expected "PROBE", came "Probe"`; may show values
    std::vector<hl7::Difference> differences{};
};

struct CaseResult {
    std::string name;
    config::Location where;
    std::vector<Failure> failures;
    bool passed() const { return failures.empty(); }
};

struct Subject {
    config::Config const& config;
    routes::Pipeline const& pipeline;
    Door& door;
    Files& files;
    routes::Observer* observer = nullptr;  // null: nobody watches
};

struct RunOptions {
    bool update = false;    // write golden files
    std::string_view only;  // a part of a case's name; empty: every case
};

// Reports listeners, destinations and routes that the configuration doesn't have, cases without a listener
// where there are several, and inputs that hold no message.
void check_names(TestFile const& file, Subject const& subject, config::Diagnostics& diagnostics);

// Runs the cases of a file that has passed check_names. `updated` gets the golden files that were written.
// Names in the results live as long as the configuration.
std::vector<CaseResult> run(TestFile const& file, Subject const& subject, RunOptions const& options,
                            std::vector<std::string>& updated);

}  // namespace hilum::testing
