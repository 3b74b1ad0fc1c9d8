#include "engine/delivery/policy.h"

#include <algorithm>

namespace hilum::delivery {

namespace {

std::optional<std::chrono::milliseconds> read_give_up(config::Text const& text,
                                                      config::Diagnostics& diagnostics) {
    if (text.value == "never") return std::nullopt;
    config::Node node;
    node.kind = config::Node::Kind::scalar;
    node.scalar = text.value;
    node.where = text.where;
    config::Duration after{};
    if (!config::decode_value(node, after, diagnostics)) return std::nullopt;
    return after;
}

}  // namespace

std::vector<std::string_view> destination_keys() {
    return {"retry", "on_failure"};
}

void check_destination_common(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const options = config::decode_options<PolicyOptions>(
        component.common, "destination \"" + component.name + "\"", diagnostics);
    read_give_up(options.retry.give_up, diagnostics);
    auto const at = component.common.find("retry") ? component.common.find("retry")->where : component.where;
    if (options.retry.first.count() <= 0) diagnostics.error(at, "retry.first is no time at all", "write 1s");
    if (options.retry.max < options.retry.first) {
        diagnostics.error(at, "retry.max is shorter than retry.first", "make max at least as long as first");
    }
}

Policy::Policy(PolicyOptions const& options) : options_(options) {
    config::Diagnostics ignored;  // check has seen it
    give_up_ = read_give_up(options.retry.give_up, ignored);
}

Policy Policy::from(config::Component const& component) {
    config::Diagnostics ignored;
    return Policy(config::decode_options<PolicyOptions>(component.common, component.name, ignored));
}

Action Policy::action(destinations::AttemptClass failure) const {
    using enum destinations::AttemptClass;
    auto const& f = options_.on_failure;
    switch (failure) {
        case connect:
            return f.connect;
        case timeout:
            return f.timeout;
        case cut:
            return f.cut;
        case busy:
            return f.busy;
        case ae:
            return f.ae;
        case ar:
            return f.ar;
        case bad_answer:
            return f.bad_answer;
        case local:
            return f.local;
        case unconfirmed:
            return f.unconfirmed;
        case held:
            return Action::hold;
        case delivered:
            break;
    }
    return Action::retry;
}

std::chrono::milliseconds Policy::pause(std::uint32_t attempt, std::chrono::milliseconds asked,
                                        double random) const {
    auto const doublings = std::min<std::uint32_t>(attempt - 1, 30);
    auto const grown = options_.retry.first.count() * (std::int64_t{1} << doublings);
    auto const capped = static_cast<double>(std::min<std::int64_t>(grown, options_.retry.max.count()));
    auto const spread = std::chrono::milliseconds(static_cast<std::int64_t>(capped * (0.8 + 0.4 * random)));
    return std::max(spread, std::min(asked, std::chrono::milliseconds(std::chrono::hours(1))));
}

}  // namespace hilum::delivery
