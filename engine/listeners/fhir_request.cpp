#include "engine/listeners/fhir_request.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <iterator>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/outcome.h"
#include "parsers/fhir/validation/formats.h"
#include "parsers/gzip.h"
#include "parsers/percent.h"

namespace hilum::listeners {

namespace http = boost::beast::http;

namespace {

using Head = HttpRequestParser::value_type;

constexpr std::size_t gzip_from = 1024;  // bytes of an answer: below it costs more than it saves
constexpr std::string_view read_methods = "GET, HEAD, OPTIONS";

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

std::string_view header(Head const& head, http::field name) {
    return view(head[name]);
}
std::string_view header(Head const& head, std::string_view name) {
    return view(head[boost::beast::string_view(name.data(), name.size())]);
}

std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

// The elements of a list header.
template <class F>
void each_of(std::string_view list, char separator, F f) {
    while (!list.empty()) {
        auto const end = std::min(list.find(separator), list.size());
        f(trimmed(list.substr(0, end)));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
}

// A media type without its parameters, or a value of _format (http://hl7.org/fhir/R4/http.html#mime-type).
std::optional<FhirFormat> format_of(std::string_view text) {
    struct Row {
        std::string_view name;
        FhirFormat format;
    };
    static constexpr Row rows[] = {
        {"application/fhir+json", FhirFormat::json},
        {"application/json", FhirFormat::json},
        {"application/json+fhir", FhirFormat::json},
        {"text/json", FhirFormat::json},
        {"json", FhirFormat::json},
        {"application/fhir+xml", FhirFormat::xml},
        {"application/xml", FhirFormat::xml},
        {"application/xml+fhir", FhirFormat::xml},
        {"text/xml", FhirFormat::xml},
        {"xml", FhirFormat::xml},
    };
    // "+" in a query is a blank that was meant as one.
    auto name = lower(trimmed(text.substr(0, text.find(';'))));
    std::replace(name.begin(), name.end(), ' ', '+');
    auto const* const row =
        std::find_if(std::begin(rows), std::end(rows), [&](Row const& r) { return r.name == name; });
    if (row == std::end(rows)) return std::nullopt;
    return row->format;
}

// The parameter fhirVersion says nothing else (http://hl7.org/fhir/R4/http.html#version-parameter).
bool is_r4(std::string_view media) {
    constexpr std::string_view name = "fhirversion=";
    bool good = true;
    each_of(media, ';', [&](std::string_view parameter) {
        auto value = lower(parameter);
        if (!value.starts_with(name)) return;
        value.erase(0, name.size());
        std::erase(value, '"');
        good = value == "4.0" || value.starts_with("4.0.");
    });
    return good;
}

// RFC 9110 §12.5.1, without weighing more than which comes first among the heaviest.
std::optional<FhirFormat> accepted(std::string_view accept) {
    if (trimmed(accept).empty()) return FhirFormat::json;
    std::optional<FhirFormat> best;
    double weight = 0;
    each_of(accept, ',', [&](std::string_view range) {
        double q = 1;
        each_of(range, ';', [&](std::string_view parameter) {
            if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) return;
            parameter.remove_prefix(2);
            q = parameter.starts_with('1') ? 1 : 0;
            double place = 0.1;
            for (char const c : parameter.substr(std::min<std::size_t>(2, parameter.size()))) {
                if (c < '0' || c > '9') break;
                q += (c - '0') * place;
                place /= 10;
            }
        });
        auto const media = lower(trimmed(range.substr(0, range.find(';'))));
        auto format = format_of(media);
        if (media == "*/*" || media == "application/*") format = FhirFormat::json;
        if (format && q > weight && is_r4(range)) {
            best = format;
            weight = q;
        }
    });
    return best;
}

// A parameter of a query or a form, where a blank is a plus.
std::string decoded(std::string_view text) {
    std::string out(text);
    std::replace(out.begin(), out.end(), '+', ' ');
    return percent_decoded(out);
}

// Takes a parameter out of a query, so that what is handed on has no wish about the form of our answer.
std::optional<std::string> take_parameter(std::string& query, std::string_view name) {
    std::optional<std::string> found;
    std::string rest;
    each_of(query, '&', [&](std::string_view pair) {
        if (pair.substr(0, pair.find('=')) == name) {
            auto const equals = pair.find('=');
            found = equals == std::string_view::npos ? std::string() : decoded(pair.substr(equals + 1));
        } else if (!pair.empty()) {
            (rest += rest.empty() ? "" : "&") += pair;
        }
    });
    query = std::move(rest);
    return found;
}

bool is_token(std::string_view text) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    return !text.empty() && text.size() <= 128 && text.find_first_not_of(allowed) == std::string_view::npos;
}

// "." and ".." lead elsewhere in a path (RFC 3986 §5.2.4).
bool is_id_in_path(std::string_view text) {
    return fhir::is_id(text) && text != "." && text != "..";
}

bool served(std::string_view name, FhirEndpoint const& endpoint) {
    static fhir::Type const resource = fhir::Type::find("Resource");
    auto const type = fhir::Type::find(name);
    if (!type.exists() || type.is_abstract() || !type.is(resource)) return false;
    auto const& only = endpoint.resources;
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
}

FhirRefusal not_allowed(std::string allow, std::string text) {
    return {405, "not-supported", std::move(text), std::move(allow)};
}

std::optional<FhirRefusal> not_found() {
    return FhirRefusal{404, "not-found", "there is nothing at this address"};
}

struct Address {
    std::vector<std::string> parts;  // of the path below the base
    std::string query;
};

std::string url_of(Address const& at) {
    std::string url;
    for (auto const& part : at.parts) (url += url.empty() ? "" : "/") += part;
    if (!at.query.empty()) (url += "?") += at.query;
    return url;
}

std::optional<FhirRefusal> read_operation(Address const& at, bool post, FhirEndpoint const& endpoint,
                                          FhirRequest& out) {
    auto const& name = at.parts.back();
    if (name == "$validate") {
        bool const typed = at.parts.size() > 1;
        if (at.parts.size() > 3 || (typed && !served(at.parts[0], endpoint))) return not_found();
        if (!post) return not_allowed("POST, OPTIONS", "$validate takes a resource with POST");
        out.deed = FhirDeed::validate;
        out.interaction.url = typed ? at.parts[0] : std::string();
        return std::nullopt;
    }
    if (name == "$process-message" && at.parts.size() == 1) {
        if (!post) return not_allowed("POST, OPTIONS", "$process-message takes a Bundle with POST");
        out.deed = FhirDeed::message;
        out.interaction.url = "$process-message";
        return std::nullopt;
    }
    return FhirRefusal{404, "not-supported", "this operation is not served here"};
}

// [type], [type]/_history, [type]/[id], [type]/[id]/_history, [type]/[id]/_history/[vid], and of a
// compartment [type]/[id]/[type] (http://hl7.org/fhir/R4/http.html). What stands there goes to the system
// behind, and leads nowhere but there.
std::optional<FhirRefusal> check_query_path(std::vector<std::string> const& parts,
                                            FhirEndpoint const& endpoint) {
    auto const size = parts.size();
    bool const of_type = size == 2 && (parts[1] == "_history" || parts[1] == "_search");
    if (size < 2 || of_type) return std::nullopt;
    if (!is_id_in_path(parts[1])) return FhirRefusal{400, "value", "the id in the address is none of FHIR's"};
    if (size == 2) return std::nullopt;
    bool const history = parts[2] == "_history";
    if (size == 3 && (history || served(parts[2], endpoint))) return std::nullopt;
    if (size == 4 && history && is_id_in_path(parts[3])) return std::nullopt;
    return not_found();
}

std::optional<FhirRefusal> read_query(std::string_view method, Address const& at,
                                      FhirEndpoint const& endpoint, FhirRequest& out,
                                      std::string_view allow) {
    if (!endpoint.facade)
        return not_allowed(std::string(allow),
                           "this endpoint takes resources and hands them on; it keeps none to be read");
    if (auto refusal = check_query_path(at.parts, endpoint)) return refusal;
    out.deed = FhirDeed::query;
    out.interaction.method = method == "HEAD" ? "GET" : std::string(method);
    out.interaction.url = url_of(at);
    return std::nullopt;
}

// They stand in the configuration: clients read them, and what they have told.
std::optional<FhirRefusal> read_subscription(std::string_view method, Address const& at, FhirRequest& out) {
    if (method != "GET" && method != "HEAD")
        return not_allowed(std::string(read_methods), "subscriptions are made in Hilum's configuration");
    auto const& parts = at.parts;
    bool const operation = parts.back() == "$status" || (parts.size() == 3 && parts.back() == "$events");
    if (parts.size() > 3 || (parts.size() == 3 && !operation)) return not_found();
    if (parts.back().starts_with('$') && !operation) return not_found();
    out.deed = FhirDeed::subscription;
    out.interaction.url = url_of(at);
    return std::nullopt;
}

std::optional<FhirRefusal> read_deed(std::string_view method, Address const& at, FhirEndpoint const& endpoint,
                                     FhirRequest& out) {
    bool const post = method == "POST", put = method == "PUT", gone = method == "DELETE";
    bool const get = method == "GET" || method == "HEAD";
    auto& request = out.interaction;
    request.method = method;
    if (at.parts.empty()) {
        if (get) return read_query(method, at, endpoint, out, "POST, OPTIONS");
        if (!post)
            return not_allowed("POST, OPTIONS", "the base takes batch and transaction Bundles with POST");
        request.url.clear();
        return std::nullopt;
    }
    if (at.parts[0] == "metadata" && at.parts.size() == 1) {
        if (!get) return not_allowed(std::string(read_methods), "metadata is read with GET");
        out.deed = FhirDeed::metadata;
        return std::nullopt;
    }
    bool const validating = at.parts.back() == "$validate";
    if (endpoint.subscriptions && at.parts[0] == "Subscription" && !validating)
        return read_subscription(method, at, out);
    if (at.parts.back().starts_with('$')) return read_operation(at, post, endpoint, out);
    if (!served(at.parts[0], endpoint))
        return FhirRefusal{404, "not-supported", "resources of this type are not served here"};
    auto const& type = at.parts[0];
    bool const whole_type = at.parts.size() == 1 && at.query.empty();
    auto const allow = std::string(endpoint.facade ? "GET, HEAD, " : "") +
                       (whole_type ? "POST, OPTIONS" : "PUT, DELETE, OPTIONS");
    if (get || (post && at.parts.size() == 2 && at.parts[1] == "_search"))
        return read_query(method, at, endpoint, out, allow);
    if (at.parts.size() > 2) return not_found();
    if (at.parts.size() == 2 && !is_id_in_path(at.parts[1]))
        return FhirRefusal{400, "value", "the id in the address is none of FHIR's"};
    if (post && at.parts.size() == 1) {
        request.url = type;
        return std::nullopt;
    }
    bool const conditional = at.parts.size() == 1 && !at.query.empty();
    if ((put || gone) && (at.parts.size() == 2 || conditional)) {
        request.url = type + (conditional ? "?" + at.query : "/" + at.parts[1]);
        return std::nullopt;
    }
    if (put || gone)
        return FhirRefusal{400, "required", "it needs an id, or search parameters, in the address"};
    return not_allowed(allow, "this method is not served here");
}

void read_prefer(std::string_view prefer, FhirRequest& out) {
    auto const one = [&](std::string_view wish) {
        using Prefer = FhirRequest::Prefer;
        if (wish == "return=minimal") out.prefer = Prefer::minimal;
        if (wish == "return=representation") out.prefer = Prefer::representation;
        if (wish == "return=OperationOutcome") out.prefer = Prefer::outcome;
        if (wish == "respond-async") out.async = true;
    };
    each_of(prefer, ',', [&](std::string_view part) { each_of(part, ';', one); });
}

// Below the base, or nothing.
std::optional<Address> address_of(std::string_view target, FhirEndpoint const& endpoint) {
    if (auto const scheme = target.find("://");
        !target.starts_with('/') && scheme != std::string_view::npos) {
        auto const slash = target.find('/', scheme + 3);  // absolute form (RFC 9112 §3.2.2)
        target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    Address at;
    auto const question = target.find('?');
    if (question != std::string_view::npos) at.query = target.substr(question + 1);
    auto path = target.substr(0, question);
    if (!path.starts_with(endpoint.base)) return std::nullopt;
    path.remove_prefix(endpoint.base.size());
    if (!path.empty() && path[0] != '/') return std::nullopt;
    each_of(path, '/', [&](std::string_view part) {
        if (!part.empty()) at.parts.push_back(percent_decoded(part));
    });
    return at;
}

std::optional<FhirRefusal> read_answer_form(Head const& head, Address& at, FhirRequest& out) {
    auto const wanted = take_parameter(at.query, "_format");
    take_parameter(at.query, "_pretty");
    auto const answer = wanted ? format_of(*wanted) : accepted(header(head, http::field::accept));
    if (answer) out.answer = *answer;
    if (!answer)
        return FhirRefusal{406, "not-supported",
                           "answers come as application/fhir+json or application/fhir+xml"};
    each_of(header(head, http::field::accept_encoding), ',', [&](std::string_view part) {
        auto const name = lower(trimmed(part.substr(0, part.find(';'))));
        bool const refused =
            part.find("q=0") != std::string_view::npos && part.find("q=0.") == std::string_view::npos;
        if (name == "gzip" && !refused) out.takes_gzip = true;
    });
    return std::nullopt;
}

std::optional<FhirRefusal> read_body_form(Head const& head, FhirRequest& out) {
    auto const type = header(head, http::field::content_type);
    auto const body = type.empty() ? std::optional(FhirFormat::json) : format_of(type);
    if (body) out.body = *body;
    bool const search = out.deed == FhirDeed::query;  // takes a form
    if (search && (type.empty() || lower(type).starts_with("application/x-www-form-urlencoded")))
        return std::nullopt;
    if (!body || search)
        return FhirRefusal{415, "not-supported", "send it as application/fhir+json or application/fhir+xml"};
    if (!is_r4(type)) return FhirRefusal{415, "not-supported", "resources are FHIR R4, fhirVersion=4.0"};
    auto const charset = charset_of(type);
    if (!charset.empty() && charset != "utf-8" && charset != "us-ascii")
        return FhirRefusal{415, "not-supported", "resources are UTF-8"};
    auto const coding = lower(trimmed(header(head, http::field::content_encoding)));
    out.gzipped = coding == "gzip" || coding == "x-gzip";
    if (!out.gzipped && !coding.empty() && coding != "identity")
        return FhirRefusal{415, "not-supported", "the only Content-Encoding known here is gzip"};
    return std::nullopt;
}

}  // namespace

std::optional<FhirRefusal> read_fhir_request(Head const& head, FhirEndpoint const& endpoint,
                                             FhirRequest& out) {
    auto const id = header(head, "X-Request-Id");
    if (is_token(id)) out.request_id = id;
    auto const origin = header(head, http::field::origin);
    if (origin.size() <= 256 && origin.find_first_of("\r\n") == std::string_view::npos) out.origin = origin;
    auto at = address_of(view(head.target()), endpoint);
    if (!at) return not_found();
    auto const method = view(head.method_string());
    if (auto refusal = read_answer_form(head, *at, out)) return refusal;
    if (method == "OPTIONS") {
        out.deed = FhirDeed::options;
        return std::nullopt;
    }
    out.async = take_parameter(at->query, "async").value_or("") == "true";
    read_prefer(header(head, "Prefer"), out);
    if (auto refusal = read_deed(method, *at, endpoint, out)) return refusal;
    if (method == "POST" || method == "PUT")
        if (auto refusal = read_body_form(head, out)) return refusal;
    auto& request = out.interaction;
    request.if_match = trimmed(header(head, http::field::if_match));
    request.if_none_match = trimmed(header(head, http::field::if_none_match));
    if (out.deed == FhirDeed::interact && method == "POST")
        request.if_none_exist = trimmed(header(head, "If-None-Exist"));
    return std::nullopt;
}

Result<std::string> json_body(std::string_view body, FhirRequest const& request, std::size_t bytes_max) {
    std::string unpacked;
    if (request.gzipped) {
        auto plain = gunzip(body, bytes_max);
        if (!plain) return plain;
        unpacked = std::move(*plain);
        body = unpacked;
    }
    if (request.body == FhirFormat::json) return {boost::system::in_place_value, body};
    auto const resource = fhir::Resource::read_xml(body);
    if (!resource) return resource.error();
    return {boost::system::in_place_value, resource->json()};
}

std::string cors_headers(std::string_view origin) {
    if (origin.empty()) return {};
    return "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: ETag, Location, "
           "Content-Location, "
           "Last-Modified, X-Request-Id, Retry-After\r\n";
}

HttpReply fhir_reply(unsigned status, std::string json, FhirRequest const& request, std::string extra) {
    HttpReply reply;
    reply.status = status;
    reply.extra = cors_headers(request.origin) + std::move(extra);
    if (!request.request_id.empty()) reply.extra += "X-Request-Id: " + request.request_id + "\r\n";
    reply.content_type = "application/fhir+json; charset=utf-8";
    reply.body = std::move(json);
    if (!reply.body.empty() && request.answer == FhirFormat::xml) {
        auto const resource = fhir::Resource::read_json(reply.body);
        auto xml = resource ? resource->xml() : Result<std::string>(resource.error());
        if (xml) {
            reply.body = std::move(*xml);
            reply.content_type = "application/fhir+xml; charset=utf-8";
        }
    }
    if (request.takes_gzip && reply.body.size() >= gzip_from) {
        reply.body = gzip(reply.body);
        reply.extra += "Content-Encoding: gzip\r\nVary: Accept, Accept-Encoding\r\n";
    }
    return reply;
}

HttpReply fhir_reply(FhirRefusal const& refusal, FhirRequest const& request) {
    auto outcome = fhir::operation_outcome(error("refused", "", refusal.text), refusal.issue);
    return fhir_reply(refusal.status, std::move(outcome), request,
                      refusal.allow.empty() ? std::string() : "Allow: " + refusal.allow + "\r\n");
}

}  // namespace hilum::listeners
