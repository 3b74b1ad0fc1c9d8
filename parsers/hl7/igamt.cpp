#include "parsers/hl7/igamt.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <pugixml.hpp>

namespace hilum::hl7 {

namespace {

constexpr std::size_t bytes_max = 16u << 20;
constexpr int depth_max = 32;

Error bad(std::string place, std::string what, std::string next = {}) {
    return error("bad_igamt", std::move(place), std::move(what), std::move(next));
}

// How deep elements are nested. pugixml frees its tree by recursion, so this is known before it builds one.
int depth_of(std::string_view xml) {
    int depth = 0;
    int deepest = 0;
    std::size_t at = 0;
    auto const skip = [&](std::string_view end) {
        std::size_t const found = xml.find(end, at);
        at = found == std::string_view::npos ? xml.size() : found + end.size();
    };
    while ((at = xml.find('<', at)) != std::string_view::npos) {
        std::string_view const rest = xml.substr(at);
        if (rest.starts_with("<!--")) {
            skip("-->");
        } else if (rest.starts_with("<![CDATA[")) {
            skip("]]>");
        } else if (rest.starts_with("<?")) {
            skip("?>");
        } else if (rest.starts_with("</")) {
            --depth;
            skip(">");
        } else if (rest.starts_with("<!")) {
            skip(">");
        } else {
            char quote = '\0';
            for (++at; at < xml.size(); ++at) {
                char const c = xml[at];
                if (quote != '\0') {
                    if (c == quote) quote = '\0';
                } else if (c == '"' || c == '\'') {
                    quote = c;
                } else if (c == '>') {
                    break;
                }
            }
            if (at >= xml.size() || xml[at - 1] != '/') deepest = std::max(deepest, ++depth);
        }
    }
    return deepest;
}

Result<void> parse(pugi::xml_document& document, std::string_view xml, std::string const& what) {
    if (xml.size() > bytes_max) return bad(what, "it is larger than 16 MiB");
    if (depth_of(xml) > depth_max) return bad(what, "its elements are nested deeper than 32");
    auto const parsed = document.load_buffer(xml.data(), xml.size());
    if (!parsed)
        return bad(what + ", byte " + std::to_string(parsed.offset),
                   std::string("it is no XML: ") + parsed.description());
    return {};
}

std::optional<std::uint32_t> number(char const* text) {
    std::string_view const digits = text;
    std::uint32_t value = 0;
    auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

// "*" and what is no number (NA) mean that nothing is said: 0.
std::uint32_t limit(pugi::xml_node node, char const* attribute) {
    return number(node.attribute(attribute).value()).value_or(0);
}

ProfileUsage usage_of(pugi::xml_node node) {
    std::string_view const usage = node.attribute("Usage").value();
    if (usage == "R") return ProfileUsage::required;
    if (usage == "RE") return ProfileUsage::empty;
    if (usage == "X" || usage == "W") return ProfileUsage::not_used;
    if (usage.starts_with("C")) return ProfileUsage::conditional;
    return ProfileUsage::optional;
}

// "ORU_R01.PATIENT_RESULT" is the group PATIENT_RESULT.
std::string group_name(std::string_view name) {
    if (auto const dot = name.rfind('.'); dot != std::string_view::npos) name.remove_prefix(dot + 1);
    std::string out;
    for (char const c : name) {
        bool const lower = c >= 'a' && c <= 'z';
        bool const fine = lower || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        out += !fine ? '_' : lower ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (out.empty() || out[0] < 'A' || out[0] > 'Z') out.insert(0, "G_");
    while (out.size() < 4) out += '_';
    return out;
}

class Reader {
  public:
    Result<void> value_sets(pugi::xml_node library);
    Result<Profile> profile(pugi::xml_node root);

  private:
    using Elements = std::shared_ptr<std::vector<ProfileElement> const>;
    Result<Elements> elements(pugi::xml_node parent, char const* element, int level);
    Result<Elements> datatype(std::string const& id, int level);
    Result<ProfileElement> element(pugi::xml_node node, std::uint32_t number, int level);
    Result<void> nodes(pugi::xml_node parent, std::string const& group,
                       std::vector<DictionaryOverlay::Node>& out, ProfileMessage& message);
    Result<ProfileMessage> message(pugi::xml_node node);

    std::map<std::string, std::shared_ptr<CodeSet const>, std::less<>> sets_;
    std::map<std::string, pugi::xml_node, std::less<>> datatypes_, segments_;
    std::map<std::pair<std::string, int>, Elements> read_;  // datatypes by id and level
};

Result<void> Reader::value_sets(pugi::xml_node library) {
    if (std::string_view(library.name()) != "ValueSetLibrary")
        return bad("value sets", "the root element is not ValueSetLibrary");
    std::set<std::string, std::less<>> unchecked;
    for (auto const id : library.child("NoValidation").children("BindingIdentifier"))
        unchecked.insert(id.child_value());
    for (auto const group : library.children("ValueSetDefinitions")) {
        for (auto const definition : group.children("ValueSetDefinition")) {
            std::string const id = definition.attribute("BindingIdentifier").value();
            auto codes = std::make_shared<CodeSet>();
            for (auto const value : definition.children("ValueElement")) {
                // E: excluded
                if (std::string_view(value.attribute("Usage").value()) != "E")
                    codes->insert(value.attribute("Value").value());
            }
            bool const open = std::string_view(definition.attribute("Extensibility").value()) == "Open";
            if (!open && !codes->empty() && !unchecked.contains(id)) sets_[id] = std::move(codes);
        }
    }
    return {};
}

Result<Reader::Elements> Reader::datatype(std::string const& id, int level) {
    auto const known = read_.find({id, level});
    if (known != read_.end()) return known->second;
    auto const found = datatypes_.find(id);
    if (found == datatypes_.end()) return bad("Datatype " + id, "no Datatype has this ID");
    auto all = elements(found->second, "Component", level);
    if (all) read_[{id, level}] = *all;
    return all;
}

Result<ProfileElement> Reader::element(pugi::xml_node node, std::uint32_t position, int level) {
    ProfileElement e;
    e.number = position;
    e.usage = usage_of(node);
    e.length_min = limit(node, "MinLength");
    e.length_max = limit(node, "MaxLength");
    if (auto const constant = node.attribute("ConstantValue")) e.constant = constant.value();
    if (level == 0) {
        e.repetitions_min = number(node.attribute("Min").value());
        e.repetitions_max = limit(node, "Max");
    }
    std::string const id = node.attribute("Datatype").value();
    auto const type = datatypes_.find(id);
    if (type == datatypes_.end()) return bad(std::string("Datatype ") + id, "no Datatype has this ID");
    e.datatype = type->second.attribute("Name").value();
    if (e.datatype == "-" || e.datatype == "var" || e.datatype == "varies") e.datatype.clear();
    // Several tables may be named, divided by ':'; the first that is known counts.
    std::string_view binding = node.attribute("Binding").value();
    while (!binding.empty() && !e.codes) {
        std::string_view const one = binding.substr(0, binding.find(':'));
        binding.remove_prefix(std::min(binding.size(), one.size() + 1));
        bool const suggested = std::string_view(node.attribute("BindingStrength").value()) == "S";
        auto const set = sets_.find(one);
        if (set == sets_.end() || suggested) continue;
        e.codes = set->second;
        e.table = set->first;
    }
    if (level < 2) {
        auto parts = datatype(id, level + 1);
        if (!parts) return parts.error();
        if (!(*parts)->empty()) e.components = *parts;
        // The length of a composite is that of its parts.
        if (e.components) e.length_min = e.length_max = 0;
    }
    return e;
}

Result<Reader::Elements> Reader::elements(pugi::xml_node parent, char const* name, int level) {
    auto all = std::make_shared<std::vector<ProfileElement>>();
    for (auto const node : parent.children(name)) {
        auto one = element(node, static_cast<std::uint32_t>(all->size() + 1), level);
        if (!one) return one.error();
        all->push_back(std::move(*one));
    }
    return Elements(std::move(all));
}

Result<void> Reader::nodes(pugi::xml_node parent, std::string const& group,
                           std::vector<DictionaryOverlay::Node>& out, ProfileMessage& message) {
    for (auto const node : parent.children()) {
        std::string_view const kind = node.name();
        if (kind != "Segment" && kind != "Group") continue;
        DictionaryOverlay::Node made;
        ProfileUsage const usage = usage_of(node);
        made.min = static_cast<std::uint16_t>(
            usage == ProfileUsage::required ? std::clamp(limit(node, "Min"), 1u, 0xffffu) : 0u);
        // 0 stands for "any number" here; what may not come at all is said by its usage.
        made.max = static_cast<std::uint16_t>(std::min(limit(node, "Max"), 0xffffu));
        if (kind == "Group") {
            made.name = group_name(node.attribute("Name").value());
            if (auto const done = nodes(node, made.name, made.children, message); !done) return done;
            if (made.children.empty()) continue;
            out.push_back(std::move(made));
            continue;
        }
        std::string const ref = node.attribute("Ref").value();
        auto const found = segments_.find(ref);
        if (found == segments_.end()) return bad("Segment " + ref, "no Segment has this ID");
        made.name = found->second.attribute("Name").value();
        ProfileSegment segment;
        segment.name = made.name;
        segment.group = group;
        if (usage == ProfileUsage::not_used) segment.usage = usage;
        auto fields = elements(found->second, "Field", 0);
        if (!fields) return fields.error();
        segment.fields = **fields;
        // MSH-1 and MSH-2 are never split (§2.5.4).
        if (segment.name == "MSH") std::erase_if(segment.fields, [](auto const& f) { return f.number <= 2; });
        message.segments.push_back(std::move(segment));
        out.push_back(std::move(made));
    }
    return {};
}

Result<ProfileMessage> Reader::message(pugi::xml_node node) {
    ProfileMessage message;
    message.type = node.attribute("Type").value();
    message.event = node.attribute("Event").value();
    DictionaryOverlay overlay;
    DictionaryOverlay::Structure structure;
    structure.name = node.attribute("StructID").value();
    if (auto const done = nodes(node, "", structure.nodes, message); !done) return done.error();
    overlay.structures.push_back(structure);
    auto dictionary = Dictionary::with(overlay);
    if (!dictionary)
        return bad("Message " + structure.name, dictionary.error().what, dictionary.error().next);
    message.dictionary = std::move(*dictionary);
    message.structure = message.dictionary->structure(assumed_version, structure.name);
    return message;
}

Result<Profile> Reader::profile(pugi::xml_node root) {
    if (std::string_view(root.name()) != "ConformanceProfile")
        return bad("profile", "the root element is not ConformanceProfile",
                   "export the profile from IGAMT for the NIST validation tools");
    for (auto const d : root.child("Datatypes").children("Datatype"))
        datatypes_[d.attribute("ID").value()] = d;
    for (auto const s : root.child("Segments").children("Segment")) segments_[s.attribute("ID").value()] = s;
    Profile profile;
    profile.name = root.child("MetaData").attribute("Name").value();
    for (auto const node : root.child("Messages").children("Message")) {
        auto one = message(node);
        if (!one) return one.error();
        profile.messages.push_back(std::move(*one));
    }
    if (profile.messages.empty()) return bad("Messages", "the profile has no Message");
    return profile;
}

}  // namespace

Result<Profile> read_igamt(std::string_view profile, std::string_view value_sets) {
    Reader reader;
    pugi::xml_document sets, document;
    if (!value_sets.empty()) {
        if (auto const done = parse(sets, value_sets, "value sets"); !done) return done.error();
        if (auto const done = reader.value_sets(sets.document_element()); !done) return done.error();
    }
    if (auto const done = parse(document, profile, "profile"); !done) return done.error();
    return reader.profile(document.document_element());
}

}  // namespace hilum::hl7
