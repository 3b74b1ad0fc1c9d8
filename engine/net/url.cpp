#include "engine/net/url.h"

#include <boost/url/src.hpp>  // Boost.URL compiled here
#include <charconv>

namespace hilum::net {

namespace {

Error bad(std::string what, std::string next = "write it as http://host:port/path") {
    return error("bad_url", "", std::move(what), std::move(next));
}

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view text) {
    auto const parsed = boost::urls::parse_uri({text.data(), text.size()});
    if (!parsed) return bad("the URL can't be read");
    auto const& url = parsed.value();
    if (url.scheme_id() == boost::urls::scheme::https) {
        return error("no_tls", "", "https is not there yet: TLS comes with another version of Hilum",
                     "use http:// to a TLS proxy on this machine until then");
    }
    if (url.scheme_id() != boost::urls::scheme::http) return bad("the URL is not an http:// one");
    if (url.has_userinfo()) {
        return error("has_credentials", "", "the URL holds a user name or password",
                     "put them into headers: { Authorization: \"Basic ${file:...}\" }");
    }
    if (url.has_fragment())
        return bad("the URL has a fragment (#...), which no server sees", "leave out # and what follows");
    std::string const host = url.host_address();
    if (host.empty()) return bad("the URL names no host");
    // Boost.URL 1.81 lets a port over 65535 overflow, so its digits are read here.
    std::uint16_t port = 80;
    if (std::string const digits(url.port()); !digits.empty()) {
        auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (problem != std::errc() || *end != '\0' || port == 0)
            return bad("the URL's port is not from 1 to 65535");
    }
    HttpUrl out;
    out.endpoint.host = host;
    out.endpoint.port = port;
    out.authority =
        std::string(url.encoded_host()) + (port == 80 ? std::string() : ":" + std::to_string(port));
    out.target = std::string(url.encoded_path());
    if (out.target.empty()) out.target = "/";
    out.shown = out.authority + out.target;
    if (url.has_query()) out.target += "?" + std::string(url.encoded_query());
    return out;
}

}  // namespace hilum::net
