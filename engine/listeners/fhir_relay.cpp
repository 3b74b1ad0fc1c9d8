#include "engine/listeners/fhir_relay.h"

#include <optional>
#include <utility>
#include <vector>

#include "parsers/fhir/edit.h"
#include "parsers/fhir/outcome.h"
#include "parsers/fhir/resource.h"

namespace hilum::listeners {
namespace {

// http and https alike: a proxy between may have changed it.
std::string_view without_scheme(std::string_view address) {
    for (std::string_view const scheme : {"http://", "https://"})
        if (address.starts_with(scheme)) return address.substr(scheme.size());
    return {};
}

class Rewriter {
  public:
    Rewriter(fhir::Resource& resource, std::string_view base, std::string_view url)
        : resource_(resource), edit_(resource), base_(without_scheme(base)), url_(url) {
        while (base_.ends_with('/')) base_.remove_suffix(1);
    }

    bool changed() const { return changed_; }

    void rewrite(bool minimal) {
        if (!base_.empty()) places_in(resource_.root(), true);
        if (minimal) drop_resources();
    }

  private:
    // What is behind the server's base: "" or begins with / or ?. Nothing for an address of another.
    std::optional<std::string_view> below(std::string_view address) const {
        auto rest = without_scheme(address);
        if (base_.empty() || !rest.starts_with(base_)) return std::nullopt;
        rest.remove_prefix(base_.size());
        if (!rest.empty() && rest[0] != '/' && rest[0] != '?') return std::nullopt;
        return rest;
    }

    void set(fhir::Element element, std::string const& text) {
        // Too large for it: as it came.
        if (edit_.set(element, fhir::Kind::string, text)) changed_ = true;
    }

    void move_here(fhir::Element element) {
        if (!element.exists()) return;
        if (auto const rest = below(element.text())) set(element, std::string(url_) + std::string(*rest));
    }

    void links_of(fhir::Element parent) {
        for (auto link = parent.child("link"); link.exists() && link.name() == "link"; link = link.next())
            move_here(link.child("url"));
    }

    // `ours`: of the server behind, so that what is relative in it is relative to its base.
    void places_in(fhir::Element resource, bool ours) {
        if (resource.resource_type() != "Bundle") return references_in(resource, ours);
        links_of(resource);
        for (auto entry = resource.child("entry"); entry.exists(); entry = entry.next()) {
            if (entry.name() != "entry") continue;
            links_of(entry);
            auto const full = entry.child("fullUrl");
            bool const elsewhere =
                full.exists() && !without_scheme(full.text()).empty() && !below(full.text());
            move_here(full);
            if (auto const response = entry.child("response"); response.exists())
                move_here(response.child("location"));
            if (auto const within = entry.child("resource"); within.exists())
                places_in(within, ours && !elsewhere);
        }
    }

    void references_in(fhir::Element element, bool ours) {
        for (auto child = element.first(); child.exists(); child = child.next()) {
            if (child.name() == "resource" && child.resource_type() == "Bundle") {
                places_in(child, ours);
            } else if (child.name() == "reference" && child.kind() == fhir::Kind::string) {
                auto const rest = below(child.text());
                if (!rest) continue;
                bool const names_one = rest->size() > 1 && rest->front() == '/';
                if (ours && names_one)
                    set(child, std::string(rest->substr(1)));
                else
                    move_here(child);
            } else {
                references_in(child, ours);
            }
        }
    }

    void drop_resources() {
        auto const type = resource_.root().text_of("type");
        if (type != "transaction-response" && type != "batch-response") return;
        std::vector<fhir::Element> gone;
        for (auto entry = resource_.root().child("entry"); entry.exists(); entry = entry.next())
            if (auto const resource = entry.child("resource"); entry.name() == "entry" && resource.exists())
                gone.push_back(resource);
        for (auto const resource : gone) edit_.remove(resource);
        changed_ = changed_ || !gone.empty();
    }

    fhir::Resource& resource_;
    fhir::Editor edit_;
    std::string_view base_, url_;
    bool changed_ = false;
};

// [base]/Type/id or [base]/Type/id/_history/version as one here, whatever its server thinks its base is.
std::string location_here(std::string const& location, std::string const& url) {
    int parts = location.find("/_history/") == std::string::npos ? 2 : 4;
    std::size_t at = location.size();
    while (parts > 0 && at != 0 && at != std::string::npos) {
        at = location.rfind('/', at - 1);
        --parts;
    }
    if (location.empty() || parts > 0) return location;
    return url + "/" + (at == std::string::npos ? location : location.substr(at + 1));
}

}  // namespace

std::string body_seen_from_here(std::string body, std::string_view base, std::string_view url, bool minimal) {
    // JSON may write / as \/, so it is the host that is looked for. Most answers are relative, and not read.
    auto const host = without_scheme(base);
    auto const authority = host.substr(0, host.find('/'));
    bool const leads_there = !authority.empty() && body.find(authority) != std::string::npos;
    if (!leads_there && !minimal) return body;
    auto resource = fhir::Resource::read_json(body);
    if (!resource) return body;
    Rewriter rewriter(*resource, base, url);
    rewriter.rewrite(minimal);
    return rewriter.changed() ? resource->json() : body;
}

HttpReply relayed_reply(flow::FhirResponse response, FhirRequest const& asked, std::string const& url) {
    std::string extra;
    auto const add = [&](std::string_view name, std::string const& value) {
        if (!value.empty()) ((extra += name) += value) += "\r\n";
    };
    add("Location: ", location_here(response.location, url));
    add("ETag: ", response.etag);
    add("Last-Modified: ", response.last_modified);
    bool const json = response.content_type.find("json") != std::string::npos;
    // A page of a proxy before the server, for one. Clients look for an OperationOutcome.
    if (response.status >= 400 && !json)
        response.body = fhir::operation_outcome(
            error("not_fhir", "", "the server behind this endpoint says no, and not in FHIR"), "exception");
    // http://hl7.org/fhir/R4/http.html#ops: of what is written; reads have no such preference.
    bool const minimal = response.status < 300 && asked.deed == FhirDeed::interact &&
                         asked.prefer == FhirRequest::Prefer::minimal;
    bool const bundle = asked.interaction.url.empty();  // its entries say what became of each
    if (minimal && !bundle) response.body.clear();
    if (json && !response.body.empty())
        response.body = body_seen_from_here(std::move(response.body), response.base, url, minimal);
    return fhir_reply(response.status, std::move(response.body), asked, std::move(extra));
}

}  // namespace hilum::listeners
