#include "parsers/fhir/validation/own_invariants.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/validation/walk.h"
#include "parsers/fhir/xhtml.h"

namespace hilum::fhir {
namespace {

bool has(Element element, std::string_view name) {
    return element.child(name).exists();
}

// hasValue() or (children().count() > id.count())
bool ele_1(Element e, Walk const&) {
    if (e.has_value()) return true;
    for (auto c = e.first(); c.exists(); c = c.next())
        if (c.name() != "id") return true;
    return false;
}

// extension.exists() != value.exists()
bool ext_1(Element e, Walk const&) {
    bool extension = false, value = false;
    for (auto c = e.first(); c.exists(); c = c.next()) {
        extension = extension || c.name() == "extension";
        value = value || c.name().starts_with("value");
    }
    return extension != value;
}

template <class Good>
bool of_contained(Element e, Good good) {
    for (auto c = e.child("contained"); c.exists(); c = c.next())
        if (c.name() == "contained" && !good(c)) return false;
    return true;
}

bool dom_2(Element e, Walk const&) {
    return of_contained(e, [](Element c) { return !has(c, "contained"); });
}

// Each contained resource is referred to from elsewhere in the resource, or refers to it.
bool dom_3(Element e, Walk const&) {
    if (!has(e, "contained")) return true;
    std::unordered_set<std::string_view> referred;
    std::unordered_set<std::uint32_t> refer;  // contained resources that hold a reference "#"
    std::vector<std::pair<Element, Element>> open{{e, Element()}};  // and the contained resource each is in
    while (!open.empty()) {
        auto const [parent, inside] = open.back();
        open.pop_back();
        for (auto c = parent.first(); c.exists(); c = c.next()) {
            bool const link = c.has_value() && c.kind() == Kind::string && c.text().starts_with('#');
            if (link) referred.insert(c.text().substr(1));
            if (link && c.text() == "#" && inside.exists()) refer.insert(inside.index());
            if (c.first().exists()) open.emplace_back(c, parent == e && c.name() == "contained" ? c : inside);
        }
    }
    return of_contained(e, [&](Element c) {
        auto const id = c.child("id");
        return refer.contains(c.index()) || (id.exists() && referred.contains(id.text()));
    });
}

bool dom_4(Element e, Walk const&) {
    return of_contained(e, [](Element c) {
        auto const meta = c.child("meta");
        return !meta.exists() || (!has(meta, "versionId") && !has(meta, "lastUpdated"));
    });
}

bool dom_5(Element e, Walk const&) {
    return of_contained(e, [](Element c) {
        auto const meta = c.child("meta");
        return !meta.exists() || !has(meta, "security");
    });
}

// A local reference leads to something contained.
bool ref_1(Element e, Walk const& walk) {
    auto const reference = e.child("reference");
    if (!reference.exists() || !reference.text().starts_with('#') || reference.text() == "#") return true;
    return walk.contains(reference.text().substr(1));
}

bool txt_1(Element e, Walk const&) {
    auto const shape = check_xhtml(e.text());
    return shape != Xhtml::forbidden && shape != Xhtml::not_xml;
}
bool txt_2(Element e, Walk const&) {
    return check_xhtml(e.text()) != Xhtml::empty;
}

// resource.exists() or request.exists() or response.exists()
bool bdl_5(Element e, Walk const&) {
    return has(e, "resource") || has(e, "request") || has(e, "response");
}

std::string_view text_of(Element parent, std::string_view name) {
    auto const child = parent.exists() ? parent.child(name) : Element();
    return child.exists() ? child.text() : std::string_view();
}

template <class Good>
bool of_entries(Element bundle, Good good) {
    for (auto e = bundle.child("entry"); e.exists(); e = e.next())
        if (e.name() == "entry" && !good(e)) return false;
    return true;
}

// entry.all(request.exists() = (type = 'batch' or type = 'transaction' or type = 'history'))
bool bdl_3(Element e, Walk const&) {
    auto const type = text_of(e, "type");
    bool const wanted = type == "batch" || type == "transaction" || type == "history";
    return type.empty() || of_entries(e, [&](Element entry) { return has(entry, "request") == wanted; });
}

// entry.all(response.exists() = (type = 'batch-response' or type = 'transaction-response' or type =
// 'history'))
bool bdl_4(Element e, Walk const&) {
    auto const type = text_of(e, "type");
    bool const wanted = type == "batch-response" || type == "transaction-response" || type == "history";
    return type.empty() || of_entries(e, [&](Element entry) { return has(entry, "response") == wanted; });
}

// (type = 'history') or entry.where(fullUrl.exists()).select(fullUrl&resource.meta.versionId).isDistinct()
bool bdl_7(Element e, Walk const&) {
    if (text_of(e, "type") == "history") return true;
    std::unordered_set<std::string> seen;
    return of_entries(e, [&](Element entry) {
        auto const url = text_of(entry, "fullUrl");
        auto const resource = entry.child("resource");
        auto const meta = resource.exists() ? resource.child("meta") : Element();
        return url.empty() || seen.insert(std::string(url) + std::string(text_of(meta, "versionId"))).second;
    });
}

// code.empty() or system.exists()
bool qty_3(Element e, Walk const&) {
    bool code = false, system = false;
    for (auto c = e.first(); c.exists(); c = c.next()) {
        code = code || c.name() == "code";
        system = system || c.name() == "system";
    }
    return !code || system;
}

// fullUrl.contains('/_history/').not()
bool bdl_8(Element e, Walk const&) {
    return text_of(e, "fullUrl").find("/_history/") == std::string_view::npos;
}

// Published as `answer is Boolean`, which no FHIR boolean is: that is System's type.
bool que_7(Element e, Walk const&) {
    return text_of(e, "operator") != "exists" || has(e, "answerBoolean");
}

struct Row {
    std::string_view key;
    OwnInvariant how;
};
constexpr Row rows[] = {
    {"ele-1", {ele_1, "", ""}},
    {"ext-1", {ext_1, "", ""}},
    {"dom-2", {dom_2, "", ""}},
    {"dom-3", {dom_3, "", ""}},
    {"dom-4", {dom_4, "", ""}},
    {"dom-5", {dom_5, "", ""}},
    {"ref-1", {ref_1, "", ""}},
    {"txt-1", {txt_1, "", ""}},
    {"txt-2", {txt_2, "", ""}},
    {"bdl-5", {bdl_5, "", ""}},
    {"bdl-8", {bdl_8, "", ""}},
    {"que-7", {que_7, "", ""}},
    {"per-1", {nullptr, "start", "end"}},
    {"qty-3", {qty_3, "", ""}},
    {"sqty-1", {nullptr, "comparator", ""}},
    {"cpt-2", {nullptr, "value", ""}},
    {"obs-6", {nullptr, "dataAbsentReason", ""}},
    {"obs-7", {nullptr, "component", ""}},
    {"bdl-1", {nullptr, "total", ""}},
    {"bdl-2", {nullptr, "type", "entry"}},
    {"bdl-3", {bdl_3, "", ""}},
    {"bdl-4", {bdl_4, "", ""}},
    {"bdl-7", {bdl_7, "", ""}},
    {"bdl-9", {nullptr, "type", ""}},
    {"bdl-10", {nullptr, "type", ""}},
    {"bdl-11", {nullptr, "type", ""}},
    {"bdl-12", {nullptr, "type", ""}},
    // Without it, `probability is decimal implies …` is neither true nor false.
    {"ras-2", {nullptr, "probabilityDecimal", ""}},
    // A best practice, that a resource has a narrative: what machines send each other has none.
    {"dom-6", {nullptr, "", "", true}},
};

}  // namespace

OwnInvariant const& own_invariant(std::size_t number) {
    static std::vector<OwnInvariant> const by_number = [] {
        std::vector<OwnInvariant> out(invariant_count());
        for (std::size_t i = 0; i < out.size(); ++i) {
            auto const* const row = std::find_if(std::begin(rows), std::end(rows),
                                                 [&](Row const& r) { return r.key == invariant(i).key; });
            if (row != std::end(rows)) out[i] = row->how;
            // A dozen of cnl-0's kind: "Name should be usable as an identifier", where there is one.
            if (invariant(i).expression.starts_with("name.matches(")) out[i].needs = "name";
        }
        return out;
    }();
    return by_number[number];
}

}  // namespace hilum::fhir
