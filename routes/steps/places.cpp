#include "routes/steps/places.h"

#include <utility>

#include "routes/expression/element.h"

namespace hilum::routes {
namespace {

// Each change of a repetition writes its segment anew.
constexpr std::size_t bytes_max = std::size_t{256} << 20U;

StepResult each_in(Work& work, std::size_t segment, hl7::Path const& path,
                   std::function<StepResult(Place const&, std::string_view)> const& f) {
    Place place{segment, path};
    std::size_t last = path.repetition;
    if (path.repetition == hl7::Path::all) {
        place.path.repetition = 1;
        last = 0;
        auto whole = path;
        whole.component = whole.subcomponent = 0;
        work.message().for_each_in(segment, whole, [&](hl7::Value const&) { ++last; });
        if (last * work.message().segment(segment).size() > bytes_max) {
            return held(path.text(),
                        error("too_many", "", "the field has too many repetitions to change each"));
        }
    }
    std::string scratch;
    for (; place.path.repetition <= last; ++place.path.repetition) {
        auto const value = work.message().get_in(segment, place.path);
        if (value.presence != hl7::Presence::value) continue;
        std::string const text(work.message().decode(value.raw, scratch));
        if (auto result = f(place, text); result.next != StepResult::Next::go_on) return result;
    }
    return StepResult::ok();
}

StepResult each_of_hl7(Work& work, hl7::GroupPath const& path,
                       std::function<StepResult(Place const&, std::string_view)> const& f) {
    auto const& plain = path.path;
    if (!path.plain()) {
        for (auto const& found : find_in_groups(work, path)) {
            auto one = plain;
            one.occurrence = found.occurrence;
            if (auto result = each_in(work, found.segment, one, f); result.next != StepResult::Next::go_on)
                return result;
        }
        return StepResult::ok();
    }
    if (plain.occurrence != hl7::Path::all)
        return each_in(work, work.message().find(plain.segment_name(), plain.occurrence), plain, f);
    auto const revision = work.message().structure_revision();
    auto one = plain;
    one.occurrence = 0;
    std::size_t segment = 0;
    while ((segment = work.message().next_segment(plain.segment_name(), segment, revision)) != 0) {
        ++one.occurrence;
        if (auto result = each_in(work, segment, one, f); result.next != StepResult::Next::go_on)
            return result;
    }
    return StepResult::ok();
}

StepResult each_of_fhir(Work& work, FhirPath const& path,
                        std::function<StepResult(Place const&, std::string_view)> const& f) {
    auto const elements = path.find(work);
    if (!elements) return held(path.text(), elements.error());
    for (auto const& element : *elements) {
        if (!element.has_value()) continue;
        std::string const text(element.text());
        Place const place{0, {}, element, path.text()};
        if (auto result = f(place, text); result.next != StepResult::Next::go_on) return result;
    }
    return StepResult::ok();
}

}  // namespace

std::optional<ValuePath> ValuePath::compile(config::Text const& text, CompileContext& context) {
    ValuePath out;
    if (context.content == Content::fhir) {
        auto path = FhirPath::compile(text, context.diagnostics);
        if (!path) return std::nullopt;
        out.path_ = std::move(*path);
        return out;
    }
    auto path = writable_group_path(text, false, context.diagnostics);
    if (!path) return std::nullopt;
    out.path_ = std::move(*path);
    return out;
}

std::string ValuePath::text() const {
    return fhir() ? fhir()->text() : hl7()->text();
}

bool ValuePath::many() const {
    return hl7() && hl7()->many();
}

Result<void> ValuePath::set(Work& work, std::string_view text) const {
    return fhir() ? fhir()->set(work, text) : write(work, *hl7(), text);
}

StepResult each_value(Work& work, ValuePath const& path,
                      std::function<StepResult(Place const&, std::string_view)> const& f) {
    return path.fhir() ? each_of_fhir(work, *path.fhir(), f) : each_of_hl7(work, *path.hl7(), f);
}

StepResult write(Work& work, Place const& place, std::string_view text) {
    if (place.element.exists()) {
        auto const type = expression::typed(place.element).fhir_type();
        auto const done = write_primitive(work, place.element, type, text);
        return done ? StepResult::ok() : held(place.name, done.error());
    }
    auto const done = work.message().set_in(place.segment, place.path, text);
    return done ? StepResult::ok() : held(place.path.text(), done.error());
}

bool check_fallback(config::Step const& step, Fallback const& fallback, std::string_view what,
                    config::Diagnostics& diagnostics) {
    auto const* text = step.options.find("default");
    if (fallback.otherwise == Otherwise::unsaid && !step.options.find("otherwise")) {
        diagnostics.error(step.where,
                          step.kind + " does not say what becomes of a value " + std::string(what),
                          "add otherwise: hold, otherwise: pass, or otherwise: default with default: TEXT");
        return false;
    }
    if (fallback.otherwise == Otherwise::use_default && !text) {
        diagnostics.error(step.options.find("otherwise")->where, "otherwise: default needs the text to write",
                          "add default: TEXT");
        return false;
    }
    if (fallback.otherwise != Otherwise::use_default && fallback.otherwise != Otherwise::unsaid && text) {
        diagnostics.error(text->where, "the default is never written",
                          "say otherwise: default, or remove it");
        return false;
    }
    return true;
}

StepResult fall_back(Work& work, Place const& place, Fallback const& fallback, std::string reason) {
    if (fallback.otherwise == Otherwise::use_default) return write(work, place, fallback.text.value);
    if (fallback.otherwise == Otherwise::pass) return StepResult::ok();
    StepResult result;
    result.next = StepResult::Next::hold;
    result.reason = std::move(reason);
    return result;
}

}  // namespace hilum::routes
