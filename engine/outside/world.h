// The world outside, as routes that wait see it (routes/outside.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/outside/cache.h"
#include "engine/outside/memory.h"
#include "parsers/result.h"
#include "routes/outside.h"

namespace hilum::outside {

// What all routes have in common: answers that are kept, and what was seen before. Thread-safe.
struct Shared {
    explicit Shared(std::string const& store_dir) : memory(store_dir + "/seen.sqlite") {}
    Cache cache;
    Memory memory;
};

// Of one route: its connections. For one thread at a time, save stop(). `shared` outlives it.
class World {
  public:
    explicit World(Shared& shared);
    ~World();

    // Lives no longer than the World.
    std::unique_ptr<routes::Outside> of_message(std::uint64_t number, std::int64_t now_us);
    // From any thread: calls under way end soon, with an error, and so does every later one.
    void stop() noexcept;

    struct Connections;

  private:
    Shared& shared_;
    std::unique_ptr<Connections> connections_;
};

}  // namespace hilum::outside
