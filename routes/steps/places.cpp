#include "routes/steps/places.h"

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
        work.message.for_each_in(segment, whole, [&](hl7::Value const&) { ++last; });
        if (last * work.message.segment(segment).size() > bytes_max) {
            return held(path.text(),
                        error("too_many", "", "the field has too many repetitions to change each"));
        }
    }
    std::string scratch;
    for (; place.path.repetition <= last; ++place.path.repetition) {
        auto const value = work.message.get_in(segment, place.path);
        if (value.presence != hl7::Presence::value) continue;
        std::string const text(work.message.decode(value.raw, scratch));
        if (auto result = f(place, text); result.next != StepResult::Next::go_on) return result;
    }
    return StepResult::ok();
}

}  // namespace

StepResult each_value(Work& work, hl7::GroupPath const& path,
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
        return each_in(work, work.message.find(plain.segment_name(), plain.occurrence), plain, f);
    auto const revision = work.message.structure_revision();
    auto one = plain;
    one.occurrence = 0;
    std::size_t segment = 0;
    while ((segment = work.message.next_segment(plain.segment_name(), segment, revision)) != 0) {
        ++one.occurrence;
        if (auto result = each_in(work, segment, one, f); result.next != StepResult::Next::go_on)
            return result;
    }
    return StepResult::ok();
}

StepResult write(Work& work, Place const& place, std::string_view text) {
    auto const done = work.message.set_in(place.segment, place.path, text);
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
