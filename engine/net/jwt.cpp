#include "engine/net/jwt.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>

#include "parsers/base64.h"

namespace hilum::net {
namespace {

constexpr int p384_bytes = 48;

template <auto free_function>
struct Free {
    template <class T>
    void operator()(T* pointer) const {
        free_function(pointer);
    }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;
using EcdsaPtr = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

// Another curve of 384 bits, such as brainpoolP384r1, is none that ES384 means (RFC 7518 §3.4).
bool on_p384(EVP_PKEY const* key) {
    char name[64];
    std::size_t size = 0;
    return EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1 &&
           OBJ_sn2nid(std::string(name, size).c_str()) == NID_secp384r1;
}

// A key that asks for a pass phrase is refused: nobody is there to be asked.
int no_phrase(char*, int, int, void*) {
    return -1;
}

Error not_signed() {
    return error("not_signed", "", "the token could not be signed", "check the key");
}

// r and s side by side (RFC 7518 §3.4), where OpenSSL writes ASN.1.
std::string side_by_side(std::string_view der) {
    auto const* at = reinterpret_cast<unsigned char const*>(der.data());
    EcdsaPtr const signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (!signature) return {};
    std::string out(std::size_t{2} * p384_bytes, '\0');
    auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
    bool const done =
        BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes, p384_bytes) == p384_bytes &&
        BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes + p384_bytes, p384_bytes) == p384_bytes;
    return done ? out : std::string();
}

}  // namespace

struct SigningKey::Key {
    KeyPtr key;
    bool elliptic = false;
};

std::string base64url(std::string_view bytes) {
    auto text = to_base64(bytes, Base64::url);
    while (text.ends_with('=')) text.pop_back();
    return text;
}

std::string random_id() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
    return base64url({reinterpret_cast<char const*>(bytes.data()), bytes.size()});
}

Result<SigningKey> SigningKey::read(std::string_view pem) {
    BioPtr const bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    auto key = std::make_shared<Key>();
    if (bio) key->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_phrase, nullptr));
    if (!key->key)
        return error("bad_key", "", "it is no private key in PEM, or is locked with a pass phrase",
                     "write it with openssl pkey -in KEY -out KEY.pem");
    auto const kind = EVP_PKEY_get_base_id(key->key.get());
    auto const bits = EVP_PKEY_get_bits(key->key.get());
    key->elliptic = kind == EVP_PKEY_EC;
    if (kind != EVP_PKEY_RSA && !(key->elliptic && on_p384(key->key.get())))
        return error("unknown_key", "",
                     "SMART Backend Services signs with RSA (RS384) or the curve P-384 (ES384)",
                     "make one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384");
    if (kind == EVP_PKEY_RSA && bits < 2048)
        return error("weak_key", "", "an RSA key of less than 2048 bits", "make a longer one");
    SigningKey out;
    out.key_ = std::move(key);
    return out;
}

std::string_view SigningKey::algorithm() const {
    return key_->elliptic ? "ES384" : "RS384";
}

Result<std::string> SigningKey::sign(std::string_view header, std::string_view claims) const {
    auto token = base64url(header) + "." + base64url(claims);
    DigestPtr const context(EVP_MD_CTX_new());
    auto const* const bytes = reinterpret_cast<unsigned char const*>(token.data());
    std::size_t size = 0;
    if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr, key_->key.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes, token.size()) != 1)
        return not_signed();
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                       token.size()) != 1)
        return not_signed();
    signature.resize(size);
    if (key_->elliptic) signature = side_by_side(signature);
    if (signature.empty()) return not_signed();
    token += "." + base64url(signature);
    return {boost::system::in_place_value, std::move(token)};
}

}  // namespace hilum::net
