#include "parsers/hl7/version_conversion.h"

#include <algorithm>
#include <map>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/lookup.h"
#include "parsers/hl7/scan.h"
#include "parsers/hl7/version_moves.h"

namespace hilum::hl7 {

namespace {

constexpr std::size_t notes_max = 1000;

using Kind = ConversionNote::Kind;
using Parts = std::vector<std::string>;

Parts split(std::string_view text, char delimiter) {
    Parts parts;
    while (true) {
        std::size_t const end = delimiter == '\0' ? std::string_view::npos : find_nth(text, delimiter, 1);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string join(Parts const& parts, char delimiter) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i != 0) text += delimiter;
        text += parts[i];
    }
    return text;
}

// Characters: of UTF-8, and where it is something else at most too few.
std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

class Converter {
  public:
    Converter(Message const& message, Version from, Version to, Dictionary const& dictionary, bool drop)
        : message_(message),
          d_(message.delimiters()),
          from_(dictionary, from),
          to_(to),
          dictionary_(dictionary),
          drop_(drop) {}
    Conversion run();

  private:
    std::string version() const { return std::string(name(to_)); }
    void note(Kind kind, std::string path, std::string reason) {
        ++result_.note_count;
        if (result_.notes.size() < notes_max)
            result_.notes.push_back({kind, std::move(path), std::move(reason)});
    }
    // For what the target has no place for. True when it is to go.
    bool not_carried(std::string const& path, std::string reason) {
        note(drop_ ? Kind::dropped : Kind::kept, path, std::move(reason));
        return drop_;
    }
    void segment(std::string_view text, std::string_view name, std::string const& place, Parts& fields);
    void header(Parts& fields);
    void message_type(std::string& field);
    void field(std::string const& path, std::size_t number, std::string_view text, std::string_view named,
               std::string& raw);
    bool leaves(std::string_view name, std::size_t number) const;
    void observation_type(std::string const& path, Parts& fields);
    void value(std::string const& path, std::string_view from, std::string_view to, std::string& raw,
               int level);
    void to_primitive(std::string const& path, std::string_view from, std::string_view to, std::string& raw,
                      char delimiter);
    void move(FieldMove const& how, std::string const& place, Parts& fields);
    std::optional<std::string> moved(FieldMove const& how, std::string const& value, std::string& into) const;
    void without_truncation(std::string& raw);

    Message const& message_;
    Delimiters const d_;
    Lookup const from_;
    Version const to_;
    Dictionary const& dictionary_;
    bool const drop_;
    std::optional<Segment> target_;  // of the segment at hand
    Conversion result_;
};

void Converter::message_type(std::string& field) {
    Parts parts = split(field, d_.component);
    if (parts.size() < 2 || parts[1].empty()) return;
    if (to_ < Version::v2_3_1) {
        if (parts.size() > 2) {
            parts.resize(2);
            note(Kind::changed, "MSH-9.3", version() + " has no message structure in MSH-9");
        }
    } else {
        auto const structure = dictionary_.structure(to_, parts[0], parts[1]);
        if (!structure || !dictionary_.structure(to_, structure->name())) {
            note(Kind::kept, "MSH-9", version() + " has no such message");
            return;
        }
        if (parts.size() < 3) parts.resize(3);
        if (parts[2] == structure->name()) return;
        parts[2] = structure->name();
        note(Kind::changed, "MSH-9.3", "the message structure that " + version() + " has for it");
    }
    field = join(parts, d_.component);
}

// `fields` from MSH-2 on stand one lower than their numbers.
void Converter::header(Parts& fields) {
    if (d_.truncation != '\0' && to_ < Version::v2_7 && fields.size() > 1) {
        fields[1].erase(std::remove(fields[1].begin(), fields[1].end(), d_.truncation), fields[1].end());
        note(Kind::changed, "MSH-2", version() + " has no truncation character");
    }
    if (fields.size() > 8) message_type(fields[8]);
    if (fields.size() < 12) fields.resize(12);
    Parts parts = split(fields[11], d_.component);
    parts[0] = name(to_);
    if (to_ < Version::v2_3_1 && parts.size() > 1) {
        note(Kind::dropped, "MSH-12.2", version() + " has nothing but the version in MSH-12");
        parts.resize(1);
    }
    fields[11] = join(parts, d_.component);
}

// "\P\" to the character itself.
void Converter::without_truncation(std::string& raw) {
    if (d_.truncation == '\0' || to_ >= Version::v2_7 || d_.escape == '\0') return;
    std::string out;
    std::size_t copied = 0;
    for (std::size_t open = raw.find(d_.escape); open != std::string::npos;) {
        std::size_t const end = raw.find(d_.escape, open + 1);
        if (end == std::string::npos) break;
        if (end == open + 2 && raw[open + 1] == 'P') {
            out.append(raw, copied, open - copied) += d_.truncation;
            copied = end + 1;
        }
        open = raw.find(d_.escape, end + 1);
    }
    if (copied == 0) return;
    out.append(raw, copied);
    raw = std::move(out);
}

// Only what the datatype means alone is carried: a TS is its time, a date the first eight digits.
void Converter::to_primitive(std::string const& path, std::string_view from, std::string_view to,
                             std::string& raw, char delimiter) {
    std::size_t const end = delimiter == '\0' ? std::string::npos : raw.find(delimiter);
    if (end != std::string::npos) {
        bool const time = from == "TS";
        if (time || drop_) {
            note(Kind::dropped, path,
                 std::string(to) + " has no components; only the first of " + std::string(from) +
                     " is carried");
            raw.resize(end);
        } else {
            note(Kind::kept, path, std::string(to) + " has no components");
        }
    }
    bool const from_time = from == "TS" || from == "DTM";
    if (from_time && to == "DT" && raw.size() > 8 &&
        raw.find_first_not_of("0123456789.+-") == std::string::npos) {
        raw.resize(8);
        note(Kind::dropped, path, "a date in " + version() + ", which has no time of day");
    }
}

// One repetition (level 1) or component (level 2), in place.
void Converter::value(std::string const& path, std::string_view from, std::string_view to, std::string& raw,
                      int level) {
    if (raw.empty() || raw == "\"\"" || from.empty() || to.empty() || level > 2) return;
    auto const source = from_.datatype(from);
    auto const target = dictionary_.datatype(to_, to);
    if (!source || !target) return;
    char const delimiter = level == 1 ? d_.component : d_.subcomponent;
    if (target->primitive()) {
        to_primitive(path, from, to, raw, delimiter);
        return;
    }
    Parts parts = split(raw, delimiter);
    Parts const before = parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].empty()) continue;
        std::string const at = path + "." + std::to_string(i + 1);
        auto const new_part = target->components.at(i + 1);
        auto const old_part = source->primitive() ? std::nullopt : source->components.at(i + 1);
        if (!new_part) {
            // What the source's version does not have either is none of the conversion's making.
            if (!old_part) continue;
            if (not_carried(
                    at, std::string(to) + " has no component " + std::to_string(i + 1) + " in " + version()))
                parts[i].clear();
            continue;
        }
        if (old_part) value(at, old_part->datatype, new_part->datatype, parts[i], level + 1);
    }
    bool const gone_first =
        to == "XTN" && (target->components.at(1)->usage == Usage::withdrawn ||
                        target->components.at(1)->usage == Usage::backward || to_ >= Version::v2_7);
    if (level == 1 && gone_first && !parts[0].empty() && (parts.size() < 12 || parts[11].empty())) {
        if (parts.size() < 12) parts.resize(12);
        parts[11] = std::move(parts[0]);
        parts[0].clear();
        note(Kind::moved, path + ".1", "to component 12, the unformatted number");
    }
    if (parts == before) return;
    while (parts.size() > before.size() && parts.back().empty()) parts.pop_back();
    raw = join(parts, delimiter);
}

// `text` is the segment as it came; `named` the datatype that another field names for this one in the result.
void Converter::field(std::string const& path, std::size_t number, std::string_view text,
                      std::string_view named, std::string& raw) {
    without_truncation(raw);
    std::string_view const segment = text.substr(0, 3);
    auto const old = from_.dictionary().field(from_.version(), segment, number);
    auto const now = target_->fields.at(number);
    bool const withdrawn = now && now->usage == Usage::withdrawn;
    if (!now || withdrawn) {
        if (!old || old->usage == Usage::withdrawn) return;
        if (not_carried(path, withdrawn ? "withdrawn in " + version() : version() + " has no such field"))
            raw.clear();
        return;
    }
    if (now->usage == Usage::backward && to_ >= Version::v2_7) return;  // the source says no datatype
    std::string_view const from = from_.datatype_of(text, number, d_);
    std::string_view const to = named.empty() ? now->datatype : named;
    Parts repetitions = split(raw, d_.repetition);
    Parts const before = repetitions;
    for (std::size_t r = 0; r < repetitions.size(); ++r) {
        std::string const at = repetitions.size() == 1 ? path : path + "[" + std::to_string(r + 1) + "]";
        value(at, from, to, repetitions[r], 1);
        // 2.7 and later give lengths for conformance, not limits.
        if (now->length_max != 0 && characters(repetitions[r]) > now->length_max &&
            (!old || old->length_max == 0 || characters(repetitions[r]) <= old->length_max))
            note(Kind::kept, at,
                 "longer than the " + std::to_string(now->length_max) + " characters of " + version());
    }
    bool const could_repeat = !old || old->repetitions_max != 1;
    if (now->repetitions_max == 1 && repetitions.size() > 1 && could_repeat &&
        not_carried(path, "does not repeat in " + version()))
        repetitions.erase(repetitions.begin() + 1, repetitions.end());
    if (repetitions != before) raw = join(repetitions, d_.repetition);
}

// OBX-2 by a datatype that the target has; OBX-5 follows it.
void Converter::observation_type(std::string const& place, Parts& fields) {
    if (fields.size() < 3 || fields[2].empty()) return;
    std::string const type = fields[2];
    if (dictionary_.datatype(to_, type) || !from_.datatype(type)) return;
    for (auto const& [older, newer] : datatype_successors()) {
        for (auto const& [is, becomes] : {std::pair(older, newer), std::pair(newer, older)}) {
            if (is != type || !dictionary_.datatype(to_, becomes)) continue;
            fields[2] = becomes;
            note(Kind::changed, place + "-2",
                 version() + " has no datatype " + type + "; its values fit " + std::string(becomes));
            return;
        }
    }
    note(Kind::kept, place + "-2", version() + " has no datatype " + type);
}

// The value as it is to stand in the other field, whose value is `into`; nothing when there is no room for
// it. Where it is there already, `into` stays.
std::optional<std::string> Converter::moved(FieldMove const& how, std::string const& value,
                                            std::string& into) const {
    char const c = d_.component;
    Parts parts = split(value, c);
    if (how.how == FieldMove::How::component) {
        if (value.find_first_of(std::string{c, d_.repetition}) != std::string::npos ||
            into.find(d_.repetition) != std::string::npos)
            return std::nullopt;
        Parts target = split(into, c);
        if (target.size() < how.component) target.resize(how.component);
        std::string& place = target[how.component - 1];
        if (!place.empty() && place != value) return std::nullopt;
        place = value;
        into = join(target, c);
        return into;
    }
    if (how.how == FieldMove::How::license) {
        // DLN: number, state, expiration; CX: identifier, authority in 4, type in 5, expiration in 8.
        Parts cx(8);
        cx[0] = parts[0];
        if (parts.size() > 1) cx[3] = parts[1];
        if (parts.size() > 2) cx[7] = parts[2];
        parts = cx;
    }
    if (!how.type.empty()) {
        if (parts.size() < 5) parts.resize(5);
        if (parts[4].empty()) parts[4] = how.type;
    }
    if (how.how == FieldMove::How::alias) {
        if (parts.size() < 7) parts.resize(7);
        if (parts[6].empty()) parts[6] = "A";  // table 0200: alias name
    }
    while (parts.size() > 1 && parts.back().empty()) parts.pop_back();
    for (auto const& there : split(into, d_.repetition)) {
        Parts const other = split(there, c);
        bool const same_authority =
            parts.size() < 4 || parts[3].empty() || (other.size() > 3 && other[3] == parts[3]);
        bool const identifier = how.how == FieldMove::How::identifier || how.how == FieldMove::How::license;
        if (identifier ? other[0] == parts[0] && same_authority : there == join(parts, c)) return into;
    }
    if (d_.repetition == '\0' && !into.empty()) return std::nullopt;
    if (!into.empty()) into += d_.repetition;
    into += join(parts, c);
    return into;
}

void Converter::move(FieldMove const& how, std::string const& place, Parts& fields) {
    if (how.from >= fields.size() || fields[how.from].empty() || fields[how.from] == "\"\"") return;
    auto const old = from_.dictionary().field(from_.version(), how.segment, how.from);
    if (!old || old->usage == Usage::withdrawn || from_.version() >= to_) return;
    auto const now = target_->fields.at(how.from);
    if (now && now->usage != Usage::withdrawn && now->usage != Usage::backward) return;
    if (how.to >= fields.size()) fields.resize(how.to + 1);
    std::string into = fields[how.to];
    std::string const from = place + "-" + std::to_string(how.from);
    for (auto const& one : split(fields[how.from], d_.repetition)) {
        if (one.empty()) continue;
        if (d_.component == '\0' || !moved(how, one, into)) {
            note(Kind::kept, from,
                 "belongs in " + place + "-" + std::to_string(how.to) + ", which has another value");
            return;
        }
    }
    fields[how.to] = std::move(into);
    fields[how.from].clear();
    std::string to = place + "-" + std::to_string(how.to);
    if (how.component != 0) to += "." + std::to_string(how.component);
    note(Kind::moved, from, "to " + to + ", where " + version() + " has it");
}

// Whether the field goes to another one in the target: it is then converted there.
bool Converter::leaves(std::string_view name, std::size_t number) const {
    if (from_.version() >= to_) return false;
    bool const listed = std::any_of(field_moves().begin(), field_moves().end(), [&](FieldMove const& m) {
        return m.segment == name && m.from == number;
    });
    if (!listed) return false;
    auto const now = target_->fields.at(number);
    return !now || now->usage == Usage::withdrawn || now->usage == Usage::backward;
}

void Converter::segment(std::string_view text, std::string_view name, std::string const& place,
                        Parts& fields) {
    if (name == "OBX") observation_type(place, fields);
    // In a header, the delimiter itself is the first field.
    std::size_t const offset = header_name(name) ? 1 : 0;
    for (std::size_t i = 1 + offset; i < fields.size(); ++i) {
        bool const in_header = place == "MSH" && (i == 8 || i == 11);  // MSH-9 and MSH-12: header()
        if (fields[i].empty() || in_header || leaves(name, i)) continue;
        std::size_t const naming = field_naming_datatype(name, i);
        std::string const named = naming != 0 && naming < fields.size() ? fields[naming] : std::string();
        field(place + "-" + std::to_string(i + offset), i + offset, text, named, fields[i]);
    }
    for (auto const& how : field_moves())
        if (how.segment == name) move(how, place, fields);
    if (place == "MSH") header(fields);
}

Conversion Converter::run() {
    std::string const bytes = message_.bytes();
    std::map<std::string, std::size_t, std::less<>> seen;
    std::size_t at = bytes.find("MSH");
    result_.bytes.append(bytes, 0, at);
    std::string own;
    for (std::size_t number = 1; number <= message_.segment_count(); ++number) {
        std::string_view const text = message_.segment(number);
        own.clear();
        message_.append_bytes(text, own);
        // What stands between segments stays as it is.
        std::size_t const gap = at;
        while (at < bytes.size() && bytes.compare(at, own.size(), own) != 0) ++at;
        result_.bytes.append(bytes, gap, at - gap);
        at += own.size();
        std::string const segment_name(text.substr(0, text.find(d_.field)));
        std::size_t const occurrence = ++seen[segment_name];
        std::string const place =
            segment_name + (occurrence > 1 ? "[" + std::to_string(occurrence) + "]" : "");
        target_ = dictionary_.segment(to_, segment_name);
        if (!target_) {
            bool const known = segment_name[0] != 'Z' && from_.segment(segment_name).has_value();
            if (known && not_carried(place, version() + " has no such segment")) {
                while (at < bytes.size() && (bytes[at] == '\r' || bytes[at] == '\n')) ++at;
            } else {
                result_.bytes += own;
            }
            continue;
        }
        Parts fields = split(text, d_.field);
        Parts const before = fields;
        segment(text, segment_name, place, fields);
        if (fields == before) {
            result_.bytes += own;
        } else {
            message_.append_bytes(join(fields, d_.field), result_.bytes);
        }
    }
    result_.bytes.append(bytes, std::min(at, bytes.size()));
    return std::move(result_);
}

}  // namespace

std::string_view name(ConversionNote::Kind kind) {
    switch (kind) {
        case Kind::moved:
            return "moved";
        case Kind::changed:
            return "changed";
        case Kind::kept:
            return "kept";
        case Kind::dropped:
            return "dropped";
    }
    return "";
}

Result<Conversion> convert(Message const& message, Version to, Dictionary const& dictionary,
                           ConversionOptions const& options) {
    Version const from = options.from.value_or(Lookup(dictionary, message).version());
    if (from == to)
        return error("same_version", "MSH-12",
                     "the message is of version " + std::string(name(to)) + " already",
                     "choose another version");
    return Converter(message, from, to, dictionary, options.drop).run();
}

}  // namespace hilum::hl7
