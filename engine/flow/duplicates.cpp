#include "engine/flow/duplicates.h"

#include <algorithm>
#include <cstring>

#include "engine/net/digest.h"
#include "parsers/hl7/msh.h"

namespace hilum::flow {

namespace {

Hash128 first_half(net::Sha256 const& hash) {
    Hash128 out{};
    std::memcpy(out.data(), hash.data(), sizeof out);
    return out;
}

// Parts that can't run into one another.
std::string joined(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (auto const part : parts) (out += std::to_string(part.size()) += ':') += part;
    return out;
}

// All but the header: a sender that makes the message anew for the second time stamps it anew (MSH-7), which
// makes no other message of it.
std::string_view behind_header(std::string_view bytes) {
    constexpr std::string_view ends = "\r\n";
    auto const header = std::min(bytes.find("MSH"), bytes.size());
    bytes.remove_prefix(std::min(bytes.find_first_of(ends, header), bytes.size()));
    auto const begin = bytes.find_first_not_of(ends);
    if (begin == std::string_view::npos) return {};
    return bytes.substr(begin, bytes.find_last_not_of(ends) - begin + 1);
}

Fingerprint by_control_id(hl7::Message const& message, std::string_view bytes, bool content_counts) {
    static auto const application = hl7::msh_field(3), facility = hl7::msh_field(4), type = hl7::msh_field(9),
                      control_id = hl7::msh_field(10);
    auto const name =
        joined({message.get(application).raw, message.get(facility).raw, message.get(control_id).raw});
    auto const content = net::sha256(behind_header(bytes));
    auto const body =
        joined({message.get(type).raw, {reinterpret_cast<char const*>(content.data()), content.size()}});
    Fingerprint out;
    if (content_counts) {
        out.same = first_half(net::sha256(name + body));
        // Never 0, which stands for no name.
        out.name = first_half(net::sha256(name))[0] | 1U;
    } else {
        out.same = first_half(net::sha256(name));
        out.other = first_half(net::sha256(body))[0];
    }
    return out;
}

// The ids of the envelope and of the message in it (http://hl7.org/fhir/R4/messaging.html#reliable). A Bundle
// that has an identifier is known by that: its id may be a server's. Both ids seen before: the answer was
// lost. The envelope's alone: the sender has used it twice, which it must not.
std::optional<Fingerprint> by_message_id(fhir::Element bundle) {
    if (bundle.resource_type() != "Bundle" || bundle.text_of("type") != "message") return std::nullopt;
    auto const identifier = bundle.child("identifier");
    bool const by_identifier = identifier.exists() && !identifier.text_of("value").empty();
    auto const envelope =
        by_identifier ? joined({"identifier", identifier.text_of("system"), identifier.text_of("value")})
                      : joined({"id", bundle.text_of("id")});
    auto const entry = bundle.child("entry");
    auto const header = entry.exists() ? entry.child("resource") : fhir::Element();
    auto const id = header.exists() ? header.text_of("id") : std::string_view();
    if (!by_identifier && (bundle.text_of("id").empty() || id.empty())) return std::nullopt;
    Fingerprint out;
    out.same = first_half(net::sha256(joined({envelope, id})));
    out.name = first_half(net::sha256(envelope))[0] | 1U;
    return out;
}

}  // namespace

Duplicates::Duplicates(DuplicateOptions const& options, config::Content content)
    : options_(options),
      content_(content),
      table_(options.keep, std::chrono::microseconds(options.within).count()) {
    if (options_.same_by() != SameBy::expression) return;
    config::Diagnostics ignored;  // check has seen it
    expression_ = same_expression(options_.by, content_, ignored);
}

Result<std::optional<Fingerprint>> Duplicates::fingerprint(routes::Subject const& message,
                                                           std::string_view bytes,
                                                           std::int64_t now_us) const {
    std::optional<Fingerprint> out;
    if (options_.same_by() == SameBy::control_id) {
        out = by_control_id(*message.message, bytes, options_.content_differs == ContentDiffers::is_new);
    } else if (options_.same_by() == SameBy::message_id) {
        out = by_message_id(message.interaction->resource.root());
    } else if (options_.same_by() == SameBy::content) {
        out = Fingerprint{first_half(net::sha256(bytes))};
    } else {
        auto const key = expression_.text(message.context(now_us));
        if (!key) return key.error();
        if (!key->empty()) out = Fingerprint{first_half(net::sha256(*key))};
    }
    return out;
}

}  // namespace hilum::flow
