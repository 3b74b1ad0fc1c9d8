// Named places at which a test ends the process as kill -9 would, the n-th time that one is passed:
//
//   HILUM_KILL_AT=before_sync:12 hilum run hilum.yaml
//
// The variable is read once, at start. Without it a place costs a look at a constant.
#pragma once

namespace hilum::ops {

enum class KillPoint : unsigned char {
    none,
    before_write,  // to the journal: of a commit, a result, a mark
    after_write,
    before_sync,
    after_sync,
    before_ack,     // the message is on disk
    before_send,    // the delivery may be marked as in flight
    before_record,  // the receiver has answered
    roll_begun,     // the new segment has its room
    roll_synced,    // it is on disk, under its working name
    roll_named,     // the old one is not cut yet
    roll_cut,
    before_remove,  // retention: of a segment
    after_remove,
    reload_bound,  // the listeners are changed, the destinations are not
    reload_taken,  // the routes are not
    index_deleted,
    index_step,  // before the commit of what was read from the journal
};

namespace detail {
extern KillPoint const armed;
void passed();
}  // namespace detail

inline void kill_point(KillPoint here) {
    if (here == detail::armed) [[unlikely]]
        detail::passed();
}

}  // namespace hilum::ops
