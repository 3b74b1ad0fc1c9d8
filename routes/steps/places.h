// Steps that change values where they stand: what they share.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "routes/steps/fhir_path.h"
#include "routes/steps/steps.h"

namespace hilum::routes {

// A path to values, in what comes to the step: PID-13[*] or Patient.telecom.value.
class ValuePath {
  public:
    ValuePath() = default;
    // One that may be written to; nothing after a diagnostic.
    static std::optional<ValuePath> compile(config::Text const& text, CompileContext& context);

    std::string text() const;
    bool many() const;  // it says that it means several values: [*]
    hl7::GroupPath const* hl7() const { return std::get_if<hl7::GroupPath>(&path_); }
    FhirPath const* fhir() const { return std::get_if<FhirPath>(&path_); }
    // Writes to every place it names; errors as those of the two kinds.
    Result<void> set(Work& work, std::string_view text) const;

  private:
    std::variant<hl7::GroupPath, FhirPath> path_;
};

// One of the values that a path names.
struct Place {
    std::size_t segment = 0;
    hl7::Path path;  // with one repetition
    fhir::Element element{};
    std::string name{};  // of the path it was found by, in FHIR

    std::string text() const { return element.exists() ? name : path.text(); }
};

// Calls f for each value that is there (neither absent nor empty nor null), in the order of the message,
// until a result does not go on. f may write to the place it is given, and add or remove nothing.
StepResult each_value(Work& work, ValuePath const& path,
                      std::function<StepResult(Place const&, std::string_view text)> const& f);
StepResult write(Work& work, Place const& place, std::string_view text);

// What becomes of a value that a step can do nothing with. It has to be said.
enum class Otherwise : unsigned char { unsaid, hold, pass, use_default };

struct Fallback {
    Otherwise otherwise = Otherwise::unsaid;
    config::Text text;
};

// `what` of the value: "that is not in the table".
template <class V>
void describe_fallback(V& v, Fallback& o) {
    v.choice("otherwise", o.otherwise,
             {{"hold", Otherwise::hold}, {"pass", Otherwise::pass}, {"default", Otherwise::use_default}},
             "what becomes of a value that the step can do nothing with: hold the message, pass it as it is, "
             "or write the default");
    v.optional("default", o.text, "the text to write instead of such a value (otherwise: default)");
}
// Reports what is not said, or in vain.
bool check_fallback(config::Step const& step, Fallback const& fallback, std::string_view what,
                    config::Diagnostics& diagnostics);
// Does it: `reason` is that of holding.
StepResult fall_back(Work& work, Place const& place, Fallback const& fallback, std::string reason);

}  // namespace hilum::routes
