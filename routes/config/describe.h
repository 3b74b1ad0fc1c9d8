// One declaration per component: its keys, types, defaults and summaries are said once, in a function
//
//   template <class V> void describe(V& v, MllpListenerOptions& o) {
//       v.required("listen", o.listen, "address and port to listen on, such as 0.0.0.0:2575");
//       v.optional("idle", o.idle, "close a connection on which nothing has come for this long");
//   }
//
// and visited by the decoder (YAML to struct, every error reported), and by the JSON Schema writer. Defaults
// are the member initialisers.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::config {

// Values with units. "500ms" "30s" "5m" "2h" "30d"; a bare number is an error that names the units.
using Duration = std::chrono::milliseconds;
struct Bytes {
    std::uint64_t count = 0;  // "512" is 512 bytes; "16KiB" "16MiB" "2GiB" "10kB" "10MB"
    friend auto operator<=>(Bytes const&, Bytes const&) = default;
};
// "0.0.0.0:2575", "[::]:2575", "lab.example:2575".
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
    std::string text() const;
    friend bool operator==(Endpoint const&, Endpoint const&) = default;
};
// One name or a list of names, each with its place.
struct NameRef {
    std::string name;
    Location where;
};
using NameList = std::vector<NameRef>;
// Text with its place, for what is compiled later (expressions, paths, templates).
struct Text {
    std::string value;
    Location where;
    bool empty() const { return value.empty(); }
};
// Steps inside a step, read when that one is compiled.
struct StepNodes {
    Node list;
};
// A mapping whose keys are the site's own.
struct MappingNode {
    Node mapping;
};
// Mappings that are described alike, one after the other.
template <class T>
struct ListOf {
    using Item = T;
    std::vector<T> items;
};
// A choice among words: `v.choice("on_error", o.on_error, {{"hold", OnError::hold}, {"reject",
// OnError::reject}}, "...")`.
template <class E>
struct Choice {
    std::string_view word;
    E value;
};

// Scalars. Each reports to `diagnostics` at the node and returns false when it can't be read. Implemented in
// decode.cpp.
bool decode_value(Node const& node, std::string& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, bool& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, std::uint32_t& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, std::uint64_t& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, std::uint16_t& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, double& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, Duration& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, Bytes& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, Endpoint& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, NameList& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, Text& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, std::vector<std::string>& out, Diagnostics& diagnostics);
bool decode_value(Node const& node, Node& out,
                  Diagnostics& diagnostics);  // kept as it is, for a later reader
bool decode_value(Node const& node, StepNodes& out, Diagnostics& diagnostics);      // the same
bool decode_value(Node const& node, MappingNode& out, Diagnostics& diagnostics);    // the same
bool decode_value(Node const& node, unsigned char& out, Diagnostics& diagnostics);  // a byte: 11 or 0x0b

// Reads one mapping. finish() reports missing keys, and unknown ones with the nearest known one; the
// destructor does not.
class Decoder {
  public:
    // `what` names the mapping in messages: `listener "adt_in" (mllp)`.
    Decoder(Node const& node, std::string what, Diagnostics& diagnostics);

    template <class T>
    void required(std::string_view key, T& out, std::string_view summary) {
        if (Node const* n = take(key, summary, true)) decode(*n, key, out);
    }
    template <class T>
    void optional(std::string_view key, T& out, std::string_view summary) {
        if (Node const* n = take(key, summary, false)) decode(*n, key, out);
    }
    template <class E, std::size_t N>
    void choice(std::string_view key, E& out, Choice<E> const (&words)[N], std::string_view summary) {
        Node const* n = take(key, summary, false);
        if (!n) return;
        std::vector<std::string_view> known;
        for (auto const& w : words) {
            if (n->is_scalar() && n->scalar == w.word) {
                out = w.value;
                return;
            }
            known.push_back(w.word);
        }
        unknown_word(*n, key, known);
    }
    void finish();

  private:
    Node const* take(std::string_view key, std::string_view summary, bool is_required);
    std::string inner_name(std::string_view key) const;    // `"retry" of destination "lab"`
    bool is_list(Node const& node, std::string_view key);  // else an error has been reported
    void unknown_word(Node const& node, std::string_view key, std::vector<std::string_view> const& known);
    template <class T>
    void decode(Node const& node, std::string_view key, T& out) {
        if constexpr (requires(Decoder & d, T & t) { describe(d, t); }) {
            Decoder inner(node, inner_name(key), *diagnostics_);  // a nested mapping
            describe(inner, out);
            inner.finish();
        } else if constexpr (requires { typename T::Item; }) {
            if (!is_list(node, key)) return;
            out.items.clear();
            for (auto const& item : node.items) decode(item, key, out.items.emplace_back());
        } else {
            (void)key;
            decode_value(node, out, *diagnostics_);
        }
    }
    Node const* node_;
    std::string what_;
    Diagnostics* diagnostics_;
    std::vector<std::string_view> known_;
    struct Missing {
        std::string_view key;
        std::string_view summary;
    };
    std::vector<Missing> missing_;
    bool mapping_ = false;
};

template <class Options>
Options decode_options(Node const& node, std::string what, Diagnostics& diagnostics) {
    Options options;
    Decoder decoder(node, std::move(what), diagnostics);
    describe(decoder, options);
    decoder.finish();
    return options;
}

// A schema with a description; one that says nothing, and true, stay as they are.
std::string described(std::string schema, std::string_view summary);

// Writes the JSON Schema (draft 2020-12) object of one described struct.
class SchemaWriter {
  public:
    template <class T>
    void required(std::string_view key, T& value, std::string_view summary) {
        add(key, type_of(value), summary, true);
    }
    template <class T>
    void optional(std::string_view key, T& value, std::string_view summary) {
        add(key, with_default(type_of(value), default_of(value)), summary, false);
    }
    template <class E, std::size_t N>
    void choice(std::string_view key, E& value, Choice<E> const (&words)[N], std::string_view summary) {
        std::string list = R"({"enum":[)", meant;
        for (std::size_t i = 0; i < N; ++i) {
            list += (i ? ",\"" : "\"") + std::string(words[i].word) + "\"";
            if (words[i].value == value) meant = words[i].word;
        }
        add(key, with_default(list + "]}", meant), summary, false);
    }
    // A key whose schema is written elsewhere, such as that of the steps.
    void property(std::string_view key, std::string schema, std::string_view summary, bool is_required) {
        add(key, std::move(schema), summary, is_required);
    }
    std::string text()
        const;  // {"type":"object","properties":{...},"required":[...],"additionalProperties":false}

    // The schema of a described struct.
    template <class Options>
    static std::string of() {
        return written<Options>().text();
    }
    // The schema of a value, with the default it has.
    template <class T>
    static std::string of_value(T const& value) {
        return with_default(type_of(value), default_of(value));
    }
    std::string const& properties() const { return properties_; }
    // Its properties alone, as members of an object that has others too: `"retry":{...},"on_failure":{...}`.
    template <class Options>
    static std::string properties_of() {
        return written<Options>().properties_;
    }

  private:
    template <class Options>
    static SchemaWriter written() {
        Options options;
        SchemaWriter writer;
        describe(writer, options);
        return writer;
    }
    // A default as it is written in YAML; "" where there is none to tell.
    static std::string default_of(std::string const& value) { return value; }
    static std::string default_of(Text const& value) { return value.value; }
    static std::string default_of(bool const& value) { return value ? "true" : "false"; }
    static std::string default_of(unsigned char const& value);
    static std::string default_of(Duration const& value);
    static std::string default_of(Bytes const& value);
    static std::string default_of(Endpoint const& value) { return value.host.empty() ? "" : value.text(); }
    template <class T>
    requires std::is_arithmetic_v<T>
    static std::string default_of(T const& value) { return plain_number(static_cast<double>(value)); }
    template <class T>
    static std::string default_of(T const&) {
        return {};
    }
    static std::string plain_number(double value);
    static std::string with_default(std::string schema, std::string_view value);
    void add(std::string_view key, std::string schema, std::string_view summary, bool is_required);
    // {"type":"string"} and the like; durations and sizes as patterns. Overloads in schema.cpp.
    static std::string type_of(std::string const&);
    static std::string type_of(bool const&);
    static std::string type_of(std::uint16_t const&);
    static std::string type_of(std::uint32_t const&);
    static std::string type_of(std::uint64_t const&);
    static std::string type_of(unsigned char const&);
    static std::string type_of(double const&);
    static std::string type_of(Duration const&);
    static std::string type_of(Bytes const&);
    static std::string type_of(Endpoint const&);
    static std::string type_of(NameList const&);
    static std::string type_of(Text const&);
    static std::string type_of(std::vector<std::string> const&);
    static std::string type_of(Node const&);
    static std::string type_of(StepNodes const&);
    static std::string type_of(MappingNode const&);
    template <class T>
    requires requires(SchemaWriter& w, T& t) { describe(w, t); }
    static std::string type_of(T const&) { return of<T>(); }
    template <class T>
    static std::string type_of(ListOf<T> const&) {
        return R"({"type":"array","items":)" + of<T>() + "}";
    }
    std::string properties_;
    std::string required_;
};

}  // namespace hilum::config
