#include "parsers/uuid.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <memory>

namespace hilum {

namespace {

// Asked for once: OpenSSL's own way looks for it in its providers each time.
EVP_MD const* sha1() {
    static std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> const found(EVP_MD_fetch(nullptr, "SHA1", nullptr),
                                                                       &EVP_MD_free);
    return found.get();
}

}  // namespace

std::string uuid5(std::array<unsigned char, 16> const& name_space, std::string_view name) {
    std::string text(name_space.begin(), name_space.end());
    text += name;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, sha1(), nullptr);
    boost::uuids::uuid out;
    std::copy_n(digest.begin(), out.size(), out.begin());
    out.data[6] = static_cast<unsigned char>((out.data[6] & 0x0fU) | 0x50U);  // RFC 9562 §5.5
    out.data[8] = static_cast<unsigned char>((out.data[8] & 0x3fU) | 0x80U);
    return to_string(out);
}

std::string uuid_of(std::string_view scope, std::string_view name) {
    // Hilum's own name space, made once at random: with it no other program's names give these identifiers.
    static constexpr std::array<unsigned char, 16> space{0x6f, 0x1d, 0x0b, 0x5e, 0x3c, 0x6a, 0x4e, 0x0f,
                                                         0x9b, 0x52, 0x8e, 0x21, 0x7d, 0xc4, 0x10, 0xa9};
    std::string text(scope);
    text += '|';
    text += name;
    return uuid5(space, text);
}

}  // namespace hilum
