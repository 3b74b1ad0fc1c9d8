#include "routes/config/effective.h"

#include <algorithm>
#include <filesystem>

#include "routes/config/environment.h"
#include "routes/config/files.h"
#include "routes/config/secrets.h"

namespace hilum::config {
namespace {

constexpr std::string_view from_outside = "  # a secret: filled in from there, not shown";
constexpr std::string_view masked = "  # masked: a secret in plain text";

std::string in_double_quotes(std::string_view text) {
    constexpr char const* hex = "0123456789abcdef";
    std::string out = "\"";
    for (char c : text) {
        auto const u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            (out += '\\') += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (u < 0x20 || u == 0x7f) {
            ((out += "\\x") += hex[u >> 4]) += hex[u & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

// Whether YAML takes the bare text for itself. Stricter than YAML is: what is in doubt gets quotes.
bool is_plain(std::string_view text) {
    auto const letter_or_digit = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (text.empty() || text == "null" || text == "Null" || text == "NULL" || text.ends_with(' '))
        return false;
    if (!letter_or_digit(text[0]) && text[0] != '/' && text[0] != '=' && !text.starts_with("./"))
        return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return letter_or_digit(c) || std::string_view("./=-+()'|<> ").find(c) != std::string_view::npos;
    });
}

constexpr std::string_view maps_with = "map with";

// What a relative path of these keys is relative to is the file it stands in. Maps that come with Hilum have
// names that are none.
bool names_path(std::string_view key, std::string_view text) {
    if (key == "map" || key == maps_with) {
        bool const ours = text.starts_with("fhir-to-v2/") || text.find_first_of("./") == text.npos;
        return !ours;
    }
    return key == "csv" || key == "profile" || key == "file" || key == "packages";
}

// What is in the options of a map is told by both keys.
std::string_view key_in(std::string_view parent, std::string_view key) {
    if (parent != "map") return key;
    return key == "with" ? maps_with : key == "use" ? parent : key;
}

std::string absolute(Node const& node, std::string const& text) {
    namespace fs = std::filesystem;
    fs::path const path(beside(text, node.where));
    std::error_code problem;
    auto const out = fs::absolute(path, problem);
    return (problem ? path : out).lexically_normal().string();
}

std::string without_password(std::string const& url) {
    std::size_t const user = url.find("://") + 3;
    std::size_t const colon = url.find(':', user);
    std::size_t const at = url.substr(0, url.find('/', user)).rfind('@');
    return url.substr(0, colon + 1) + "***" + url.substr(at);
}

// Trees are at most 64 levels deep (read_yaml).
class Printer {
  public:
    std::string take() { return std::move(out_); }

    void mapping(Node const& node, std::size_t indent, bool secret, bool goes_on_in_line,
                 std::string_view parent = {}) {
        for (Entry const& entry : node.entries) {
            if (!goes_on_in_line) out_.append(indent, ' ');
            goes_on_in_line = false;
            out_ += (is_plain(entry.key) ? entry.key : in_double_quotes(entry.key)) + ':';
            value(entry.value, indent, secret || names_secret(entry.key), key_in(parent, entry.key));
        }
    }

  private:
    void value(Node const& node, std::size_t indent, bool secret, std::string_view key) {
        switch (node.kind) {
            case Node::Kind::null:
                out_ += '\n';
                return;
            case Node::Kind::scalar:
                out_ += ' ' + scalar(node, secret, key) + '\n';
                return;
            case Node::Kind::mapping:
                out_ += node.entries.empty() ? " {}\n" : "\n";
                return mapping(node, indent + 2, secret, false, key);
            case Node::Kind::sequence:
                out_ += node.items.empty() ? " []\n" : "\n";
                return sequence(node, indent + 2, secret, key);
        }
    }

    void sequence(Node const& node, std::size_t indent, bool secret, std::string_view key) {
        for (Node const& item : node.items) {
            out_.append(indent, ' ') += '-';
            if (item.kind == Node::Kind::mapping && !item.entries.empty()) {
                out_ += ' ';
                mapping(item, indent + 2, secret, true);
            } else if (item.kind == Node::Kind::null) {
                out_ += " null\n";
            } else {
                value(item, indent, secret, key);
            }
        }
    }

    static std::string scalar(Node const& node, bool secret, std::string_view key) {
        // Of a step list, which a call will fill: what stands there is no value yet.
        if (!node.holes.empty() && node.scalar.empty()) return in_double_quotes(*node.written);
        bool const password = holds_password(node.scalar);
        if (node.filled && (node.secret || secret || password))
            return in_double_quotes(*node.written) + std::string(from_outside);
        if (secret) return "\"***\"" + std::string(masked);
        if (password) return in_double_quotes(escaped(without_password(node.scalar))) + std::string(masked);
        if (!node.holes.empty()) {
            bool const begun = names_path(key, *node.written) && !node.written->starts_with("${");
            return in_double_quotes(begun ? absolute(node, *node.written) : *node.written);
        }
        std::string const text =
            escaped(names_path(key, node.scalar) ? absolute(node, node.scalar) : node.scalar);
        return is_plain(text) && !node.quoted ? text : in_double_quotes(text);
    }

    std::string out_;
};

}  // namespace

std::string effective_yaml(Config const& config) {
    Printer printer;
    printer.mapping(*config.effective, 0, false, false);
    return "# The effective configuration of " + config.source + ", hash " + config.hash + ".\n" +
           printer.take();
}

}  // namespace hilum::config
