#include "routes/testing/outside.h"

#include <algorithm>

namespace hilum::testing {
namespace {

using routes::OutsideAnswer;

// RFC 8259 §7
void append_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    for (char const c : text) {
        auto const u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            (out += '\\') += c;
        } else if (u < 0x20) {
            ((out += "\\u00") += hex[u >> 4]) += hex[u & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

// RFC 8259 §6
bool is_number(std::string_view text) {
    auto const digits = [&text] {
        std::size_t n = 0;
        while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
        auto const some = text.substr(0, n);
        text.remove_prefix(n);
        return some;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    auto const whole = digits();
    if (whole.empty() || (whole.size() > 1 && whole[0] == '0')) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (digits().empty()) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
        if (digits().empty()) return false;
    }
    return text.empty();
}

void append(std::string& out, config::Node const& node) {  // 64 levels at most (read_yaml)
    using Kind = config::Node::Kind;
    bool first = true;
    auto const comma = [&] {
        if (!std::exchange(first, false)) out += ',';
    };
    switch (node.kind) {
        case Kind::null:
            out += "null";
            break;
        case Kind::scalar: {
            auto const& text = node.scalar;
            bool const bare =
                !node.quoted && (text == "true" || text == "false" || text == "null" || is_number(text));
            if (bare) {
                out += text;
            } else {
                append_string(out, text);
            }
            break;
        }
        case Kind::sequence:
            out += '[';
            for (auto const& item : node.items) {
                comma();
                append(out, item);
            }
            out += ']';
            break;
        case Kind::mapping:
            out += '{';
            for (auto const& entry : node.entries) {
                comma();
                append_string(out, entry.key);
                out += ':';
                append(out, entry.value);
            }
            out += '}';
            break;
    }
}

std::string path_of(routes::FilePlace const& place) {
    return place.dir + (place.dir.ends_with('/') ? "" : "/") + place.name;
}

}  // namespace

std::string json_of(config::Node const& node) {
    std::string out;
    append(out, node);
    return out;
}

// The first that fits: tests name special cases before general ones.
OutsideReply const* ScriptedOutside::reply_to(std::string const& question) {
    auto const found = std::find_if(replies_.begin(), replies_.end(), [&](OutsideReply const& reply) {
        return question.find(reply.asks.value) != std::string::npos;
    });
    if (found != replies_.end()) return &*found;
    if (std::find(unanswered_.begin(), unanswered_.end(), question) == unanswered_.end())
        unanswered_.push_back(question);
    return nullptr;
}

Result<OutsideAnswer> ScriptedOutside::answer(std::string const& question) {
    auto const* reply = reply_to(question);
    if (!reply) return error("unreachable", "", "the test does not say what the answer is");
    if (!reply->fails.empty()) return error("unreachable", "", reply->fails);
    if (reply->nothing) return OutsideAnswer{};
    return OutsideAnswer{true, json_of(reply->answer)};
}

Result<OutsideAnswer> ScriptedOutside::ask(routes::HttpQuestion const& question) {
    return answer("GET " + question.url);
}

Result<OutsideAnswer> ScriptedOutside::ask(routes::SqlQuestion const& question) {
    std::string text = question.query;
    for (std::size_t i = 0; i < question.values.size(); ++i)
        (text += i == 0 ? " [" : ", ") += question.values[i];
    if (!question.values.empty()) text += ']';
    return answer(text);
}

Result<void> ScriptedOutside::write(routes::FilePlace const& place, std::string_view bytes) {
    auto const path = path_of(place);
    for (auto const& reply : replies_) {
        if (!reply.fails.empty() && path.find(reply.asks.value) != std::string::npos)
            return error("disk", "", reply.fails);
    }
    auto const [at, is_new] = written_.try_emplace(path, bytes);
    if (!is_new && at->second != bytes) return error("exists", "", "there is another file of that name");
    return {};
}

Result<std::string> ScriptedOutside::read(routes::FilePlace const& place, std::size_t max_size) {
    auto const path = path_of(place);
    if (auto const own = written_.find(path); own != written_.end())
        return {boost::system::in_place_value, own->second};
    auto const* reply = reply_to(path);
    if (!reply) return error("not_found", "", "the test has no such file");
    if (!reply->fails.empty()) return error("disk", "", reply->fails);
    if (reply->nothing) return error("not_found", "", "there is no such file");
    if (reply->answer.scalar.size() > max_size) return error("too_large", "", "the file is too large");
    return {boost::system::in_place_value, reply->answer.scalar};
}

Result<std::optional<std::int64_t>> ScriptedOutside::seen(std::string_view scope, std::string_view key,
                                                          std::chrono::milliseconds window) {
    auto const [at, is_new] =
        seen_.try_emplace({std::string(scope), std::string(key)}, Seen{message_, now_us_});
    auto& before = at->second;
    std::optional<std::int64_t> when;
    if (!is_new && before.message != message_) {
        if (now_us_ - before.at_us <= std::chrono::microseconds(window).count()) {
            when = before.at_us;
        } else {
            before = {message_, now_us_};
        }
    }
    return when;
}

}  // namespace hilum::testing
