// One replay: what was asked, what it is bounded by, how far it is, and how all that is kept in a file.
#pragma once

#include <string>
#include <string_view>

#include "engine/ops/replay_view.h"
#include "engine/store/store.h"

namespace hilum::replay {

// The last thing that a job has made.
struct Made {
    store::Sequence message = 0;  // of which
    std::uint32_t ordinal = 0;    // store::whole_message: it went through the routes
    store::NameId destination = 0;
};

struct Job {
    ops::ReplayView view;
    Made made;
    store::Sequence last =
        0;  // messages after this one are not for it: they came when it was planned already
    store::Position planned_at;  // what the index has to know before it can be asked
    store::Position counted_to;  // what it has made up to here is in `view`; the rest is found in the journal
    bool cancel = false;         // asked for; not kept
};

// Who asks, as the journal has it: "replayed by job 3, asked by cli:ada". The first says it all, the second
// is what all of a job's begin with.
std::string signature(Job const& job);
std::string signature_begin(std::uint64_t job);
// Whether a text would pass for one.
bool is_signature(std::string_view by);

bool ended(std::string_view state);  // done, cancelled, failed

std::string encode(Job const& job);
Result<Job> decode(std::uint64_t number, std::string_view text);

}  // namespace hilum::replay
