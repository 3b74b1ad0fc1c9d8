#include "routes/mapping/to_hl7.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "parsers/hl7/delimiters.h"
#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/version.h"
#include "parsers/time_text.h"

namespace hilum::routes::mapping {

namespace {

constexpr std::size_t segments_max = 10'000;
constexpr std::size_t repetitions_max = 1'000;

// The message that is made. Texts are as a person means them; escaping is done when it is written.
using Component = std::vector<std::string>;  // subcomponents
using Repetition = std::vector<Component>;
using Field = std::vector<Repetition>;
struct Segment {
    std::string name;
    std::vector<Field> fields;  // from 1: fields[0] stays empty
};

template <class T>
T& grown(std::vector<T>& list, std::size_t index) {
    if (list.size() <= index) list.resize(index + 1);
    return list[index];
}

// What a map fills: each part is numbered within the one before it.
struct Place {
    std::size_t group = 0;  // where its segments begin
    std::size_t segment = none, field = 0, repetition = 0, component = 0;
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

// FHIR writes 2026-01-02T03:04:05.678+01:00, HL7 v2 20260102030405.678+0100.
std::string time_in_hl7(std::string_view text) {
    std::string out;
    bool clock = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == 'T') clock = true;
        if (c == 'Z') out += "+0000";
        bool const sign = clock && (c == '+' || c == '-');
        if ((c >= '0' && c <= '9') || c == '.' || sign) out += c;
    }
    return out;
}

bool is_time(std::string_view type) {
    return type == "date" || type == "dateTime" || type == "instant" || type == "time" || type == "Date" ||
           type == "DateTime" || type == "Time";
}

// FHIRPath's types and FHIR's begin differently, and mean the same here.
std::string in_hl7(std::string const& text, std::string_view type) {
    if (is_time(type)) return time_in_hl7(text);
    if (type == "boolean" || type == "Boolean") return text == "true" ? "Y" : "N";  // table 0136
    return text;
}

std::string base36(std::uint64_t value, std::size_t digits) {
    std::string out(digits, '0');
    for (auto at = out.rbegin(); at != out.rend(); ++at, value /= 36)
        *at = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 36];
    return out;
}

class Maker {
  public:
    Maker(MapSet const& maps, fhir::Interaction const& from, std::int64_t now_us, Observer* observer)
        : maps_(maps), observer_(observer) {
        context_.resource = &from.resource;
        context_.request = &from.request;
        context_.now_us = now_us;
    }

    Result<std::string> make() {
        if (!maps_.of.empty() && context_.resource->type() != maps_.of)
            return error("wrong_resource", "",
                         "the map is for " + maps_.of + ", and this is another resource",
                         "ask for it in when:, or split the Bundle first");
        auto& header = add_segment("MSH");
        header.fields.resize(13);
        if (auto const done =
                run(0, context_.resource->root(), fhir::Type::find(context_.resource->type()), Place{});
            !done)
            return done.error();
        if (segments_.size() == 1) return error("nothing", "", "the map made no segment but MSH");
        count_sets();
        return {boost::system::in_place_value, written()};
    }

  private:
    Segment& add_segment(std::string name) {
        segments_.push_back({std::move(name), {}});
        return segments_.back();
    }

    // Rows of the message or a group say in which segment: its last of that name, made where there is none.
    std::size_t segment_of(Row const& row, Place const& at) {
        if (at.segment != Place::none) return at.segment;
        for (auto i = segments_.size(); i-- > at.group;)
            if (segments_[i].name == row.to.segment) return i;
        add_segment(row.to.segment);
        return segments_.size() - 1;
    }

    Result<void> run(std::size_t number, fhir::Element focus, fhir::Type type, Place const& at) {
        auto const& map = maps_.maps[number];
        for (auto const& row : map.rows) {
            context_.focus = focus;
            context_.focus_type = type;
            auto done = run(row, map.level, at);
            if (!done) return named(done.error(), map, row);
        }
        return {};
    }

    static Error named(Error why, Map const& map, Row const& row) {
        if (!why.place.starts_with("row ")) {
            auto const column = why.place.empty() ? std::string() : " (" + why.place + ")";
            why.place = "row " + row.at;
            why.place += map.name.empty() ? std::string() : " of " + map.name;
            why.place += column;
        }
        return why;
    }

    Result<void> run(Row const& row, Level level, Place const& at) {
        if (row.when.valid()) {
            auto const wanted = row.when.test(context_);
            if (!wanted) return wanted.error();
            if (!*wanted) return {};
        }
        if (row.map != Row::none) return run_map(row, level, at);
        std::vector<std::string> texts;
        if (row.has_value) {
            auto text = row.value.get(context_);
            if (!text) return text.error();
            if (!text->empty()) texts.push_back(row.value.computed() ? computed(*text) : std::move(*text));
        } else {
            auto const items = row.from.typed_items(context_);
            if (!items) return items.error();
            for (auto const& item : *items) texts.push_back(in_hl7(item.text, item.type));
        }
        if (row.table || row.codes)
            for (auto& text : texts)
                if (auto const done = translate(row, text); !done) return done;
        if (row.joined && texts.size() > 1) {
            std::string all;
            for (auto const& text : texts) (all += all.empty() ? "" : row.join) += text;
            texts.assign(1, std::move(all));
        }
        return put(row, level, at, std::move(texts));
    }

    // now() and other times that an expression makes.
    static std::string computed(std::string const& text) {
        bool const time = text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
                          text.find_first_not_of("0123456789-:.TZ+") == std::string::npos;
        return time ? time_in_hl7(text) : text;
    }

    Result<void> translate(Row const& row, std::string& text) {
        std::optional<std::string_view> answer;
        if (!row.codes)
            answer = row.table->find(text);
        else if (auto const at = row.codes->find(text); at != row.codes->end())
            answer = at->second;
        if (observer_) observer_->looked_up(row.table_name, text, answer.has_value());
        if (answer) {
            text = *answer;
        } else if (row.missing == Missing::use_default) {
            text = row.instead;
        } else if (row.missing == Missing::hold) {
            return error("no_code", "", "no entry in table " + row.table_name,
                         "add it, or write otherwise: for the row");
        }
        return {};
    }

    Result<void> run_map(Row const& row, Level level, Place const& at) {
        // With its type: else each row would look it up from the resource down.
        std::vector<expression::Expression::Found> items{{context_.element(), context_.focus_type}};
        if (row.from.valid()) {
            auto found = row.from.found(context_);
            if (!found) return found.error();
            items = std::move(*found);
        }
        for (auto const& [item, of_focus] : items) {
            auto place = at;
            if (row.to.here) {
                if (auto const done = run(row.map, item, of_focus, place); !done) return done;
                continue;
            }
            if (maps_.maps[row.map].level == Level::message) {
                place.group = segments_.size();
            } else if (maps_.maps[row.map].level == Level::segment) {
                if (segments_.size() >= segments_max)
                    return error("too_many", "", "the message would have more than 10,000 segments");
                // The header is there; others are made anew for each item.
                if (row.to.segment == "MSH") {
                    place.segment = 0;
                } else {
                    add_segment(row.to.segment);
                    place.segment = segments_.size() - 1;
                }
            } else if (maps_.maps[row.map].level == Level::field) {
                place.segment = segment_of(row, at);
                place.field = row.to.field;
                auto& field = grown(segments_[place.segment].fields, place.field);
                if (field.size() >= repetitions_max)
                    return error("too_many", "", "a field would have more than 1,000 repetitions");
                field.emplace_back();
                place.repetition = field.size() - 1;
            } else {
                if (items.size() > 1)
                    return error("several_values", "", "several values for one component",
                                 "choose one, as first() does");
                place = component_place(row, level, at);
            }
            auto const before = segments_.size();
            if (auto const done = run(row.map, item, of_focus, place); !done) return done;
            drop_empty(maps_.maps[row.map].level, place, before);
        }
        return {};
    }

    // What a map has made nothing of leaves no trace: neither `~` nor a bare segment.
    void drop_empty(Level level, Place const& place, std::size_t segments) {
        if (level == Level::segment && place.segment + 1 == segments && segments == segments_.size() &&
            segments_.back().fields.empty() && place.segment != 0)
            segments_.pop_back();
        if (level == Level::field) {
            auto& field = segments_[place.segment].fields[place.field];
            if (!field.empty() && field.back().empty()) field.pop_back();
        }
    }

    Place component_place(Row const& row, Level level, Place const& at) {
        auto place = at;
        if (level == Level::message || level == Level::segment) {
            place.segment = segment_of(row, at);
            place.field = row.to.field;
            place.repetition = 0;
        }
        place.component = row.to.component;
        return place;
    }

    Result<void> put(Row const& row, Level level, Place const& at, std::vector<std::string> texts) {
        std::erase_if(texts, [](auto const& t) { return t.empty(); });
        if (texts.empty()) return {};
        bool const whole_field =
            row.to.component == 0 && (level == Level::message || level == Level::segment);
        if (texts.size() > 1 && !whole_field)
            return error("several_values", "", "several values for one place",
                         "choose one, as first() does, or join them with join:");
        if (texts.size() > repetitions_max)
            return error("too_many", "", "a field would have more than 1,000 repetitions");
        auto const place = level == Level::component ? at : component_place(row, level, at);
        auto& field = grown(segments_[place.segment].fields, place.field);
        if (whole_field) {
            // Rows for one field add to what others have put there.
            for (auto const& text : texts) field.push_back({{text}});
            return {};
        }
        auto& repetition = grown(field, place.repetition);
        auto const component = level == Level::component ? place.component : row.to.component;
        auto const sub = level == Level::component ? row.to.component : row.to.subcomponent;
        auto& parts = grown(repetition, component - 1);
        grown(parts, sub == 0 ? 0 : sub - 1) = texts.front();
        return {};
    }

    // HL7 v2.5.1 §2.A.66: a set ID counts the segments of its name.
    void count_sets() {
        auto const version = hl7::version_named(maps_.version).value_or(hl7::assumed_version);
        std::vector<std::pair<std::string, std::size_t>> counts;
        for (auto& segment : segments_) {
            auto const first = hl7::Dictionary::standard().field(version, segment.name, 1);
            if (!first || first->datatype != "SI") continue;
            auto count = std::find_if(counts.begin(), counts.end(),
                                      [&](auto const& c) { return c.first == segment.name; });
            if (count == counts.end()) count = counts.insert(counts.end(), {segment.name, 0});
            ++count->second;
            auto& field = grown(segment.fields, 1);
            if (field.empty()) field.push_back({{std::to_string(count->second)}});
        }
    }

    void write(Field const& field, std::string& out) const {
        for (std::size_t r = 0; r < field.size(); ++r) {
            if (r != 0) out += '~';
            for (std::size_t c = 0; c < field[r].size(); ++c) {
                if (c != 0) out += '^';
                for (std::size_t s = 0; s < field[r][c].size(); ++s) {
                    if (s != 0) out += '&';
                    hl7::escape(field[r][c][s], delimiters_, out);
                }
            }
        }
    }

    std::string written() {
        std::string body;
        for (std::size_t i = 1; i < segments_.size(); ++i) {
            body += segments_[i].name;
            for (std::size_t f = 1; f < segments_[i].fields.size(); ++f) {
                body += '|';
                write(segments_[i].fields[f], body);
            }
            body += '\r';
        }
        auto& header = segments_.front().fields;
        auto const otherwise = [&](std::size_t field, std::string text) {
            if (auto& there = grown(header, field); there.empty()) there.push_back({{std::move(text)}});
        };
        // Whole seconds: "2026-01-02T03:04:05" and what is before its point.
        auto const time = rfc3339(context_.now_us);
        otherwise(7, time_in_hl7(time.substr(0, time.find('.')) + "Z"));
        header[9] = {{{maps_.type}, {maps_.event}}};
        if (!maps_.structure.empty()) header[9][0].push_back({maps_.structure});
        // 18 characters: MSH-10 has 20 up to 2.6. The time, so that what is said twice on different days is
        // not taken for one message that comes again.
        auto const hash = std::hash<std::string_view>{}(body);
        otherwise(10, base36(static_cast<std::uint64_t>(context_.now_us), 11) + base36(hash, 7));
        otherwise(11, "P");
        header[12] = {{{maps_.version}}};
        bool const ascii = std::all_of(body.begin(), body.end(), [](char c) { return c >= 0; });
        if (!ascii) otherwise(18, "UNICODE UTF-8");
        std::string out = "MSH|^~\\&";
        for (std::size_t f = 3; f < header.size(); ++f) {
            out += '|';
            write(header[f], out);
        }
        return out + '\r' + body;
    }

    MapSet const& maps_;
    Observer* observer_;
    expression::Context context_;
    std::vector<Segment> segments_;
    hl7::Delimiters delimiters_;
};

}  // namespace

Result<std::string> to_hl7(MapSet const& maps, fhir::Interaction const& from, std::int64_t now_us,
                           Observer* observer) {
    return Maker(maps, from, now_us, observer).make();
}

}  // namespace hilum::routes::mapping
