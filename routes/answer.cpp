#include "routes/answer.h"

#include "parsers/hl7/ack.h"
#include "parsers/hl7/structure.h"

namespace hilum::routes {

AnswerSteps AnswerSteps::compile(config::Component const& listener, CompileContext& context) {
    AnswerSteps answer;
    auto const* const steps = listener.common.find(key);
    if (steps == nullptr) return answer;
    context.answer = true;
    answer.steps_ = StepList::compile({*steps}, key, "listener " + config::in_quotes(listener.name), context);
    context.answer = false;
    return answer;
}

Result<void> AnswerSteps::shape(std::string& answer, std::int64_t now_us,
                                hl7::Dictionary const& dictionary) const {
    Workpiece piece;
    if (auto const read = piece.read(Content::hl7, answer, std::nullopt, dictionary); !read)
        return read.error();
    auto const acknowledged = piece.message().text("MSA-2");
    Work work{piece, now_us};
    auto const result = steps_.run(work);
    if (result.next != StepResult::Next::go_on)
        return error("answer_step", std::string(key), result.text(), "try the steps on an acknowledgement");
    auto const& shaped = piece.message();
    if (shaped.text("MSA-2") != acknowledged || !hl7::ack_code(shaped.text("MSA-1")))
        return error("answer_msa", "MSA[1]", "the steps leave an answer that its sender could not match",
                     "leave MSA-2 alone, and write AA, AE, AR, CA, CE or CR into MSA-1");
    if (piece.changed()) answer = shaped.bytes();
    return {};
}

}  // namespace hilum::routes
