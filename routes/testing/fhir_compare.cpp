#include "routes/testing/fhir_compare.h"

#include <map>
#include <optional>
#include <utility>

#include "parsers/fhir/interaction.h"
#include "parsers/fhir/location.h"

namespace hilum::testing {
namespace {

struct Leaf {
    std::string path, text;
};

// Every value with its place, and what is to be done with it.
std::vector<Leaf> leaves_of(fhir::Interaction const& interaction) {
    auto const& request = interaction.request;
    std::vector<Leaf> leaves{{"request", request.method + " " + request.url}};
    for (auto const& [name, text] : {std::pair{"request.ifMatch", request.if_match},
                                     std::pair{"request.ifNoneMatch", request.if_none_match},
                                     std::pair{"request.ifNoneExist", request.if_none_exist}})
        if (!text.empty()) leaves.push_back({name, text});
    if (!interaction.has_body) return leaves;
    std::vector<fhir::Element> waiting{interaction.resource.root()};
    while (!waiting.empty()) {
        auto const element = waiting.back();
        waiting.pop_back();
        if (element.has_value())
            leaves.push_back(
                {fhir::location(element, interaction.resource.root()), std::string(element.text())});
        std::vector<fhir::Element> children;
        for (auto e = element.first(); e.exists(); e = e.next()) children.push_back(e);
        waiting.insert(waiting.end(), children.rbegin(), children.rend());
    }
    return leaves;
}

// People write golden files with white space; what Hilum keeps itself is known by how it is written.
Result<fhir::Interaction> read(std::string_view text) {
    auto const resource = fhir::Resource::read_json(std::string(text));
    return resource ? fhir::Interaction::read(resource->json()) : fhir::Interaction::read(text);
}

}  // namespace

std::vector<hl7::Difference> fhir_differences(std::string_view before, std::string_view after) {
    auto const first = read(before);
    auto const second = read(after);
    if (!first || !second) return {};
    auto const old_leaves = leaves_of(*first), new_leaves = leaves_of(*second);
    std::map<std::string_view, std::string_view> came;
    for (auto const& leaf : new_leaves) came.emplace(leaf.path, leaf.text);
    std::vector<hl7::Difference> out;
    for (auto const& leaf : old_leaves) {
        auto const found = came.find(leaf.path);
        bool const there = found != came.end();
        if (!there || found->second != leaf.text) {
            hl7::Difference difference;
            difference.path = leaf.path;
            difference.before = leaf.text;
            if (there) difference.after = std::string(found->second);
            out.push_back(std::move(difference));
        }
        if (there) came.erase(found);
    }
    for (auto const& leaf : new_leaves) {
        auto const found = came.find(leaf.path);
        if (found == came.end()) continue;
        hl7::Difference difference;
        difference.path = leaf.path;
        difference.after = leaf.text;
        out.push_back(std::move(difference));
        came.erase(found);
    }
    return out;
}

bool same_fhir(std::string_view golden, std::string_view came) {
    auto const first = read(golden);
    auto const second = read(came);
    return first && second && first->text() == second->text();
}

std::string pretty_json(std::string_view json) {
    std::string out;
    std::size_t depth = 0;
    bool quoted = false;
    auto const line = [&] { out.append("\n").append(2 * depth, ' '); };
    for (std::size_t i = 0; i < json.size(); ++i) {
        char const c = json[i];
        if (quoted) {
            out += c;
            if (c == '\\' && i + 1 < json.size()) out += json[++i];
            if (c == '"') quoted = false;
            continue;
        }
        bool const opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        if (closes) {
            if (depth > 0) --depth;
            if (i > 0 && json[i - 1] != '{' && json[i - 1] != '[') line();
        }
        out += c;
        quoted = c == '"';
        if (c == ':') out += ' ';
        if (opens) ++depth;
        bool const empty = opens && i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
        if (c == ',' || (opens && !empty)) line();
    }
    return out + "\n";
}

}  // namespace hilum::testing
