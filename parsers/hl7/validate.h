// Whether a message is as the standard says, and as a conformance profile says on top of it.
//
// What is found has a place (as ERR-2 wants it), a code of table HL70357, a severity and a rule with a stable
// name, and never holds message content. Errors are what the standard or the profile forbids; warnings are
// what receivers have to tolerate (§2.6.2: what is in excess is ignored; §2.5.3.2 up to 2.6: lengths are
// agreed on by sites). docs/validation.md lists the rules. Linear time on any input; nothing is allocated but
// for findings.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/message.h"

namespace hilum::hl7 {

struct Profile;  // parsers/hl7/profile.h

enum class Rule : unsigned char {
    version,             // MSH-12 missing or none of table 0104
    message_type,        // no structure is known for MSH-9
    message_structure,   // MSH-9.3 is not that of the type and event
    segment_missing,     // of the structure
    segment_unexpected,  // the structure has no such segment
    segment_order,       // it has, but not here
    segment_count,       // more than the structure allows
    required,            // a required field or component without value
    not_used,            // a field, component or segment that is not to be sent
    withdrawn,           // one that this version has withdrawn
    length,
    datatype,
    table,
    repetition,   // more or fewer repetitions than allowed
    extra_field,  // beyond the last one of the segment
    extra_component,
    conditional,  // a statement of the standard that depends on other values
    constant,     // a profile wants another value
    profile,      // no message of the profile is of this type
};
inline constexpr std::size_t rule_count = 19;
std::string_view name(Rule rule);  // "segment_missing"

// Counted as in ERR-2 (§2.A.28 of 2.5, ERL); 0 where it does not reach down to that.
struct FindingPlace {
    char segment[4] = {0, 0, 0, 0};  // "PID"; "???" for what is no name of a segment
    std::uint32_t occurrence = 1;
    std::uint32_t field = 0;
    std::uint32_t repetition = 0;
    std::uint32_t component = 0;
    std::uint32_t subcomponent = 0;

    std::string err_location() const;  // "PID^1^3^2^4", always with ^
    std::string text() const;          // "PID[1]-3[2].4"
};

struct Finding {
    FindingPlace place;
    Rule rule = Rule::required;
    char severity = 'E';     // ERR-4: E, W, I
    std::uint16_t code = 0;  // HL70357
    bool by_profile = false;
    std::size_t segment = 0;     // its number in the message, from 1; of what is missing: where it should be
    std::uint32_t number = 0;    // a length, a count, a table: what the rule allows
    std::string_view subject{};  // a name of the standard or of the profile; lives as long as the rules

    std::string text() const;  // one sentence for people, no content
};

struct Report {
    static constexpr std::size_t kept_max = 200;

    std::vector<Finding> findings;  // in the order of the message, at most kept_max
    std::uint64_t errors = 0, warnings = 0, notes = 0;
    std::array<std::uint32_t, rule_count> by_rule{};  // errors alone

    bool conforms() const { return errors == 0; }
    std::uint64_t count() const { return errors + warnings + notes; }
    void clear();
};

namespace validation {
struct Compiled;
}

// What messages are held against: a dictionary in the form the validator walks, and perhaps a profile.
// Immutable; copies share it; any thread may use it. Making one takes some tens of milliseconds and a few
// megabytes, adding a profile little: make one per dictionary.
class Rules {
  public:
    // `closed_tables`: user-defined tables (IS, CE, CWE) of which a site says that no other codes are right.
    static Rules of(Dictionary dictionary, std::set<std::uint16_t> closed_tables = {});
    Rules with(std::shared_ptr<Profile const> profile) const;

    validation::Compiled const& compiled() const { return *compiled_; }
    Profile const* profile() const { return profile_.get(); }

  private:
    std::shared_ptr<validation::Compiled const> compiled_;
    std::shared_ptr<Profile const> profile_;
};

// Fills `report`, which may be used again and again. It lives at most as long as the rules.
void validate(Message const& message, Rules const& rules, Report& report);
Report validate(Message const& message, Rules const& rules);

}  // namespace hilum::hl7
