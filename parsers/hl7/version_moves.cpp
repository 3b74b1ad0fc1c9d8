#include "parsers/hl7/version_moves.h"

namespace hilum::hl7 {

namespace {

using How = FieldMove::How;

// v2.8.2 §3.4.2 (PID), §3.4.9 (MRG), §6.5.2 (DG1), §6.5.4 (PR1): what each field's description recommends.
constexpr FieldMove moves[] = {
    {"PID", 2, 3, How::identifier, 0, {}},    {"PID", 4, 3, How::identifier, 0, {}},
    {"PID", 19, 3, How::identifier, 0, "SS"}, {"PID", 20, 3, How::license, 0, "DL"},
    {"PID", 9, 5, How::alias, 0, {}},         {"PID", 12, 11, How::component, 9, {}},
    {"PID", 28, 26, How::repetition, 0, {}},  {"MRG", 2, 1, How::identifier, 0, {}},
    {"MRG", 4, 1, How::identifier, 0, {}},    {"DG1", 2, 3, How::component, 3, {}},
    {"DG1", 4, 3, How::component, 2, {}},     {"PR1", 2, 3, How::component, 3, {}},
    {"PR1", 4, 3, How::component, 2, {}},
};

constexpr DatatypeSuccessor successors[] = {
    {"TS", "DTM"}, {"CE", "CWE"}, {"CK", "CX"}, {"CN", "XCN"}, {"PN", "XPN"}, {"AD", "XAD"}, {"TN", "XTN"},
};

}  // namespace

std::span<FieldMove const> field_moves() {
    return moves;
}

std::span<DatatypeSuccessor const> datatype_successors() {
    return successors;
}

}  // namespace hilum::hl7
