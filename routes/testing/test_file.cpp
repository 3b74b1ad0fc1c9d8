#include "routes/testing/test_file.h"

#include <algorithm>

#include "parsers/hl7/ack.h"
#include "parsers/time_text.h"

namespace hilum::testing {
namespace {

using config::Diagnostics;
using config::Node;
using config::Text;

constexpr std::int64_t default_now_us = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
constexpr std::size_t cases_max = 100'000;

struct FileOptions {
    Text config, now;
    Node cases;
};
template <class V>
void describe(V& v, FileOptions& o) {
    v.required("config", o.config, "the configuration, a path relative to this file");
    v.optional("now", o.now, "the time at which messages arrive, such as 2026-07-14T08:00:00Z");
    v.required("cases", o.cases, "a list of cases");
}

struct CaseOptions {
    Text name, listener, now;
    Node input, expect, filtered, held, ack, outside, wrote;
};
template <class V>
void describe(V& v, CaseOptions& o) {
    v.required("name", o.name, "what the case shows");
    v.required("input", o.input, "a message, the path of a file of messages, or a list of these");
    v.optional("listener", o.listener, "where it comes in");
    v.optional("now", o.now, "the time for this case");
    v.optional("expect", o.expect, "by destination, what it gets");
    v.optional("filtered", o.filtered, "routes that have to filter the message");
    v.optional("held", o.held, "routes that have to hold it");
    v.optional("ack", o.ack, "what the sender is told, such as AE");
    v.optional("outside", o.outside, "what other systems answer, and what files hold");
    v.optional("wrote", o.wrote, "the files that have to be written, and perhaps what is in them");
}

struct ReplyOptions {
    Text asks, fails;
    Node answer;
};
template <class V>
void describe(V& v, ReplyOptions& o) {
    v.required("asks", o.asks, "a part of the URL, of the query with its values, or of the file's path");
    v.optional("answer", o.answer, "what comes, written as YAML; nothing: there is none of it");
    v.optional("fails", o.fails, "there is no answer, and why");
}

struct MessageOptions {
    Text golden;
    Node fields, that;
};
template <class V>
void describe(V& v, MessageOptions& o) {
    v.optional("golden", o.golden, "a file with the whole message");
    v.optional("fields", o.fields, "paths and what they hold");
    v.optional("that", o.that, "an expression that has to be true, or a list of them");
}

struct AckOptions {
    Text code, error, text;
};
template <class V>
void describe(V& v, AckOptions& o) {
    v.optional("code", o.code, "such as AE");
    v.optional("error", o.error, "the code of table HL70357");
    v.optional("text", o.text, "a part of the error's text");
}

class Reader {
  public:
    explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    TestFile file(Node const& node) {
        TestFile out;
        auto const o = config::decode_options<FileOptions>(node, "the test file", diagnostics_);
        out.config = o.config;
        std::int64_t const now_us = time(o.now, default_now_us);
        if (o.cases.kind != Node::Kind::sequence) {
            if (node.find("cases"))
                diagnostics_.error(o.cases.where, "\"cases\" should be a list",
                                   "begin each with \"- name:\"");
            return out;
        }
        if (o.cases.items.size() > cases_max) {
            diagnostics_.error(o.cases.where, "more than 100,000 cases in one file", "use several files");
            return out;
        }
        for (Node const& one : o.cases.items) out.cases.push_back(read_case(one, now_us));
        return out;
    }

    void replies(Node const& node, std::vector<OutsideReply>& out);

  private:
    Case read_case(Node const& node, std::int64_t now_us) {
        Case out;
        auto const o = config::decode_options<CaseOptions>(node, "a case", diagnostics_);
        out.name = o.name;
        out.listener = o.listener;
        out.now_us = time(o.now, now_us);
        if (node.find("input")) out.inputs = texts(o.input, "an input");
        expectations(o.expect, out.expect);
        out.filtered = routes(o.filtered, "filtered");
        out.held = routes(o.held, "held");
        ack(o.ack, out.ack);
        replies(o.outside, out.outside);
        out.says_wrote = node.find("wrote") != nullptr;
        wrote(o.wrote, out.wrote);
        return out;
    }

    std::int64_t time(Text const& text, std::int64_t otherwise) {
        if (text.empty()) return otherwise;
        if (auto const us = parse_rfc3339(text.value)) return *us;
        diagnostics_.error(text.where, config::in_quotes(text.value) + " is not a time",
                           "write it like 2026-07-14T08:00:00Z");
        return otherwise;
    }

    // One text or a list of them.
    std::vector<Text> texts(Node const& node, std::string_view what) {
        std::vector<Text> out;
        auto const add = [&](Node const& one) {
            Text text;
            if (!config::decode_value(one, text, diagnostics_)) return;
            if (text.empty()) {
                diagnostics_.error(one.where, std::string(what) + " is empty", "write it, or leave it out");
                return;
            }
            out.push_back(std::move(text));
        };
        if (node.kind == Node::Kind::sequence) {
            for (Node const& one : node.items) add(one);
        } else {
            add(node);
        }
        return out;
    }

    bool mapping(Node const& node, std::string_view key, std::string const& example) {
        if (node.kind == Node::Kind::mapping) return true;
        std::string what = config::in_quotes(key);
        what.append(" should be a mapping, not ").append(node.kind_name());
        diagnostics_.error(node.where, std::move(what), "write it like " + example);
        return false;
    }

    void expectations(Node const& node, std::vector<DestinationExpectation>& out) {
        if (node.kind == Node::Kind::null) return;
        if (!mapping(node, "expect", "{ lab: unchanged }")) return;
        for (auto const& entry : node.entries) {
            DestinationExpectation one;
            one.destination = {entry.key, entry.where};
            if (entry.value.kind == Node::Kind::sequence) {
                for (Node const& item : entry.value.items) one.messages.push_back(message(item));
            } else if (!(entry.value.is_scalar() && entry.value.scalar == "nothing")) {
                one.messages.push_back(message(entry.value));
            }
            out.push_back(std::move(one));
        }
    }

    Assertion assertion(config::Text const& text) {
        expression::Options language;
        language.fhir = true;
        Assertion out;
        out.where = text.where;
        if (auto fhir = expression::Expression::compile(text.value, language)) out.fhir = std::move(*fhir);
        if (auto hl7 = expression::Expression::compile(text.value)) out.expression = std::move(*hl7);
        if (!out.fhir.valid() && !out.expression.valid())
            expression::Expression::compile(text, 0, diagnostics_);
        return out;
    }

    MessageExpectation message(Node const& node) {
        MessageExpectation out;
        out.where = node.where;
        if (node.is_scalar()) {
            static constexpr std::string_view words[] = {"unchanged", "nothing"};
            out.unchanged = node.scalar == "unchanged";
            if (!out.unchanged && !node.unusable)
                diagnostics_.error(node.where, "a destination can't get " + config::in_quotes(node.scalar),
                                   config::suggest(node.scalar, words, "words"));
            return out;
        }
        auto const o = config::decode_options<MessageOptions>(node, "an expected message", diagnostics_);
        if (node.kind != Node::Kind::mapping) return out;
        out.golden = o.golden;
        if (node.find("fields")) fields(o.fields, out.fields);
        if (node.find("that")) {
            for (auto const& text : texts(o.that, "\"that\"")) out.that.push_back(assertion(text));
        }
        if (!node.find("golden") && !node.find("fields") && !node.find("that"))
            diagnostics_.error(node.where, "nothing is said of the message",
                               "add golden:, fields: or that:, or write unchanged");
        return out;
    }

    void fields(Node const& node, std::vector<FieldExpectation>& out) {
        if (!mapping(node, "fields", "{ PID-5.1: SMITH }")) return;
        for (auto const& entry : node.entries) {
            auto const path = hl7::GroupPath::parse(entry.key);
            if (!path) {
                diagnostics_.error(entry.where, config::in_quotes(entry.key) + ": " + path.error().what,
                                   path.error().next);
                continue;
            }
            if (path->many()) {
                diagnostics_.error(entry.where, path->text() + " names several places for one value",
                                   "use a number in place of *, or that: with all(...)");
                continue;
            }
            FieldExpectation one{*path, {}, entry.value.where};
            if (config::decode_value(entry.value, one.value, diagnostics_)) out.push_back(std::move(one));
        }
    }

    std::vector<RouteExpectation> routes(Node const& node, std::string_view key) {
        std::vector<RouteExpectation> out;
        if (node.kind == Node::Kind::null) return out;
        if (node.kind == Node::Kind::mapping) {
            for (auto const& entry : node.entries) {
                RouteExpectation one{{entry.key, entry.where}, {}};
                if (config::decode_value(entry.value, one.reason, diagnostics_))
                    out.push_back(std::move(one));
            }
            return out;
        }
        for (auto& text : texts(node, config::in_quotes(key)))
            out.push_back({{std::move(text.value), std::move(text.where)}, {}});
        return out;
    }

    void wrote(Node const& node, std::vector<FileExpectation>& out) {
        if (node.kind == Node::Kind::null || (node.is_scalar() && node.scalar == "nothing")) return;
        if (node.kind == Node::Kind::mapping) {
            for (auto const& entry : node.entries) {
                FileExpectation one{{entry.key, entry.where}, std::string()};
                if (config::decode_value(entry.value, *one.text, diagnostics_)) out.push_back(std::move(one));
            }
            return;
        }
        for (auto& text : texts(node, "\"wrote\""))
            out.push_back({{std::move(text.value), std::move(text.where)}, std::nullopt});
    }

    void ack(Node const& node, AckExpectation& out) {
        if (node.kind == Node::Kind::null) return;
        out.where = node.where;
        AckOptions o;
        if (node.is_scalar()) {
            config::decode_value(node, o.code, diagnostics_);
        } else {
            o = config::decode_options<AckOptions>(node, "\"ack\"", diagnostics_);
        }
        static constexpr std::string_view codes[] = {"AA", "AE", "AR", "CA", "CE", "CR", "none"};
        auto const& code = o.code.value;
        bool const known = std::find(std::begin(codes), std::end(codes), code) != std::end(codes);
        bool const status = code.size() == 3 && code[0] >= '2' && code[0] <= '5' &&
                            code.find_first_not_of("0123456789") == std::string::npos;
        if (!code.empty() && !known && !status)
            diagnostics_.error(o.code.where, config::in_quotes(code) + " is no acknowledgement code",
                               config::suggest(code, codes, "codes"));
        out.code = o.code.value;
        out.error = o.error.value;
        out.text = o.text.value;
    }

    Diagnostics& diagnostics_;
};

void Reader::replies(Node const& node, std::vector<OutsideReply>& out) {
    if (node.kind == Node::Kind::null) return;
    if (node.kind != Node::Kind::sequence) {
        diagnostics_.error(node.where, "\"outside\" should be a list", "begin each with \"- asks:\"");
        return;
    }
    for (Node const& one : node.items) {
        auto o = config::decode_options<ReplyOptions>(one, "an answer", diagnostics_);
        bool const answers = one.find("answer") != nullptr;
        if (answers == !o.fails.empty())
            diagnostics_.error(one.where, "an answer is either an answer or none",
                               "add answer: VALUE, answer: nothing, or fails: REASON");
        OutsideReply reply;
        reply.nothing = o.answer.is_scalar() && !o.answer.quoted && o.answer.scalar == "nothing";
        reply.asks = std::move(o.asks);
        reply.answer = std::move(o.answer);
        reply.fails = std::move(o.fails.value);
        out.push_back(std::move(reply));
    }
}

}  // namespace

TestFile read_test_file(std::string_view text, std::string file_name, config::Environment const& environment,
                        Diagnostics& diagnostics) {
    auto const node = config::read_yaml(text, std::move(file_name), environment, diagnostics);
    if (diagnostics.failed()) return {};
    return Reader(diagnostics).file(node);
}

std::vector<OutsideReply> read_outside(std::string_view text, std::string file_name,
                                       config::Environment const& environment, Diagnostics& diagnostics) {
    std::vector<OutsideReply> out;
    auto const node = config::read_yaml(text, std::move(file_name), environment, diagnostics);
    if (!diagnostics.failed()) Reader(diagnostics).replies(node, out);
    return out;
}

bool is_message(std::string_view input) {
    std::size_t const begin = input.find_first_not_of(" \t\r\n");
    if (begin != std::string_view::npos && input[begin] == '{') return true;
    if (fhir::from_request_line(input)) return true;
    return begin != std::string_view::npos && input.substr(begin).starts_with("MSH") &&
           input.find_first_of("|\r\n") != std::string_view::npos;
}

std::string with_segment_ends(std::string_view text) {
    std::string out(text);
    if (text.find('\r') == std::string_view::npos) std::replace(out.begin(), out.end(), '\n', '\r');
    return out;
}

}  // namespace hilum::testing
