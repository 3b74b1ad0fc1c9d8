#include "engine/replay/job.h"

#include "parsers/json.h"

namespace hilum::replay {
namespace {

constexpr std::string_view begin = "replayed by job ";
constexpr ops::ReplayMode modes[] = {ops::ReplayMode::as_sent, ops::ReplayMode::reprocess,
                                     ops::ReplayMode::held};

Error unreadable(std::uint64_t number, std::string what) {
    return error("bad_job_file", "replays/" + std::to_string(number), std::move(what),
                 "remove the file: the job is forgotten, what it has sent stays sent");
}

std::int64_t signed_number(json::Value const& object, std::string_view name) {
    auto const& value = object[name];
    return value.kind == json::Value::Kind::integer ? value.integer
                                                    : static_cast<std::int64_t>(value.natural);
}

}  // namespace

std::string signature_begin(std::uint64_t job) {
    return std::string(begin) + std::to_string(job) + ",";
}

std::string signature(Job const& job) {
    return signature_begin(job.view.job) + " asked by " + job.view.request.by;
}

bool is_signature(std::string_view by) {
    return by.starts_with(begin);
}

bool ended(std::string_view state) {
    return state == "done" || state == "cancelled" || state == "failed";
}

std::string encode(Job const& job) {
    auto const& v = job.view;
    auto const& r = v.request;
    json::Writer w;
    w.object([&] {
        w.field("mode", ops::name(r.mode));
        w.field("from", r.from_us);
        w.field("to", r.to_us);
        w.field("listener", r.listener);
        w.field("route", r.route);
        w.field("destination", r.destination);
        w.field("code", r.code);
        w.field("cause", r.cause);
        w.field("where", r.where);
        w.field("to_destination", r.to_destination);
        w.field("by", r.by);
        w.field("rate", r.rate);
        w.field("state", v.state);
        w.field("why", v.why);
        w.field("asked", v.asked_us);
        w.field("started", v.started_us);
        w.field("ended", v.ended_us);
        w.field("planned_messages", v.preview.messages);
        w.field("messages", v.messages);
        w.field("deliveries", v.deliveries);
        w.field("last_message", v.last_message);
        w.field("made_message", job.made.message);
        w.field("made_ordinal", job.made.ordinal);
        w.field("made_destination", job.made.destination);
        w.field("last", job.last);
        w.field("planned_at", job.planned_at.value);
        w.field("counted_to", job.counted_to.value);
    });
    return w.text() + "\n";
}

Result<Job> decode(std::uint64_t number, std::string_view text) {
    auto const parsed = json::parse(text);
    if (!parsed) return unreadable(number, "it is no JSON");
    auto const& o = *parsed;
    Job job;
    auto& v = job.view;
    auto& r = v.request;
    bool known = false;
    for (auto const mode : modes) {
        if (ops::name(mode) != o.text("mode")) continue;
        r.mode = mode;
        known = true;
    }
    if (!known || o.text("state").empty()) return unreadable(number, "its mode or its state is none");
    v.job = number;
    r.from_us = signed_number(o, "from");
    r.to_us = signed_number(o, "to");
    r.listener = o.text("listener");
    r.route = o.text("route");
    r.destination = o.text("destination");
    r.code = o.text("code");
    r.cause = o.text("cause");
    r.where = o.text("where");
    r.to_destination = o.text("to_destination");
    r.by = o.text("by");
    r.rate = static_cast<std::uint32_t>(o.number("rate"));
    v.state = o.text("state");
    v.why = o.text("why");
    v.asked_us = signed_number(o, "asked");
    v.started_us = signed_number(o, "started");
    v.ended_us = signed_number(o, "ended");
    v.preview.messages = o.number("planned_messages");
    v.messages = o.number("messages");
    v.deliveries = o.number("deliveries");
    v.last_message = o.number("last_message");
    job.made.message = o.number("made_message");
    job.made.ordinal = static_cast<std::uint32_t>(o.number("made_ordinal"));
    job.made.destination = static_cast<store::NameId>(o.number("made_destination"));
    job.last = o.number("last");
    job.planned_at.value = o.number("planned_at");
    job.counted_to.value = o.number("counted_to");
    return job;
}

}  // namespace hilum::replay

namespace hilum::ops {

std::string_view name(ReplayMode mode) {
    switch (mode) {
        case ReplayMode::as_sent:
            return "as-sent";
        case ReplayMode::reprocess:
            return "reprocess";
        case ReplayMode::held:
            return "held";
    }
    return "as-sent";
}

}  // namespace hilum::ops
