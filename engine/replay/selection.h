// Which stored messages a replay is about, page by page in the order of acceptance, and what of each goes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/flow/generation.h"
#include "engine/ops/replay_view.h"
#include "engine/replay/held.h"
#include "engine/store/store.h"
#include "routes/expression/expression.h"

namespace hilum::replay {

// One message of it.
struct Item {
    struct Delivery {
        std::uint32_t ordinal = 0;
        store::NameId destination = 0;  // where it goes
        std::uint64_t bytes = 0;
        std::vector<HeldEntry> ends;  // what is held no longer once it is on its way: one entry, or none
    };
    store::Sequence number = 0;
    store::Position position;
    std::string listener;
    std::vector<Delivery> deliveries;  // by ordinal and destination
    bool again = false;                // through the routes instead
    bool held = false;                 // as a whole: going through the routes ends that
    std::vector<std::string> routes;   // only these; empty: all
};

class Selection {
  public:
    // Checks the request against the configuration in force. Errors: those of ops::ReplayControl::plan().
    static Result<std::unique_ptr<Selection>> make(ops::ReplayRequest const& request,
                                                   std::shared_ptr<flow::Generation const> generation,
                                                   store::Store& store, std::int64_t now_us);

    // Goes on behind message `after`, to `last` at most: shows `visit` the messages that are for it until
    // that says no, for a bounded time and number of messages. Blocking. Errors: the index's.
    struct Page {
        store::Sequence reached = 0;  // everything up to it was looked at
        bool end = false;
    };
    using Visit = std::function<bool(Item const&, store::StoredMessage&)>;
    Result<Page> page(store::Sequence after, store::Sequence last, Visit const& visit);

    // Messages that are in the range and don't go, by reason; of all pages so far.
    std::map<std::string, std::uint64_t> const& left_out() const { return left_out_; }
    // The destinations that a reprocessed message of this listener may go to.
    std::vector<std::string> reachable(std::string const& listener) const;
    flow::Generation const& generation() const { return *generation_; }

  private:
    Selection(ops::ReplayRequest const& request, std::shared_ptr<flow::Generation const> generation,
              store::Store& store, std::int64_t now_us)
        : request_(request), generation_(std::move(generation)), store_(store), now_us_(now_us) {}
    Result<void> check() const;
    Result<std::vector<store::MessageRow>> rows(store::Sequence after, store::Sequence last, bool& end) const;
    Result<void> look_at(store::MessageRow const& row, Visit const& visit, bool& more);
    // Why it does not go; "": it does.
    std::string choose(store::MessageRow const& row, store::StoredMessage const& stored, Item& item) const;
    std::string choose_sent(store::MessageRow const& row, store::StoredMessage const& stored,
                            Item& item) const;
    std::string choose_held(store::MessageRow const& row, store::StoredMessage const& stored,
                            Item& item) const;
    std::string choose_again(store::MessageRow const& row, store::StoredMessage const& stored,
                             Item& item) const;
    std::string add(store::StoredMessage const& stored, Item::Delivery delivery, Item& item) const;
    std::vector<std::string> held_by(store::StoredMessage const& stored) const;
    bool held_elsewhere(store::StoredMessage const& stored) const;
    bool held_otherwise(store::StoredMessage const& stored) const;
    // "" when the expression says yes.
    std::string where(store::MessageRow const& row, store::StoredMessage const& stored) const;
    bool configured(std::string const& destination) const;

    ops::ReplayRequest request_;
    std::shared_ptr<flow::Generation const> generation_;
    store::Store& store_;
    std::int64_t now_us_;
    expression::Expression where_, fhir_where_;  // as it is read about HL7 v2, and about FHIR
    std::map<std::string, std::uint64_t> left_out_;
};

}  // namespace hilum::replay
