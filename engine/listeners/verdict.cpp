#include "engine/listeners/verdict.h"

namespace hilum::listeners {

namespace {

std::string error_code(flow::Answer const& answer) {
    auto const reading = hl7::read_ack(answer.bytes);
    return reading ? reading->error_code : std::string();
}

}  // namespace

Verdict verdict(flow::Answer const& answer) {
    using enum hl7::AckCode;
    if (answer.code == AA || answer.code == CA) return Verdict::accepted;
    if (answer.stored) return Verdict::refused;
    if (answer.bytes.empty())
        return answer.code == AE || answer.code == CE ? Verdict::not_now : Verdict::refused;
    auto const code = error_code(answer);
    return code == "206" || code == "207" ? Verdict::not_now : Verdict::refused;
}

std::string code_text(flow::Answer const& answer) {
    std::string out(hl7::name(answer.code));
    if (auto const code = error_code(answer); !code.empty()) out += "/" + code;
    return out;
}

}  // namespace hilum::listeners
