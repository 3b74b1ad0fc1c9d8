#include "engine/delivery/policy.h"

#include <algorithm>
#include <charconv>

#include "routes/expression/expression.h"
#include "routes/tables/time_zones.h"

namespace hilum::delivery {

using destinations::Attempt;
using destinations::AttemptClass;

namespace {

constexpr AttemptClass failures[] = {AttemptClass::connect,     AttemptClass::timeout, AttemptClass::cut,
                                     AttemptClass::busy,        AttemptClass::ae,      AttemptClass::ar,
                                     AttemptClass::bad_answer,  AttemptClass::local,   AttemptClass::relayed,
                                     AttemptClass::unconfirmed, AttemptClass::login};
constexpr std::string_view acknowledgement_codes[] = {"AA", "AE", "AR", "CA", "CE", "CR"};

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

// Null without them, and when they are wrong.
std::shared_ptr<Hours const> read_hours(RetryOptions const& retry, config::Location const& where,
                                        config::Diagnostics& diagnostics) {
    std::vector<Hours::Window> windows;
    for (auto const& line : retry.between) {
        auto const problem = Hours::read(line.name, windows);
        if (!problem) diagnostics.error(line.where, problem.error().what, problem.error().next);
    }
    if (retry.between.empty()) {
        if (!retry.zone.empty())
            diagnostics.error(retry.zone.where,
                              "retry.zone is the time zone of retry.between, which is not there",
                              "write between: \"22:00-05:00\", or leave it out");
        return nullptr;
    }
    if (retry.zone.empty()) {
        diagnostics.error(where, "retry.between does not say by which clock",
                          "name the time zone, as in zone: Europe/Berlin");
        return nullptr;
    }
    auto const zone = routes::TimeZones().find(retry.zone.value);
    if (!zone) {
        bool const none = zone.error().code == std::string_view("no_zones");
        diagnostics.error(retry.zone.where, zone.error().what,
                          none ? "install the package tzdata" : zone.error().next);
        return nullptr;
    }
    return windows.empty() ? nullptr : std::make_shared<Hours const>(std::move(windows), *zone);
}

struct Range {
    unsigned from = 0, to = 0;
};

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "207" or "100-104".
std::optional<Range> range(std::string_view text) {
    auto const dash = text.find('-');
    auto const from = number(text.substr(0, dash));
    auto const to = dash == std::string_view::npos ? from : number(text.substr(dash + 1));
    if (!from || !to || *to < *from) return std::nullopt;
    return Range{*from, *to};
}

std::optional<Action> action_of(std::string_view word) {
    for (auto const& known : action_words)
        if (known.word == word) return known.value;
    return std::nullopt;
}

// What an attempt's code says: "AE/207", "AR", "HTTP 503".
struct Facts {
    std::string_view msa, err, http;
};
Facts facts_of(Attempt const& attempt) {
    std::string_view const code = attempt.code;
    Facts facts;
    constexpr std::string_view http = "HTTP ";
    if (code.starts_with(http)) {
        facts.http = code.substr(http.size());
        return facts;
    }
    auto const slash = code.find('/');
    auto const msa = code.substr(0, slash);
    if (std::find(std::begin(acknowledgement_codes), std::end(acknowledgement_codes), msa) ==
        std::end(acknowledgement_codes))
        return facts;
    facts.msa = msa;
    if (slash != std::string_view::npos) facts.err = code.substr(slash + 1);
    return facts;
}

bool in_ranges(config::NameList const& ranges, std::string_view text) {
    auto const value = number(text);
    return value && std::any_of(ranges.begin(), ranges.end(), [value](config::NameRef const& name) {
               auto const of = range(name.name);
               return of && *value >= of->from && *value <= of->to;
           });
}

bool among(config::NameList const& names, std::string_view text) {
    return std::any_of(names.begin(), names.end(),
                       [text](config::NameRef const& name) { return name.name == text; });
}

bool fits(AnswerRule const& rule, Attempt const& attempt, Facts const& facts) {
    return (rule.msa.empty() || among(rule.msa, facts.msa)) &&
           (rule.err.empty() || in_ranges(rule.err, facts.err)) &&
           (rule.http.empty() || in_ranges(rule.http, facts.http)) &&
           (rule.failure.empty() || among(rule.failure, destinations::name(attempt.result)));
}

void check_ranges(config::NameList const& list, std::string_view what, std::string_view example,
                  config::Diagnostics& diagnostics) {
    for (auto const& item : list) {
        if (range(item.name)) continue;
        diagnostics.error(item.where, config::in_quotes(item.name) + " is no " + std::string(what),
                          "write " + std::string(example));
    }
}

template <std::size_t N>
void check_words(config::NameList const& list, std::string_view const (&known)[N], std::string_view what,
                 config::Diagnostics& diagnostics) {
    for (auto const& item : list) {
        if (std::find(std::begin(known), std::end(known), item.name) != std::end(known)) continue;
        std::string all;
        for (auto const word : known) all += (all.empty() ? "" : ", ") + std::string(word);
        diagnostics.error(item.where, config::in_quotes(item.name) + " is no " + std::string(what),
                          "use one of " + all);
    }
}

void check_rule(AnswerRule const& rule, config::Diagnostics& diagnostics) {
    check_words(rule.msa, acknowledgement_codes, "acknowledgement code", diagnostics);
    check_ranges(rule.err, "error code of HL7 table 0357", "207, or 100-104", diagnostics);
    check_ranges(rule.http, "HTTP status", "409, or 500-599", diagnostics);
    std::string_view words[std::size(failures)];
    std::transform(std::begin(failures), std::end(failures), std::begin(words), destinations::name);
    check_words(rule.failure, words, "kind of failure", diagnostics);
    if (!rule.then.empty() && !action_of(rule.then.value))
        diagnostics.error(rule.then.where,
                          "nothing can be " + config::in_quotes(rule.then.value) + " after an answer",
                          "use delivered, retry, hold, skip or stop");
    if (rule.msa.empty() && rule.err.empty() && rule.http.empty() && rule.failure.empty())
        diagnostics.error(rule.then.where, "this rule of on_answer fits every answer, also a good one",
                          "say which: msa, err, http or failure");
}

void check_batch(PolicyOptions const& options, config::Node const& node, config::Content content,
                 config::Diagnostics& diagnostics) {
    auto const& batch = options.batch;
    auto const place = [&](std::string_view key) {
        auto const* at = node.find(key);
        return at ? at->where : node.where;
    };
    if (node.find("max") && (batch.max == 0 || batch.max > batch_max))
        diagnostics.error(place("max"), "a batch has from 1 to " + std::to_string(batch_max) + " messages",
                          "write max: 500");
    if (batch.every.count() <= 0 || batch.every > std::chrono::hours(24))
        diagnostics.error(place("every"), "messages wait for others for some time, and a day at most",
                          "write every: 1m");
    if (batch.max_bytes.count == 0 || batch.max_bytes.count > (256u << 20))
        diagnostics.error(place("max_bytes"), "max_bytes of a batch is from 1 byte to 256MiB",
                          "leave it out for 16MiB");
    if (!options.order_by.empty())
        diagnostics.error(
            node.where, "a batch is made of messages in the order in which they came, whatever order_by says",
            "leave out batch, or order_by, connections and priority");
    if (content == config::Content::fhir)
        diagnostics.error(node.where, "a batch is made of HL7 v2 messages, and FHIR comes here",
                          "leave it out, or map to HL7 v2 before");
}

}  // namespace

std::vector<std::string_view> destination_keys() {
    return {"retry",    "on_failure", "on_answer", "on_ambiguous", "connections",
            "order_by", "priority",   "rate",      "batch"};
}

void check_destination_common(config::Component const& component, config::Content content,
                              config::Diagnostics& diagnostics) {
    auto const options = config::decode_options<PolicyOptions>(
        component.common, "destination \"" + component.name + "\"", diagnostics);
    auto const place = [&](std::string_view key) {
        auto const* node = component.common.find(key);
        return node ? node->where : component.where;
    };
    read_give_up(options.retry.give_up, diagnostics);
    auto const at = place("retry");
    if (options.retry.first.count() <= 0) diagnostics.error(at, "retry.first is no time at all", "write 1s");
    if (options.retry.max < options.retry.first) {
        diagnostics.error(at, "retry.max is shorter than retry.first", "make max at least as long as first");
    }
    read_hours(options.retry, at, diagnostics);
    for (auto const& rule : options.on_answer.items) check_rule(rule, diagnostics);
    bool const ordered = !options.order_by.empty();
    if (options.connections == 0 || options.connections > connections_max) {
        diagnostics.error(place("connections"),
                          "connections is a number from 1 to " + std::to_string(connections_max), "write 4");
    } else if (options.connections > 1 && !ordered) {
        diagnostics.error(
            place("connections"),
            "without order_by every message waits for the one before it: only one connection is used",
            "say what keeps its order, as in order_by: PID-3.1, or leave out connections");
    }
    if (!options.priority.empty() && !ordered)
        diagnostics.error(options.priority.where,
                          "without order_by every message waits for the one before it: none can go first",
                          "say what keeps its order, as in order_by: PID-3.1, or leave out priority");
    if (!options.rate.empty() && !net::Rate::read(options.rate.value))
        diagnostics.error(options.rate.where, config::in_quotes(options.rate.value) + " is not a rate",
                          "write a number of messages and s, min or h, such as 50/s");
    if (auto const* node = component.common.find("batch")) check_batch(options, *node, content, diagnostics);
    // Compiled for its findings; the pipeline has its own.
    expression::Options language;
    language.fhir = content == config::Content::fhir;
    if (ordered) expression::Expression::compile(options.order_by, 0, diagnostics, language);
    if (!options.priority.empty())
        expression::Expression::compile(options.priority, 0, diagnostics, language);
}

Policy::Policy(PolicyOptions const& options) : options_(options) {
    config::Diagnostics ignored;  // check has seen it
    give_up_ = read_give_up(options.retry.give_up, ignored);
    hours_ = read_hours(options.retry, {}, ignored);
}

Policy Policy::from(config::Component const& component) {
    config::Diagnostics ignored;
    return Policy(config::decode_options<PolicyOptions>(component.common, component.name, ignored));
}

std::unique_ptr<net::RateLimit> Policy::rate() const {
    auto const rate = net::Rate::read(options_.rate.value);
    if (!rate) return nullptr;
    auto const a_second = rate->count / static_cast<std::uint32_t>(rate->per.count());
    return std::make_unique<net::RateLimit>(*rate, std::max(1U, a_second / 10));  // as smooth as is useful
}

Action Policy::action(AttemptClass failure) const {
    using enum AttemptClass;
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
        case login:
            return f.login;
        case bad_answer:
            return f.bad_answer;
        case local:
            return f.local;
        case relayed:
            return f.relayed;
        case unconfirmed:
            return f.unconfirmed;
        case held:
            return Action::hold;
        case delivered:
            return Action::delivered;
    }
    return Action::retry;
}

Policy::Decision Policy::decide(Attempt const& attempt) const {
    auto const facts = facts_of(attempt);
    auto const& rules = options_.on_answer.items;
    auto const rule = std::find_if(rules.begin(), rules.end(),
                                   [&](AnswerRule const& r) { return fits(r, attempt, facts); });
    Decision decision{action(attempt.result), 0};
    if (rule != rules.end()) {
        decision = {action_of(rule->then.value).value_or(Action::hold),
                    static_cast<std::size_t>(rule - rules.begin()) + 1};
    }
    bool const ambiguous = attempt.result == AttemptClass::timeout || attempt.result == AttemptClass::cut;
    if (decision.action == Action::retry && ambiguous && holds_ambiguous()) decision.action = Action::hold;
    return decision;
}

std::optional<Action> Policy::exhausted(std::uint32_t attempts, std::chrono::milliseconds tried) const {
    bool const too_long = give_up_ && tried >= *give_up_;
    bool const too_often = options_.retry.attempts != 0 && attempts >= options_.retry.attempts;
    if (!too_long && !too_often) return std::nullopt;
    return options_.retry.then;
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
