// A configuration without the engine: what would happen to a message at a listener, up to the commit. Nothing
// is stored or sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/flow/acknowledgement.h"
#include "engine/flow/loading.h"
#include "engine/flow/validation.h"
#include "parsers/hl7/charset.h"
#include "routes/outside.h"
#include "routes/testing/door.h"

namespace hilum::flow {

// `loaded` must outlive it. The sequence number protocol is left out: it is about what came before.
class DryRun final : public testing::Door {
  public:
    explicit DryRun(Loaded const& loaded);
    testing::Taken take(std::uint32_t listener, std::string_view bytes, std::int64_t now_us,
                        routes::Observer* observer, routes::Outside* outside) override;

  private:
    testing::Taken take_fhir(std::uint32_t listener, std::string_view bytes, std::int64_t now_us,
                             routes::Observer* observer, routes::Outside* outside);
    void shape(std::uint32_t listener, std::int64_t now_us, testing::Taken& taken) const;

    Loaded const& loaded_;
    std::vector<std::optional<hl7::Charset>> charsets_;  // these are parallel to config.listeners
    std::vector<IntakeOptions> intake_;
    std::vector<std::shared_ptr<Validator const>> validators_;
    Conformance conformance_;
};

// Explaining asks nobody and writes nothing: the story of such a route ends at its first question.
class NotAsked final : public routes::Outside {
  public:
    Result<routes::OutsideAnswer> ask(routes::HttpQuestion const&) override { return refused(); }
    Result<routes::OutsideAnswer> ask(routes::SqlQuestion const&) override { return refused(); }
    Result<void> write(routes::FilePlace const&, std::string_view) override { return refused(); }
    Result<std::string> read(routes::FilePlace const&, std::size_t) override { return refused(); }
    Result<std::optional<std::int64_t>> seen(std::string_view, std::string_view,
                                             std::chrono::milliseconds) override {
        return std::optional<std::int64_t>();  // as if it were the first
    }

  private:
    static Error refused() {
        return error("not_asked", "", "nothing outside is asked here; a route test can say what would come");
    }
};

}  // namespace hilum::flow
