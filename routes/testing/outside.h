// The world outside as a route test describes it: what other systems answer, which files there are. It
// remembers what steps wrote and what was seen, for the one case.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "routes/config/node.h"
#include "routes/outside.h"
#include "routes/testing/test_file.h"

namespace hilum::testing {

class ScriptedOutside final : public routes::Outside {
  public:
    explicit ScriptedOutside(std::vector<OutsideReply> const& replies) : replies_(replies) {}

    // The message that asks from now on, and when.
    void begin(std::size_t message, std::int64_t now_us) {
        message_ = message;
        now_us_ = now_us;
    }
    // What was asked in vain: the test does not say what the answer is.
    std::vector<std::string> const& unanswered() const { return unanswered_; }
    std::map<std::string, std::string> const& written() const { return written_; }

    Result<routes::OutsideAnswer> ask(routes::HttpQuestion const& question) override;
    Result<routes::OutsideAnswer> ask(routes::SqlQuestion const& question) override;
    Result<void> write(routes::FilePlace const& place, std::string_view bytes) override;
    Result<std::string> read(routes::FilePlace const& place, std::size_t max_size) override;
    Result<std::optional<std::int64_t>> seen(std::string_view scope, std::string_view key,
                                             std::chrono::milliseconds window) override;

  private:
    OutsideReply const* reply_to(std::string const& question);
    Result<routes::OutsideAnswer> answer(std::string const& question);

    std::vector<OutsideReply> const& replies_;
    std::size_t message_ = 0;
    std::int64_t now_us_ = 0;
    std::vector<std::string> unanswered_;
    std::map<std::string, std::string> written_;
    struct Seen {
        std::size_t message;
        std::int64_t at_us;
    };
    std::map<std::pair<std::string, std::string>, Seen> seen_;
};

// A YAML value as JSON: plain numbers, true, false and null as such, everything else as text.
std::string json_of(config::Node const& node);

}  // namespace hilum::testing
