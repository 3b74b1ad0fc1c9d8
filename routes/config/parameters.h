// `with` and ${param.NAME}: values into what is written once and used often.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::config {

// How large a configuration has become with all that is taken over from elsewhere.
class Budget {
  public:
    // `with_what`: "what is inherited". `instead`: the remedy.
    Budget(std::string_view with_what, std::string_view instead) : with_what_(with_what), instead_(instead) {}

    void add(Size const& more);  // without a check
    // False when it has become too large, which is reported once.
    bool charge(Size const& more, Location const& where, Diagnostics& diagnostics);
    bool spent() const;

  private:
    std::string_view with_what_, instead_;
    Size size_;
    bool told_ = false;
};

// A copy of which every part tells by whom it is used.
Node marked(Node const& node, std::shared_ptr<Use const> const& used);

// The holes of one part of the configuration and what fills them.
class Parameters {
  public:
    // `giver` names who gives the values in messages: `route "icu"`. `with` lives as long as this.
    Parameters(std::string giver, Node const& with, Budget& budget, Diagnostics& diagnostics)
        : giver_(std::move(giver)), with_(with), budget_(budget), diagnostics_(diagnostics) {}

    // Reports what `with` can't be: no mapping, values made of other parameters. False when it is no mapping.
    bool check_values();
    // Where a missing value is reported; without it where it is missed.
    void expected_at(Location where) { expected_at_ = std::move(where); }
    // Fills every hole of `node`. One that has no value is reported, and its text becomes `unusable`.
    void fill(Node& node);
    // The names that were asked for.
    std::set<std::string, std::less<>> const& used() const { return used_; }
    // What to do about a name that nothing uses.
    std::string remedy_of_unused(std::string_view name) const;

  private:
    void no_value(Hole const& hole);
    void insert(Node& node, std::vector<Hole> const& holes, std::vector<Node const*> const& values);

    std::string giver_;
    Node const& with_;
    Budget& budget_;
    Diagnostics& diagnostics_;
    std::optional<Location> expected_at_;
    std::set<std::string, std::less<>> used_;
};

}  // namespace hilum::config
