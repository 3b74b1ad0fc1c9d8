// A candidate configuration against what was really made of stored messages: counts by route, and the
// differences gathered into clusters. Memory is bounded whatever the number of messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "routes/pipeline.h"
#include "routes/testing/door.h"
#include "routes/testing/field_changes.h"

namespace hilum::testing {

// What the store has of one message, by name. Views are borrowed for the call.
struct Stored {
    struct Verdict {
        std::string_view route;
        routes::RouteOutcome outcome = routes::RouteOutcome::sent;
        std::string_view reason;
    };
    struct Delivery {
        std::string_view destination, route, body;
    };
    std::uint64_t number = 0;
    bool refused = false;  // rejected at intake, by whatever
    std::string_view received;
    std::string_view answer_code;
    std::vector<Verdict> verdicts;
    std::vector<Delivery> deliveries;
};

class Rehearsal {
  public:
    static constexpr std::size_t clusters_max = 1000;  // the rest is counted as one

    explicit Rehearsal(routes::Pipeline const& candidate) : candidate_(candidate) {}

    void compare(Stored const& was, Taken const& now);

    // Outcomes by RouteOutcome: sent, filtered, held, rejected.
    using Outcomes = std::array<std::uint64_t, 4>;
    struct Counts {
        Outcomes was{}, now{};
    };
    struct Cluster {
        std::string subject;  // "lab", "route to-lab", "intake"
        std::string path;     // "PID-5"; empty where it is not about a field
        std::string kind;     // "changed", "was sent, now held"
        std::string reason;   // the rule; no content
        std::uint64_t messages = 0;
        std::uint64_t example = 0;  // the number of the first
        // Of the example, for those who want to see content; at most 200 bytes of each.
        std::string before, after;
    };
    std::uint64_t messages() const { return messages_; }
    std::uint64_t alike() const { return alike_; }  // messages without any difference
    std::map<std::string, Counts, std::less<>> const& routes() const { return routes_; }
    std::vector<Cluster> clusters() const;                   // the largest first
    std::uint64_t unclustered() const { return overflow_; }  // differences beyond clusters_max

  private:
    struct Body {
        std::string_view route, bytes;
    };
    // The cluster when it is new, else nullptr.
    Cluster* add(std::string_view subject, std::string_view path, std::string_view kind,
                 std::string_view reason);
    void compare_outcomes(Stored const& was, Taken const& now);
    void compare_deliveries(Stored const& was, Taken const& now);
    void compare_bodies(std::string_view destination, std::string_view before, std::string_view after);
    bool explained(std::string_view route) const;

    using Key = std::tuple<std::string, std::string, std::string, std::string>;
    routes::Pipeline const& candidate_;
    std::map<Key, Cluster> clusters_;
    std::map<std::string, Counts, std::less<>> routes_;
    std::uint64_t messages_ = 0, alike_ = 0, overflow_ = 0;
    // Of the message that is being compared.
    std::uint64_t number_ = 0;
    bool different_ = false;
    std::vector<std::string_view> changed_routes_;  // whose outcome is another one
};

}  // namespace hilum::testing
