#include "parsers/hl7/validation/walk.h"

#include <algorithm>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/scan.h"
#include "parsers/hl7/validation/conditions.h"

namespace hilum::hl7::validation {

namespace {

constexpr unsigned char field_mark = 1, repetition_mark = 2, component_mark = 4, subcomponent_mark = 8;

constexpr Slot unknown_slot = [] {
    Slot slot;
    slot.known = false;
    slot.repetitions_max = 0;
    return slot;
}();

bool null(std::string_view raw) {
    return raw == "\"\"";
}

bool local(std::string_view name) {
    return !name.empty() && name[0] == 'Z';
}

// Characters, of UTF-8; other bytes count one each.
std::size_t length_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

ProfileElement const* element_of(std::vector<ProfileElement> const& all, std::uint32_t number) {
    auto const at = std::lower_bound(all.begin(), all.end(), number,
                                     [](ProfileElement const& e, std::uint32_t n) { return e.number < n; });
    return at != all.end() && at->number == number ? &*at : nullptr;
}

ProfileElement const* part_of(ProfileElement const* element, std::uint32_t number) {
    return element && element->components ? element_of(*element->components, number) : nullptr;
}

// Local codes of tables that the standard lets sites extend: message types and events beginning with Z
// (§2.11), coding systems 99zzz, and those it names by a pattern (table 0396: HL7nnnn, ISOnnnn, L).
bool local_code(std::uint16_t table, std::string_view code) {
    if (table == 76 || table == 3 || table == 354) return local(code);
    if (table == 203) return code.starts_with("NN") && code.size() == 5;  // §2.A.14: NNxxx by country
    return table == 396 && (code == "L" || code.starts_with("99") || code.starts_with("HL7") ||
                            code.starts_with("ISO") || code.starts_with("LOCAL"));
}

}  // namespace

Walk::Walk(Message const& message, Rules const& rules, Report& report)
    : message_(message),
      compiled_(rules.compiled()),
      profile_(rules.profile()),
      report_(report),
      delimiters_(message.delimiters()) {
    auto const mark = [this](char c, unsigned char what) {
        if (c != '\0') marks_[static_cast<unsigned char>(c)] = what;
    };
    mark(delimiters_.subcomponent, subcomponent_mark);
    mark(delimiters_.component, component_mark);
    mark(delimiters_.repetition, repetition_mark);
    mark(delimiters_.field, field_mark);
}

void Walk::run() {
    read_header();
    check_structure();
    if (profile_message_) check_profile_segments();
    std::size_t const structural = report_.findings.size();
    std::size_t const count = message_.segment_count();
    for (std::size_t number = 1; number <= count; ++number) segment(number);
    if (structural == 0 || structural == report_.findings.size()) return;
    // In the order of the message: those of the structure are few and among those of the fields.
    std::stable_sort(report_.findings.begin(), report_.findings.end(),
                     [](Finding const& a, Finding const& b) { return a.segment < b.segment; });
}

void Walk::report(Rule rule, char severity, std::uint16_t code, std::uint32_t number,
                  std::string_view subject, bool by_profile) {
    (severity == 'E' ? report_.errors : severity == 'W' ? report_.warnings : report_.notes) += 1;
    if (severity == 'E') ++report_.by_rule[static_cast<std::size_t>(rule)];
    if (report_.findings.size() >= Report::kept_max) return;
    Finding finding;
    finding.place = place_;
    finding.place.occurrence = 1;
    std::size_t const last = std::min(number_, message_.segment_count() + 1);
    // What is no name of a segment is text that a line break has cut off: content, which no finding may hold.
    if (name_.size() != 3 || !std::all_of(name_.begin(), name_.end(), capital_or_digit)) {
        std::copy_n("???", 3, finding.place.segment);
    } else {
        std::copy_n(name_.data(), 3, finding.place.segment);
        for (std::size_t n = 1; n < last; ++n) {
            auto const other = message_.segment(n);
            if (other.starts_with(name_) && (other.size() == 3 || other[3] == delimiters_.field))
                ++finding.place.occurrence;
        }
    }
    finding.segment = number_;
    finding.rule = rule;
    finding.severity = severity;
    finding.code = code;
    finding.number = number;
    finding.subject = subject;
    finding.by_profile = by_profile;
    report_.findings.push_back(finding);
}

void Walk::report_field(std::uint32_t number, Rule rule, char severity, std::uint16_t code,
                        std::string_view subject) {
    place_ = {};
    place_.field = number;
    report(rule, severity, code, 0, subject);
}

void Walk::read_header() {
    name_ = "MSH";
    number_ = 1;
    split_fields(message_.segment(1));
    auto const version = trimmed(component(12, 1));
    version_ = version_of(component(12, 1));
    place_ = {};
    place_.field = 12;
    if (version.empty() || null(version)) {
        report(Rule::version, 'E', 101);
    } else if (!version_named(version)) {
        report(Rule::version, 'E', 203);
    }
    type_ = component(9, 1);
    event_ = component(9, 2);
    structure_name_ = component(9, 3);
    // "ORU_R01" in the first component alone
    if (event_.empty() && type_.size() == 7 && type_[3] == '_') {
        event_ = type_.substr(4);
        type_ = type_.substr(0, 3);
    }
    if (!profile_) return;
    profile_message_ = profile_->message(type_, event_);
    if (profile_message_) return;
    place_.field = 9;
    report(Rule::profile, 'E', 200, 0, profile_->name, true);
}

void Walk::split_fields(std::string_view text) {
    field_count_ = 0;
    bool const header = header_name(name_);
    if (header) fields_[field_count_++] = text.substr(std::min<std::size_t>(3, text.size()), 1);
    std::size_t at = text.find(delimiters_.field);
    while (at != std::string_view::npos && field_count_ < fields_kept) {
        std::size_t const end = std::min(text.find(delimiters_.field, at + 1), text.size());
        fields_[field_count_++] = text.substr(at + 1, end - at - 1);
        at = end == text.size() ? std::string_view::npos : end;
    }
}

std::string_view Walk::component(std::size_t field_number, std::uint32_t number) const {
    return part(part(field(field_number), delimiters_.repetition, 1), delimiters_.component, number);
}

ProfileSegment const* Walk::profile_segment(std::size_t number) const {
    ProfileSegment const* anywhere = nullptr;
    std::string_view group;
    if (structure_ && number <= structure_->segment_count()) {
        auto const place = structure_->place(number).group;
        if (place != 0) group = structure_->groups()[place].name;
    }
    for (auto const& s : profile_message_->segments) {
        if (s.name != name_) continue;
        if (!s.group.empty() && s.group == group) return &s;
        if (s.group.empty()) anywhere = &s;
    }
    return anywhere;
}

void Walk::segment(std::size_t number) {
    std::string_view const text = message_.segment(number);
    if (text.size() < 3 || (text.size() > 3 && text[3] != delimiters_.field)) return;
    name_ = text.substr(0, 3);
    number_ = number;
    place_ = {};
    if (std::uint32_t const key = segment_key(name_); key != key_) {
        key_ = key;
        compiled_segment_ = compiled_.segment(version_, key);
    }
    profile_segment_ = profile_message_ ? profile_segment(number) : nullptr;
    if (!compiled_segment_ && !profile_segment_) return;
    field_count_ = 0;
    std::uint32_t at_field = 0;
    char const* at = text.data() + std::min<std::size_t>(4, text.size());
    char const* const end = text.data() + text.size();
    if (compiled_segment_ && compiled_segment_->msh_like && text.size() > 3) {
        // MSH-1 and MSH-2 are the delimiters themselves.
        fields_[field_count_++] = text.substr(3, 1);
        while (at != end && *at != delimiters_.field) ++at;
        fields_[field_count_++] = {text.data() + 4, static_cast<std::size_t>(at - text.data() - 4)};
        if (at != end) ++at;
        at_field = 2;
    }
    bool more = text.size() > 3 && (at_field == 0 || at != end);
    bool extra = false;
    while (more) {
        char const* const begin = at;
        unsigned found = 0;
        while (at != end) {
            unsigned const mark = marks_[static_cast<unsigned char>(*at)];
            if (mark == field_mark) break;
            found |= mark;
            ++at;
        }
        ++at_field;
        std::string_view const raw(begin, static_cast<std::size_t>(at - begin));
        if (field_count_ < fields_kept) fields_[field_count_++] = raw;
        bool const in_dictionary = compiled_segment_ && at_field <= compiled_segment_->fields.size();
        Slot const* const slot = in_dictionary ? &compiled_segment_->fields[at_field - 1] : nullptr;
        ProfileElement const* const element =
            profile_segment_ ? element_of(profile_segment_->fields, at_field) : nullptr;
        if (element || (slot && (!raw.empty() || slot->usage == Usage::required))) {
            check_field(at_field, raw, found, slot, element);
        } else if (!slot && !raw.empty() && compiled_segment_ && !local(name_) && !extra) {
            extra = true;
            place_ = {};
            place_.field = at_field;
            report(Rule::extra_field, 'W', 199, static_cast<std::uint32_t>(compiled_segment_->fields.size()));
        }
        more = at != end;
        if (more) ++at;
    }
    check_missing_fields(at_field + 1);
    if (compiled_segment_ && compiled_segment_->conditional) check_conditions(*this);
}

void Walk::check_missing_fields(std::uint32_t from) {
    std::uint32_t last = compiled_segment_ ? compiled_segment_->last_required : 0;
    if (profile_segment_ && !profile_segment_->fields.empty())
        last = std::max(last, profile_segment_->fields.back().number);
    for (std::uint32_t number = from; number <= last; ++number) {
        bool const in_dictionary = compiled_segment_ && number <= compiled_segment_->fields.size();
        Slot const* const slot = in_dictionary ? &compiled_segment_->fields[number - 1] : nullptr;
        ProfileElement const* const element =
            profile_segment_ ? element_of(profile_segment_->fields, number) : nullptr;
        if (element || (slot && slot->usage == Usage::required)) check_field(number, {}, 0, slot, element);
    }
}

void Walk::check_field(std::uint32_t number, std::string_view raw, unsigned marks, Slot const* slot,
                       ProfileElement const* element) {
    place_ = {};
    place_.field = number;
    Slot const* of = slot ? slot : &unknown_slot;
    if (number == 5 && name_ == "OBX") of = &value_slot(*of);
    std::optional<Slot> other;
    if (element && !element->datatype.empty() && element->datatype != of->datatype) {
        other = adapted(*of, element->datatype);
        of = &*other;
    }
    if (!check_presence(*of, element, raw)) return;
    if (of->usage == Usage::withdrawn || of->usage == Usage::unused)
        report(of->usage == Usage::withdrawn ? Rule::withdrawn : Rule::not_used, 'W', 199, 0, of->name);
    if ((marks & (component_mark | subcomponent_mark | repetition_mark)) == 0 && !element &&
        !of->more_needed) {
        // The most frequent case: a plain value.
        place_.repetition = 1;
        if (of->length_max != 0 && raw.size() > of->length_max) check_length(*of, nullptr, raw, 0);
        if (of->form != Lexical::any || of->codes) check_plain(*of, nullptr, raw);
        return;
    }
    std::uint32_t repetition = 0;
    std::string_view rest = raw;
    bool more = true;
    while (more) {
        std::size_t const end =
            (marks & repetition_mark) == 0 ? std::string_view::npos : rest.find(delimiters_.repetition);
        std::string_view const one = rest.substr(0, end);
        place_.repetition = ++repetition;
        place_.component = place_.subcomponent = 0;
        if (!one.empty() && !null(one)) check_value(*of, element, one, 0);
        more = end != std::string_view::npos;
        if (more) rest.remove_prefix(end + 1);
    }
    place_.repetition = place_.component = place_.subcomponent = 0;
    std::uint32_t const max =
        element && element->repetitions_max ? *element->repetitions_max : std::uint32_t{of->repetitions_max};
    if (max != 0 && repetition > max) {
        report(Rule::repetition, 'E', 198, max, of->name,
               element != nullptr && element->repetitions_max.has_value());
    } else if (element && element->repetitions_min && repetition < *element->repetitions_min) {
        report(Rule::repetition, 'E', 198, *element->repetitions_min, of->name, true);
    }
}

Slot Walk::adapted(Slot const& of, std::string_view datatype) const {
    Slot slot = of;
    slot.type = compiled_.type(version_, datatype);
    slot.known = slot.type != nullptr;
    slot.datatype = slot.known ? slot.type->name : std::string_view{};
    slot.form = slot.known ? lexical_of(version_, datatype) : Lexical::any;
    slot.codes = nullptr;
    slot.more_needed = false;
    if (slot.type && slot.type->components.empty()) slot.type = nullptr;
    if (slot.type) {
        Slot const& first = slot.type->components[0];
        slot.form = first.form;
        slot.codes = first.codes;
        slot.more_needed = slot.type->last_required > 0 || slot.type->together != Together::nothing;
    }
    return slot;
}

Slot const& Walk::value_slot(Slot const& of) {
    if (value_type_.data() == nullptr || value_type_ != field(2)) {
        value_type_ = field(2);
        value_slot_ = adapted(of, value_type_);
    }
    return value_slot_;
}

bool Walk::check_presence(Slot const& slot, ProfileElement const* element, std::string_view raw) {
    ProfileUsage const usage = element ? usage_of(*element) : ProfileUsage::unsaid;
    if (raw.empty()) {
        if (usage == ProfileUsage::required) {
            report(Rule::required, 'E', 101, 0, slot.name, true);
        } else if (usage == ProfileUsage::unsaid && slot.usage == Usage::required) {
            report(Rule::required, 'E', 101, 0, slot.name);
        }
        return false;
    }
    if (usage == ProfileUsage::not_used) {
        report(Rule::not_used, 'E', 199, 0, slot.name, true);
        return false;
    }
    return !null(raw);
}

void Walk::set_level(int level, std::uint32_t number) {
    if (level == 1) {
        place_.component = number;
        place_.subcomponent = 0;
    } else {
        place_.subcomponent = number;
    }
}

void Walk::check_value(Slot const& slot, ProfileElement const* element, std::string_view raw, int level) {
    check_length(slot, element, raw, level);
    if (element && element->constant && plain(raw) != *element->constant)
        report(Rule::constant, 'E', 103, 0, slot.name, true);
    if (level == 2) return check_plain(slot, element, raw);
    if (slot.type || (element && element->components)) return check_parts(slot, element, raw, level);
    char const inner = level == 0 ? delimiters_.component : delimiters_.subcomponent;
    std::size_t const end = inner == '\0' ? std::string_view::npos : raw.find(inner);
    std::size_t const deeper = level != 0 || delimiters_.subcomponent == '\0'
                                   ? std::string_view::npos
                                   : raw.find(delimiters_.subcomponent);
    if (slot.known && (end != std::string_view::npos || deeper != std::string_view::npos))
        report(Rule::extra_component, 'W', 199, 1, slot.datatype);
    if (slot.known || element) check_plain(slot, element, raw.substr(0, std::min(end, deeper)));
}

// The components of a field, or the subcomponents of a component.
void Walk::check_parts(Slot const& slot, ProfileElement const* element, std::string_view raw, int level) {
    static std::vector<Slot> const none;
    auto const& slots = slot.type ? slot.type->components : none;
    char const delimiter = level == 0 ? delimiters_.component : delimiters_.subcomponent;
    // Up to here a part is looked at although it is not there.
    std::size_t needed = slot.type ? slot.type->last_required : 0;
    std::size_t count = slots.size();
    if (element && element->components && !element->components->empty()) {
        count = std::max<std::size_t>(count, element->components->back().number);
        needed = std::max<std::size_t>(needed, element->components->back().number);
    }
    unsigned char const mark = level == 0 ? component_mark : subcomponent_mark;
    std::uint32_t number = 0;
    char const* at = raw.data();
    char const* const end = raw.data() + raw.size();
    bool more = true;
    while (more || number < needed) {
        char const* const begin = at;
        unsigned found = 0;
        while (at != end) {
            unsigned const here = marks_[static_cast<unsigned char>(*at)];
            if (here == mark) break;
            found |= here;
            ++at;
        }
        std::string_view const one(begin, static_cast<std::size_t>(at - begin));
        more = at != end;
        if (more) ++at;
        ++number;
        if (number > count) {
            if (one.empty() || !slot.known) continue;
            set_level(level + 1, number);
            report(Rule::extra_component, 'W', 199, static_cast<std::uint32_t>(slots.size()), slot.datatype);
            break;
        }
        Slot const& part_slot = number <= slots.size() ? slots[number - 1] : unknown_slot;
        ProfileElement const* const part_element = part_of(element, number);
        if (one.empty() && !part_element && part_slot.usage != Usage::required) continue;
        set_level(level + 1, number);
        if (found == 0 && !part_element && !part_slot.more_needed && !one.empty()) {
            if (level == 0 && part_slot.length_max != 0 && one.size() > part_slot.length_max)
                check_length(part_slot, nullptr, one, 1);
            if (part_slot.form != Lexical::any || part_slot.codes) check_plain(part_slot, nullptr, one);
        } else if (check_presence(part_slot, part_element, one)) {
            check_value(part_slot, part_element, one, level + 1);
        }
    }
    if (level == 0) {
        place_.component = place_.subcomponent = 0;
    } else {
        place_.subcomponent = 0;
    }
    // What binds a coded value to a table binds its first component.
    if (element && element->codes) {
        std::string_view const first = part(raw, delimiter, 1);
        if (!first.empty() && !null(first) && !element->codes->contains(plain(first))) {
            set_level(level + 1, 1);
            report(Rule::table, 'E', 103, 0, element->table, true);
        }
    } else if (slot.codes && slot.type && !slots.empty() && slot.codes != slots[0].codes) {
        std::string_view const first = part(raw, delimiter, 1);
        set_level(level + 1, 1);
        if (!first.empty() && !null(first) && !slot.codes->contains(plain(first)) &&
            !local_code(slot.codes->table(), first))
            report(Rule::table, 'E', 103, slot.codes->table());
    }
    if (slot.type && slot.type->together != Together::nothing)
        check_together(*slot.type, raw, delimiter, level);
}

void Walk::check_together(Type const& type, std::string_view raw, char delimiter, int level) {
    auto const has = [&](std::uint32_t n) {
        auto const one = part(raw, delimiter, n);
        return !one.empty() && !null(one);
    };
    auto const lacks = [&](std::uint32_t missing, std::string_view why, char severity = 'E') {
        set_level(level + 1, missing);
        report(Rule::conditional, severity, 101, 0, why);
    };
    if (type.together == Together::coding_name) {
        // §2.A.13 since 2.7: CWE.1 needs CWE.3, or CWE.14 in its place. No error: many fields were IS before,
        // and their table says what the code means.
        if (has(1) && !has(3) && !has(14)) lacks(3, "a coding system is required for a code", 'W');
        return;
    }
    std::uint32_t const id = type.together == Together::pair_2_3 ? 2 : 3;
    if (has(id) && !has(id + 1)) lacks(id + 1, "a universal ID needs its type");
    if (!has(id) && has(id + 1)) lacks(id, "a universal ID type needs its ID");
}

std::string_view Walk::plain(std::string_view raw) {
    if (delimiters_.escape == '\0' || raw.find(delimiters_.escape) == std::string_view::npos) return raw;
    return unescape(raw, delimiters_, scratch_);
}

void Walk::check_plain(Slot const& slot, ProfileElement const* element, std::string_view raw) {
    if (raw.empty() || null(raw)) return;
    if (slot.form != Lexical::any && !fits(slot.form, raw))
        report(Rule::datatype, 'E', 102, static_cast<std::uint32_t>(slot.form), slot.datatype);
    if (element && element->codes) {
        if (!element->codes->contains(plain(raw))) report(Rule::table, 'E', 103, 0, element->table, true);
    } else if (slot.codes && !slot.codes->contains(raw) && !local_code(slot.codes->table(), raw) &&
               !slot.codes->contains(plain(raw))) {
        // Coding systems are registered at any time (§2.A.13): the list is never complete.
        report(Rule::table, slot.codes->table() == 396 ? 'W' : 'E', 103, slot.codes->table());
    }
}

void Walk::check_length(Slot const& slot, ProfileElement const* element, std::string_view raw, int level) {
    bool const said = element && (element->length_max != 0 || element->length_min != 0);
    if (said) {
        std::size_t const length = length_of(plain(raw));
        if (element->length_max != 0 && length > element->length_max)
            report(Rule::length, 'E', 104, element->length_max, slot.name, true);
        if (length < element->length_min)
            report(Rule::length, 'E', 102, element->length_min, slot.name, true);
        return;
    }
    // The lengths of components have their own entries since 2.5 only; those of TX and FT are none.
    if (slot.length_max == 0 || raw.size() <= slot.length_max || level > 1) return;
    if (slot.datatype == "TX" || slot.datatype == "FT") return;
    if (length_of(plain(raw)) > slot.length_max) report(Rule::length, 'W', 104, slot.length_max, slot.name);
}

}  // namespace hilum::hl7::validation
