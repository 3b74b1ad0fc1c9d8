#include "routes/config/loader.h"

#include <algorithm>
#include <filesystem>

#include "routes/config/dictionary.h"
#include "routes/config/hash.h"
#include "routes/config/profile.h"

namespace hilum::config {
namespace {

std::string list_of(std::vector<std::string_view> const& words) {
    std::string out;
    for (std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
    return out;
}

template <class T>
void append(std::vector<T>& to, std::vector<T> const& more) {
    to.insert(to.end(), more.begin(), more.end());
}

// The sections of all files as one mapping, in a fixed order.
Node joined(std::vector<Entry> const& entries) {
    Node out;
    out.kind = Node::Kind::mapping;
    for (std::string_view const key : top_level_keys) {
        Entry* one = nullptr;
        for (Entry const& entry : entries) {
            if (entry.key != key) continue;
            if (!one) {
                one = &out.entries.emplace_back(entry);
                continue;
            }
            if (one->value.kind == Node::Kind::null) one->value.kind = entry.value.kind;
            append(one->value.items, entry.value.items);
            append(one->value.entries, entry.value.entries);
        }
    }
    return out;
}

}  // namespace

bool is_name(std::string_view name) {
    auto const letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    return !name.empty() && name.size() <= name_length_max && letter(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

Config Loader::load(std::vector<SourceFile> files, std::string source) {
    for (SourceFile& file : files) take(std::move(file));
    Inherited const inherited = inherit(entries_, diagnostics_);
    config_.effective = std::make_shared<Node const>(joined(entries_));
    Hash hash;
    hash.add(*config_.effective);
    config_.hash = hash.text();
    config_.source = std::move(source);
    for (Entry const& entry : entries_) section(entry);
    finish(inherited);
    return std::move(config_);
}

void Loader::take(SourceFile file) {
    Node& root = file.root;
    if (!whole_.file) whole_ = {root.where.file, 0, 0};
    folders_[root.where.file.get()] = std::move(file.folder);
    if (!file.could_parse) unreadable_ = true;
    if (root.kind == Node::Kind::null) return;
    empty_ = false;
    if (root.kind != Node::Kind::mapping) {
        unreadable_ = true;
        return diagnostics_.error(root.where,
                                  "a configuration is a mapping, this is " + std::string(root.kind_name()),
                                  "begin with \"listeners:\", \"destinations:\" and \"routes:\"");
    }
    for (Entry& entry : root.entries) {
        if (entry.key != "include") entries_.push_back(std::move(entry));
    }
}

void Loader::finish(Inherited const& inherited) {
    if (unreadable_) return;
    if (empty_) {
        diagnostics_.error(whole_, "the configuration is empty",
                           "write \"listeners:\", \"destinations:\" and \"routes:\"");
    } else {
        lacking("listeners", config_.listeners.empty(), "nothing could come in");
        lacking("routes", config_.routes.empty(), "nothing would be done with messages");
    }
    read_.abstracts = &inherited.abstracts;
    check_references(config_, read_, catalogue_, diagnostics_);
    if (diagnostics_.failed()) return;
    for (Diagnostic const& d : inherited.unused) diagnostics_.warning(d.where, d.what, d.remedy);
}

void Loader::lacking(std::string_view section, bool is_empty, std::string_view why) {
    if (!is_empty || (sections_.contains(section) && diagnostics_.failed())) return;
    diagnostics_.error(whole_, "no " + std::string(section) + ": " + std::string(why),
                       "add \"" + std::string(section) + ":\"");
}

void Loader::section(Entry const& entry) {
    std::string_view const key = entry.key;
    sections_.insert(entry.key);
    if (key == "listeners") {
        components(entry, "listener", listener_kinds_, catalogue_.listeners, catalogue_.listener_keys,
                   config_.listeners, read_.listeners);
    } else if (key == "destinations") {
        components(entry, "destination", destination_kinds_, catalogue_.destinations,
                   catalogue_.destination_keys, config_.destinations, read_.destinations);
    } else if (key == "routes") {
        routes(entry);
    } else if (key == "step_lists") {
        bool all = true;
        if (named_mapping(entry, "step_lists", "step list", all)) {
            for (Entry const& list : entry.value.entries) step_list(list);
        }
    } else if (key == "tables") {
        bool all = true;
        if (named_mapping(entry, "tables", "table", all)) {
            for (Entry const& table : entry.value.entries) this->table(table);
        }
    } else if (key == "store") {
        if (once(entry, "store", store_where_)) store(entry.value);
    } else if (key == "admin") {
        if (once(entry, "admin", admin_where_)) {
            config_.admin = decode_options<Admin>(entry.value, "\"admin\"", diagnostics_);
            if (Node const* listen = entry.value.find("listen")) config_.admin.where = listen->where;
        }
    } else if (key == "dictionary") {
        if (once(entry, "dictionary", dictionary_where_)) {
            config_.dictionary = read_dictionary(entry.value, diagnostics_);
            config_.closed_tables = closed_tables(entry.value);
        }
    } else {
        diagnostics_.error(entry.where, "unknown key " + in_quotes(key),
                           suggest(key, top_level_keys, "keys"));
    }
}

bool Loader::once(Entry const& entry, std::string_view what, Location& first) {
    if (first.file) {
        diagnostics_.error(entry.where, "a second \"" + std::string(what) + "\"",
                           "the first is at " + first.text() + "; keep one of the two");
        return false;
    }
    first = entry.where;
    return true;
}

bool Loader::named_mapping(Entry const& entry, std::string_view section, std::string_view what,
                           bool& could_read) {
    if (entry.value.kind == Node::Kind::mapping) return true;
    if (entry.value.kind == Node::Kind::null) return false;
    could_read = false;
    diagnostics_.error(
        entry.value.where,
        in_quotes(section) + " should be a mapping, not " + std::string(entry.value.kind_name()),
        "write each " + std::string(what) + " as \"name: {...}\"");
    return false;
}

bool Loader::new_name(std::string_view what, std::string const& name, Location const& where) {
    if (!is_name(name)) {
        diagnostics_.error(where, in_quotes(name) + " can't be the name of a " + std::string(what),
                           "begin with a letter and go on with letters, digits, _ and -, 64 at most");
    }
    auto const [at, is_new] = names_.try_emplace(std::string(what) + ' ' + name, where);
    if (!is_new) {
        diagnostics_.error(where, "duplicate " + std::string(what) + ' ' + in_quotes(name),
                           "the first is at " + at->second.text() + "; give one of the two another name");
    }
    return is_new;
}

void Loader::components(Entry const& entry, std::string_view what, std::vector<std::string_view> const& kinds,
                        std::vector<KindCheck> const& checks,
                        std::vector<std::string_view> const& common_keys, std::vector<Component>& out,
                        bool& could_read) {
    if (!named_mapping(entry, entry.key, what, could_read)) return;
    for (Entry const& one : entry.value.entries) {
        if (!new_name(what, one.key, one.where)) continue;
        Component component;
        component.name = one.key;
        component.where = one.where;
        if (!one.value.unusable &&
            fill(component, one, std::string(what) + ' ' + in_quotes(one.key), kinds, common_keys)) {
            for (KindCheck const& check : checks) {
                if (check.kind != component.kind) continue;
                component.content = check.content;
                if (check.check) check.check(component, diagnostics_);
            }
        }
        out.push_back(std::move(component));  // also a broken one: routes may name it
    }
}

bool Loader::fill(Component& component, Entry const& entry, std::string const& what,
                  std::vector<std::string_view> const& kinds,
                  std::vector<std::string_view> const& common_keys) {
    Node const& node = entry.value;
    if (node.kind != Node::Kind::mapping) {
        diagnostics_.error(node.where.line > 0 ? node.where : entry.where,
                           what + " should be a mapping, not " + std::string(node.kind_name()),
                           kinds.empty() ? "" : "give it one of: " + list_of(kinds));
        return false;
    }
    auto const among = [](std::vector<std::string_view> const& words, std::string_view word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    };
    component.common.kind = Node::Kind::mapping;
    component.common.where = node.where;
    std::vector<Entry const*> unknown;
    bool good = true;
    for (Entry const& key : node.entries) {
        if (among(kinds, key.key)) {
            if (!component.kind.empty()) {
                good = false;
                diagnostics_.error(
                    key.where,
                    what + " has two kinds, " + in_quotes(component.kind) + " and " + in_quotes(key.key),
                    component.kind_where.used
                        ? "remove what is inherited with \"" + component.kind + ":\" and nothing after it"
                        : "keep one, and make another " + what.substr(0, what.find(' ')) + " of the other");
                continue;
            }
            component.kind = key.key;
            component.kind_where = key.where;
            component.options = key.value;
            if (component.options.kind == Node::Kind::null) component.options.where = key.where;
        } else if (among(common_keys, key.key)) {
            component.common.entries.push_back(key);
        } else {
            unknown.push_back(&key);
        }
    }
    bool const has_kind = !component.kind.empty();
    if (!has_kind && unknown.empty()) {
        diagnostics_.error(entry.where, what + " has no kind",
                           kinds.empty() ? "" : "give it one of: " + list_of(kinds));
    }
    std::vector<std::string_view> known = kinds;
    known.insert(known.end(), common_keys.begin(), common_keys.end());
    if (has_kind) known = common_keys;
    known.insert(known.end(), std::begin(reuse_keys), std::end(reuse_keys));
    for (Entry const* key : unknown) {
        // With the kind missing, what nobody knows is meant to be it; beside a kind it may belong inside.
        std::string remedy = suggest(key->key, known, has_kind ? "keys" : "kinds and keys");
        if (has_kind && !remedy.starts_with("did you mean")) {
            remedy = "the options of " + in_quotes(component.kind) + " go inside its braces";
        }
        diagnostics_.error(
            key->where,
            (has_kind ? "unknown key " : "unknown kind or key ") + in_quotes(key->key) + " in " + what,
            remedy);
    }
    return has_kind && good;
}

void Loader::table(Entry const& entry) {
    if (!new_name("table", entry.key, entry.where)) return;
    std::size_t const before = diagnostics_.errors();
    Table table = decode_options<Table>(entry.value, "table " + in_quotes(entry.key), diagnostics_);
    table.name = entry.key;
    table.where = entry.where;
    if (diagnostics_.errors() == before) {
        namespace fs = std::filesystem;
        std::string const written = table.csv.value;
        fs::path const path(written);
        table.csv.value = (path.is_absolute() ? path : fs::path(folders_[entry.where.file.get()]) / path)
                              .lexically_normal()
                              .string();
        std::error_code ignored;
        if (!fs::is_regular_file(table.csv.value, ignored)) {
            Node const* csv = entry.value.find("csv");
            diagnostics_.error(
                table.csv.where,
                "there is no file " +
                    (csv && csv->filled ? std::string("at the path from ${...}") : in_quotes(written)),
                "create it or correct the path, which is relative to the folder of this configuration "
                "file");
        }
    }
    config_.tables.push_back(std::move(table));
}

void Loader::store(Node const& node) {
    config_.store = decode_options<Store>(node, "\"store\"", diagnostics_);
    Store const& store = config_.store;
    if (Node const* dir = node.find("dir"); dir && dir->is_scalar() && !dir->unusable && store.dir.empty()) {
        diagnostics_.error(dir->where, "\"dir\" is empty", "name a folder, such as ./data");
    }
    if (Node const* retain = node.find("retain"); retain && store.retain.age < std::chrono::hours(1)) {
        diagnostics_.error(retain->where, "\"retain\" is less than one hour",
                           "write 1h or more, such as 30d");
    }
    Bytes const least{1u << 20}, most{1u << 30};
    if (Node const* size = node.find("segment_size");
        size && (store.segment_size < least || store.segment_size > most)) {
        diagnostics_.error(size->where, "\"segment_size\" is not between 1MiB and 1GiB",
                           "write a size between them, such as 64MiB");
        return;
    }
    // The newest segments stay whatever happens.
    auto const segments = [&](char const* key, Bytes value) {
        Node const* const written = node.find(key);
        if (!written || value.count == 0 || value.count >= 4 * store.segment_size.count) return;
        diagnostics_.error(written->where, in_quotes(key) + " is less than four segments",
                           "write more, or a smaller segment_size");
    };
    segments("budget", store.budget);
    segments("retain", store.retain.size);
}

bool decode_value(Node const& node, Retention& out, Diagnostics& diagnostics) {
    if (node.is_scalar()) return decode_value(node, out.age, diagnostics);
    auto const before = diagnostics.errors();
    out = decode_options<RetentionOptions>(node, "\"retain\" of \"store\"", diagnostics).retain;
    return diagnostics.errors() == before;
}

}  // namespace hilum::config
