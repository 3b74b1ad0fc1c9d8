// From the trees of one or more files to one Config: the shape. What names lead to is checked in
// references.cpp.
#pragma once

#include <set>
#include <unordered_map>

#include "routes/config/config.h"
#include "routes/config/files.h"
#include "routes/config/inherit.h"
#include "routes/config/sections.h"

namespace hilum::config {

class Loader {
  public:
    Loader(Catalogue const& catalogue, Diagnostics& diagnostics)
        : catalogue_(catalogue), diagnostics_(diagnostics) {
        for (KindCheck const& kind : catalogue.listeners) listener_kinds_.push_back(kind.kind);
        for (KindCheck const& kind : catalogue.destinations) destination_kinds_.push_back(kind.kind);
    }

    // Once.
    Config load(std::vector<SourceFile> files, std::string source);

  private:
    void take(SourceFile file);
    void finish(Inherited const& inherited);

    // A section whose entries all were broken has been spoken of.
    void lacking(std::string_view section, bool is_empty, std::string_view why);

    void section(Entry const& entry);

    // In a directory each of these may be said in one file only.
    bool once(Entry const& entry, std::string_view what, Location& first);

    // A section that is "name: {...}" pairs; nothing after the colon is no entries.
    bool named_mapping(Entry const& entry, std::string_view section, std::string_view what, bool& could_read);

    // Reports a name that is none or is taken already; true when it is new.
    bool new_name(std::string_view what, std::string const& name, Location const& where);

    void components(Entry const& entry, std::string_view what, std::vector<std::string_view> const& kinds,
                    std::vector<KindCheck> const& checks, std::vector<std::string_view> const& common_keys,
                    std::vector<Component>& out, bool& could_read);

    // Splits a component into its kind and its common keys; true when there is one kind.
    bool fill(Component& component, Entry const& entry, std::string const& what,
              std::vector<std::string_view> const& kinds, std::vector<std::string_view> const& common_keys);

    void step_list(Entry const& entry);

    void table(Entry const& entry);

    void store(Node const& node);

    void routes(Entry const& entry);

    void route(Node const& node);

    void no_empty_list(Node const& route, std::string_view key, NameList const& names);

    void check_twice(std::string_view key, NameList const& names);

    Catalogue const& catalogue_;
    Diagnostics& diagnostics_;
    std::vector<std::string_view> listener_kinds_;
    std::vector<std::string_view> destination_kinds_;
    Config config_;
    std::vector<Entry> entries_;                                   // the top level of all files
    std::unordered_map<std::string const*, std::string> folders_;  // by the file's name as in Location
    std::unordered_map<std::string, Location> names_;              // "listener adt_in": where it is first
    Location store_where_;
    Location admin_where_;
    Location dictionary_where_;
    Location whole_;  // the first file, without a line
    SectionsRead read_;
    std::set<std::string, std::less<>> sections_;  // the top-level keys met
    bool empty_ = true;
    bool unreadable_ = false;
};

}  // namespace hilum::config
