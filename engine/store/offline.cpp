// Offline work on a store: needs its lock.
#include <algorithm>

#include "engine/store/cursor.h"
#include "engine/store/index.h"
#include "engine/store/recovery.h"

namespace hilum::store {

namespace {

constexpr std::size_t named_damage = 1000;
constexpr std::uint64_t least_segment = 64u << 10;

// Every record of the journal, every checksum, every number.
Result<void> check_everything(Recovered& found) {
    auto& damage = found.report.damage;
    auto const say = [&damage](std::string line) {  // recovery may have said it already
        if (damage.size() < named_damage && std::find(damage.begin(), damage.end(), line) == damage.end()) {
            damage.push_back(std::move(line));
        }
    };
    JournalCursor cursor(
        *found.catalogue, Checksum(found.store_id), {}, found.end, [&](Damage const& d) { say(d.text()); },
        1u << 20);
    JournalCursor::Record r;
    for (;;) {
        auto const more = cursor.next(r);
        if (!more) return more.error();
        if (!*more) return {};
        Sequence const number = r.is(Kind::message) ? r.header.sequence : 0;
        if (!cursor.body_good()) say(damaged_body(r.position, number));
    }
}

}  // namespace

Result<RecoveryReport> verify(std::string const& dir, std::shared_ptr<FileSystem> files) {
    auto const lock = lock_store(dir, *files);
    if (!lock) return lock.error();
    auto found = recover(dir, files, least_segment, 0, RecoveryMode::look);
    if (!found) return found.error();
    if (auto r = check_everything(*found); !r) return r.error();
    return std::move(found->report);
}

Result<void> reindex(std::string const& dir, std::shared_ptr<FileSystem> files) {
    auto const lock = lock_store(dir, *files);
    if (!lock) return lock.error();
    delete_index(dir);
    return {};
}

}  // namespace hilum::store
