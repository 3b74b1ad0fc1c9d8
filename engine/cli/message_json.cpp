#include "engine/cli/message_json.h"

#include "engine/cli/findings.h"
#include "engine/ops/json.h"

namespace hilum::cli {
namespace {

using ops::json::Writer;

std::string delimiters_of(hl7::Message const& message) {
    return message.text("MSH-1") + message.text("MSH-2");
}

void write_value(Writer& w, hl7::ValueView const& value) {
    w.object([&] {
        w.field("path", value.path);
        w.field_if("name", value.name);
        w.field_if("datatype", value.datatype);
        w.field("value", value.text);
        if (value.whole) w.field("whole", true);
        if (value.null) w.field("null", true);
        if (value.table != 0) {
            w.field("table", value.table);
            w.field_if("table_name", value.table_name);
            w.field_if("meaning", value.meaning);
        }
    });
}

void write_segment(Writer& w, hl7::MessageView const& view, std::size_t number) {
    auto const segment = view.segment(number);
    w.object([&] {
        w.field("segment", segment.name);
        w.field("path", segment.path);
        w.field_if("name", segment.title);
        w.field_if("group", view.group_path(segment.group));
        w.key("values");
        w.array([&] {
            for (auto const& value : segment.values) write_value(w, value);
        });
    });
}

}  // namespace

std::string message_json(hl7::MessageView const& view, std::size_t number, std::size_t bytes) {
    auto const& message = view.message();
    Writer w;
    w.object([&] {
        w.field("message", number);
        w.field("type", message.text("MSH-9"));
        w.field("version", message.text("MSH-12"));
        if (view.structure().structure()) w.field("structure", view.structure().structure()->name());
        w.field("control_id", message.text("MSH-10"));
        w.field("charset", message.charset().name());
        w.field("delimiters", delimiters_of(message));
        w.field("bytes", bytes);
        w.key("tolerated");
        w.array([&] {
            for (auto const& [tolerance, name] : hl7::tolerance_names) {
                if (message.has(tolerance)) w.value(name);
            }
        });
        w.key("findings");
        w.array([&] {
            for (auto const& finding : findings_of(view)) {
                w.object([&] {
                    w.field("source", finding.source);
                    w.field("severity", finding.severity);
                    w.field("code", finding.code);
                    w.field("place", finding.place);
                    w.field("text", finding.text);
                });
            }
        });
        w.key("segments");
        w.array([&] {
            for (std::size_t n = 1; n <= view.segment_count(); ++n) write_segment(w, view, n);
        });
    });
    return w.text();
}

}  // namespace hilum::cli
