#include "routes/config/profile.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "parsers/hl7/igamt.h"
#include "routes/config/describe.h"
#include "routes/config/files.h"

namespace hilum::config {

namespace {

constexpr std::size_t file_mebibytes = 16;

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// What is said of a field or component; `components` and `required_when` are read apart.
struct ElementOptions {
    Text usage, otherwise, length, min, max, fixed, datatype, table;
    std::vector<std::string> codes;
    Node required_when, components;
};
template <class V>
void describe(V& v, ElementOptions& o) {
    v.optional("usage", o.usage, "R, RE, O, C or X");
    v.optional("otherwise", o.otherwise, "the usage when required_when is not true: O or X");
    v.optional("required_when", o.required_when,
               "paths with what they hold: valued, empty or a list of codes");
    v.optional("min", o.min, "fewest repetitions");
    v.optional("max", o.max, "most repetitions, * for any number");
    v.optional("length", o.length, "most characters, or 1..20");
    v.optional("codes", o.codes, "the codes that are right");
    v.optional("table", o.table, "a table of this profile");
    v.optional("fixed", o.fixed, "the only value that is right");
    v.optional("datatype", o.datatype, "another datatype than the standard has here");
    v.optional("components", o.components, "by number");
}

struct SegmentOptions {
    Text usage, min, max;
    Node fields;
};
template <class V>
void describe(V& v, SegmentOptions& o) {
    v.optional("usage", o.usage, "R, RE, O or X");
    v.optional("min", o.min, "fewest in the message or group");
    v.optional("max", o.max, "most, * for any number");
    v.optional("fields", o.fields, "by number");
}

struct MessageOptions {
    std::string type;
    std::vector<std::string> event;
    Node segments;
};
template <class V>
void describe(V& v, MessageOptions& o) {
    v.optional("type", o.type, "MSH-9.1, such as ADT; without it all");
    v.optional("event", o.event, "MSH-9.2, one or a list; without it all");
    v.optional("segments", o.segments, "by name, such as PID or OBSERVATION/OBX");
}

struct IgamtOptions {
    Text profile, value_sets;
};
template <class V>
void describe(V& v, IgamtOptions& o) {
    v.required("profile", o.profile, "the profile's XML file");
    v.optional("value_sets", o.value_sets, "the value set library's XML file");
}

struct ProfileOptions {
    std::string name;
    Node igamt, tables, messages;
};
template <class V>
void describe(V& v, ProfileOptions& o) {
    v.optional("name", o.name, "a name for people");
    v.optional("igamt", o.igamt, "files of NIST IGAMT to begin with");
    v.optional("tables", o.tables, "lists of codes by name");
    v.optional("messages", o.messages, "what is said of which messages");
}

class Reader {
  public:
    Reader(std::string const& folder, Diagnostics& diagnostics)
        : folder_(folder), diagnostics_(diagnostics) {}
    std::shared_ptr<hl7::Profile const> read(Node const& root);

  private:
    void igamt(Node const& node, hl7::Profile& profile);
    void tables(Node const& node);
    void message(Node const& node, hl7::Profile& profile);
    void segment(Entry const& entry, hl7::ProfileMessage& message);
    std::vector<hl7::ProfileElement> elements(Node const& node, std::string const& what, int level);
    hl7::ProfileElement element(Entry const& entry, std::string const& what, int level);
    void condition(Node const& node, hl7::ProfileElement& element);
    hl7::ProfileUsage usage(Text const& text, std::string_view allowed);
    std::optional<std::uint32_t> count(Text const& text, bool star);
    // False, and said so, when it is neither a mapping nor absent.
    bool mapping(Node const& node, std::string const& what);
    template <class O>
    O options(Node const& node, std::string what) {
        return decode_options<O>(node, std::move(what), diagnostics_);
    }

    std::string folder_;
    Diagnostics& diagnostics_;
    std::map<std::string, std::shared_ptr<hl7::CodeSet const>, std::less<>> tables_;
};

bool Reader::mapping(Node const& node, std::string const& what) {
    if (node.kind == Node::Kind::mapping) return true;
    if (node.where.file && node.kind != Node::Kind::null)
        diagnostics_.error(node.where, what + " should be a mapping, not " + std::string(node.kind_name()));
    return false;
}

hl7::ProfileUsage Reader::usage(Text const& text, std::string_view allowed) {
    using enum hl7::ProfileUsage;
    if (text.empty()) return unsaid;
    if (text.value == "R") return required;
    if (text.value == "RE") return empty;
    if (text.value == "O") return optional;
    if (text.value == "C") return conditional;
    if (text.value == "X") return not_used;
    diagnostics_.error(text.where, in_quotes(text.value) + " is no usage",
                       "write one of " + std::string(allowed));
    return unsaid;
}

std::optional<std::uint32_t> Reader::count(Text const& text, bool star) {
    if (text.empty()) return std::nullopt;
    if (star && text.value == "*") return 0;
    auto const value = number(text.value);
    if (!value || (star && *value == 0)) {
        diagnostics_.error(text.where, in_quotes(text.value) + " is no number of times",
                           star ? "write 1 or more, or \"*\"; to forbid it, usage: X" : "write 0 or more");
        return std::nullopt;
    }
    return value;
}

void Reader::condition(Node const& node, hl7::ProfileElement& element) {
    if (!mapping(node, "required_when")) return;
    auto made = std::make_shared<hl7::ProfileCondition>();
    for (Entry const& entry : node.entries) {
        hl7::ProfileCondition::Test test;
        auto const path = hl7::Path::parse(entry.key);
        if (!path || path->field == 0 || path->many()) {
            diagnostics_.error(entry.where, in_quotes(entry.key) + " is no path to one field",
                               "write one like PID-7");
            continue;
        }
        test.path = *path;
        if (entry.value.is_scalar() && entry.value.scalar == "valued") {
            test.kind = hl7::ProfileCondition::Kind::valued;
        } else if (entry.value.is_scalar() && entry.value.scalar == "empty") {
            test.kind = hl7::ProfileCondition::Kind::empty;
        } else {
            std::vector<std::string> codes;
            if (!decode_value(entry.value, codes, diagnostics_)) continue;
            test.kind = hl7::ProfileCondition::Kind::in;
            test.codes.insert(codes.begin(), codes.end());
        }
        made->tests.push_back(std::move(test));
    }
    element.condition = std::move(made);
    if (element.usage == hl7::ProfileUsage::unsaid) element.usage = hl7::ProfileUsage::conditional;
}

hl7::ProfileElement Reader::element(Entry const& entry, std::string const& what, int level) {
    auto const o = options<ElementOptions>(entry.value, what);
    hl7::ProfileElement e;
    if (auto const n = number(entry.key); n && *n >= 1 && *n <= 999) {
        e.number = *n;
    } else {
        diagnostics_.error(entry.where, in_quotes(entry.key) + " is no position", "write its number, from 1");
    }
    e.usage = usage(o.usage, "R, RE, O, C and X");
    e.otherwise = usage(o.otherwise, "O and X");
    e.repetitions_min = count(o.min, false);
    e.repetitions_max = count(o.max, true);
    if (level > 0 && (e.repetitions_min || e.repetitions_max))
        diagnostics_.error(entry.where, "components do not repeat", "say min and max of the field");
    if (!o.length.empty()) {
        std::string_view const text = o.length.value;
        auto const dots = text.find("..");
        auto const low =
            dots == std::string_view::npos ? std::optional<std::uint32_t>(0) : number(text.substr(0, dots));
        auto const high = number(dots == std::string_view::npos ? text : text.substr(dots + 2));
        if (!low || !high || *high == 0 || *low > *high) {
            diagnostics_.error(o.length.where, in_quotes(o.length.value) + " is no length",
                               "write 20 or 1..20");
        } else {
            e.length_min = *low;
            e.length_max = *high;
        }
    }
    e.datatype = o.datatype.value;
    if (!o.fixed.empty()) e.constant = o.fixed.value;
    if (!o.table.empty()) {
        auto const found = tables_.find(o.table.value);
        if (found == tables_.end()) {
            diagnostics_.error(o.table.where, "the profile has no table " + in_quotes(o.table.value),
                               "add it to \"tables:\"");
        } else {
            e.codes = found->second;
            e.table = found->first;
        }
    }
    if (!o.codes.empty()) e.codes = std::make_shared<hl7::CodeSet const>(o.codes.begin(), o.codes.end());
    condition(o.required_when, e);
    if (e.usage == hl7::ProfileUsage::conditional && !e.condition)
        diagnostics_.error(entry.where, "usage C without required_when", "say when it is required");
    if (mapping(o.components, "components")) {
        if (level == 2) {
            diagnostics_.error(o.components.where, "a subcomponent has no components");
        } else {
            e.components = std::make_shared<std::vector<hl7::ProfileElement> const>(
                elements(o.components, what, level + 1));
        }
    }
    return e;
}

std::vector<hl7::ProfileElement> Reader::elements(Node const& node, std::string const& what, int level) {
    std::vector<hl7::ProfileElement> all;
    for (Entry const& entry : node.entries)
        all.push_back(element(entry, what + (level == 0 ? "-" : ".") + entry.key, level));
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.number < b.number; });
    return all;
}

void Reader::segment(Entry const& entry, hl7::ProfileMessage& message) {
    auto const o = options<SegmentOptions>(entry.value, in_quotes(entry.key));
    hl7::ProfileSegment s;
    auto const slash = entry.key.rfind('/');
    s.name = slash == std::string::npos ? entry.key : entry.key.substr(slash + 1);
    if (slash != std::string::npos) s.group = entry.key.substr(0, slash);
    auto const capital = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (s.name.size() != 3 || !std::all_of(s.name.begin(), s.name.end(), capital)) {
        diagnostics_.error(entry.where, in_quotes(entry.key) + " is no segment",
                           "write one like PID or OBSERVATION/OBX");
        return;
    }
    s.usage = usage(o.usage, "R, RE, O and X");
    s.min = count(o.min, false);
    s.max = count(o.max, true);
    if (mapping(o.fields, "fields")) s.fields = elements(o.fields, s.name, 0);
    message.segments.push_back(std::move(s));
}

void Reader::message(Node const& node, hl7::Profile& profile) {
    auto const o = options<MessageOptions>(node, "a message of the profile");
    hl7::ProfileMessage message;
    message.type = o.type;
    if (mapping(o.segments, "segments")) {
        for (Entry const& entry : o.segments.entries) segment(entry, message);
    }
    if (o.event.empty()) profile.messages.push_back(message);
    for (auto const& event : o.event) {
        message.event = event;
        profile.messages.push_back(message);
    }
}

void Reader::tables(Node const& node) {
    if (!mapping(node, "tables")) return;
    for (Entry const& entry : node.entries) {
        std::vector<std::string> codes;
        if (decode_value(entry.value, codes, diagnostics_))
            tables_[entry.key] = std::make_shared<hl7::CodeSet const>(codes.begin(), codes.end());
    }
}

void Reader::igamt(Node const& node, hl7::Profile& profile) {
    if (node.kind == Node::Kind::null) return;
    auto const o = options<IgamtOptions>(node, "\"igamt\"");
    auto const at = [this](Text const& file) {
        return (std::filesystem::path(folder_) / file.value).string();
    };
    if (o.profile.empty()) return;
    auto const whole = [&](Text const& file) {
        return read_whole(at(file), file.where, "profile", file_mebibytes, diagnostics_);
    };
    auto const xml = whole(o.profile);
    if (!xml) return;
    auto const sets = o.value_sets.empty() ? std::optional<std::string>("") : whole(o.value_sets);
    if (!sets) return;
    auto read = hl7::read_igamt(*xml, *sets);
    if (!read)
        return diagnostics_.error(o.profile.where, read.error().place + ": " + read.error().what,
                                  read.error().next);
    profile.name = read->name;
    std::move(read->messages.begin(), read->messages.end(), std::back_inserter(profile.messages));
}

std::shared_ptr<hl7::Profile const> Reader::read(Node const& root) {
    std::size_t const before = diagnostics_.errors();
    if (root.kind != Node::Kind::mapping) {
        diagnostics_.error(root.where, "a profile is a mapping", "begin with \"messages:\"");
        return nullptr;
    }
    auto const o = options<ProfileOptions>(root, "the profile");
    auto profile = std::make_shared<hl7::Profile>();
    tables(o.tables);
    if (o.messages.kind == Node::Kind::sequence) {
        for (Node const& one : o.messages.items) message(one, *profile);
    } else if (o.messages.kind != Node::Kind::null) {
        diagnostics_.error(o.messages.where, "messages should be a list", "write \"- type: ADT\" below it");
    }
    igamt(o.igamt, *profile);
    if (!o.name.empty()) profile->name = o.name;
    if (profile->messages.empty() && diagnostics_.errors() == before)
        diagnostics_.error(root.where, "the profile says nothing of any message",
                           "add \"messages:\" or \"igamt:\"");
    return diagnostics_.errors() == before ? profile : nullptr;
}

}  // namespace

std::shared_ptr<hl7::Profile const> read_profile(std::string_view text, std::string file_name,
                                                 std::string const& folder, Diagnostics& diagnostics) {
    std::size_t const before = diagnostics.errors();
    Node const root = read_yaml(text, std::move(file_name), NoEnvironment{}, diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    return Reader(folder, diagnostics).read(root);
}

std::shared_ptr<hl7::Profile const> load_profile(std::string const& path, Location const& where,
                                                 Diagnostics& diagnostics) {
    auto const text = read_whole(path, where, "profile", file_mebibytes, diagnostics);
    if (!text) return nullptr;
    if (!path.ends_with(".xml")) {
        auto const folder = std::filesystem::path(path).parent_path().string();
        return read_profile(*text, path, folder, diagnostics);
    }
    auto read = hl7::read_igamt(*text, {});
    if (read) return std::make_shared<hl7::Profile const>(std::move(*read));
    diagnostics.error({std::make_shared<std::string const>(path), 0, 0},
                      read.error().place + ": " + read.error().what, read.error().next);
    return nullptr;
}

std::shared_ptr<hl7::Profile const> load_profile(Text const& named, Diagnostics& diagnostics) {
    return load_profile(beside(named.value, named.where), named.where, diagnostics);
}

std::set<std::uint16_t> closed_tables(Node const& dictionary) {
    std::set<std::uint16_t> out;
    Node const* const tables = dictionary.find("tables");
    if (!tables) return out;
    for (Entry const& entry : tables->entries) {
        Diagnostics reported;
        bool closed = false;
        Node const* const said = entry.value.find("closed");
        if (!said || !decode_value(*said, closed, reported) || !closed) continue;
        if (auto const n = number(entry.key); n && *n > 0 && *n <= 0xffff)
            out.insert(static_cast<std::uint16_t>(*n));
    }
    return out;
}

}  // namespace hilum::config
