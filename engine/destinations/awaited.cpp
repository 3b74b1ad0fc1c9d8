#include "engine/destinations/awaited.h"

#include <optional>

#include "engine/destinations/hl7_answer.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/message_form.h"
#include "parsers/hl7/msh.h"

namespace hilum::destinations {

namespace {

std::string two_fields(hl7::Message const& message, std::uint32_t first) {
    std::string out(message.get(hl7::msh_field(first)).raw);
    return (out += '\n') += message.get(hl7::msh_field(first + 1)).raw;
}

}  // namespace

std::string receiver_of(std::string_view message) {
    auto const view = hl7::read_body(message);
    return view ? two_fields(*view, 5) : std::string();
}

std::string Awaited::key_of(std::string_view place, std::string_view control_id) {
    std::string key(place);
    return (key += '\n') += control_id;
}

void Awaited::on_answer(Handler handler) {
    handler_ = std::move(handler);
}

void Awaited::remember(std::string_view place, std::string_view control_id, Sent sent) {
    if (control_id.empty()) return;
    auto key = key_of(place, control_id);
    std::lock_guard const lock(mutex_);
    auto [at, end] = entries_.equal_range(key);
    while (at != end) at = at->second.sent.destination == sent.destination ? entries_.erase(at) : ++at;
    entries_.emplace(key, Entry{++next_, std::move(sent)});
    order_.emplace_back(next_, std::move(key));
    // Entries that are gone leave their place in the order, which is what is bounded.
    while (order_.size() > capacity) forget_oldest();
    size_.store(entries_.size(), std::memory_order_relaxed);
}

void Awaited::forget_oldest() {
    auto const& [number, key] = order_.front();
    auto [at, end] = entries_.equal_range(key);
    while (at != end) at = at->second.number == number ? entries_.erase(at) : ++at;
    order_.pop_front();
}

bool Awaited::answer(std::string_view place, std::string_view bytes) {
    if (size_.load(std::memory_order_relaxed) == 0) return false;
    auto const view = hl7::Message::view(bytes);
    if (!view) return false;
    auto const control_id = view->text("MSA-2");
    if (control_id.empty()) return false;
    auto attempt = read_hl7_answer(bytes, control_id);
    if (!attempt || attempt->result == AttemptClass::bad_answer) return false;
    auto const from = two_fields(*view, 3);
    std::optional<Sent> sent;
    {
        std::lock_guard const lock(mutex_);
        auto const [begin, end] = entries_.equal_range(key_of(place, control_id));
        auto found = end;
        bool const only = begin != end && std::next(begin) == end;
        for (auto at = begin; at != end && found == end; ++at) {
            if (only || at->second.sent.receiver == from) found = at;
        }
        if (found == end) return false;
        sent = std::move(found->second.sent);
        entries_.erase(found);
        size_.store(entries_.size(), std::memory_order_relaxed);
    }
    if (handler_) handler_(*sent, std::move(*attempt));
    return true;
}

}  // namespace hilum::destinations
