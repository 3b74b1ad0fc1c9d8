// Holding messages against the standard and a profile when they come in: what refuses them, what the trace
// keeps of it, and how many conform, by sender and rule.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/listeners/validation_options.h"
#include "engine/ops/control.h"
#include "parsers/hl7/ack.h"
#include "parsers/hl7/validate.h"
#include "routes/fhir_conformance.h"

namespace hilum::flow {

// Of one listener; immutable.
struct Validator {
    listeners::Strength strength = listeners::Strength::observe;
    hl7::Rules rules;                               // of one that takes HL7 v2
    std::shared_ptr<FhirConformance const> fhir{};  // of one that takes FHIR: never null, also when it is off
};
// Parallel to config.listeners; nullptr where HL7 v2 is not validated. The dictionary is compiled once for
// all, and only when one of them needs it.
std::vector<std::shared_ptr<Validator const>> make_validators(config::Config const& config);

// Thread-safe. Counts since start; a reload keeps them.
class Conformance {
  public:
    static constexpr std::size_t senders_max = 200;  // of a listener; those after it count as one, "(others)"
    static constexpr std::size_t errors_told = 10;   // in a NAK and in the trace

    // Validates and counts. What is to be answered when the message is refused; `note` is for the trace,
    // empty when nothing was found.
    std::optional<hl7::AckError> judge(Validator const& validator, std::string const& listener,
                                       hl7::Message const& message, std::string& note);

    std::vector<ops::ConformanceView> view() const;
    // Prometheus lines.
    void render(std::string& out) const;

  private:
    struct Counts {
        std::uint64_t messages = 0, conformant = 0;
        std::array<std::uint64_t, hl7::rule_count> messages_by_rule{};  // messages with such an error
        std::array<std::uint64_t, hl7::rule_count> findings_by_rule{};
        void add(hl7::Report const& report);
    };
    struct Listener {
        Counts all;
        std::map<std::string, Counts, std::less<>> senders;
    };
    mutable std::mutex mutex_;
    std::map<std::string, Listener, std::less<>> listeners_;
};

}  // namespace hilum::flow
