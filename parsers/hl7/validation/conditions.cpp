#include "parsers/hl7/validation/conditions.h"

#include <algorithm>

namespace hilum::hl7::validation {

namespace {

void need(Walk& walk, std::uint32_t field, std::string_view why, char severity = 'E') {
    if (!walk.valued(field)) walk.report_field(field, Rule::conditional, severity, 101, why);
}

// §2.14.9.9 of 2.5 (MSG, §2.A.43): all three components, which the answer to a message may lack (§2.9.2).
void msh(Walk& walk) {
    bool const ack = walk.type() == "ACK" || walk.type() == "MCF";
    if (walk.version() < Version::v2_5 || walk.version() >= Version::v2_7 || ack || !walk.valued(9)) return;
    if (walk.component(9, 3).empty())
        walk.report_field(9, Rule::conditional, 'W', 101,
                          "the message structure (third component) is missing");
}

// §7.4.2.2: OBX-2 must be valued if OBX-11 is not X; where there is no value it has nothing to tell.
void obx(Walk& walk) {
    if (walk.valued(5) && walk.field(11) != "X")
        need(walk, 2, "the datatype is required where there is a value");
}

// §4.5.1.2, §4.5.1.3: what ORC and its OBR both carry must be the same; either may leave it to the other.
void orc(Walk& walk) {
    walk.order = {walk.field(2), walk.field(3), true};
}

void obr(Walk& walk) {
    auto const differ = [](std::string_view a, std::string_view b) {
        return !a.empty() && !b.empty() && a != b;
    };
    if (walk.order.open) {
        if (differ(walk.order.placer, walk.field(2)))
            walk.report_field(2, Rule::conditional, 'E', 199, "it must be the same as ORC-2 of its order");
        if (differ(walk.order.filler, walk.field(3)))
            walk.report_field(3, Rule::conditional, 'E', 199, "it must be the same as ORC-3 of its order");
        walk.order = {};
    }
    if (walk.type() != "ORU" || walk.version() < Version::v2_2) return;
    // §7.4.1.7, §7.4.1.25
    need(walk, 7, "the observation's time is required in a report");
    need(walk, 25, "the result status is required in a report");
}

// §10.6.1.1, §10.6.1.2: the placer's or the filler's identifier, by who sends first.
void sch(Walk& walk) {
    if (!walk.valued(1)) need(walk, 2, "an appointment is named by its placer (SCH-1) or its filler (SCH-2)");
}

// §6.5.2.20, §6.5.2.21: an update of diagnoses (P12) says which and how.
void dg1(Walk& walk) {
    if (walk.event() != "P12" || walk.version() < Version::v2_5) return;
    need(walk, 20, "required in an update of diagnoses and procedures (P12)");
    need(walk, 21, "required in an update of diagnoses and procedures (P12)");
}

// §6.5.4.19, §6.5.4.20
void pr1(Walk& walk) {
    if (walk.event() != "P12" || walk.version() < Version::v2_5) return;
    need(walk, 19, "required in an update of diagnoses and procedures (P12)");
    need(walk, 20, "required in an update of diagnoses and procedures (P12)");
}

struct Condition {
    std::string_view segment;
    void (*check)(Walk& walk);
};
constexpr Condition conditions[] = {{"MSH", msh}, {"OBX", obx}, {"ORC", orc}, {"OBR", obr},
                                    {"SCH", sch}, {"DG1", dg1}, {"PR1", pr1}};

Condition const* find(std::string_view segment) {
    auto const* found = std::find_if(std::begin(conditions), std::end(conditions),
                                     [segment](Condition const& c) { return c.segment == segment; });
    return found == std::end(conditions) ? nullptr : found;
}

}  // namespace

bool has_conditions(std::string_view segment) {
    return find(segment) != nullptr;
}

void check_conditions(Walk& walk) {
    if (auto const* found = find(walk.segment_name())) found->check(walk);
}

}  // namespace hilum::hl7::validation
