#include <bit>
#include <cstdint>
#include <cstring>

#include "parsers/fhir/quoted.h"
#include "parsers/fhir/resource.h"

namespace hilum::fhir {

std::size_t next_escaped(std::string_view text, std::size_t at) {
    if constexpr (std::endian::native == std::endian::little) {
        constexpr std::uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
        auto const zero = [](std::uint64_t x) { return (x - ones) & ~x & high; };
        // The lowest hit is exact; one above it may come of a borrow.
        auto const hits = [&](std::size_t from) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + from, 8);
            auto const below = (word - ones * 0x20) & ~word & high;
            return below | zero(word ^ (ones * '"')) | zero(word ^ (ones * '\\'));
        };
        auto const at_hit = [](std::size_t from, std::uint64_t hit) {
            return from + static_cast<std::size_t>(std::countr_zero(hit)) / 8;
        };
        auto const begin = at;
        for (; at + 8 <= text.size(); at += 8)
            if (auto const hit = hits(at); hit != 0) return at_hit(at, hit);
        // What is left, with some of those before it once more.
        if (at < text.size() && begin + 8 <= text.size()) {
            at = text.size() - 8;
            auto const hit = hits(at);
            return hit == 0 ? text.size() : at_hit(at, hit);
        }
    }
    for (; at < text.size(); ++at) {
        auto const c = static_cast<unsigned char>(text[at]);
        if (c < 0x20 || c == '"' || c == '\\') return at;
    }
    return text.size();
}

void append_quoted(std::string& out, std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (std::size_t begin = 0; begin < text.size();) {
        auto const i = next_escaped(text, begin);
        out.append(text, begin, i - begin);
        begin = i + 1;
        if (i == text.size()) break;
        static constexpr std::string_view named = "\b\f\n\r\t\"\\";
        static constexpr std::string_view letters = "bfnrt\"\\";
        out += '\\';
        if (auto const at = named.find(text[i]); at != std::string_view::npos) {
            out += letters[at];
        } else {
            auto const c = static_cast<unsigned char>(text[i]);
            out += "u00";
            out += digits[c >> 4U];
            out += digits[c & 15U];
        }
    }
    out += '"';
}

std::string Element::json() const {
    return resource_->json_of(index_, resource_->nodes_[index_].kind);
}

std::string Element::json_of_children() const {
    return resource_->nodes_[index_].first == Resource::none ? std::string()
                                                             : resource_->json_of(index_, Kind::object);
}

// Of the node as if it were of that kind.
std::string Resource::json_of(std::uint32_t index, Kind as) const {
    auto const& nodes = nodes_;
    auto const name_of = [&](std::uint32_t i) { return written_name(nodes[i]); };
    std::string out;
    std::vector<std::uint32_t> open;
    auto const begin = [&](std::uint32_t i) {
        append_quoted(out, name_of(i));
        out += nodes[i].list ? ":[" : ":";
    };
    for (auto at = index;;) {
        auto const& n = nodes[at];
        auto const kind = at == index ? as : n.kind;
        if (kind == Kind::object) {
            out += '{';
            if (n.first != none) {
                open.push_back(at);
                at = n.first;
                begin(at);
                continue;
            }
            out += '}';
        } else if (kind == Kind::string) {
            append_quoted(out, view(n.text_at, n.text_length));
        } else if (kind == Kind::nothing) {
            out += "null";
        } else {
            out += view(n.text_at, n.text_length);  // [] is opened with the name
        }
        // What follows a value: the next of its list, the next property, or the end of the object.
        while (true) {
            if (open.empty()) return out;
            auto const next = nodes[at].next;
            bool const list_goes_on = nodes[at].list && next != none && name_of(next) == name_of(at);
            if (nodes[at].list && !list_goes_on) out += ']';
            if (next != none) {
                out += ',';
                at = next;
                if (!list_goes_on) begin(at);
                break;
            }
            out += '}';
            at = open.back();
            open.pop_back();
        }
    }
}

}  // namespace hilum::fhir
