#include "parsers/hl7/continuation.h"

#include <utility>

namespace hilum::hl7 {

namespace {

bool is(std::string_view segment, std::string_view name, char field) {
    return segment.substr(0, 3) == name && (segment.size() == 3 || segment[3] == field);
}

// Appends the segments of a fragment. `first` is 1 for the first fragment, 2 for one whose MSH has served.
void append_segments(Message const& message, std::size_t first, std::string& out) {
    char const field = message.delimiters().field;
    for (std::size_t i = first; i <= message.segment_count(); ++i) {
        std::string_view const segment = message.segment(i);
        if (is(segment, "DSC", field)) continue;
        if (is(segment, "ADD", field)) {
            // What stands behind ADD| continues the segment before it, character by character. An ADD without
            // fields says that the next fragment begins with the rest (§2.10.2.1).
            if (segment.size() <= 4 || out.empty()) continue;
            if (out.back() == '\r') out.pop_back();
            message.append_bytes(segment.substr(4), out);
        } else {
            message.append_bytes(segment, out);
        }
        out += '\r';
    }
}

}  // namespace

Continuations::Outcome Continuations::refuse(char const* code, char const* place, std::string what,
                                             std::string next) {
    return {Kind::refused, {}, error(code, place, std::move(what), std::move(next))};
}

Continuations::Outcome Continuations::add(Message const& message) {
    std::string const pointer = message.text("MSH-14");
    // DSC-2 I: the receiver has to ask for more, as in queries (table HL70398); nothing is cut off here.
    bool const interactive = message.text("DSC-2") == "I";
    std::string const next = interactive ? std::string() : message.text("DSC-1");
    std::string const sender = message.text("MSH-3") + "\r" + message.text("MSH-4") + "\r";
    if (pointer.empty() && next.empty()) {
        if (message.find("ADD") == 0) return {};
        Outcome whole{Kind::joined, {}, {}};
        append_segments(message, 1, whole.message);
        return whole;
    }

    Open open;
    if (!pointer.empty()) {
        auto const found = open_.find(sender + pointer);
        if (found == open_.end()) {
            return refuse("no_such_continuation", "MSH[1]-14", "no message waits for this fragment",
                          "send the fragments from the first one on");
        }
        open = std::move(found->second);
        bytes_ -= open.text.size();
        open_.erase(found);
    }
    append_segments(message, pointer.empty() ? 1 : 2, open.text);
    ++open.fragments;
    if (open.text.size() > limits_.bytes || bytes_ + open.text.size() > limits_.bytes_in_all) {
        return refuse("continuation_too_large", "DSC[1]-1",
                      "the fragments are larger together than is allowed",
                      "send the message in one piece, or less of it");
    }
    if (next.empty()) return {Kind::joined, std::move(open.text), {}};
    if (open.fragments >= limits_.fragments)
        return refuse("too_many_fragments", "DSC[1]-1", "the message has more fragments than are allowed",
                      "send larger fragments");
    if (open_.size() >= limits_.messages)
        return refuse("too_many_continuations", "DSC[1]-1", "too many messages wait for their next fragment",
                      "finish one before the next is begun");
    auto const [at, fresh] = open_.try_emplace(sender + next);
    if (!fresh) {
        return refuse("continuation_repeated", "DSC[1]-1",
                      "another message waits for a fragment with the same pointer", "use each pointer once");
    }
    bytes_ += open.text.size();
    at->second = std::move(open);
    return {Kind::waiting, {}, {}};
}

}  // namespace hilum::hl7
