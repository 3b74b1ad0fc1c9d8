// What the console's pages show beside the overview as JSON; see api_json.h.
#include "engine/ops/api_json.h"
#include "engine/ops/story_json.h"

namespace hilum::ops {

using json::Writer;

std::string held_json(HeldView const& held) {
    return object([&](Writer& w) {
        w.field("messages", held.messages);
        w.field("partial", held.partial);
        write_list(w, "groups", held.groups, [&](HeldGroup const& group) {
            w.object([&] {
                w.field("kind", group.by_route ? "route" : "delivery");
                w.field("cause", group.cause);
                w.field_if("route", group.route);
                w.field_if("destination", group.destination);
                w.field_if("code", group.code);
                w.field_if("place", group.place);
                w.field_if("table", group.table);
                w.field_if("value", group.value);
                write_list(w, "listeners", group.listeners, [&](auto const& name) { w.value(name); });
                w.field("count", group.messages);
                time_field(w, "first", group.first_us);
                time_field(w, "last", group.last_us);
                write_list(w, "samples", group.samples, [&](auto number) { w.value(number); });
                w.key("release");
                w.object([&] {
                    w.field("mode", name(ReplayMode::held));
                    w.field_if("route", group.route);
                    w.field_if("destination", group.destination);
                    w.field_if("cause", group.reason);
                    w.field_if("where", group.where);
                });
            });
        });
    });
}

std::string story_json(StoryView const& story, bool values) {
    return object([&](Writer& w) {
        w.field("same_config", story.same_config);
        std::size_t i = 0;
        write_list(w, "routes", story.chapters, [&](testing::Story::Chapter const& chapter) {
            w.object([&] {
                w.field("route", story.route_names[i]);
                w.field("depth", chapter.depth);
                w.field("outcome", routes::name(chapter.verdict.outcome));
                w.field_if("reason", chapter.verdict.reason);
                write_list(w, "destinations", story.destinations[i],
                           [&](auto const& name) { w.value(name); });
                write_list(w, "events", chapter.events,
                           [&](testing::Story::Event const& event) { write_event(w, event, values); });
            });
            ++i;
        });
    });
}

std::string dictionary_json(hl7::Dictionary const& dictionary, hl7::Version version,
                            std::vector<std::string_view> const& segments) {
    return object([&](Writer& w) {
        auto const names_of = [&](hl7::Positions const& positions, auto each) {
            w.array([&] {
                for (std::size_t n = 1; n <= positions.size(); ++n)
                    each(positions.at(n).value_or(hl7::Position{}));
            });
        };
        w.field("version", hl7::name(version));
        write_list(w, "segments", segments, [&](std::string_view wanted) {
            auto const segment = dictionary.segment(version, wanted);
            if (!segment) return;
            w.object([&] {
                w.field("name", segment->name);
                w.field("title", segment->title);
                w.key("fields");
                names_of(segment->fields, [&](hl7::Position const& field) {
                    w.object([&] {
                        w.field("name", field.name);
                        w.field("datatype", field.datatype);
                        auto const type = dictionary.datatype(version, field.datatype);
                        w.key("components");
                        names_of(type ? type->components : hl7::Positions(),
                                 [&](hl7::Position const& component) { w.value(component.name); });
                    });
                });
            });
        });
    });
}

}  // namespace hilum::ops
