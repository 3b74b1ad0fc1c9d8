#include "engine/flow/fhir_intake.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace hilum::flow {
namespace {

constexpr std::string_view relayed_head = "FHIR ";

std::string_view id_of(fhir::Resource const& resource) {
    auto const id = resource.root().child("id");
    return id.exists() ? id.text() : std::string_view();
}

}  // namespace

std::string relayed_text(FhirResponse const& response) {
    std::string out(relayed_head);
    out += std::to_string(response.status) + "\n";
    for (auto const* line : {&response.content_type, &response.location, &response.etag,
                             &response.last_modified, &response.base})
        out += *line + "\n";
    return out += response.body;
}

std::optional<FhirResponse> read_relayed(std::string_view text) {
    if (!text.starts_with(relayed_head)) return std::nullopt;
    text.remove_prefix(relayed_head.size());
    FhirResponse out;
    auto const line = [&] {
        auto const end = std::min(text.find('\n'), text.size());
        auto const found = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        return found;
    };
    auto const status = line();
    if (std::from_chars(status.data(), status.data() + status.size(), out.status).ec != std::errc())
        return std::nullopt;
    for (auto* to : {&out.content_type, &out.location, &out.etag, &out.last_modified, &out.base})
        *to = line();
    out.body = text;
    return out;
}

std::optional<Error> contradiction(fhir::Request const& request, fhir::Resource const& resource) {
    auto const path = std::string_view(request.url).substr(0, request.url.find('?'));
    if (path.empty() || path == "$process-message") {
        if (fhir::default_request(resource).url == path) return std::nullopt;
        return error("bad_type", "",
                     path.empty() ? "the endpoint itself takes Bundles of type batch and transaction"
                                  : "$process-message takes a Bundle of type message",
                     "send a resource to the url of its type");
    }
    auto const slash = path.find('/');
    auto const type = path.substr(0, slash);
    if (type != resource.type())
        return error("bad_type", "", "the resource is of another type than the url",
                     "send a resource of the type that the url names");
    if (request.method != "PUT" || slash == std::string_view::npos) return std::nullopt;
    if (id_of(resource) != path.substr(slash + 1))
        return error("bad_id", std::string(type) + ".id", "an update needs the id of the url in the resource",
                     "write the same id into both");
    return std::nullopt;
}

FhirAnswer refused(unsigned status, Error const& why, std::string_view issue) {
    FhirAnswer answer;
    answer.status = status;
    answer.outcome = issue.empty() ? fhir::operation_outcome(why) : fhir::operation_outcome(why, issue);
    return answer;
}

FhirAnswer not_valid(std::vector<fhir::Finding> const& findings) {
    FhirAnswer answer;
    answer.status = 422;
    answer.outcome = fhir::operation_outcome(findings);
    return answer;
}

FhirAnswer not_stored(Error const& why) {
    bool const too_large = why.code == "record_too_large";
    auto answer = refused(too_large ? 413 : 503, why, too_large ? "too-long" : "transient");
    answer.later = !too_large;
    return answer;
}

unsigned status_of_unreadable(Error const& why) {
    return why.code == "too_large" ? 413 : 400;
}

}  // namespace hilum::flow
