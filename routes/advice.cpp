#include "routes/advice.h"

#include <algorithm>
#include <map>

#include "parsers/hl7/dictionary.h"
#include "routes/config/secrets.h"
#include "routes/expression/expression.h"
#include "routes/expression/lexer.h"
#include "routes/restriction.h"

namespace hilum::routes {
namespace {

using config::Node;
using expression::TokenKind;

// Trees are at most 64 levels deep (read_yaml).
void plain_secrets(Node const& node, bool secret, config::Diagnostics& diagnostics) {
    for (Node const& item : node.items) plain_secrets(item, secret, diagnostics);
    for (config::Entry const& entry : node.entries)
        plain_secrets(entry.value, secret || config::names_secret(entry.key), diagnostics);
    if (!node.is_scalar() || node.filled || node.scalar.empty()) return;
    if (secret || config::holds_password(node.scalar)) {
        diagnostics.warning(
            node.where, "a secret in plain text",
            "keep it in a file or a variable, and write ${file:/run/secrets/NAME} or ${NAME}");
    }
}

// Nothing in it depends on the message or the clock.
bool is_constant(std::string_view text) {
    constexpr std::string_view words[] = {"true", "false", "and", "or", "xor", "implies", "div", "mod", "in"};
    auto const tokens = expression::tokens_of(text);
    return !tokens.empty() && std::all_of(tokens.begin(), tokens.end(), [&](expression::Token const& token) {
        return token.kind == TokenKind::string || token.kind == TokenKind::number ||
               token.kind == TokenKind::symbol ||
               std::any_of(std::begin(words), std::end(words), [&](auto word) { return token.word(word); });
    });
}

void constant_when(config::Route const& route, config::Diagnostics& diagnostics) {
    if (!is_constant(route.when.value)) return;
    auto const when = expression::Expression::compile(route.when.value);
    constexpr std::string_view any = "MSH|^~\\&|\r";
    auto const message = hl7::Message::view(any);
    if (!when || !message) return;
    auto const holds = when->test({&*message, 0});
    if (!holds) return;
    diagnostics.warning(
        route.when.where, *holds ? "this is true of every message" : "this is true of no message",
        *holds ? "remove the \"when\", or ask for something of the message, such as MSH-9.1 = 'ADT'"
               : "remove the route, or ask for something of the message, such as MSH-9.1 = 'ADT'");
}

// Whether paths can be in messages, by the dictionary.
class Paths {
  public:
    Paths(config::Config const& config, config::Diagnostics& diagnostics)
        : dictionary_(config.dictionary), diagnostics_(diagnostics) {}

    void check(config::Route const& route) {
        use(restriction_of(route.when.value));
        in_text(route.when.value, route.when.where, true);
        for (config::Step const& step : route.steps) {
            if (!in_step(step)) return;
        }
    }

  private:
    struct Segments {
        bool known = false;  // the messages have a structure
        SegmentNames names;
    };

    // False when what follows may be about another message.
    bool in_step(config::Step const& step) {
        Node const& options = step.options;
        if (step.kind == "set") {
            for (auto const& entry : options.entries) {
                in_text(entry.key, entry.where, true);
                if (entry.value.scalar.starts_with('='))
                    in_text(std::string_view(entry.value.scalar).substr(1), entry.value.where.shifted(1),
                            true);
            }
        } else if (step.kind == "copy") {
            for (auto const& entry : options.entries) {
                in_text(entry.key, entry.where, true);
                in_text(entry.value.scalar, entry.value.where, true);
            }
        } else if (step.kind == "lookup") {
            for (char const* key : {"field", "to"}) {
                if (Node const* path = options.find(key)) in_text(path->scalar, path->where, true);
            }
        } else if (step.kind == "delete") {
            // To remove what isn't there does no harm, but a mistyped name leaves there what is.
            in_text(options.scalar, options.where, false);
            for (Node const& item : options.items) in_text(item.scalar, item.where, false);
        } else {
            return step.kind == "stop";
        }
        return !std::any_of(options.entries.begin(), options.entries.end(), [](auto const& entry) {
            return entry.key.starts_with("MSH-9") || entry.key.starts_with("MSH-12");
        });
    }

    void in_text(std::string_view text, config::Location const& where, bool in_structure) {
        for (auto const& token : expression::tokens_of(text)) {
            if (token.kind == TokenKind::path) check(token.path, where.shifted(token.begin), in_structure);
        }
    }

    void check(hl7::Path const& path, config::Location const& where, bool in_structure) {
        std::string const name(path.segment_name());
        // Segments of a site's own, and those around messages.
        constexpr std::string_view around[] = {"FHS", "FTS", "BHS", "BTS", "ADD", "DSC"};
        if (name[0] == 'Z' || std::find(std::begin(around), std::end(around), name) != std::end(around))
            return;
        std::size_t const fields = most_fields(name);
        if (fields == 0) {
            diagnostics_.warning(where, "no version of HL7 has a segment " + name,
                                 "correct it, or declare the segment under \"dictionary\"");
        } else if (path.field > fields) {
            diagnostics_.warning(where,
                                 name + " has " + std::to_string(fields) + " fields in HL7 " +
                                     versions_text() + ", so there is no " + name + "-" +
                                     std::to_string(path.field),
                                 "correct the number, or declare the field under \"dictionary\"");
        } else if (in_structure && segments_->known && !segments_->names.contains(name)) {
            diagnostics_.warning(
                where, name + " is not in the structure of " + messages_ + " in HL7 " + versions_text(),
                "correct the path or the \"when\", or declare the structure under \"dictionary\"");
        }
    }

    // Takes what a route lets through for the messages that follow.
    void use(Restriction restriction) {
        restriction_ = std::move(restriction);
        messages_.clear();
        for (auto const& type : restriction_.types) {
            for (auto const& event : restriction_.events)
                messages_ += (messages_.empty() ? "" : ", ") + type + '^' + event;
        }
        auto const [at, is_new] = segments_of_.try_emplace(messages_ + versions_text());
        segments_ = &at->second;
        if (is_new && !messages_.empty()) *segments_ = segments();
    }

    Segments segments() const {
        Segments out{true, {}};
        for (auto const& type : restriction_.types) {
            for (auto const& event : restriction_.events) {
                auto found = segments_of(dictionary_, type, event, restriction_.version);
                out.known = out.known && found;
                if (found) out.names.merge(*found);
            }
        }
        return out;
    }

    // 0: no version that counts has the segment, though it may be known to others.
    std::size_t most_fields(std::string const& segment) const {
        std::size_t most = 0, elsewhere = 0;
        for (std::size_t i = 0; i < hl7::version_count; ++i) {
            auto const version = static_cast<hl7::Version>(i);
            auto const found = dictionary_.segment(version, segment);
            if (!found) continue;
            elsewhere = std::max(elsewhere, found->fields.size());
            if (!restriction_.version || *restriction_.version == version)
                most = std::max(most, found->fields.size());
        }
        // That a version lacks a segment is for the structure to say.
        return most > 0 ? most : elsewhere;
    }

    std::vector<hl7::Version> versions() const {
        if (restriction_.version) return {*restriction_.version};
        std::vector<hl7::Version> all;
        for (std::size_t i = 0; i < hl7::version_count; ++i) all.push_back(static_cast<hl7::Version>(i));
        return all;
    }
    std::string versions_text() const {
        if (restriction_.version) return std::string(hl7::name(*restriction_.version));
        auto const all = versions();
        return std::string(hl7::name(all.front())) + " to " + std::string(hl7::name(all.back()));
    }

    hl7::Dictionary const& dictionary_;
    config::Diagnostics& diagnostics_;
    Restriction restriction_;
    std::string messages_;  // "ADT^A01, ADT^A04"; "" when any may come
    std::map<std::string, Segments> segments_of_;
    Segments* segments_ = nullptr;
};

}  // namespace

void advise(config::Config const& config, config::Diagnostics& diagnostics) {
    plain_secrets(*config.effective, false, diagnostics);
    Paths paths(config, diagnostics);
    for (config::Route const& route : config.routes) {
        constant_when(route, diagnostics);
        paths.check(route);
    }
}

}  // namespace hilum::routes
