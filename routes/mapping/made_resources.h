// The resources that a message becomes: which of them are the same, by what id they are known, and the Bundle
// of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "routes/mapping/fhir_maps.h"
#include "routes/mapping/tree.h"

namespace hilum::routes::mapping {

enum class BundleType : unsigned char { transaction, message, collection };

class MadeResources {
  public:
    static constexpr std::uint32_t none = 0xffffffff;

    // `facility` tells apart what has identifiers without a system: who sends it.
    explicit MadeResources(std::string_view facility) : facility_(facility) {}

    Tree& tree() { return tree_; }
    Tree const& tree() const { return tree_; }

    // A new resource. It counts once something is in it.
    std::uint32_t add(fhir::Type type);
    Tree::Id root(std::uint32_t number) const { return made_[number].root; }
    fhir::Type type(std::uint32_t number) const { return made_[number].type; }
    std::size_t count() const { return made_.size(); }
    // What tells it from others of its type: texts, and resources by their numbers. Without parts its
    // identifier does, or all its content.
    struct Part {
        std::string text;
        std::uint32_t resource = none;
    };
    void identify(std::uint32_t number, std::vector<Part> parts) { made_[number].parts = std::move(parts); }
    // A resource that was made to be referred to, and is complete: itself, or the one that was there already.
    // none: there is nothing in it.
    std::uint32_t settle(std::uint32_t number);
    void discard(std::uint32_t number) { made_[number].discarded = true; }

    // Takes away what lacks an element that FHIR requires, and references to it: the resources and elements
    // that it was, "Encounter.location.location".
    std::vector<std::string> drop_incomplete(RequiredElements const& required);
    // Gives every resource its id and joins those that are the same.
    void finish();
    std::string const& id(std::uint32_t number) const;
    bool counts(std::uint32_t number) const;  // it becomes an entry: not discarded, not joined to another

    // Before finish(): those of this type are known elsewhere by the ids that they have here. They are
    // referred to, and are no entries.
    void only_refer_to(std::string_view type);
    // After finish(). `bundle` is the tree of the Bundle's own elements.
    std::string bundle(Tree::Id bundle, BundleType type) const;

  private:
    struct Made {
        fhir::Type type;
        Tree::Id root = Tree::none;
        std::vector<Part> parts;
        std::string id;
        std::uint32_t same_as = none;
        bool discarded = false;
        bool elsewhere = false;
        bool in_progress = false;
    };

    struct Incomplete {
        RequiredElements const& required;
        std::vector<std::string> found{};
        bool again = false;  // a resource went, to which others may refer
    };
    bool complete(Tree::Id id, fhir::Type type, Incomplete& incomplete);
    std::string key_of(std::uint32_t number);
    std::string const& id_of(std::uint32_t number);
    std::string identifier_key(Made const& made) const;
    std::string_view text(Tree::Id parent, std::string_view name) const;
    std::string content(std::uint32_t number);
    std::uint32_t resolved(std::uint32_t number) const;

    Tree tree_;
    std::vector<Made> made_;
    std::map<std::string, std::uint32_t, std::less<>> settled_;  // by type and key
    std::string facility_;
};

}  // namespace hilum::routes::mapping
