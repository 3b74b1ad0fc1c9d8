#include "parsers/uuid.h"

#include <algorithm>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>

namespace hilum {

std::string uuid5(std::array<unsigned char, 16> const& name_space, std::string_view name) {
    boost::uuids::uuid space;
    std::copy(name_space.begin(), name_space.end(), space.begin());
    return to_string(boost::uuids::name_generator_sha1(space)(name.data(), name.size()));
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
