// date: { field: PID-7, from: "%d.%m.%Y", to: hl7, otherwise: hold }
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
    config::Text to_offset;
    Fallback fallback;
};

template <class V>
void describe(V& v, DateOptions& o) {
    v.required("field", o.field, "the path whose date is changed, such as PID-7; [*] for each");
    v.required("from", o.from, "the format it has, or a list of them: hl7, iso, or one like %d.%m.%Y %H:%M");
    v.required("to", o.to, "the format it gets");
    v.optional("offset", o.offset, "the offset from UTC of times that name none, such as +01:00");
    v.optional("to_offset", o.to_offset, "the offset that times are converted to, such as Z or -05:00");
    describe_fallback(v, o.fallback);
}

class DateStep final : public Step {
  public:
    DateStep(hl7::GroupPath field, std::vector<DateFormat> from, DateFormat to, std::optional<int> offset,
             std::optional<int> to_offset, Fallback fallback)
        : field_(std::move(field)),
          from_(std::move(from)),
          to_(std::move(to)),
          offset_(offset),
          to_offset_(to_offset),
          fallback_(std::move(fallback)) {}

    StepResult run(Work& work) const override {
        return each_value(work, field_, [&](Place const& place, std::string_view text) {
            auto const changed = change(text);
            if (!changed) return fall_back(work, place, fallback_, place.path.text() + " is no such date");
            return *changed == text ? StepResult::ok() : write(work, place, *changed);
        });
    }

  private:
    std::optional<std::string> change(std::string_view text) const {
        for (auto const& format : from_) {
            auto time = format.read(text);
            if (!time) continue;
            bool const has_time = time->precision >= Timestamp::Precision::hour;
            if (has_time && !time->offset) time->offset = offset_;
            if (has_time && to_offset_) {
                if (!time->offset) return std::nullopt;
                time = time->at(*to_offset_);
            }
            return to_.write(*time);
        }
        return std::nullopt;
    }

    hl7::GroupPath field_;
    std::vector<DateFormat> from_;
    DateFormat to_;
    std::optional<int> offset_;
    std::optional<int> to_offset_;
    Fallback fallback_;
};

std::optional<DateFormat> format(std::string const& text, config::Location const& where,
                                 config::Diagnostics& diagnostics) {
    auto format = DateFormat::compile(text);
    if (format) return std::move(*format);
    diagnostics.error(where, format.error().what, format.error().next);
    return std::nullopt;
}

std::optional<int> offset(config::Text const& text, config::Diagnostics& diagnostics) {
    if (text.empty()) return std::nullopt;
    auto const minutes = offset_named(text.value);
    if (!minutes)
        diagnostics.error(text.where, config::in_quotes(text.value) + " is no offset from UTC",
                          "write it like +01:00, -05:00 or Z; names of time zones are not known here");
    return minutes;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<DateOptions>(step.options, "date", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    check_fallback(step, o.fallback, "that is no such date", diagnostics);
    auto const field = writable_group_path(o.field, false, diagnostics);
    std::vector<DateFormat> from;
    for (auto const& ref : o.from)
        if (auto read = format(ref.name, ref.where, diagnostics)) from.push_back(std::move(*read));
    if (o.from.empty())
        diagnostics.error(step.options.find("from")->where, "\"from\" names no format",
                          "add one, such as hl7");
    auto const to = format(o.to.value, o.to.where, diagnostics);
    auto const given = offset(o.offset, diagnostics);
    auto const wanted = offset(o.to_offset, diagnostics);
    if (!field || !to || from.empty() || diagnostics.errors() != before) return nullptr;
    return std::make_unique<DateStep>(*field, std::move(from), *to, given, wanted, o.fallback);
}

}  // namespace

StepKind date_step() {
    return {"date", "changes the format and the offset of dates and times", compile,
            config::SchemaWriter::of<DateOptions>};
}

}  // namespace hilum::routes
