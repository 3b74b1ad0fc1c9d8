#include "engine/ops/kill_point.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace hilum::ops {
namespace {

struct Named {
    std::string_view name;
    KillPoint point;
};
constexpr Named all[] = {
    {"before_write", KillPoint::before_write},   {"after_write", KillPoint::after_write},
    {"before_sync", KillPoint::before_sync},     {"after_sync", KillPoint::after_sync},
    {"before_ack", KillPoint::before_ack},       {"before_send", KillPoint::before_send},
    {"before_record", KillPoint::before_record}, {"roll_begun", KillPoint::roll_begun},
    {"roll_synced", KillPoint::roll_synced},     {"roll_named", KillPoint::roll_named},
    {"roll_cut", KillPoint::roll_cut},           {"before_remove", KillPoint::before_remove},
    {"after_remove", KillPoint::after_remove},   {"reload_bound", KillPoint::reload_bound},
    {"reload_taken", KillPoint::reload_taken},   {"index_deleted", KillPoint::index_deleted},
    {"index_step", KillPoint::index_step}};

std::string_view asked() {
    char const* const text = std::getenv("HILUM_KILL_AT");
    return text ? text : "";
}

KillPoint named(std::string_view text) {
    auto const name = text.substr(0, text.find(':'));
    auto const found =
        std::find_if(std::begin(all), std::end(all), [name](Named const& n) { return n.name == name; });
    return found == std::end(all) ? KillPoint::none : found->point;
}

long count(std::string_view text) {
    long n = 1;
    if (auto const colon = text.find(':'); colon != std::string_view::npos)
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), n);
    return n;
}

std::atomic<long> left{count(asked())};

}  // namespace

KillPoint const detail::armed = named(asked());

void detail::passed() {
    if (left.fetch_sub(1) == 1) std::raise(SIGKILL);
}

}  // namespace hilum::ops
