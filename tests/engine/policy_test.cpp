#include "engine/delivery/policy.h"

#include <doctest/doctest.h>

using namespace hilum;
using namespace std::chrono_literals;
using delivery::Action;
using delivery::AnswerRule;
using delivery::Policy;
using delivery::PolicyOptions;
using destinations::AttemptClass;

TEST_CASE("pauses double up to the longest, spread by a fifth either way") {
    PolicyOptions options;
    options.retry.first = 1s;
    options.retry.max = 60s;
    Policy const policy(options);
    struct Row {
        std::uint32_t attempt;
        std::chrono::milliseconds middle;
    };
    for (auto const& row : {Row{1, 1s}, Row{2, 2s}, Row{3, 4s}, Row{6, 32s}, Row{7, 60s}, Row{31, 60s},
                            Row{4'000'000'000u, 60s}}) {
        CAPTURE(row.attempt);
        CHECK(policy.pause(row.attempt, 0ms, 0.5) == row.middle);
        CHECK(policy.pause(row.attempt, 0ms, 0.0) == row.middle * 8 / 10);
        CHECK(policy.pause(row.attempt, 0ms, 0.9999) <= row.middle * 12 / 10);
    }
    CHECK(policy.pause(1, 90s, 0.5) == 90s);                      // the receiver asked for it
    CHECK(policy.pause(1, 1000h, 0.5) == std::chrono::hours(1));  // but not for ever
}

TEST_CASE("defaults: what may pass is tried again, what the receiver refused is held") {
    Policy const policy{PolicyOptions{}};
    using enum AttemptClass;
    for (auto const failure : {connect, timeout, cut, busy, bad_answer, local, login})
        CHECK(policy.decide({failure, "", "", "", {}}).action == Action::retry);
    for (auto const failure : {ae, ar, held, unconfirmed})
        CHECK(policy.decide({failure, "", "", "", {}}).action == Action::hold);
    CHECK(policy.decide({delivered, "AA", "", "", {}}).action == Action::delivered);
    CHECK_FALSE(policy.exhausted(1'000'000, 1'000'000h).has_value());
}

TEST_CASE("give_up is never or a time") {
    PolicyOptions options;
    options.retry.give_up.value = "24h";
    CHECK_FALSE(Policy(options).exhausted(1'000'000, 24h - 1ms).has_value());
    CHECK(Policy(options).exhausted(1, 24h) == Action::hold);
    options.retry.give_up.value = "never";
    options.retry.attempts = 3;
    options.retry.then = Action::stop;
    CHECK_FALSE(Policy(options).exhausted(2, 1000h).has_value());
    CHECK(Policy(options).exhausted(3, 0ms) == Action::stop);
}

namespace {

// Every answer that a receiver can give, and every way not to get one.
struct Answer {
    char const* what;
    AttemptClass result;
    char const* code;
};
using enum AttemptClass;
constexpr Answer answers[] = {
    {"AA", delivered, "AA"},
    {"CA", delivered, "CA"},
    {"AE without a code", ae, "AE"},
    {"AE 100", ae, "AE/100"},
    {"AE 101", ae, "AE/101"},
    {"AE 102", ae, "AE/102"},
    {"AE 103", ae, "AE/103"},
    {"AE 104", ae, "AE/104"},
    {"AE 200", ae, "AE/200"},
    {"AE 201", ae, "AE/201"},
    {"AE 202", ae, "AE/202"},
    {"AE 203", ae, "AE/203"},
    {"AE 204", ae, "AE/204"},
    {"AE 205", ae, "AE/205"},
    {"AE 206", busy, "AE/206"},
    {"AE 207", busy, "AE/207"},
    {"AR without a code", ar, "AR"},
    {"AR 200", ar, "AR/200"},
    {"AR 207", busy, "AR/207"},
    {"CE 207", busy, "CE/207"},
    {"CE", ae, "CE"},
    {"CR", ar, "CR"},
    {"HTTP 200", delivered, "HTTP 200"},
    {"HTTP 400", ae, "HTTP 400"},
    {"HTTP 401", ar, "HTTP 401"},
    {"HTTP 401 to FHIR", login, "HTTP 401"},
    {"HTTP 409", ar, "HTTP 409"},
    {"HTTP 422", ae, "HTTP 422"},
    {"HTTP 429", busy, "HTTP 429"},
    {"HTTP 503", busy, "HTTP 503"},
    {"no connection", connect, "refused"},
    {"no answer", timeout, "timeout"},
    {"cut", cut, "cut"},
    {"no acknowledgement", bad_answer, "no_msa"},
    {"our own disk", local, "disk_full"},
    {"accepted only", unconfirmed, "no_application_answer"},
};

AnswerRule rule(std::vector<std::string> msa, std::vector<std::string> err, std::vector<std::string> http,
                std::vector<std::string> failure, std::string then) {
    auto const names = [](std::vector<std::string> const& from) {
        config::NameList list;
        for (auto const& name : from) list.push_back({name, {}});
        return list;
    };
    return {names(msa), names(err), names(http), names(failure), {std::move(then), {}}};
}

}  // namespace

TEST_CASE("every answer with every policy that names it, and with those that don't") {
    constexpr struct {
        char const* word;
        Action action;
    } actions[] = {{"delivered", Action::delivered},
                   {"retry", Action::retry},
                   {"hold", Action::hold},
                   {"skip", Action::skip},
                   {"stop", Action::stop}};
    for (auto const& answer : answers) {
        CAPTURE(answer.what);
        destinations::Attempt const attempt{answer.result, answer.code, "", "", {}};
        std::string const code = answer.code;
        bool const http = code.starts_with("HTTP ");
        auto const slash = code.find('/');
        std::string const msa =
            !http && code.size() >= 2 && (slash == 2 || code.size() == 2) ? code.substr(0, 2) : "";
        std::string const err = slash == std::string::npos ? "" : code.substr(slash + 1);
        std::string const status = http ? code.substr(5) : "";
        auto const before = Policy(PolicyOptions{}).decide(attempt);
        CHECK(before.rule == 0);
        for (auto const& [word, action] : actions) {
            CAPTURE(word);
            auto const with = [&](std::vector<AnswerRule> rules) {
                PolicyOptions options;
                options.on_answer.items = std::move(rules);
                return Policy(options).decide(attempt);
            };
            auto const applies = [&](AnswerRule one) {
                // Behind one that never fits: the first that fits decides, and says which it was.
                auto const decision = with({rule({"AA"}, {"999"}, {}, {}, "skip"), std::move(one),
                                            rule({}, {}, {"0-999"}, {}, "stop")});
                CHECK(decision.action == action);
                CHECK(decision.rule == 2);
            };
            if (!msa.empty()) applies(rule({"XX", msa}, {}, {}, {}, word));
            if (!err.empty()) {
                applies(rule({}, {err}, {}, {}, word));
                applies(rule({}, {"1", "100-299"}, {}, {}, word));
                applies(rule({msa}, {err}, {}, {}, word));
            }
            if (http) applies(rule({}, {}, {"100-599"}, {}, word));
            applies(rule({}, {}, {}, {std::string(destinations::name(answer.result))}, word));
            // A rule that names something else leaves it as it was.
            auto const other = with({rule({msa == "AE" ? "AR" : "AE"}, {}, {}, {}, word),
                                     rule({}, {"300-400"}, {}, {}, word), rule({}, {}, {"600"}, {}, word),
                                     rule({msa.empty() ? "AA" : msa}, {"999"}, {}, {}, word)});
            CHECK(other.action == before.action);
            CHECK(other.rule == 0);
        }
    }
}

TEST_CASE("on_ambiguous: hold never repeats what may have arrived, and repeats the rest") {
    PolicyOptions options;
    options.on_ambiguous = delivery::Ambiguous::hold;
    for (auto const& answer : answers) {
        CAPTURE(answer.what);
        auto const action = Policy(options).decide({answer.result, answer.code, "", "", {}}).action;
        auto const usual = Policy(PolicyOptions{}).decide({answer.result, answer.code, "", "", {}}).action;
        bool const may_have_arrived = answer.result == timeout || answer.result == cut;
        CHECK(action == (may_have_arrived ? Action::hold : usual));
    }
}
