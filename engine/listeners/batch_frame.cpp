#include "engine/listeners/batch_frame.h"

#include <chrono>
#include <vector>

#include "engine/flow/timestamp.h"
#include "engine/listeners/pacing.h"
#include "parsers/hl7/batch.h"

namespace hilum::listeners {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t messages_at_most = 10'000;

std::int64_t now_us() {
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

net::Task<std::optional<std::string>> accept_batch(ListenerContext const& context, std::string_view listener,
                                                   std::string_view frame, net::Connection& connection) {
    std::optional<std::string> result;
    if (!hl7::is_batch(frame)) co_return result;
    hl7::BatchCheck check;
    auto const split = hl7::split_messages(frame, &check);
    if (split.leftover || split.messages.size() > messages_at_most) co_return result;
    check.finish();

    auto const timestamp = flow::hl7_timestamp(now_us());
    auto const control_id = "B" + std::to_string(now_us());
    std::vector<std::string> acks;
    acks.reserve(split.messages.size());
    std::string source;
    for (auto const message : split.messages) {
        // The turn of the first is the frame's.
        auto turn = Turn::go;
        if (!acks.empty() && context.intake.paced()) turn = co_await wait_turn(context, connection, 1h);
        if (turn != Turn::go || connection.stopping) {
            acks.push_back(hl7::build_nak_for_fragment(
                message, {control_id, timestamp}, {"", "207", "not stored (stopping), send it again", 'E'}));
            continue;
        }
        source.assign(connection.peer).append("#").append(std::to_string(acks.size() + 1));
        auto answer = co_await context.intake.accept(message, source);
        acks.push_back(std::move(answer.bytes));
    }

    std::string comment;
    if (auto const& findings = check.findings(); !findings.empty()) {
        context.metrics.tolerated.fetch_add(1, std::memory_order_relaxed);
        context.log.warn("batch_findings", {{"listener", listener},
                                            {"code", findings.front().code},
                                            {"place", findings.front().place},
                                            {"findings", findings.size()}});
        comment = findings.front().text();
    }
    result = hl7::build_batch_answer(split, acks, {control_id, timestamp}, comment);
    co_return result;
}

}  // namespace hilum::listeners
