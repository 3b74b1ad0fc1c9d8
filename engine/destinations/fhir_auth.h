// How a FHIR server is told who asks: the key `auth` of a destination.
//
//   auth: { basic: { user: hilum, password: "${file:/run/secrets/ehr}" } }
//   auth: { bearer: "${file:/run/secrets/token}" }
//   auth: { oauth: { token_url: "http://ehr.example/token", client_id: hilum, key_file:
//   /run/secrets/hilum.pem,
//                    key_id: k1, scope: system/*.write } }
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "engine/destinations/http_client.h"
#include "engine/net/jwt.h"
#include "routes/config/describe.h"

namespace hilum::destinations {

struct BasicOptions {
    config::Text user, password;
};
template <class V>
void describe(V& v, BasicOptions& o) {
    v.required("user", o.user, "the name of the user");
    v.required("password", o.password, "the password, best from a file: ${file:/run/secrets/NAME}");
}

struct OauthOptions {
    config::Text token_url, client_id, client_secret, key_file, key_id, scope;
};
template <class V>
void describe(V& v, OauthOptions& o) {
    v.required("token_url", o.token_url, "where tokens are given (OAuth 2, RFC 6749 §4.4)");
    v.required("client_id", o.client_id, "the name that the server knows Hilum by");
    v.optional("client_secret", o.client_secret, "the secret it shares with it, best from a file");
    v.optional("key_file", o.key_file,
               "or the private key, in PEM, that signs for it (SMART Backend Services, private_key_jwt): RSA "
               "(RS384) or "
               "P-384 (ES384)");
    v.optional("key_id", o.key_id, "the key's name in the set of keys that the server knows");
    v.optional("scope", o.scope, "what is asked for, such as system/*.write");
}

struct AuthOptions {
    BasicOptions basic;
    config::Text bearer;
    OauthOptions oauth;
};
template <class V>
void describe(V& v, AuthOptions& o) {
    v.optional("basic", o.basic, "a user and a password with each request (RFC 7617)");
    v.optional("bearer", o.bearer, "a token with each request (RFC 6750), best from a file");
    v.optional("oauth", o.oauth, "a token that is asked for, and renewed before it ends");
}

// `written` is the key's node, for what was said of it.
void check_auth(config::Node const* written, AuthOptions const& options, config::Diagnostics& diagnostics);

// One connection's. Used on its context.
class Authorization {
  public:
    Authorization(config::Node const* written, AuthOptions options, net::Runtime& runtime);

    // The header line with which a request may go; an attempt that failed when there is no token to be had.
    // Asks for one when there is none, or it ends within a minute (or the last quarter of its life).
    net::Task<std::variant<std::string, Attempt>> header();
    // The server would not have the token, which is forgotten: false when a new one would be no use, because
    // this one was new.
    bool renew();
    void worked() { fresh_ = false; }  // the server has had the token
    void close() noexcept {
        if (client_) client_->close();
    }

  private:
    net::Task<std::optional<Attempt>> ask();
    Result<std::string> form() const;

    std::string fixed_;  // of basic and bearer
    std::optional<OauthOptions> oauth_;
    std::optional<net::SigningKey> key_;
    std::unique_ptr<HttpClient> client_;
    std::string token_;
    bool fresh_ = false;  // no request has gone through with it
    std::chrono::steady_clock::time_point renewed_at_{};
};

}  // namespace hilum::destinations
