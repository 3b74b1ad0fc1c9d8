// date: { field: PID-7, from: "%d.%m.%Y", to: hl7, otherwise: hold }
// date: { field: PV1-44, from: hl7, to: hl7, zone: Europe/Berlin, to_offset: Z, otherwise: hold }
#include <utility>

#include "routes/steps/date_format.h"
#include "routes/steps/places.h"

namespace hilum::routes {
namespace {

struct DateOptions {
    config::Text field;
    config::NameList from;
    config::Text to;
    config::Text offset;
    config::Text zone;
    config::Text to_offset;
    config::Text to_zone;
    Fallback fallback;
};

template <class V>
void describe(V& v, DateOptions& o) {
    v.required("field", o.field, "the path whose date is changed, such as PID-7; [*] for each");
    v.required("from", o.from, "the format it has, or a list of them: hl7, iso, or one like %d.%m.%Y %H:%M");
    v.required("to", o.to, "the format it gets");
    v.optional("offset", o.offset, "the offset from UTC of times that name none, such as +01:00");
    v.optional("zone", o.zone, "or the time zone of these times, such as Europe/Berlin");
    v.optional("to_offset", o.to_offset, "the offset that times are converted to, such as Z or -05:00");
    v.optional("to_zone", o.to_zone, "or the time zone they are converted to, such as America/New_York");
    describe_fallback(v, o.fallback);
}

// Where clocks show what: a fixed offset, a time zone, or nothing that is known.
struct Clock {
    std::optional<int> fixed;
    std::shared_ptr<TimeZone const> zone;

    explicit operator bool() const { return fixed || zone; }
    // Of a time that names none.
    std::optional<int> offset_of(Timestamp const& local) const {
        return zone ? zone->offset_of_local(local.local_seconds()) : fixed;
    }
    // Of a time that has one, when it is converted.
    int offset_at(Timestamp const& time) const {
        return zone ? zone->offset_at(time.local_seconds() - *time.offset) : *fixed;
    }
};

class DateStep final : public Step {
  public:
    DateStep(ValuePath field, std::vector<DateFormat> from, DateFormat to, Clock here, Clock there,
             Fallback fallback)
        : field_(std::move(field)),
          from_(std::move(from)),
          to_(std::move(to)),
          here_(std::move(here)),
          there_(std::move(there)),
          fallback_(std::move(fallback)) {}

    StepResult run(Work& work) const override {
        return each_value(work, field_, [&](Place const& place, std::string_view text) {
            auto const changed = change(text);
            if (!changed) return fall_back(work, place, fallback_, place.text() + " is no such date");
            return *changed == text ? StepResult::ok() : write(work, place, *changed);
        });
    }

  private:
    std::optional<std::string> change(std::string_view text) const {
        for (auto const& format : from_) {
            auto time = format.read(text);
            if (!time) continue;
            bool const has_time = time->precision >= Timestamp::Precision::hour;
            if (has_time && !time->offset) time->offset = here_.offset_of(*time);
            if (has_time && there_) {
                if (!time->offset) return std::nullopt;
                time = time->at(there_.offset_at(*time));
                if (!time) return std::nullopt;
            }
            return to_.write(*time);
        }
        return std::nullopt;
    }

    ValuePath field_;
    std::vector<DateFormat> from_;
    DateFormat to_;
    Clock here_;
    Clock there_;
    Fallback fallback_;
};

std::optional<DateFormat> format(std::string const& text, config::Location const& where,
                                 config::Diagnostics& diagnostics) {
    auto format = DateFormat::compile(text);
    if (format) return std::move(*format);
    diagnostics.error(where, format.error().what, format.error().next);
    return std::nullopt;
}

// What one of a pair of options says, `offset` and `zone`, or `to_offset` and `to_zone`.
Clock clock(config::Text const& offset, config::Text const& zone, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    Clock clock;
    if (!offset.empty() && !zone.empty()) {
        diagnostics.error(zone.where, "an offset and a time zone are given for the same times",
                          "keep one of the two: a zone knows summer time");
        return clock;
    }
    if (!offset.empty()) {
        clock.fixed = offset_named(offset.value);
        if (!clock.fixed)
            diagnostics.error(offset.where, config::in_quotes(offset.value) + " is no offset from UTC",
                              "write it like +01:00, -05:00 or Z; the name of a time zone goes into zone or "
                              "to_zone");
    }
    if (!zone.empty()) {
        auto const found = context.zones.find(zone.value);
        if (found) {
            clock.zone = *found;
        } else {
            diagnostics.error(zone.where, found.error().what, found.error().next);
        }
    }
    return clock;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<DateOptions>(step.options, "date", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    check_fallback(step, o.fallback, "that is no such date", diagnostics);
    auto field = ValuePath::compile(o.field, context);
    std::vector<DateFormat> from;
    for (auto const& ref : o.from)
        if (auto read = format(ref.name, ref.where, diagnostics)) from.push_back(std::move(*read));
    if (o.from.empty())
        diagnostics.error(step.options.find("from")->where, "\"from\" names no format",
                          "add one, such as hl7");
    auto const to = format(o.to.value, o.to.where, diagnostics);
    auto here = clock(o.offset, o.zone, context);
    auto there = clock(o.to_offset, o.to_zone, context);
    if (!field || !to || from.empty() || diagnostics.errors() != before) return nullptr;
    return std::make_unique<DateStep>(std::move(*field), std::move(from), *to, std::move(here),
                                      std::move(there), o.fallback);
}

}  // namespace

StepKind date_step() {
    return {"date",       "changes the format, the offset and the time zone of dates and times",
            compile,      config::SchemaWriter::of<DateOptions>,
            true,         false,
            WorksOn::both};
}

}  // namespace hilum::routes
