// What every route makes of one message. Pure: no sockets, no disk, time is passed in (DESIGN §4).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message.h"
#include "routes/config/config.h"
#include "routes/observer.h"

namespace hilum::routes {

struct StepKind;
struct Subject;
class Outside;
struct Asked;
class Table;

enum class RouteOutcome : unsigned char {
    sent = 0,      // deliveries were planned
    filtered = 1,  // `when` said no, or a step stopped it: `reason` names the rule
    held = 2,      // the route could not do its work: `reason`
    rejected = 3,  // refuse at intake
    noted = 4,     // decides nothing: what validation or a step has found, for the trace
};
std::string_view name(RouteOutcome outcome);

struct RouteVerdict {
    std::uint32_t route = 0;  // index into Pipeline::route_names()
    RouteOutcome outcome = RouteOutcome::sent;
    std::string reason;  // "when: MSH-9.1 = 'ADT'", "step 2 (lookup): no entry in table wards for PV1-3.1";
                         // no patient data
    std::uint64_t lost = 0;         // of a note: values of the message that a map has carried nowhere
    std::uint32_t from = no_route;  // the route that sent the message on to this one
    static constexpr std::uint32_t no_route = 0xffffffff;
};

// Where a delivery stands in its destination's queue (destination keys order_by and priority).
struct DeliveryOrder {
    std::uint32_t rule = 0;  // stands for the expression; 0: there is none
    std::uint64_t key = 0;   // a hash of its value
    bool urgent = false;
    bool failed = false;  // order_by gives no single value, such as several: it counts as none
};

struct PlannedDelivery {
    // Index into Pipeline::destination_names(); its waiting_lane() for what goes on after the commit.
    std::uint32_t destination = 0;
    std::uint32_t route = 0;
    std::uint32_t body = 0;  // 0: the message as received; n: Processed::bodies[n - 1]
    DeliveryOrder order{};
};

struct Processed {
    std::vector<RouteVerdict> verdicts;  // one per route that saw the message, and notes
    std::vector<std::string> bodies;
    std::vector<PlannedDelivery> deliveries;
    bool rejected = false;
    std::string rejection;  // the reason of the first rejecting route
    bool retry = false;     // another system did not answer: its route has held the message, for now

    bool held() const;
    void clear();
};

class Pipeline {
  public:
    // Compiles every route; findings (bad expressions, steps, tables) go to `diagnostics`. Never null; useful
    // only when nothing failed.
    static std::shared_ptr<Pipeline const> compile(config::Config const& config,
                                                   std::vector<StepKind> const& kinds,
                                                   config::Diagnostics& diagnostics);
    ~Pipeline();

    static constexpr std::uint32_t none = 0xffffffff;
    std::uint32_t listener(std::string_view name) const;  // index, or none
    std::vector<std::string> const& listener_names() const;
    std::vector<std::string> const& route_names() const;
    // Those of the configuration; behind them, for each route that waits for the world outside, its lane.
    std::vector<std::string> const& destination_names() const;
    std::uint32_t route(std::string_view name) const;  // index, or none
    // Routes with a step that waits. process() only plans a delivery to their lane, in front of which
    // resume() does their steps once the message is on disk (DESIGN §2).
    std::vector<std::uint32_t> waiting_routes() const;
    static std::string waiting_lane(
        std::string_view route);  // "(route adt-to-lab)": no destination is called so
    // nullptr where a table could not be loaded.
    std::map<std::string, std::shared_ptr<Table const>, std::less<>> const& tables() const;
    std::vector<StepPlace> const& steps() const;  // those inside other steps too
    std::vector<Asked> const& asked() const;

    // Whether the listener's answers are shaped by steps, and the shaping: see answer.h. Thread-safe.
    bool shapes_answers(std::uint32_t listener) const;
    Result<void> shape_answer(std::uint32_t listener, std::string& answer, std::int64_t now_us) const;

    // Where a message would stand in a destination's queue: for what is sent again, maybe to another one.
    bool has_order(std::string_view destination) const;
    DeliveryOrder order_of(std::string_view destination, Subject const& subject, std::int64_t now_us) const;
    config::Content content_of_order(std::string_view destination) const;  // of what its order_by is about
    // What comes from a listener.
    config::Content content(std::uint32_t listener) const;
    hl7::Dictionary const& dictionary() const;

    // Runs every route of the listener. `subject` is not changed: a route with steps works on one of its
    // own. Thread-safe. `observer` may be null. With an `outside` the routes that wait are done at once, too:
    // for tests and explaining.
    void process(std::uint32_t listener, Subject const& subject, std::string_view received,
                 std::int64_t now_us, Processed& out, Observer* observer = nullptr,
                 Outside* outside = nullptr) const;
    void process(std::uint32_t listener, hl7::Message const& message, std::string_view received,
                 std::int64_t now_us, Processed& out, Observer* observer = nullptr,
                 Outside* outside = nullptr) const;
    // The rest of a route that has waited, from its first step on: `when` has let the message in.
    // Thread-safe; takes as long as the world outside does.
    void resume(std::uint32_t route, Subject const& subject, std::string_view received, std::int64_t now_us,
                Outside& outside, Processed& out) const;

  private:
    Pipeline();
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hilum::routes
