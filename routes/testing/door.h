// What route tests need of the world, and get from whoever runs them: an engine's door without the engine,
// and the files that tests name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "routes/observer.h"
#include "routes/pipeline.h"

namespace hilum::testing {

// What became of one message.
struct Taken {
    bool refused = false;  // before any route saw it
    routes::Processed processed;
    std::string answer;       // the whole answer to the sender; empty when none is owed
    std::string answer_code;  // "AA"; "none" when none is owed
};

class Door {
  public:
    virtual ~Door() = default;
    // Everything that happens at a listener before the commit. `observer` may be null. With an `outside` also
    // what routes that wait for other systems do after it.
    virtual Taken take(std::uint32_t listener, std::string_view bytes, std::int64_t now_us,
                       routes::Observer* observer, routes::Outside* outside) = 0;
};

class Files {
  public:
    virtual ~Files() = default;
    // Paths are relative to the test file. nullopt: it can't be read.
    virtual std::optional<std::string> read(std::string const& path) = 0;
    virtual bool write(std::string const& path, std::string_view text) = 0;
};

}  // namespace hilum::testing
