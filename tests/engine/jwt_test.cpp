// Tokens for OAuth and identifiers from names. OpenSSL verifies what was signed, with the public half alone.
#include "engine/net/jwt.h"

#include <doctest/doctest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <set>
#include <string>

#include "parsers/base64.h"
#include "parsers/uuid.h"

using namespace hilum;
using net::SigningKey;

namespace {

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

Key rsa(unsigned bits) {
    return Key(EVP_RSA_gen(bits));
}
Key curve(char const* name) {
    return Key(EVP_EC_gen(name));
}
Key edwards() {
    return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

std::string taken(BIO* bio) {
    char* text = nullptr;
    auto const size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free_all(bio);
    return out;
}

std::string pem(Key const& key, char const* phrase = nullptr) {
    REQUIRE(key != nullptr);
    auto* const bio = BIO_new(BIO_s_mem());
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(bio, key.get(), phrase ? EVP_aes_256_cbc() : nullptr, phrase,
                                          phrase ? 4 : 0, nullptr, nullptr) == 1);
    return taken(bio);
}

std::string public_pem(Key const& key) {
    auto* const bio = BIO_new(BIO_s_mem());
    REQUIRE(PEM_write_bio_PUBKEY(bio, key.get()) == 1);
    return taken(bio);
}

// As the key was written before PKCS #8 (openssl ecparam -genkey).
std::string traditional_pem(Key const& key) {
    auto* const bio = BIO_new(BIO_s_mem());
    REQUIRE(PEM_write_bio_PrivateKey_traditional(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return taken(bio);
}

// r and s of a JWS (RFC 7518 §3.4) as the ASN.1 that OpenSSL reads.
std::string der(std::string const& raw) {
    auto const* const bytes = reinterpret_cast<unsigned char const*>(raw.data());
    auto* const signature = ECDSA_SIG_new();
    REQUIRE(ECDSA_SIG_set0(signature, BN_bin2bn(bytes, 48, nullptr), BN_bin2bn(bytes + 48, 48, nullptr)) ==
            1);
    unsigned char* out = nullptr;
    auto const size = i2d_ECDSA_SIG(signature, &out);
    std::string text(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
    OPENSSL_free(out);
    ECDSA_SIG_free(signature);
    return text;
}

bool verifies(Key const& key, std::string const& text, std::string const& signature) {
    auto* const context = EVP_MD_CTX_new();
    auto const* const s = reinterpret_cast<unsigned char const*>(signature.data());
    auto const* const t = reinterpret_cast<unsigned char const*>(text.data());
    bool const good = EVP_DigestVerifyInit(context, nullptr, EVP_sha384(), nullptr, key.get()) == 1 &&
                      EVP_DigestVerify(context, s, signature.size(), t, text.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

std::string code_of(std::string const& text) {
    auto const key = SigningKey::read(text);
    if (key) return "";
    auto const said = key.error().text();
    // Nothing of the key in what is said of it.
    for (std::size_t i = 30; i + 8 < text.size(); i += 8) {
        auto const piece = text.substr(i, 8);
        if (piece.find_first_of("- ") == std::string::npos) CHECK(said.find(piece) == std::string::npos);
    }
    return key.error().code;
}

}  // namespace

TEST_CASE("tokens are signed so that others can verify them") {
    struct Row {
        Key key;
        std::string_view algorithm;
        std::size_t size;
    };
    Row rows[] = {{rsa(2048), "RS384", 256}, {rsa(3072), "RS384", 384}, {curve("P-384"), "ES384", 96}};
    std::string const header = R"({"alg":"x","typ":"JWT"})", claims = R"({"iss":"hilum","x":"~~~???"})";
    for (auto const& row : rows) {
        CAPTURE(row.algorithm);
        for (auto const& text : {pem(row.key), traditional_pem(row.key), "comment\n" + pem(row.key) + "\n"}) {
            auto const key = SigningKey::read(text);
            REQUIRE(key.has_value());
            CHECK(key->algorithm() == row.algorithm);
            // Of the curve's signatures some have a zero in front, which must not get lost.
            for (int i = 0; i < (row.size == 96 ? 300 : 3); ++i) {
                auto const token = key->sign(header, claims);
                REQUIRE(token.has_value());
                auto const first = token->find('.'), second = token->rfind('.');
                REQUIRE(first < second);
                CHECK(token->find_first_of("+/=\r\n") == std::string::npos);
                CHECK(from_base64(token->substr(0, first), Base64::url) == header);
                CHECK(from_base64(token->substr(first + 1, second - first - 1), Base64::url) == claims);
                auto const signature = from_base64(token->substr(second + 1), Base64::url);
                REQUIRE(signature.has_value());
                CHECK(signature->size() == row.size);
                auto const as_openssl = row.size == 96 ? der(*signature) : *signature;
                CHECK(verifies(row.key, token->substr(0, second), as_openssl));
                CHECK(!verifies(row.key, token->substr(0, second) + "x", as_openssl));
            }
        }
    }
    // What signs outlives where it was read from, and is copied.
    SigningKey copy;
    {
        auto const key = SigningKey::read(pem(rows[2].key));
        REQUIRE(key.has_value());
        copy = *key;
    }
    CHECK(copy.sign("{}", "{}").has_value());
}

TEST_CASE("keys that are none, or do not do, are refused") {
    auto const good = pem(curve("P-384"));
    struct Row {
        std::string text;
        std::string_view code;
    };
    Row const rows[] = {
        {"", "bad_key"},
        {"x", "bad_key"},
        {std::string("\0\0\0", 3), "bad_key"},
        {"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "bad_key"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "bad_key"},
        {"-----BEGIN PRIVATE KEY-----\n" + std::string(60'000, 'A') + "\n-----END PRIVATE KEY-----\n",
         "bad_key"},
        {good.substr(0, good.size() / 2), "bad_key"},
        {public_pem(curve("P-384")), "bad_key"},
        {pem(curve("P-384"), "open"), "bad_key"},  // nobody is there to be asked for the phrase
        {pem(rsa(1024)), "weak_key"},
        {pem(curve("P-256")), "unknown_key"},
        {pem(curve("P-521")), "unknown_key"},
        {pem(curve("secp256k1")), "unknown_key"},
        {pem(curve("brainpoolP384r1")), "unknown_key"},  // as long as P-384, and another curve
        {pem(edwards()), "unknown_key"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text.substr(0, 40));
        CHECK(code_of(row.text) == row.code);
    }
    CHECK(code_of(good) == "");
    for (std::size_t i = 0; i < good.size(); i += 3) {
        auto changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        (void)SigningKey::read(changed);  // whatever it is then, it is read or refused
    }
}

TEST_CASE("base64url has no padding, and none of the signs that URLs give a meaning") {
    struct Row {
        std::string_view bytes, text;
    };
    constexpr Row rows[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xfb\xff\xfe", "-__-"}};
    for (auto const& row : rows) CHECK(net::base64url(row.bytes) == row.text);
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        auto const id = net::random_id();
        CHECK(id.size() == 22);  // 128 bits
        CHECK(seen.insert(id).second);
    }
}

TEST_CASE("identifiers from names") {
    // RFC 9562 appendix A.4: the name space of DNS names (§6.6).
    constexpr std::array<unsigned char, 16> dns{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                                0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    CHECK(uuid5(dns, "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    // What has been given to a server must stay: these may never change.
    CHECK(uuid_of("Patient", "urn:mrn|4711") == "a977a232-4b98-5558-a471-a28c4907aa4e");
    std::set<std::string> seen;
    for (char const* scope : {"", "Patient", "Practitioner"}) {
        for (char const* name : {"", "1", "2", "urn:mrn|1", "\xc3\xa4"}) {
            auto const id = uuid_of(scope, name);
            CAPTURE(id);
            CHECK(id.size() == 36);
            CHECK(id[14] == '5');
            CHECK(std::string_view("89ab").find(id[19]) != std::string_view::npos);
            CHECK(id.find_first_not_of("0123456789abcdef-") == std::string::npos);
            CHECK(id == uuid_of(scope, name));
            CHECK(seen.insert(id).second);
        }
    }
}
