// Texts to values: numbers, durations, sizes, endpoints, names. Each refusal says what would be right.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "routes/config/describe.h"

namespace hilum::config {
namespace {

// For messages: the text, unless it was filled in by ${...} and may be a secret.
std::string shown(Node const& node) {
    return node.filled ? "the value from ${...}" : in_quotes(node.scalar);
}

bool is_text(Node const& node, std::string_view wanted, Diagnostics& diagnostics) {
    if (node.is_scalar()) return !node.unusable;
    bool const bracket = node.kind == Node::Kind::sequence || node.kind == Node::Kind::mapping;
    diagnostics.error(node.where,
                      "here should be " + std::string(wanted) + ", not " + std::string(node.kind_name()),
                      bracket ? "write one value; put a text that begins with [ or { in quotes"
                              : "write a value after the colon");
    return false;
}

// Decimal digits only: no sign, no blank, nothing after them.
bool parse_digits(std::string_view text, std::uint64_t& out, int base = 10) {
    if (text.empty()) return false;
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return problem == std::errc() && end == text.data() + text.size();
}

template <class T>
bool decode_whole(Node const& node, T& out, Diagnostics& diagnostics) {
    constexpr std::uint64_t max = std::numeric_limits<T>::max();
    if (!is_text(node, "a whole number", diagnostics)) return false;
    std::uint64_t value = 0;
    if (!parse_digits(node.scalar, value) || value > max) {
        diagnostics.error(node.where, shown(node) + " is not a whole number from 0 to " + std::to_string(max),
                          "write digits only, such as 10");
        return false;
    }
    out = static_cast<T>(value);
    return true;
}

template <class T>
struct Unit {
    std::string_view name;
    T factor;
};
constexpr Unit<std::uint64_t> duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit<std::uint64_t> byte_units[] = {
    {"", 1},           {"B", 1},          {"kB", 1000},     {"MB", 1000'000}, {"GB", 1000'000'000},
    {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};

struct Measured {
    std::uint64_t number = 0;
    std::string_view unit;
    bool digits = false;
};
Measured split_unit(std::string_view text) {
    std::size_t const end = std::min(text.find_first_not_of("0123456789"), text.size());
    Measured out;
    out.unit = text.substr(end);
    out.digits = parse_digits(text.substr(0, end), out.number);
    return out;
}

// The product when the unit is known and the result at most `max`.
template <std::size_t N>
bool scale(Measured const& value, Unit<std::uint64_t> const (&units)[N], std::uint64_t max,
           std::uint64_t& out) {
    for (auto const& unit : units) {
        if (value.digits && unit.name == value.unit && value.number <= max / unit.factor) {
            out = value.number * unit.factor;
            return true;
        }
    }
    return false;
}

bool is_host(std::string_view host) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    return !host.empty() && host.size() <= 253 && host.find_first_not_of(allowed) == std::string_view::npos;
}
bool is_ipv6(std::string_view host) {  // enough to tell a slip; the resolver has the last word
    return host.size() >= 2 && host.size() <= 64 && host.find(':') != std::string_view::npos &&
           host.substr(0, host.find('%')).find_first_not_of("0123456789abcdefABCDEF:.") ==
               std::string_view::npos &&
           host.find_first_of(" /[]") == std::string_view::npos;
}

}  // namespace

std::string Endpoint::text() const {
    std::string const name = host.find(':') == std::string::npos ? host : '[' + host + ']';
    return name + ':' + std::to_string(port);
}

bool decode_value(Node const& node, std::string& out, Diagnostics& diagnostics) {
    if (!is_text(node, "a text", diagnostics)) return false;
    out = node.scalar;
    return true;
}

bool decode_value(Node const& node, Text& out, Diagnostics& diagnostics) {
    if (!is_text(node, "a text", diagnostics)) return false;
    out = {node.scalar, node.where};
    return true;
}

bool decode_value(Node const& node, bool& out, Diagnostics& diagnostics) {
    if (!is_text(node, "true or false", diagnostics)) return false;
    if (node.scalar != "true" && node.scalar != "false") {
        diagnostics.error(node.where, shown(node) + " is neither true nor false", "write true or false");
        return false;
    }
    out = node.scalar == "true";
    return true;
}

bool decode_value(Node const& node, std::uint16_t& out, Diagnostics& diagnostics) {
    return decode_whole(node, out, diagnostics);
}
bool decode_value(Node const& node, std::uint32_t& out, Diagnostics& diagnostics) {
    return decode_whole(node, out, diagnostics);
}
bool decode_value(Node const& node, std::uint64_t& out, Diagnostics& diagnostics) {
    return decode_whole(node, out, diagnostics);
}

bool decode_value(Node const& node, unsigned char& out, Diagnostics& diagnostics) {
    if (!is_text(node, "a byte", diagnostics)) return false;
    std::string_view const text = node.scalar;
    bool const hex = text.starts_with("0x") || text.starts_with("0X");
    std::uint64_t value = 0;
    if (!(hex ? parse_digits(text.substr(2), value, 16) : parse_digits(text, value)) || value > 255) {
        diagnostics.error(node.where, shown(node) + " is not a byte", "write 0 to 255 or 0x00 to 0xff");
        return false;
    }
    out = static_cast<unsigned char>(value);
    return true;
}

bool decode_value(Node const& node, double& out, Diagnostics& diagnostics) {
    if (!is_text(node, "a number", diagnostics)) return false;
    double value = 0;
    char const* end = node.scalar.data() + node.scalar.size();
    auto const [at, problem] = std::from_chars(node.scalar.data(), end, value);
    if (node.scalar.empty() || problem != std::errc() || at != end || !std::isfinite(value)) {
        diagnostics.error(node.where, shown(node) + " is not a number", "write it as 0.5 or 2");
        return false;
    }
    out = value;
    return true;
}

bool decode_value(Node const& node, Duration& out, Diagnostics& diagnostics) {
    if (!is_text(node, "a duration", diagnostics)) return false;
    constexpr std::uint64_t max = 100ull * 366 * 86'400'000;  // a century
    Measured const value = split_unit(node.scalar);
    std::uint64_t ms = 0;
    if (scale(value, duration_units, max, ms)) {
        out = Duration(static_cast<Duration::rep>(ms));
        return true;
    }
    if (value.digits && value.unit.empty()) {
        diagnostics.error(
            node.where, "the duration " + shown(node) + " has no unit",
            node.filled ? "use one of ms, s, m, h, d"
                        : "write one of ms, s, m, h, d after it, such as " + node.scalar.substr(0, 20) + "s");
    } else {
        diagnostics.error(node.where, shown(node) + " is not a duration",
                          "write a whole number and one of ms, s, m, h, d, such as 30s (at most 100 years)");
    }
    return false;
}

bool decode_value(Node const& node, Bytes& out, Diagnostics& diagnostics) {
    if (!is_text(node, "a size", diagnostics)) return false;
    if (scale(split_unit(node.scalar), byte_units, std::numeric_limits<std::uint64_t>::max() / 2, out.count))
        return true;
    diagnostics.error(node.where, shown(node) + " is not a size",
                      "write a whole number of bytes, or one with KiB, MiB, GiB, kB, MB, GB, such as 16MiB");
    return false;
}

bool decode_value(Node const& node, Endpoint& out, Diagnostics& diagnostics) {
    if (!is_text(node, "an address and port", diagnostics)) return false;
    std::string_view const text = node.scalar;
    auto const refuse = [&](std::string what, std::string remedy) {
        diagnostics.error(node.where, shown(node) + ' ' + std::move(what), std::move(remedy));
        return false;
    };
    std::size_t const colon = text.rfind(':');
    bool const bracketed = text.starts_with('[');
    if (text.find("://") != std::string_view::npos)
        return refuse("is a URL, not an address and port", "write only host:port, such as lab.example:2575");
    if (colon == std::string_view::npos || (bracketed && text.ends_with(']'))) {
        std::uint64_t digits = 0;
        bool const only_port = parse_digits(text, digits);
        return refuse(only_port ? "has no address" : "has no port",
                      "write address:port, such as 0.0.0.0:2575 or lab.example:2575");
    }
    std::string_view host = text.substr(0, colon);
    std::uint64_t port = 0;
    if (!parse_digits(text.substr(colon + 1), port) || port > 65535)
        return refuse("has no valid port", "write a port from 0 to 65535 after the last colon");
    if (bracketed && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        if (!is_ipv6(host))
            return refuse("has no IPv6 address between the brackets", "write it as [::1]:2575");
    } else if (host.empty() || host == "*") {
        return refuse("has no address",
                      "write 0.0.0.0:" + std::to_string(port) + " for every IPv4 address of this machine");
    } else if (host.find(':') != std::string_view::npos) {
        return refuse("has more than one colon", "put an IPv6 address in brackets, such as \"[::1]:2575\"");
    } else if (!is_host(host)) {
        return refuse("has characters that no host name has",
                      "write address:port, such as 0.0.0.0:2575 or lab.example:2575");
    }
    out.host = host;
    out.port = static_cast<std::uint16_t>(port);
    return true;
}

bool decode_value(Node const& node, NameList& out, Diagnostics& diagnostics) {
    out.clear();
    if (node.is_scalar()) {
        if (node.unusable) return false;
        out.push_back({node.scalar, node.where});
        return true;
    }
    if (node.kind != Node::Kind::sequence) {
        diagnostics.error(node.where,
                          "here should be a name or a list of names, not " + std::string(node.kind_name()),
                          "write one name, or [first, second]");
        return false;
    }
    bool good = true;
    for (Node const& item : node.items) {
        if (is_text(item, "a name", diagnostics)) {
            out.push_back({item.scalar, item.where});
        } else {
            good = false;
        }
    }
    return good;
}

bool decode_value(Node const& node, std::vector<std::string>& out, Diagnostics& diagnostics) {
    NameList names;
    bool const good = decode_value(node, names, diagnostics);
    out.clear();
    for (NameRef& name : names) out.push_back(std::move(name.name));
    return good;
}

bool decode_value(Node const& node, Node& out, Diagnostics&) {
    out = node;
    return true;
}
bool decode_value(Node const& node, StepNodes& out, Diagnostics&) {
    out.list = node;
    return true;
}
bool decode_value(Node const& node, MappingNode& out, Diagnostics&) {
    out.mapping = node;
    return true;
}

Decoder::Decoder(Node const& node, std::string what, Diagnostics& diagnostics)
    : node_(&node), what_(std::move(what)), diagnostics_(&diagnostics) {
    // "mllp:" with nothing after it is a mapping without keys.
    mapping_ = node.kind == Node::Kind::mapping || node.kind == Node::Kind::null;
    if (!mapping_) {
        diagnostics.error(node.where, what_ + " should be a mapping, not " + std::string(node.kind_name()),
                          "write \"key: value\" pairs");
    }
}

Node const* Decoder::take(std::string_view key, std::string_view summary, bool is_required) {
    known_.push_back(key);
    if (!mapping_) return nullptr;
    Node const* found = node_->find(key);
    if (found == nullptr && is_required) missing_.push_back({key, summary});
    return found;
}

std::string Decoder::inner_name(std::string_view key) const {
    return in_quotes(key) + " of " + what_;
}

bool Decoder::is_list(Node const& node, std::string_view key) {
    if (node.kind == Node::Kind::sequence) return true;
    diagnostics_->error(node.where, in_quotes(key) + " of " + what_ + " is a list",
                        "write each entry on a line of its own that begins with -");
    return false;
}

void Decoder::unknown_word(Node const& node, std::string_view key,
                           std::vector<std::string_view> const& known) {
    if (!is_text(node, "a word", *diagnostics_)) return;
    diagnostics_->error(node.where, in_quotes(key) + " can't be " + shown(node),
                        suggest(node.filled ? "" : node.scalar, known, "words"));
}

void Decoder::finish() {
    if (!mapping_) return;
    for (Entry const& entry : node_->entries) {
        if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
        diagnostics_->error(entry.where, "unknown key " + in_quotes(entry.key) + " in " + what_,
                            suggest(entry.key, known_, "keys"));
        // A key that is only mistyped isn't missing as well.
        std::string_view const meant = nearest(entry.key, known_);
        std::erase_if(missing_, [&](Missing const& m) { return m.key == meant; });
    }
    for (Missing const& m : missing_) {
        diagnostics_->error(node_->where, what_ + " lacks " + in_quotes(m.key),
                            "add " + std::string(m.key) + ": " + std::string(m.summary));
    }
}

}  // namespace hilum::config
