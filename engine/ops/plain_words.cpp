#include "engine/ops/plain_words.h"

#include <algorithm>
#include <cstdint>

namespace hilum::ops {
namespace {

// {who} is the receiver's place, {code} what stands behind the class. The first that fits; docs/operations.md
// says what helps.
struct Words {
    std::string_view kind, code;  // an empty code: any
    std::string_view text;
};
constexpr Words all_words[] = {
    {"connect", "refused", "{who} refuses connections: nothing listens there"},
    {"connect", "timeout", "{who} does not answer: no connection in time"},
    {"connect", "unreachable", "{who} can't be reached over the network"},
    {"connect", "unknown_name", "the name in {who} is not known"},
    {"connect", "stopped", "Hilum was stopping"},
    {"connect", "", "no connection to {who} ({code})"},
    {"timeout", "", "{who} took the message and did not answer in time: it may have arrived"},
    {"cut", "", "{who} ended the connection before it answered"},
    {"busy", "", "{who} says: not now ({code})"},
    {"ae", "", "{who} refused the message: application error ({code})"},
    {"ar", "", "{who} rejected the message ({code})"},
    {"login", "", "{who} does not let Hilum in ({code})"},
    {"bad_answer", "", "the answer of {who} is no acknowledgement ({code})"},
    {"local", "disk_full", "our own disk is full"},
    {"local", "", "on our own side: {code}"},
    {"held", "", "the route could not do its work ({code})"},
    {"unconfirmed", "", "{who} has it, but its acknowledgement did not come"},
};

void replace(std::string& text, std::string_view hole, std::string_view with) {
    if (auto const at = text.find(hole); at != std::string::npos) text.replace(at, hole.size(), with);
}

}  // namespace

std::string in_plain_words(std::string_view last_error, std::string_view where) {
    if (last_error.empty()) return {};
    auto const blank = std::min(last_error.find(' '), last_error.size());
    auto const kind = last_error.substr(0, blank);
    auto const code = last_error.substr(std::min(blank + 1, last_error.size()));
    auto const found = std::find_if(std::begin(all_words), std::end(all_words), [&](Words const& w) {
        return w.kind == kind && (w.code.empty() || w.code == code);
    });
    if (found == std::end(all_words)) return std::string(last_error);
    std::string text(found->text);
    if (code.empty()) replace(text, " ({code})", "");
    replace(text, "{code}", code);
    auto const place = where.substr(where.find(' ') + 1);  // behind the kind; all of it when there is none
    replace(text, "{who}", place.empty() ? std::string_view("the receiver") : place);
    return text;
}

std::string duration_words(std::int64_t us) {
    auto const seconds = std::max<std::int64_t>(us, 0) / 1'000'000;
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min";
    if (seconds < 48 * 3600)
        return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
    return std::to_string(seconds / 86400) + " days";
}

}  // namespace hilum::ops
