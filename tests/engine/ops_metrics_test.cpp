#include <doctest/doctest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "engine/destinations/destination.h"
#include "engine/ops/metrics.h"

using namespace hilum;
using ops::Metrics;

namespace {

std::vector<std::string> lines(std::string const& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

bool has_line(std::string const& text, std::string const& line) {
    for (auto const& l : lines(text)) {
        if (l == line) return true;
    }
    MESSAGE("not there: ", line);
    return false;
}

}  // namespace

TEST_CASE("counters by listener, route and destination") {
    Metrics metrics;
    metrics.listener("adt_in").received = 7;
    metrics.listener("adt_in").acknowledged = 6;
    metrics.listener("adt_in").open_connections = 2;
    metrics.listener("oru_in").rejected = 1;
    metrics.route("adt-to-lab").filtered = 3;
    metrics.destination("lab").delivered = 5;
    metrics.destination("lab").depth = 11;
    metrics.destination("lab").orphans = 1;
    metrics.destination("lab").failures.find("timeout")->second = 4;
    metrics.edge(ops::EdgeKind::listener_route, "adt_in", "adt-to-lab") = 9;
    metrics.add_source([](std::string& out) { out += "hilum_store_bytes 9\n"; });
    std::string const text = metrics.render();
    CHECK(has_line(text, R"(hilum_messages_received_total{listener="adt_in"} 7)"));
    CHECK(has_line(text, R"(hilum_messages_acknowledged_total{listener="adt_in"} 6)"));
    CHECK(has_line(text, R"(hilum_messages_rejected_total{listener="oru_in"} 1)"));
    CHECK(has_line(text, R"(hilum_connections_open{listener="adt_in"} 2)"));
    CHECK(has_line(text, R"(hilum_route_filtered_total{route="adt-to-lab"} 3)"));
    CHECK(has_line(text, R"(hilum_delivered_total{destination="lab"} 5)"));
    CHECK(has_line(text, R"(hilum_queue_depth{destination="lab"} 11)"));
    CHECK(has_line(text, R"(hilum_queue_oldest_age_seconds{destination="lab"} 0)"));
    CHECK(has_line(text, R"(hilum_orphan_answers_total{destination="lab"} 1)"));
    CHECK(has_line(text, R"(hilum_attempt_failures_total{destination="lab",class="timeout"} 4)"));
    CHECK(has_line(text,
                   R"(hilum_edge_messages_total{kind="listener-route",from="adt_in",to="adt-to-lab"} 9)"));
    CHECK(has_line(text, "hilum_store_bytes 9"));
}

TEST_CASE("a name is found again with its counts") {
    Metrics metrics;
    auto& first = metrics.listener("a");
    for (int i = 0; i < 100; ++i) metrics.listener("other" + std::to_string(i));
    CHECK(&first == &metrics.listener("a"));
}

TEST_CASE("the page is the text format 0.0.4") {
    Metrics metrics;
    metrics.listener("a").ack_seconds.observe(300);
    metrics.listener("b\"\\\n");
    metrics.route("r");
    metrics.destination("d").oldest_us = 1;
    std::regex const sample(
        R"re(([a-z_]+)(\{[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="[^"\\]*")*\})? [0-9]+(\.[0-9]+)?)re");
    std::regex const comment(R"(# (HELP|TYPE) ([a-z_]+) .+)");
    std::map<std::string, std::string> types;
    std::set<std::string> helped, closed;
    std::string current;
    std::string const text = metrics.render();
    REQUIRE(text.ends_with('\n'));
    for (auto const& line : lines(text)) {
        CAPTURE(line);
        std::smatch m;
        if (std::regex_match(line, m, comment)) {
            std::string const name = m[2];
            if (m[1] == "HELP") {
                REQUIRE(helped.insert(name).second);  // once a family, which stands together
                current = name;
            } else {
                CHECK(name == current);
                types[name] = line.substr(line.rfind(' ') + 1);
            }
            continue;
        }
        REQUIRE(std::regex_match(line, m, sample));
        std::string name = m[1];
        if (types.count(name) == 0) name = std::regex_replace(name, std::regex("_(bucket|sum|count)$"), "");
        CHECK(name == current);
        REQUIRE(types.count(name) == 1);
        CHECK((types[name] == "counter") == name.ends_with("_total"));
    }
    CHECK(types["hilum_ack_seconds"] == "histogram");
    CHECK(types["hilum_queue_depth"] == "gauge");
    CHECK(text.find(R"(listener="b\"\\\n")") != std::string::npos);
}

TEST_CASE("histogram buckets are cumulative, in seconds, bounds included") {
    ops::Histogram h;
    for (std::uint64_t us : {0ull, 100ull, 101ull, 2'500ull, 100'000'000ull, 100'000'001ull}) h.observe(us);
    CHECK(h.count() == 6);
    std::string out;
    h.render(out, "x", R"(a="b")");
    CHECK(has_line(out, R"(x_bucket{a="b",le="0.0001"} 2)"));
    CHECK(has_line(out, R"(x_bucket{a="b",le="0.00025"} 3)"));
    CHECK(has_line(out, R"(x_bucket{a="b",le="0.001"} 3)"));
    CHECK(has_line(out, R"(x_bucket{a="b",le="0.0025"} 4)"));
    CHECK(has_line(out, R"(x_bucket{a="b",le="50"} 4)"));
    CHECK(has_line(out, R"(x_bucket{a="b",le="100"} 5)"));
    CHECK(has_line(out, R"(x_bucket{a="b",le="+Inf"} 6)"));
    CHECK(has_line(out, R"(x_sum{a="b"} 200.002702)"));
    CHECK(has_line(out, R"(x_count{a="b"} 6)"));
}

TEST_CASE("every class of failure has its counter") {
    using enum destinations::AttemptClass;
    ops::DestinationMetrics metrics;
    for (auto const failure :
         {connect, timeout, cut, busy, ae, ar, bad_answer, local, held, unconfirmed, login}) {
        CAPTURE(destinations::name(failure));
        CHECK(metrics.failures.count(destinations::name(failure)) == 1);
    }
    CHECK(metrics.failures.size() == 12);
}
