#include "engine/ops/story_json.h"

namespace hilum::ops {

void write_event(json::Writer& w, testing::Story::Event const& event, bool values) {
    w.object([&] {
        w.field(event.is_step ? "step" : "when", event.text);
        w.field("place", event.where.text());
        if (!event.is_step) {
            w.field("holds", event.holds);
            if (event.holds) return;
            w.field("failed", event.failed);
            if (!values) return;
            w.key("values");
            w.object([&] {
                for (auto const& read : event.reads) {
                    w.key(read.path);
                    w.array([&] {
                        for (auto const& value : read.values) w.value(value);
                    });
                }
            });
            return;
        }
        w.field_if("detail", event.detail);
        w.field("number", event.number);
        w.field("depth", event.depth);
        w.field_if("ended", event.ended);
        w.field_if("reason", event.reason);
        if (values) w.field_if("made", event.made);
        w.key("differences");
        write_differences(w, event.differences, values);
    });
}

void write_differences(json::Writer& w, std::vector<hl7::Difference> const& all, bool values) {
    w.array([&] {
        for (auto const& one : all) {
            w.object([&] {
                w.field("kind", name(one.kind));
                w.field_if("path", one.path);
                w.field_if("path_after", one.path_after);
                w.field_if("name", one.name);
                if (!values) return;
                if (one.before) w.field("before", *one.before);
                if (one.after) w.field("after", *one.after);
            });
        }
    });
}

}  // namespace hilum::ops
