#include "parsers/fhir/quoted.h"
#include "parsers/fhir/resource.h"

namespace hilum::fhir {

void append_quoted(std::string& out, std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out += text.substr(plain, i - plain);
        plain = i + 1;
        static constexpr std::string_view named = "\b\f\n\r\t\"\\";
        static constexpr std::string_view letters = "bfnrt\"\\";
        out += '\\';
        if (auto const at = named.find(text[i]); at != std::string_view::npos) {
            out += letters[at];
        } else {
            out += "u00";
            out += digits[c >> 4U];
            out += digits[c & 15U];
        }
    }
    out += text.substr(plain);
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
