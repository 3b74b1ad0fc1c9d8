// The YAML tree as the rest of Hilum sees it; yaml-cpp stays behind yaml.cpp. Plain values, copied freely
// (shared below).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routes/config/diagnostics.h"

namespace hilum::config {

struct Entry;

// A `${param.NAME}` in a scalar, to be filled in with what an heir gives (inherit.h).
struct Hole {
    std::string param;
    std::size_t at = 0;  // in the scalar, where the value goes
    Location where;
};

struct Node {
    enum class Kind : unsigned char { null, scalar, sequence, mapping };
    Kind kind = Kind::null;
    // Where it begins; of a scalar the place of its first character (inside the quotes; below a `|`), so that
    // where.shifted(n) is the place of its nth. An alias keeps the place of what it names.
    Location where;
    std::string scalar;     // Kind::scalar, after ${...} has been filled in
    bool unusable = false;  // it holds a ${...} that can't be filled in, or the like; reported already
    bool filled = false;    // it held a ${...}: the value may be a secret and must not be shown in messages
    bool secret = false;    // and it is one, by where it came from
    std::shared_ptr<std::string const> written;  // when filled: as it stands in the file
    std::vector<Hole> holes;                     // in order of their places
    bool quoted =
        false;  // the scalar was written in quotes (then "true" and "12" are still text for those who care)
    std::vector<Node> items;  // Kind::sequence
    std::vector<Entry>
        entries;  // Kind::mapping, in order of writing; duplicate keys are an error found while reading

    Node const* find(std::string_view key) const;  // of a mapping; nullptr when not there
    bool is_scalar() const { return kind == Kind::scalar; }
    // "a text", "a list", "a mapping", "nothing": for messages.
    std::string_view kind_name() const;
};

struct Entry {
    std::string key;
    Location where;  // of the key
    Node value;
};

// Where ${NAME} and ${file:PATH} come from; tests pass their own.
class Environment {
  public:
    virtual ~Environment() = default;
    virtual bool variable(std::string const& name, std::string& value) const = 0;
    virtual bool file(std::string const& path,
                      std::string& value) const = 0;  // contents, one trailing newline removed
};
class SystemEnvironment final : public Environment {
  public:
    bool variable(std::string const& name, std::string& value) const override;
    bool file(std::string const& path, std::string& value) const override;
};

// For files in which ${...} has no place, profiles and maps: what is right does not depend on a machine.
class NoEnvironment final : public Environment {
  public:
    bool variable(std::string const&, std::string&) const override { return false; }
    bool file(std::string const&, std::string&) const override { return false; }
};

// Parses YAML text. Errors (syntax, duplicate keys, undefined ${...}, a tree of more than 1,000,000 nodes or
// 64 levels, aliases counted each time they are used) go to `diagnostics`; the node is then what could be
// read. `used`: how the file came to be read, when an include named it.
Node read_yaml(std::string_view text, std::string file_name, Environment const& environment,
               Diagnostics& diagnostics, std::shared_ptr<Use const> used = nullptr);

// What a tree costs, and how much a configuration may: all its files and what is inherited together.
struct Size {
    std::size_t nodes = 1;
    std::size_t bytes = 0;   // of all texts, keys too
    std::size_t levels = 0;  // a scalar has none, a list of scalars one
};
Size measure(Node const& node);
inline constexpr std::size_t nodes_max = 1'000'000;
inline constexpr std::size_t text_bytes_max = 64u << 20;

}  // namespace hilum::config
