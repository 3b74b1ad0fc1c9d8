// The engine as a whole: what `hilum run` starts, reloads and stops.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "engine/delivery/lane.h"
#include "engine/flow/flow.h"
#include "engine/flow/loading.h"
#include "engine/flow/space_watch.h"
#include "engine/listeners/listener.h"
#include "engine/net/runtime.h"
#include "engine/ops/admin_server.h"
#include "engine/ops/changes.h"
#include "engine/ops/control.h"
#include "engine/ops/live.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"
#include "engine/ops/readings.h"
#include "engine/ops/watch.h"
#include "engine/outside/world.h"
#include "engine/replay/replays.h"
#include "engine/store/paused.h"
#include "engine/subscriptions/feed.h"

namespace hilum::flow {

// start() and stop() are for one thread, the main one, which they may block. Control is for the ops API's
// coroutines.
class Engine final : public ops::Control {
  public:
    Engine(ops::Log& log, std::function<std::int64_t()> now_us, unsigned threads);
    ~Engine() override;

    // Opens the store, starts lanes, listeners and the admin port. On an error nothing is left running.
    Result<void> start(Loaded loaded);
    // Whole or nothing: on an error everything is as before. What has not changed is not touched.
    // For the main thread and those of blocking calls; one reload after the other.
    Result<void> reload(Loaded loaded);
    // The same with what stands now where the configuration came from. Logs why, when nothing is changed.
    ops::ReloadView reload_from_source();
    // Stops taking messages, lets what is in flight end, closes the store.
    void stop();

    // "ready: adt_in=mllp:127.0.0.1:2575 admin=127.0.0.1:8080"
    std::string ready_line() const;

    bool ready() const override;
    ops::StatusView status() const override;
    std::vector<ops::ListenerView> listeners() const override;
    std::vector<ops::ConformanceView> conformance() const override { return flow_->conformance().view(); }
    net::Task<std::shared_ptr<ops::Overview const>> overview() override;
    ops::Live& live() override { return live_; }
    std::optional<ops::History> queue_history(std::string const& name) const override;
    std::optional<ops::History> listener_history(std::string const& name) const override;
    net::Task<std::vector<ops::QueueView>> queues() override;
    net::Task<Result<ops::QueueView>> queue(std::string destination) override;
    net::Task<Result<ops::QueueView>> pause(std::string destination, store::Pause pause) override;
    net::Task<Result<ops::QueueView>> resume(std::string destination) override;
    net::Task<Result<ops::QueueView>> retry(std::string destination, std::uint64_t message) override;
    net::Task<Result<ops::QueueView>> hold(std::string destination, std::uint64_t message,
                                           std::string reason) override;
    net::Task<Result<ops::QueueView>> skip(std::string destination, std::uint64_t message,
                                           std::string reason) override;
    net::Task<Result<std::vector<store::MessageRow>>> messages(store::Query query) override;
    net::Task<Result<store::Store::Count>> count(store::Query query) override;
    net::Task<Result<ops::MessageView>> message(std::uint64_t number) override;
    net::Task<Result<ops::StoryView>> steps(std::uint64_t number) override;
    net::Task<Result<ops::HeldView>> held() override;
    hl7::Dictionary dictionary() const override { return flow_->generation()->pipeline->dictionary(); }
    net::Task<Result<Resent>> resend(std::uint64_t number, std::string destination, std::string by,
                                     std::string to) override;
    net::Task<Result<Resent>> cancel(std::uint64_t number, std::string destination,
                                     std::string reason) override;
    net::Task<Result<ops::MoveView>> move(std::string from, std::string to, std::string by,
                                          bool dry_run) override;
    net::Task<ops::ReloadView> reload() override;
    ops::ReplayControl* replays() override { return replays_.get(); }
    std::string metrics() const override;

  private:
    struct RunningListener {
        config::Component component;
        std::unique_ptr<Door> door;
        std::unique_ptr<listeners::Listener> listener;
    };
    using LanePointer = std::shared_ptr<delivery::Lane>;

    Result<void> open_store(config::Store const& options);
    void add_recovered_lanes();
    void add_lane(std::string const& name, store::LaneState const& state);
    void set_destination(config::Component const& component);
    void take_destinations(config::Config const& config);
    void take_waiting_routes(routes::Pipeline const& pipeline);
    // The lane of a name, made where there is none yet.
    LanePointer lane_for(std::string const& name);
    // What the listeners remember of the messages before, see `deduplicate`.
    using Remembered = std::map<std::string, std::shared_ptr<Duplicates>>;
    Remembered remember(std::vector<config::Component> const& listeners);
    Result<void> start_listener(config::Component const& component, Remembered const& remembered);
    void stop_listener(std::string const& name);
    Result<void> start_replays(config::Store const& configured);
    Result<void> start_admin(config::Admin const& admin);
    net::Task<void> prune_now_and_then();
    net::Task<void> watch_space();
    net::Task<void> prune();
    net::Task<void> keep_watch();
    net::Task<void> look();
    net::Task<ops::Readings> readings();
    net::Task<std::vector<ops::QueueView>> views(std::vector<LanePointer> lanes);
    net::Task<void> count_held();
    void note(std::string kind, std::string name, std::string text);
    void render_store(std::string& out) const;
    // Runs a coroutine on the first context and waits for it.
    void run_to_end(net::Task<void> task);

    LanePointer lane(std::string const& name) const;
    std::vector<LanePointer> all_lanes() const;
    net::Task<Result<ops::QueueView>> change_lane(std::string destination,
                                                  std::function<Result<void>(delivery::Lane&)> change);
    net::Task<Result<ops::QueueView>> take_out(std::string destination, std::uint64_t message,
                                               store::DeliveryOutcome outcome, std::string reason);
    net::Task<void> show_live_states(ops::MessageView& view);
    net::Task<Result<ops::QueueView>> set_paused(std::string destination, std::optional<store::Pause> pause);
    net::Task<Result<store::StoredMessage>> read_message(std::uint64_t number, store::Position& position);
    net::Task<Result<Resent>> reprocess(store::StoredMessage const& stored, store::Position position);
    bool configured(std::string const& destination) const;
    // What of a message is held: of one destination, or (empty) all of it.
    net::Task<Result<std::vector<replay::HeldEntry>>> held_of(std::uint64_t number,
                                                              std::string const& destination);
    void no_longer_held(store::NameId destination);
    net::Task<ops::MoveView> count_waiting(store::NameId id);
    net::Task<void> end_of_move(LanePointer of);

    ops::Log& log_;
    std::function<std::int64_t()> now_us_;
    std::int64_t started_us_;
    ops::Metrics metrics_;
    std::unique_ptr<net::Runtime> runtime_;
    std::unique_ptr<CommitHub> hub_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<store::PausedQueues> paused_;
    destinations::Awaited awaited_;
    delivery::Replies replies_;
    delivery::LastRun last_run_;
    std::string dir_;  // of the store
    std::unique_ptr<subscriptions::Feeds> feeds_;
    std::unique_ptr<outside::Shared> outside_;
    std::unique_ptr<Flow> flow_;
    SpaceWatch space_watch_{log_};
    bool pruning_ = false;  // of the first context
    ops::Changes changes_;
    ops::Live live_;
    ops::Watch watch_{changes_};
    bool looking_ = false;  // this and the next three: of the first context
    net::Clock::time_point looked_{};
    std::uint64_t held_messages_ = 0;
    net::Clock::time_point count_held_at_{};
    std::unique_ptr<replay::Replays> replays_;
    std::unique_ptr<ops::AdminServer> admin_;
    mutable std::mutex mutex_;  // of the two maps: the main thread changes them, the API reads them
    std::map<std::string, RunningListener> listeners_;
    std::map<std::string, LanePointer> lanes_;
    std::map<std::string, config::Component>
        destinations_;                      // as configured now; of whoever starts or reloads
    std::set<std::string> waiting_routes_;  // whose lanes have their route in front of them; of the same
    std::mutex reload_mutex_;               // held while reloading; `running_` changes under it
    std::atomic<bool> ready_{false};
    bool running_ = false;
};

}  // namespace hilum::flow
