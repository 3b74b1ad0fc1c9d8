#include "engine/flow/rate_options.h"

#include <algorithm>

namespace hilum::flow {

namespace {

constexpr std::uint32_t most = 1'000'000;  // of both: more than any listener takes

}  // namespace

std::string rate_options_schema() {
    return R"({"anyOf":[{"type":"string"},)" + config::SchemaWriter::of<RateOptions>() + "]}";
}

std::shared_ptr<net::RateLimit> read_rate(config::Node const& written, std::string const& owner,
                                          config::Diagnostics& diagnostics) {
    auto const before = diagnostics.errors();
    RateOptions options;
    if (written.is_scalar()) {
        config::decode_value(written, options.limit, diagnostics);
    } else {
        options = config::decode_options<RateOptions>(written, "\"rate\" of " + owner, diagnostics);
    }
    if (diagnostics.errors() != before) return nullptr;
    auto const rate = net::Rate::read(options.limit.value);
    if (!rate || rate->count > most) {
        diagnostics.error(options.limit.where, config::in_quotes(options.limit.value) + " is not a rate",
                          "write a number of messages and s, min or h, such as 100/s");
        return nullptr;
    }
    if (options.burst > most) {
        diagnostics.error(written.find("burst")->where, "burst is more than 1000000", "leave it out");
        return nullptr;
    }
    auto const a_second = rate->count / static_cast<std::uint32_t>(rate->per.count());
    return std::make_shared<net::RateLimit>(*rate, options.burst ? options.burst : std::max(1U, a_second));
}

}  // namespace hilum::flow
