// In which state a queue is, for people (docs/api.md): from what its lane says and how it moves.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/ops/control.h"

namespace hilum::ops {

enum class Mood : unsigned char { flowing, idle, behind, stuck, paused };
std::string_view name(Mood mood);

struct Judgement {
    Mood mood = Mood::idle;
    std::int64_t since_us = 0;  // 0: the queue itself does not say
};
// `moves`: something has left it in the last minute. `started_us`: nothing could be sent before.
Judgement judge(QueueView const& queue, bool moves, std::int64_t started_us, std::int64_t now_us);

}  // namespace hilum::ops
