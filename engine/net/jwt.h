// Signed JSON Web Tokens (RFC 7519) for private_key_jwt (RFC 7523): RS384 and ES384, as SMART Backend
// Services asks for them. By OpenSSL.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "parsers/result.h"

namespace hilum::net {

// A private key: RSA of 2048 bits and more signs RS384, one on the curve P-384 ES384.
class SigningKey {
  public:
    // From PEM, without a pass phrase. Errors, which never hold any of it: "bad_key", "weak_key",
    // "unknown_key".
    static Result<SigningKey> read(std::string_view pem);

    std::string_view algorithm() const;  // "RS384"
    // header.claims.signature; both are JSON objects. Error "not_signed".
    Result<std::string> sign(std::string_view header, std::string_view claims) const;

  private:
    struct Key;
    std::shared_ptr<Key const> key_;
};

// Without padding, as tokens are written (RFC 7515 §2).
std::string base64url(std::string_view bytes);
// 128 bits that nobody guesses, as text: a token's jti. "" when the system has no randomness.
std::string random_id();

}  // namespace hilum::net
