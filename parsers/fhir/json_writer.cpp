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
    auto const& nodes = resource_->nodes_;
    auto const name_of = [&](std::uint32_t i) { return resource_->written_name(nodes[i]); };
    std::string out;
    std::vector<std::uint32_t> open;
    auto const begin = [&](std::uint32_t i) {
        append_quoted(out, name_of(i));
        out += nodes[i].list ? ":[" : ":";
    };
    for (auto at = index_;;) {
        auto const& n = nodes[at];
        if (n.kind == Kind::object) {
            out += '{';
            if (n.first != Resource::none) {
                open.push_back(at);
                at = n.first;
                begin(at);
                continue;
            }
            out += '}';
        } else if (n.kind == Kind::string) {
            append_quoted(out, resource_->view(n.text_at, n.text_length));
        } else if (n.kind == Kind::nothing) {
            out += "null";
        } else {
            out += resource_->view(n.text_at, n.text_length);  // [] is opened with the name
        }
        // What follows a value: the next of its list, the next property, or the end of the object.
        while (true) {
            if (open.empty()) return out;
            auto const next = nodes[at].next;
            bool const list_goes_on =
                nodes[at].list && next != Resource::none && name_of(next) == name_of(at);
            if (nodes[at].list && !list_goes_on) out += ']';
            if (next != Resource::none) {
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
