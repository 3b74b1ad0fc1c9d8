// What must not be shown, and must not stand in a file in plain text.
#pragma once

#include <string_view>

namespace hilum::config {

// Whether a key or a variable of this name holds a secret: "password", "LAB_TOKEN", "api_key",
// "Authorization".
bool names_secret(std::string_view name);

// Whether it is a URL with a password in it: https://user:password@host.
bool holds_password(std::string_view url);

}  // namespace hilum::config
