// The steps that shape what a sender is told: `answer:` of a listener. Pure, like the routes.
#pragma once

#include <cstdint>
#include <string>

#include "parsers/hl7/dictionary.h"
#include "parsers/result.h"
#include "routes/config/config.h"
#include "routes/steps/step_list.h"

namespace hilum::routes {

class AnswerSteps {
  public:
    static constexpr std::string_view key = "answer";

    AnswerSteps() = default;
    // Those of a listener; none when it has no such key. Findings go to the context's diagnostics.
    static AnswerSteps compile(config::Component const& listener, CompileContext& context);
    bool empty() const { return steps_.empty(); }

    // Runs them on an acknowledgement (ER7). After an error it is as it was: a sender is owed an answer, and
    // a plain one serves. Errors: "answer_step" (a step could not do its work), "answer_msa" (MSA-2 no longer
    // names the message, or MSA-1 holds no code of table HL70008). Thread-safe; no text of the message is in
    // an error.
    Result<void> shape(std::string& answer, std::int64_t now_us, hl7::Dictionary const& dictionary) const;

  private:
    StepList steps_;
};

}  // namespace hilum::routes
