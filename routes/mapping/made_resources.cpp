#include "routes/mapping/made_resources.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "parsers/uuid.h"

namespace hilum::routes::mapping {

namespace {

// Persons, places and the like: two of one identifier are one. Of all else, two in one message are two.
bool lasts(fhir::Type type) {
    static constexpr std::array<std::string_view, 11> names{
        "Patient", "Practitioner", "PractitionerRole", "Organization", "Location",     "RelatedPerson",
        "Device",  "Encounter",    "Account",          "CareTeam",     "EpisodeOfCare"};
    return std::find(names.begin(), names.end(), type.name()) != names.end();
}

constexpr std::string_view urn = "urn:uuid:";

}  // namespace

std::uint32_t MadeResources::add(fhir::Type type) {
    auto& made = made_.emplace_back();
    made.type = type;
    made.root = tree_.root();
    return static_cast<std::uint32_t>(made_.size() - 1);
}

std::string_view MadeResources::text(Tree::Id parent, std::string_view name) const {
    auto const child = parent == Tree::none ? Tree::none : tree_.child(parent, name);
    return child == Tree::none ? std::string_view() : tree_.at(child).value;
}

// The identifier that a site goes by: of several for a patient the medical record number, else the first with
// a system. One without a system means something only to who assigned it, or to who sends it.
std::string MadeResources::identifier_key(Made const& made) const {
    auto best = Tree::none;
    int best_rank = 0;
    auto const head = tree_.child(made.root, "identifier");
    for (auto i = head; i != Tree::none; i = tree_.at(i).next_same) {
        if (text(i, "value").empty()) continue;
        auto const type = tree_.child(i, "type");
        auto const coding = type == Tree::none ? Tree::none : tree_.child(type, "coding");
        auto const code = text(coding, "code");
        bool const system = !text(i, "system").empty();
        // What the state or an insurer gives is known of some, and comes and goes.
        bool const official = code == "SS" || code == "SB" || code == "DL" || code == "PPN";
        int const rank = 4 + (system ? 1 : 0) + (code == "MR" ? 4 : code == "PI" ? 2 : official ? -3 : 0);
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    if (best == Tree::none) return {};
    std::string out(text(best, "system"));
    if (out.empty()) {
        auto const assigner = tree_.child(best, "assigner");
        auto const name = text(assigner, "display");
        (out += "by ") += name.empty() ? std::string_view(facility_) : name;
    }
    return (out += '|') += text(best, "value");
}

std::string MadeResources::content(std::uint32_t number) {
    JsonText out(256);
    out.put("content {");
    tree_.write(made_[number].root, out,
                [this](std::uint32_t other, JsonText& to) { to.quoted(id_of(other)); });
    out.put('}');
    return out.take();
}

std::string MadeResources::key_of(std::uint32_t number) {
    std::string out;
    bool any = false;
    for (auto const& part : made_[number].parts) {
        if (part.resource != none) {
            any = true;
            out += id_of(part.resource);
        } else {
            any = any || !part.text.empty();
            out += part.text;
        }
        out += '\x1f';
    }
    if (any) return "identity " + out;
    auto identifier = identifier_key(made_[number]);
    return identifier.empty() ? content(number) : identifier;
}

std::uint32_t MadeResources::resolved(std::uint32_t number) const {
    while (made_[number].same_as != none) number = made_[number].same_as;
    return number;
}

std::string const& MadeResources::id_of(std::uint32_t number) {
    number = resolved(number);
    auto& made = made_[number];
    // Two that tell themselves apart by each other: the second goes by what else it has.
    if (!made.id.empty() || made.in_progress) return made.id;
    made.in_progress = true;
    auto id = uuid_of(made.type.name(), key_of(number));
    made_[number].id = std::move(id);
    made_[number].in_progress = false;
    return made_[number].id;
}

std::uint32_t MadeResources::settle(std::uint32_t number) {
    if (tree_.empty(made_[number].root)) {
        made_[number].discarded = true;
        return none;
    }
    auto const key = std::string(made_[number].type.name()) + '\x1f' + key_of(number);
    auto const [there, added] = settled_.emplace(key, number);
    if (added) return number;
    made_[number].same_as = there->second;
    tree_.merge(made_[number].root, made_[there->second].root);
    return there->second;
}

bool MadeResources::complete(Tree::Id id, fhir::Type type, Incomplete& incomplete) {
    tree_.remove_if(id, [&](Tree::Id child) {
        auto const& node = tree_.at(child);
        if (node.kind == Tree::Kind::reference) return made_[resolved(node.made)].discarded;
        if (node.kind != Tree::Kind::object || node.primitive || !node.type.exists()) return false;
        return !complete(child, node.type, incomplete) || tree_.empty(child);
    });
    auto const there = [&](RequiredElement const& element) {
        if (!element.choice) return tree_.child(id, element.name) != Tree::none;
        for (auto c = tree_.at(id).first; c != Tree::none; c = tree_.at(c).next_name)
            if (tree_.at(c).choice == element.name) return true;
        return false;
    };
    for (auto const& element : incomplete.required[type.number()]) {
        if (there(element)) continue;
        incomplete.found.push_back(std::string(type.name()) + '.' + std::string(element.name));
        return false;
    }
    return true;
}

std::vector<std::string> MadeResources::drop_incomplete(RequiredElements const& required) {
    Incomplete incomplete{required};
    do {
        incomplete.again = false;
        for (auto& made : made_) {
            if (made.discarded || made.same_as != none) continue;
            bool const whole = complete(made.root, made.type, incomplete);
            if (whole && !tree_.empty(made.root)) continue;
            made.discarded = incomplete.again = true;
        }
    } while (incomplete.again);
    return std::move(incomplete.found);
}

void MadeResources::finish() {
    std::unordered_map<std::string, std::uint32_t> known;
    for (std::uint32_t i = 0; i < made_.size(); ++i) {
        auto& made = made_[i];
        if (tree_.empty(made.root)) made.discarded = true;
        if (made.discarded || made.same_as != none) continue;
        auto const id = id_of(i);
        auto const [there, added] = known.emplace(std::string(made.type.name()) + id, i);
        if (added) continue;
        auto const first = there->second;
        if (lasts(made.type) || tree_.equal(made.root, made_[first].root)) {
            tree_.merge(made.root, made_[first].root);
            made.same_as = first;
            continue;
        }
        // Two results of one code under one order, say: the second is another, the same each time.
        for (std::size_t n = 2;; ++n) {
            auto other = uuid_of(made.type.name(), id + "#" + std::to_string(n));
            if (!known.emplace(std::string(made.type.name()) + other, i).second) continue;
            made.id = std::move(other);
            break;
        }
    }
}

void MadeResources::only_refer_to(std::string_view type) {
    for (auto& made : made_) made.elsewhere = made.elsewhere || made.type.name() == type;
}

std::string const& MadeResources::id(std::uint32_t number) const {
    return made_[resolved(number)].id;
}

bool MadeResources::counts(std::uint32_t number) const {
    return !made_[number].discarded && made_[number].same_as == none && !made_[number].elsewhere;
}

std::string MadeResources::bundle(Tree::Id bundle, BundleType type) const {
    auto const reference = [this](std::uint32_t number, JsonText& to) {
        auto const& made = made_[resolved(number)];
        to.put('"');
        if (made.elsewhere) {
            to.put(made.type.name());
            to.put('/');
        } else {
            to.put(urn);
        }
        to.put(made.id);
        to.put('"');
    };
    JsonText out(tree_.size() * 32);
    out.put(R"({"resourceType":"Bundle",)");
    if (tree_.write(bundle, out, reference)) out.put(',');
    out.put(R"("entry":[)");
    bool comma = false;
    auto const entry = [&](std::uint32_t i) {
        auto const name = made_[i].type.name();
        if (std::exchange(comma, true)) out.put(',');
        out.put(R"({"fullUrl":")");
        out.put(urn);
        out.put(made_[i].id);
        out.put(R"(","resource":{"resourceType":")");
        out.put(name);
        out.put(R"(","id":")");
        out.put(made_[i].id);
        out.put("\",");
        tree_.write(made_[i].root, out, reference);
        out.put('}');
        if (type == BundleType::transaction) {
            out.put(R"(,"request":{"method":"PUT","url":")");
            out.put(name);
            out.put('/');
            out.put(made_[i].id);
            out.put(R"("})");
        }
        out.put('}');
    };
    // http://hl7.org/fhir/R4/messaging.html: the header is the first entry.
    for (bool const header : {true, false})
        for (std::uint32_t i = 0; i < made_.size(); ++i)
            if (counts(i) && (made_[i].type.name() == "MessageHeader") == header) entry(i);
    out.put("]}");
    return out.take();
}

}  // namespace hilum::routes::mapping
