// A file of route tests as typed values (docs/testing.md): shape and expressions are checked here, names of
// listeners, routes and destinations by the runner, which has the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/group_path.h"
#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/config/node.h"
#include "routes/expression/expression.h"

namespace hilum::testing {

struct FieldExpectation {
    hl7::GroupPath path;
    std::string value;  // "": empty or absent
    config::Location where;
};

struct Assertion {
    // As it is read about HL7 v2 and about FHIR: which of them it is about is said by what comes.
    expression::Expression expression, fhir;
    config::Location where;
};

// Of one delivered message; what stands together has to hold together.
struct MessageExpectation {
    config::Location where;
    bool unchanged = false;
    config::Text golden;  // a file, relative to the test file; empty: none
    std::vector<FieldExpectation> fields;
    std::vector<Assertion> that;
};

struct DestinationExpectation {
    config::NameRef destination;
    std::vector<MessageExpectation> messages;  // in order
};

// A file that a step has to write.
struct FileExpectation {
    config::NameRef path;
    std::optional<std::string> text;  // nullopt: whatever is in it
};

// A route that has to filter or hold the message, with a part of its reason.
struct RouteExpectation {
    config::NameRef route;
    std::string reason;
};

struct AckExpectation {
    config::Location where;  // without a line: the case says nothing
    std::string code;        // "AA"; empty: whatever says that the message is taken
    std::string error;       // HL70357
    std::string text;        // a part of it
};

// What another system answers, or what a file holds, when a step asks.
struct OutsideReply {
    config::Text asks;  // a part of the question: of the URL, of the query and its values, of the file's path
    config::Node answer;
    bool nothing = false;  // 404, no row, no file
    std::string fails;     // not empty: there is no answer, and why
};

struct Case {
    config::Text name;
    std::vector<config::Text> inputs;  // texts that begin with MSH, or paths
    config::Text listener;
    std::int64_t now_us = 0;
    std::vector<DestinationExpectation> expect;
    std::vector<RouteExpectation> filtered, held;
    std::vector<OutsideReply> outside;
    std::vector<FileExpectation> wrote;
    bool says_wrote = false;  // else files may be written at will
    AckExpectation ack;
};

struct TestFile {
    config::Text config;
    std::vector<Case> cases;
};

// Findings go to `diagnostics`; the file is useful only when it did not fail.
TestFile read_test_file(std::string_view text, std::string file_name, config::Environment const& environment,
                        config::Diagnostics& diagnostics);

// The answers of the world outside alone, as a case has them under "outside".
std::vector<OutsideReply> read_outside(std::string_view text, std::string file_name,
                                       config::Environment const& environment,
                                       config::Diagnostics& diagnostics);

// Whether an input is a message (HL7 v2, or FHIR in JSON), not the path of a file.
bool is_message(std::string_view input);
// A text without any CR has its lines ended by CR, as segments are.
std::string with_segment_ends(std::string_view text);

}  // namespace hilum::testing
