#include "engine/cli/resource_file.h"

#include <utility>

namespace hilum::cli {
namespace {

// What the text begins with, white space and a byte order mark left out.
char first_of(std::string_view text) {
    auto const begin = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    return begin == std::string_view::npos ? '\0' : text[begin];
}

}  // namespace

bool is_resource(std::string_view text) {
    // The namespace stands in the first tag, or close behind declarations and comments.
    return first_of(text) == '{' ||
           (first_of(text) == '<' &&
            text.substr(0, 4096).find("http://hl7.org/fhir") != std::string_view::npos);
}

Result<fhir::Resource> read_resource(std::string text) {
    return first_of(text) == '<' ? fhir::Resource::read_xml(text)
                                 : fhir::Resource::read_json(std::move(text));
}

}  // namespace hilum::cli
