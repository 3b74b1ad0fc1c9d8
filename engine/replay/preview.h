// Works out what a replay would do: counts and bytes by destination, and for what is reprocessed how that
// differs from what was sent before. Memory is bounded, whatever the range.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/flow/dry_run.h"
#include "engine/replay/selection.h"
#include "routes/testing/rehearsal.h"

namespace hilum::replay {

// For one thread at a time. Nothing is sent or stored.
class Preview {
  public:
    Preview(ops::ReplayRequest const& request, std::shared_ptr<flow::Generation const> generation,
            store::Store& store);
    void add(Item const& item, store::StoredMessage const& stored);
    // So far.
    ops::ReplayPreview result(Selection const& selection) const;

  private:
    void add_again(Item const& item, store::StoredMessage const& stored);
    std::string_view name(store::NameId id);

    ops::ReplayMode mode_;
    std::shared_ptr<flow::Generation const> generation_;
    store::Store& store_;
    std::map<store::NameId, std::string> names_;  // so that views of them stay
    flow::Loaded loaded_;
    flow::DryRun door_;
    testing::Rehearsal rehearsal_;
    ops::ReplayPreview counts_;
};

}  // namespace hilum::replay
