#include "routes/mapping/fhir_path.h"

#include <string>
#include <utility>

namespace hilum::routes::mapping {

namespace {

using config::in_quotes;

class PathCompiler {
  public:
    PathCompiler(config::Text const& text, Names& names, config::Diagnostics& diagnostics)
        : text_(text), names_(names), diagnostics_(diagnostics) {}

    std::optional<FhirPath> compile(fhir::Type type) {
        if (!type.exists()) return std::nullopt;
        out_.type = type;
        std::string_view rest = text_.value;
        if (rest.empty()) return fail("an element is missing", "such as identifier or name.given");
        while (true) {
            auto const end = rest.find_first_of(".[(");
            auto const name = rest.substr(0, end);
            rest.remove_prefix(name.size());
            if (!step(name, rest)) return std::nullopt;
            if (rest.empty()) return std::move(out_);
            if (rest[0] != '.') return fail(in_quotes(text_.value) + " is no path of elements", how);
            rest.remove_prefix(1);
        }
    }

  private:
    static constexpr std::string_view how =
        "such as name.given, name[2].given or extension('http://...').valueString";

    std::nullopt_t fail(std::string what, std::string_view remedy) {
        diagnostics_.error(text_.where, std::move(what), std::string(remedy));
        return std::nullopt;
    }

    bool step(std::string_view name, std::string_view& rest) {
        FhirStep made;
        if (rest.starts_with("('")) {
            auto const end = rest.find("')");
            if (name != "extension" || end == std::string_view::npos || end == 2)
                return fail(in_quotes(text_.value) + " is no path of elements", how), false;
            made.url = rest.substr(2, end - 2);
            rest.remove_prefix(end + 2);
        } else if (rest.starts_with('[')) {
            rest.remove_prefix(1);
            unsigned label = 0;
            while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9' && label < 100) {
                label = label * 10 + static_cast<unsigned>(rest[0] - '0');
                rest.remove_prefix(1);
            }
            if (label == 0 || label > 200 || !rest.starts_with(']'))
                return fail("in brackets stands a number from 1 to 200", how), false;
            rest.remove_prefix(1);
            made.label = static_cast<unsigned char>(label);
        }
        auto const of = out_.type;
        auto const definition = fhir::definition_of_property(of, name);
        if (!definition) return unknown(name), false;
        out_.type = definition->choice ? definition->type_of(name) : definition->type(0);
        out_.codes = definition->value_set;
        made.name = *names_.emplace(name).first;
        made.list = definition->max > 1;
        if (definition->choice) made.choice = definition->name;
        made.type = out_.type;
        made.primitive = out_.type.kind() == fhir::Type::Kind::primitive;
        out_.steps.push_back(std::move(made));
        return true;
    }

    void unknown(std::string_view name) {
        std::vector<std::string> known;  // of value[x] as its types have it: valueQuantity
        bool choice = false;
        for (auto const& element : fhir::definitions(out_.type)) {
            if (!element.choice) {
                known.emplace_back(element.name);
                continue;
            }
            choice = choice || element.name == name;
            for (std::size_t i = 0; i < element.type_count(); ++i) {
                std::string type(element.type(i).name());
                if (type[0] >= 'a' && type[0] <= 'z') type[0] = static_cast<char>(type[0] - 'a' + 'A');
                known.push_back(std::string(element.name) + type);
            }
        }
        if (choice) std::erase_if(known, [&](std::string const& one) { return !one.starts_with(name); });
        std::vector<std::string_view> const names(known.begin(), known.end());
        auto const what = std::string(out_.type.name()) + " has no element " + in_quotes(name);
        fail(choice ? what + " but one for each type" : what, config::suggest(name, names, "elements"));
    }

    config::Text const& text_;
    Names& names_;
    config::Diagnostics& diagnostics_;
    FhirPath out_;
};

}  // namespace

std::optional<FhirPath> compile_fhir_path(config::Text const& text, fhir::Type from, Names& names,
                                          config::Diagnostics& diagnostics) {
    return PathCompiler(text, names, diagnostics).compile(from);
}

}  // namespace hilum::routes::mapping
