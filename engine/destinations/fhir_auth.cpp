#include "engine/destinations/fhir_auth.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>

#include "engine/destinations/http_answer.h"
#include "engine/net/url.h"
#include "parsers/base64.h"
#include "parsers/json.h"
#include "parsers/percent.h"

namespace hilum::destinations {

using namespace std::chrono_literals;

namespace {

// Before it ends, so that none ends on its way: of one that lives shortly the last quarter of its life.
constexpr std::chrono::milliseconds renewed_before = 60s;
constexpr auto assertion_lives = 240;  // seconds; SMART Backend Services allows five minutes
constexpr std::size_t key_max = 64 * 1024;

bool one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// Tokens of a type that we don't know must not be used (RFC 6749 §7.1); a server that leaves the type out
// means this one.
bool is_bearer(std::string_view type) {
    constexpr std::string_view bearer = "bearer";
    return type.empty() || std::equal(type.begin(), type.end(), bearer.begin(), bearer.end(),
                                      [](char a, char b) { return (a | 0x20) == b; });
}

Result<net::SigningKey> read_key(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return error("no_key", "", "the key file can't be read", "check its path and who may read it");
    std::string pem;
    for (std::istreambuf_iterator<char> at(file), end; at != end && pem.size() < key_max; ++at) pem += *at;
    return net::SigningKey::read(pem);
}

}  // namespace

void check_auth(config::Node const* written, AuthOptions const& options, config::Diagnostics& diagnostics) {
    if (!written) return;
    std::size_t ways = 0;
    for (char const* way : {"basic", "bearer", "oauth"}) ways += written->find(way) != nullptr;
    if (ways != 1)
        diagnostics.error(written->where, ways == 0 ? "auth does not say how" : "auth says several ways",
                          "give it one of basic:, bearer: and oauth:");
    for (auto const* text : {&options.bearer, &options.basic.user, &options.basic.password})
        if (!one_line(text->value))
            diagnostics.error(text->where, "it is not one line of text", "remove the line end");
    if (options.basic.user.value.find(':') != std::string::npos)  // RFC 7617 §2
        diagnostics.error(options.basic.user.where, "the name of a user has no colon",
                          "what follows it would be taken for the password");
    auto const* const oauth = written->find("oauth");
    if (!oauth) return;
    auto const& o = options.oauth;
    if (!o.token_url.empty()) {
        if (auto const url = net::parse_http_url(o.token_url.value); !url)
            diagnostics.error(o.token_url.where, url.error().what, url.error().next);
    }
    if (o.client_secret.empty() == o.key_file.empty())
        diagnostics.error(oauth->where, "oauth takes either a secret or a key",
                          "write client_secret:, or key_file: for SMART Backend Services");
    if (o.key_file.empty()) return;
    if (auto const key = read_key(o.key_file.value); !key)
        diagnostics.error(o.key_file.where, key.error().what, key.error().next);
}

Authorization::Authorization(config::Node const* written, AuthOptions options, net::Runtime& runtime) {
    if (!written) return;
    if (written->find("basic"))
        fixed_ = "Authorization: Basic " +
                 to_base64(options.basic.user.value + ":" + options.basic.password.value) + "\r\n";
    if (written->find("bearer")) fixed_ = "Authorization: Bearer " + options.bearer.value + "\r\n";
    if (!written->find("oauth")) return;
    oauth_ = std::move(options.oauth);
    if (!oauth_->key_file.empty())
        if (auto key = read_key(oauth_->key_file.value)) key_ = std::move(*key);
    if (auto url = net::parse_http_url(oauth_->token_url.value))
        client_ =
            std::make_unique<HttpClient>(runtime, std::move(*url), HttpClientLimits{10s, 30s, 1U << 20U});
}

bool Authorization::renew() {
    bool const aged = !token_.empty() && !fresh_;
    token_.clear();
    return oauth_.has_value() && aged;
}

net::Task<std::variant<std::string, Attempt>> Authorization::header() {
    if (!oauth_) co_return fixed_;
    if (token_.empty() || std::chrono::steady_clock::now() >= renewed_at_) {
        auto failed = co_await ask();
        if (failed) co_return std::move(*failed);
    }
    co_return "Authorization: Bearer " + token_ + "\r\n";
}

// RFC 6749 §4.4.2; with a key RFC 7523 §2.2.
Result<std::string> Authorization::form() const {
    std::string out = "grant_type=client_credentials";
    if (!oauth_->scope.empty()) out += "&scope=" + percent_encoded(oauth_->scope.value);
    if (!key_) {
        out += "&client_id=" + percent_encoded(oauth_->client_id.value) +
               "&client_secret=" + percent_encoded(oauth_->client_secret.value);
        return {boost::system::in_place_value, std::move(out)};
    }
    auto const now = static_cast<std::int64_t>(std::time(nullptr));
    auto const id = net::random_id();
    if (id.empty()) return error("not_signed", "", "there is nothing random to sign with");
    json::Writer head, claims;
    head.object([&] {
        head.field("alg", key_->algorithm());
        head.field("typ", "JWT");
        head.field_if("kid", oauth_->key_id.value);
    });
    claims.object([&] {
        claims.field("iss", oauth_->client_id.value);
        claims.field("sub", oauth_->client_id.value);
        claims.field("aud", oauth_->token_url.value);
        claims.field("jti", id);
        claims.field("iat", now);
        claims.field("exp", now + assertion_lives);
    });
    auto const assertion = key_->sign(head.text(), claims.text());
    if (!assertion) return assertion.error();
    out +=
        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_"
        "assertion=" +
        *assertion;
    return {boost::system::in_place_value, std::move(out)};
}

net::Task<std::optional<Attempt>> Authorization::ask() {
    token_.clear();
    auto const body = form();
    if (!body || !client_)
        co_return Attempt{AttemptClass::local, "no_token", "a token could not be asked for", {}, {}};
    client_->begin();
    if (auto failed = co_await client_->connect()) {
        failed->text = "the server of tokens: " + failed->text;
        co_return std::move(*failed);
    }
    HttpRequestText const request{
        "POST", client_->url().target,
        "Content-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\n", *body};
    auto result = co_await client_->exchange(request);
    // Nothing of the message has left: whatever became of it, it can be tried again.
    if (auto* const failed = std::get_if<Attempt>(&result))
        co_return Attempt{AttemptClass::connect, "no_token", "the server of tokens: " + failed->text, {}, {}};
    auto const& response = std::get<HttpResponseText>(result);
    auto const answer = json::parse(response.body);
    auto const token = answer ? answer->text("access_token") : std::string_view();
    if (response.status != 200 || token.empty() || !one_line(token) ||
        !is_bearer(answer->text("token_type"))) {
        client_->drop();
        bool const ours = response.status >= 400 && response.status < 500 && response.status != 408 &&
                          response.status != 429;
        std::string why = "the server of tokens gave none";
        for (auto const* name : {"error", "error_description"})  // RFC 6749 §5.2
            if (auto const said = answer ? answer->text(name) : std::string_view(); !said.empty())
                (why += ": ") += said.substr(0, 200);
        if (ours) why += "; see to auth: the address, client_id, its secret or key, and the scope";
        co_return Attempt{ours ? AttemptClass::login : AttemptClass::busy,
                          "token/HTTP " + std::to_string(response.status), std::move(why),
                          // Of a refusal: anything else may hold a token.
                          response.status >= 400 ? response.body.substr(0, 4096) : std::string(),
                          retry_after(response.retry_after, std::time(nullptr))};
    }
    token_ = token;
    fresh_ = true;
    auto const said = std::min<std::uint64_t>(answer->number("expires_in"), 86'400);
    // One that does not say how long it lives is asked for again soon.
    std::chrono::milliseconds const lives = std::chrono::seconds(said == 0 ? 80 : said);
    renewed_at_ = std::chrono::steady_clock::now() + lives - std::min(renewed_before, lives / 4);
    co_return std::nullopt;
}

}  // namespace hilum::destinations
