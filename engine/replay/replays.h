// Replay: sending again what is in the store. Plans are previewed side by side, jobs run one after the other.
#pragma once

#include <atomic>
#include <memory>

#include "engine/ops/replay_view.h"
#include "engine/replay/runner.h"
#include "engine/replay/table.h"

namespace hilum::replay {

class Replays final : public ops::ReplayControl {
  public:
    Replays(Context context, store::NumberedFiles files);

    // Takes up what an earlier run left. Blocking.
    Result<void> start();
    // What is at work stops where it is, and goes on after the next start. On any context.
    net::Task<void> stop();

    Result<ops::ReplayView> plan(ops::ReplayRequest request) override;
    std::vector<ops::ReplayView> jobs() const override;
    Result<ops::ReplayView> job(std::uint64_t number) const override;
    net::Task<Result<ops::ReplayView>> start(std::uint64_t number) override;
    net::Task<Result<ops::ReplayView>> cancel(std::uint64_t number) override;

  private:
    net::Task<void> work();
    net::Task<void> preview(std::uint64_t number);
    net::Task<void> work_out(std::uint64_t number);
    void wake();

    Context context_;
    Table table_;
    net::Executor executor_;
    std::atomic<bool> stopping_{false};
    std::atomic<int> active_{0};
    Runner runner_;
    net::Timer idle_;
};

}  // namespace hilum::replay
