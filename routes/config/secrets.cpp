#include "routes/config/secrets.h"

#include <algorithm>
#include <array>
#include <string>

namespace hilum::config {

bool names_secret(std::string_view name) {
    // Not "key" alone: tables and steps have keys that open nothing.
    constexpr std::array<std::string_view, 11> words{"password",    "passwd",        "passphrase", "secret",
                                                     "secrets",     "token",         "tokens",     "apikey",
                                                     "credentials", "authorization", "bearer"};
    // Where it is had from is none.
    for (std::string_view const end : {"_url", "_uri", "_file"})
        if (name.ends_with(end)) return false;
    std::string word, before;
    for (std::size_t i = 0; i <= name.size(); ++i) {
        char const c = i < name.size() ? name[i] : '_';
        if (c != '_' && c != '-' && c != '.') {
            word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            continue;
        }
        if (std::find(words.begin(), words.end(), word) != words.end()) return true;
        if (word == "key" && (before == "api" || before == "private" || before == "secret")) return true;
        before = std::move(word);
        word.clear();
    }
    return false;
}

bool holds_password(std::string_view url) {
    std::size_t const scheme = url.find("://");
    if (scheme == std::string_view::npos) return false;
    std::string_view const authority = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
    std::size_t const at = authority.rfind('@');
    std::size_t const colon = authority.find(':');
    return at != std::string_view::npos && colon != std::string_view::npos && colon + 1 < at;
}

}  // namespace hilum::config
