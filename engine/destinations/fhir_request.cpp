#include "engine/destinations/fhir_request.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "engine/destinations/http_answer.h"
#include "engine/flow/fhir_identity.h"
#include "parsers/fhir/edit.h"
#include "parsers/fhir/validation/formats.h"
#include "parsers/percent.h"

namespace hilum::destinations {
namespace {

constexpr std::size_t kept = 4096;
constexpr std::string_view mend_login =
    "the server does not accept who Hilum says it is; see to auth, and to its rights there";

using Identifier = flow::FhirIdentifier;

// What an expression gives, or the first.
Identifier identifier_of(fhir::Resource const& whole, fhir::Element resource, FhirWriting const& writing,
                         std::int64_t now_us) {
    if (writing.identifier.valid()) {
        expression::Context context;
        context.now_us = now_us;
        context.resource = &whole;
        context.focus = resource;
        auto const value = writing.identifier.text(context);
        return {"", value ? *value : std::string(), true};
    }
    return flow::first_identifier(resource);
}

// It becomes part of an address, and nothing may have checked it.
std::string id_for(fhir::Element resource, Identifier const& identifier, FhirWriting const& writing,
                   std::uint64_t message, std::size_t number) {
    if (writing.own_ids && fhir::is_id(identifier.value)) return identifier.value;
    return flow::fhir_id(resource, identifier, message, number);
}

std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : text) {
        if (c == '\\' || c == ',' || c == '$' || c == '|') out += '\\';
        out += c;
    }
    return out;
}

// As a search (http://hl7.org/fhir/R4/search.html#token): "|value" would be one that has no system, and what
// parts values is escaped.
std::string search_for(Identifier const& identifier) {
    std::string token = identifier.any_system ? "" : escaped(identifier.system) + "|";
    return "identifier=" + percent_encoded(token + escaped(identifier.value));
}

std::string address(std::string_view type, std::string_view id) {
    return std::string(type) + "/" + percent_encoded(id);
}

Result<void> set_child(fhir::Editor& edit, fhir::Element parent, std::string_view name,
                       std::string const& text) {
    auto element = parent.child(name);
    if (!element.exists()) {
        auto made = edit.append(parent, name, false, fhir::Kind::nothing);
        if (!made) return made.error();
        element = *made;
    }
    auto const done = edit.set(element, fhir::Kind::string, text);
    if (!done) return done.error();
    return {};
}

// What was known under another name before the entries got their ids.
using NewNames = std::map<std::string, std::string, std::less<>>;

// The entry is put where its id says. Its fullUrl agrees with that, unless it says nothing of ids
// (http://hl7.org/fhir/R4/bundle.html#bundle-unique).
Result<void> put_entry(fhir::Editor& edit, fhir::Element entry, std::string const& id, NewNames& names) {
    auto const request = entry.child("request"), resource = entry.child("resource");
    std::string const type(resource.resource_type()), full_url(entry.text_of("fullUrl"));
    auto const old = type + "/" + std::string(resource.text_of("id"));
    auto const url = address(type, id);
    bool const by_id = resource.child("id").exists() && (full_url.empty() || full_url.ends_with("/" + old));
    if (!full_url.empty()) names.emplace(full_url, url);
    if (by_id) names.emplace(old, url);
    if (by_id && !full_url.empty()) {
        auto const base = full_url.substr(0, full_url.size() - old.size());
        if (auto done = set_child(edit, entry, "fullUrl", base + url); !done) return done;
    }
    if (auto done = set_child(edit, resource, "id", id); !done) return done;
    if (auto done = set_child(edit, request, "method", "PUT"); !done) return done;
    return set_child(edit, request, "url", url);
}

// References inside the Bundle follow: a server does that only for ids that it gives itself
// (http://hl7.org/fhir/R4/http.html#trules).
Result<void> rename_references(fhir::Resource& bundle, NewNames const& names) {
    fhir::Editor edit(bundle);
    for (auto e = bundle.root(); e.exists();) {
        if (e.name() == "reference" && e.has_value()) {
            auto const found = names.find(e.text());
            if (found != names.end())
                if (auto const done = edit.set(e, fhir::Kind::string, found->second); !done)
                    return done.error();
        }
        auto next = e.first();
        while (!next.exists() && e.exists()) {
            next = e.next();
            e = e.parent();
        }
        e = next;
    }
    return {};
}

// Entries that would be created are put, or created only when they are not there yet.
Result<void> rewrite_entries(fhir::Resource& bundle, FhirWriting const& writing, std::uint64_t message,
                             std::int64_t now_us) {
    fhir::Editor edit(bundle);
    NewNames names;
    std::size_t number = 0;
    for (auto entry = bundle.root().child("entry"); entry.exists(); entry = entry.next()) {
        if (entry.name() != "entry") continue;
        ++number;
        auto const request = entry.child("request"), resource = entry.child("resource");
        if (!request.exists() || !resource.exists() || request.text_of("method") != "POST") continue;
        // An operation, say, is no creation.
        if (request.text_of("url") != resource.resource_type() || request.child("ifNoneExist").exists())
            continue;
        auto const identifier = identifier_of(bundle, resource, writing, now_us);
        if (writing.as == WriteAs::conditional) {
            if (identifier.value.empty()) continue;
            if (auto done = set_child(edit, request, "ifNoneExist", search_for(identifier)); !done)
                return done;
            continue;
        }
        auto const id = id_for(resource, identifier, writing, message, number);
        if (auto done = put_entry(edit, entry, id, names); !done) return done;
    }
    return names.empty() ? Result<void>() : rename_references(bundle, names);
}

void note_entries(fhir::Element bundle, FhirCall& call) {
    call.transaction = bundle.text_of("type") == "transaction";
    for (auto entry = bundle.child("entry"); entry.exists(); entry = entry.next()) {
        if (entry.name() != "entry") continue;
        auto const request = entry.child("request");
        call.entries.emplace_back(request.exists() ? request.text_of("method") : "");
        call.versioned.push_back(request.exists() && request.child("ifMatch").exists());
    }
}

unsigned entry_status(fhir::Element entry) {
    auto const response = entry.child("response");
    auto const text = response.text_of("status");
    unsigned status = 0;
    std::from_chars(text.data(), text.data() + std::min<std::size_t>(3, text.size()), status);
    return status;
}

AttemptClass class_of(unsigned status, std::string_view method, bool if_match = false) {
    if (status >= 200 && status < 300) return AttemptClass::delivered;
    if (status == 304) return AttemptClass::delivered;  // If-None-Exist, If-None-Match: it is there already
    // Two writers met (409): the same again comes through, for what is sent changes nothing twice. But not
    // when it is for a version that is no longer, or others still refer to what it deletes.
    if (status == 409 && (if_match || method == "DELETE")) return AttemptClass::ae;
    // Who Hilum is there, or what it may: no answer to what was asked, not even to a read.
    if (status == 401) return AttemptClass::login;
    if (status == 403) return AttemptClass::ar;
    if (status == 408 || status == 409 || status == 425 || status == 429 || status >= 500)
        return AttemptClass::busy;
    if (method == "GET" || method == "HEAD") return AttemptClass::delivered;  // any answer is one
    if (method == "DELETE" && (status == 404 || status == 410)) return AttemptClass::delivered;
    if (status == 400 || status == 412 || status == 422) return AttemptClass::ae;
    return status >= 400 ? AttemptClass::ar : AttemptClass::bad_answer;
}

// A transaction that conflicts as a whole does not say which entry did: one that would again may be among
// them.
bool is_definite(FhirCall const& call) {
    auto const any = [](auto const& list, auto const& what) {
        return std::find(list.begin(), list.end(), what) != list.end();
    };
    return call.transaction && (any(call.versioned, true) || any(call.entries, "DELETE"));
}

// What the server says is wrong, for the trace.
std::string first_issue(fhir::Element outcome) {
    auto const issue = outcome.exists() ? outcome.child("issue") : fhir::Element();
    if (!issue.exists()) return {};
    auto text = std::string(issue.text_of("diagnostics"));
    auto const details = issue.child("details");
    if (text.empty() && details.exists()) text = details.text_of("text");
    std::string const code(issue.text_of("code"));
    return text.empty() ? code : code + ": " + text.substr(0, 500);
}

// Of a batch-response: the worst of what became of the entries.
void judge_entries(fhir::Resource const& bundle, FhirCall const& call, Attempt& attempt) {
    std::size_t number = 0;
    for (auto entry = bundle.root().child("entry"); entry.exists(); entry = entry.next()) {
        if (entry.name() != "entry") continue;
        ++number;
        auto const status = entry_status(entry);
        auto const method = number <= call.entries.size() ? std::string_view(call.entries[number - 1]) : "";
        bool const versioned = number <= call.versioned.size() && call.versioned[number - 1];
        auto result = status == 0 ? AttemptClass::delivered : class_of(status, method, versioned);
        // Others of the batch have come through: it is this entry that may not.
        if (result == AttemptClass::login) result = AttemptClass::ar;
        if (result == AttemptClass::delivered) continue;
        // What can be tried again is: the whole, which changes nothing where it was done.
        bool const worse = attempt.result == AttemptClass::delivered || result == AttemptClass::busy;
        if (!worse || attempt.result == AttemptClass::busy) continue;
        attempt.result = result;
        attempt.code = "HTTP " + std::to_string(status);
        auto const outcome = entry.child("response").child("outcome");
        attempt.text = "entry " + std::to_string(number) + ": " + first_issue(outcome);
    }
}

}  // namespace

Result<FhirCall> fhir_call(std::string_view body, FhirWriting const& writing, std::uint64_t message,
                           std::int64_t now_us) {
    FhirCall call;
    fhir::Interaction interaction;
    if (fhir::looks_like_interaction(body)) {
        auto read = fhir::Interaction::read(body);
        if (!read) return read.error();
        interaction = std::move(*read);
    } else {
        auto read = fhir::Resource::read_xml(body);
        if (!read) return read.error();
        interaction.resource = std::move(*read);
        interaction.request = fhir::default_request(interaction.resource);
    }
    auto& request = interaction.request;
    auto& resource = interaction.resource;
    bool const plain =
        interaction.has_body && request == fhir::default_request(resource) && request.url == resource.type();
    if (plain && writing.as != WriteAs::create) {
        auto const identifier = identifier_of(resource, resource.root(), writing, now_us);
        if (writing.as == WriteAs::update) {
            auto const id = id_for(resource.root(), identifier, writing, message, 0);
            fhir::Editor edit(resource);
            if (auto const done = set_child(edit, resource.root(), "id", id); !done) return done.error();
            request.method = "PUT";
            request.url = address(resource.type(), id);
        } else if (!identifier.value.empty()) {
            request.if_none_exist = search_for(identifier);
        }
    } else if (interaction.has_body && request.url.empty() && writing.as != WriteAs::create) {
        if (auto const done = rewrite_entries(resource, writing, message, now_us); !done) return done.error();
    }
    // The last look at what becomes a request line and headers, whoever wrote it.
    if (auto const sayable = fhir::check_request(request); !sayable) return sayable.error();
    call.method = request.method;
    // A page of a search may be at the base itself: [base]?_getpages=…
    bool const at_base = request.url.empty() || request.url.starts_with('?') || request.url.starts_with('/');
    call.target = (at_base ? "" : "/") + request.url;
    if (interaction.has_body && request.url.empty()) note_entries(resource.root(), call);
    auto const condition = [&](std::string_view name, std::string const& value) {
        if (value.empty()) return;
        ((call.headers += name) += value) += "\r\n";
    };
    condition("If-None-Exist: ", request.if_none_exist);
    condition("If-Match: ", request.if_match);
    call.if_match = !request.if_match.empty();
    condition("If-None-Match: ", request.if_none_match);
    if (interaction.has_body) call.json = resource.json();
    return call;
}

Attempt read_fhir_answer(HttpResponseText const& response, FhirCall const& call, std::time_t now) {
    Attempt attempt;
    attempt.result = class_of(response.status, call.method, call.if_match || is_definite(call));
    attempt.code = "HTTP " + std::to_string(response.status);
    attempt.answer = response.body.substr(0, kept);
    if (attempt.result == AttemptClass::busy) attempt.retry_after = retry_after(response.retry_after, now);
    if (response.status >= 300 && response.status < 400 && response.status != 304)
        attempt.text = "the receiver redirects; redirects are not followed";
    auto const resource = response.body.empty() ? Result<fhir::Resource>(error("", "", ""))
                                                : fhir::Resource::read_json(response.body);
    if (resource && attempt.result != AttemptClass::delivered && resource->type() == "OperationOutcome")
        attempt.text = first_issue(resource->root());
    if (attempt.result == AttemptClass::login)
        attempt.text += (attempt.text.empty() ? "" : "; ") + std::string(mend_login);
    if (!resource) return attempt;
    if (attempt.result == AttemptClass::delivered && resource->type() == "Bundle" && call.target.empty())
        judge_entries(*resource, call, attempt);
    return attempt;
}

}  // namespace hilum::destinations
