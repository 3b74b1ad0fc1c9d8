#include "parsers/fhir/interaction.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "parsers/json.h"
#include "parsers/percent.h"

namespace hilum::fhir {
namespace {

constexpr std::string_view head =
    R"({"resourceType":"Bundle","meta":{"tag":[{"system":"urn:hilum:kept-as","code":"interaction"}]},)"
    R"("type":"batch","entry":[{"request":)";
constexpr std::string_view body_head = R"(,"resource":)";
constexpr std::string_view tail = "}]}";

Error bad(std::string what) {
    return error("bad_interaction", "", std::move(what));
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Behind the object that begins the text; npos when it does not end.
std::size_t object_end(std::string_view text) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return std::string_view::npos;
}

Result<Request> read_request(std::string_view text) {
    auto const object = json::parse(text);
    if (!object) return object.error();
    Request request;
    request.method = object->text("method");
    request.url = object->text("url");
    request.if_none_match = object->text("ifNoneMatch");
    request.if_match = object->text("ifMatch");
    request.if_none_exist = object->text("ifNoneExist");
    if (auto wrong = check_request(request); !wrong) return wrong.error();
    return request;
}

std::string request_text(Request const& request) {
    json::Writer w;
    w.object([&] {
        w.field("method", request.method);
        w.field("url", request.url);
        w.field_if("ifNoneMatch", request.if_none_match);
        w.field_if("ifMatch", request.if_match);
        w.field_if("ifNoneExist", request.if_none_exist);
    });
    return w.text();
}

// "Patient/1/_history/2" and "Patient?name=x" name a Patient.
Result<Resource> named_by(std::string_view url) {
    auto const path = url.substr(0, url.find('?'));
    auto const slash = path.find('/');
    auto const type = path.substr(0, slash);
    json::Writer w;
    w.object([&] {
        w.field("resourceType", type.empty() ? std::string_view("Resource") : type);
        if (slash == std::string_view::npos) return;
        auto const rest = path.substr(slash + 1);
        w.field_if("id", rest.substr(0, rest.find('/')));
    });
    return Resource::read_json(w.text());
}

}  // namespace

Result<void> check_request(Request const& request) {
    // http://hl7.org/fhir/R4/valueset-http-verb.html
    static constexpr std::string_view methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};
    if (std::find(std::begin(methods), std::end(methods), request.method) == std::end(methods))
        return bad("the method of the request is none of FHIR's");
    auto const& url = request.url;
    bool const one_word = std::none_of(
        url.begin(), url.end(), [](char c) { return is_control(c) || c == ' ' || c == '#' || c == '\\'; });
    if (!one_word) return bad("the url of the request has a character that no url has");
    // A server resolves "." and ".." (RFC 3986 §5.2.4), written out or not: they lead out of its endpoint.
    auto path = std::string_view(url).substr(0, url.find('?'));
    while (!path.empty()) {
        auto const part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(part.size() + 1, path.size()));
        auto const plain = percent_decoded(part);
        if (plain == "." || plain == "..") return bad("the url of the request leads out of the endpoint");
    }
    for (auto const* condition : {&request.if_match, &request.if_none_match, &request.if_none_exist})
        if (std::any_of(condition->begin(), condition->end(), is_control))
            return bad("a condition of the request is not one line of text");
    return {};
}

Request default_request(Resource const& resource) {
    Request request;
    auto const type = resource.type();
    request.url = type;
    if (type != "Bundle") return request;
    auto const kind = resource.root().child("type");
    auto const of = kind.exists() ? kind.text() : std::string_view();
    if (of == "batch" || of == "transaction") request.url.clear();
    if (of == "message") request.url = "$process-message";
    return request;
}

Resource request_as_element(Request const& request) {
    Resource::Limits limits;
    limits.any = true;
    auto element = Resource::read_json(request_text(request), limits);
    return element ? std::move(*element) : Resource();  // what a writer wrote can be read
}

std::string interaction_text(Request const& request, std::string_view json) {
    std::string out(head);
    out += request_text(request);
    if (!json.empty()) (out += body_head) += json;
    return out += tail;
}

std::string resource_text(std::string_view json) {
    return json.starts_with(head) ? interaction_text(Request{}, json) : std::string(json);
}

Result<Interaction> Interaction::read(std::string_view text, Resource::Limits const& limits) {
    Interaction out;
    if (!text.starts_with(head)) {
        auto resource = Resource::read_json(std::string(text), limits);
        if (!resource) return resource.error();
        out.resource = std::move(*resource);
        out.request = default_request(out.resource);
        return out;
    }
    auto rest = text.substr(head.size());
    auto const end = object_end(rest);
    if (end == std::string_view::npos || !rest.substr(end).ends_with(tail))
        return bad("the Bundle around an interaction is cut off");
    auto request = read_request(rest.substr(0, end));
    if (!request) return request.error();
    out.request = std::move(*request);
    rest.remove_prefix(end);
    rest.remove_suffix(tail.size());
    out.has_body = !rest.empty();
    if (out.has_body && !rest.starts_with(body_head))
        return bad("there is more than a request and a resource in it");
    auto resource = out.has_body ? Resource::read_json(std::string(rest.substr(body_head.size())), limits)
                                 : named_by(out.request.url);
    if (!resource) return resource.error();
    out.resource = std::move(*resource);
    return out;
}

std::string Interaction::text() const {
    auto const json = has_body ? resource.json() : std::string();
    return has_body && request == default_request(resource) ? resource_text(json)
                                                            : interaction_text(request, json);
}

std::optional<std::string> from_request_line(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    auto const begin = std::min(text.find_first_not_of(blank), text.size());
    text.remove_prefix(begin);
    auto const space = text.find(' ');
    auto const method = text.substr(0, space);
    if (method != "GET" && method != "POST" && method != "PUT" && method != "DELETE") return std::nullopt;
    auto const end = std::min(text.find_first_of("\r\n"), text.size());
    Request request;
    request.method = method;
    auto const url = text.substr(0, end).substr(std::min(space + 1, end));
    request.url = url.substr(0, url.find_last_not_of(blank) + 1);
    auto body = text.substr(end);
    body.remove_prefix(std::min(body.find_first_not_of(blank), body.size()));
    return interaction_text(request, body.substr(0, body.find_last_not_of(blank) + 1));
}

bool looks_like_interaction(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    auto const first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{';
}

}  // namespace hilum::fhir
