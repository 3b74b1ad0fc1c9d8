#include "engine/outside/postgres_query.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "engine/ops/json.h"

namespace hilum::outside {

using namespace std::chrono_literals;

namespace {

constexpr auto looks_for_stop = 100ms;

struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

// What is sent first on a connection: nothing is ever written, and text is UTF-8.
std::string setup(std::chrono::milliseconds within) {
    return "SET client_encoding = 'UTF8'; SET default_transaction_read_only = on; SET statement_timeout = " +
           std::to_string(within.count());
}

std::string first_line(char const* text) {
    std::string_view const all(text == nullptr ? "" : text);
    return std::string(all.substr(0, std::min<std::size_t>(all.find('\n'), 200)));
}

// By the classes of PostgreSQL's appendix A: what passes by itself is no refusal.
Error refused(PGresult const* result) {
    auto const* const field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    std::string const state = field == nullptr ? "" : field;
    if (state == "57014") return error("timeout", "", "the server did not answer in time");
    for (auto const* passing : {"08", "40", "53", "57P", "58"})
        if (state.starts_with(passing))
            return error("unreachable", "", "the server can't answer now (SQLSTATE " + state + ")");
    if (state.empty()) return error("cut", "", "the connection ended before the answer");
    return error("refused", "", "the server refused the query (SQLSTATE " + state + ")",
                 "try it with psql as the same user");
}

std::string quoted(std::string_view text) {
    ops::json::Writer w;
    w.value(text);
    return w.text();
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string_view::npos &&
           (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
}

// A column as JSON; "" where it is NULL.
std::string column_of(PGresult const* row, int column) {
    if (PQgetisnull(row, 0, column) != 0) return {};
    std::string_view const text(PQgetvalue(row, 0, column),
                                static_cast<std::size_t>(PQgetlength(row, 0, column)));
    switch (PQftype(row, column)) {  // pg_type.dat
        case 16:                     // bool
            return text == "t" ? "true" : "false";
        case 20:    // int8
        case 21:    // int2
        case 23:    // int4
        case 26:    // oid
        case 700:   // float4
        case 701:   // float8
        case 1700:  // numeric
            return is_number(text) ? std::string(text) : quoted(text);
        case 114:   // json
        case 3802:  // jsonb
            return std::string(text);
        default:
            return quoted(text);
    }
}

std::string row_of(PGresult const* row) {
    std::string out = "{";
    for (int column = 0; column < PQnfields(row); ++column) {
        auto const value = column_of(row, column);
        if (value.empty()) continue;
        if (out.size() > 1) out += ',';
        (out += quoted(PQfname(row, column))) += ":" + value;
    }
    return out + "}";
}

}  // namespace

void PostgresQueries::Finish::operator()(pg_conn* connection) const {
    PQfinish(connection);
}

Result<void> PostgresQueries::wait(int socket, bool for_writing, Clock::time_point until) const {
    for (;;) {
        if (stopped_) return error("stopped", "", "Hilum is stopping");
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        if (left.count() <= 0) return error("timeout", "", "the server did not answer in time");
        pollfd about{socket, static_cast<short>(for_writing ? POLLOUT : POLLIN), 0};
        auto const ready = ::poll(&about, 1, static_cast<int>(std::min(left, looks_for_stop).count()));
        if (ready > 0 || (ready < 0 && errno != EINTR)) return {};
    }
}

Result<PostgresQueries::Connection> PostgresQueries::connect(std::string const& to,
                                                             Clock::time_point until) const {
    Connection connection(PQconnectStart(to.c_str()));
    auto const failed = [&] {
        return error("unreachable", "",
                     "there is no connection: " + first_line(PQerrorMessage(connection.get())));
    };
    if (!connection || PQstatus(connection.get()) == CONNECTION_BAD) return failed();
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
         state = PQconnectPoll(connection.get())) {
        if (state == PGRES_POLLING_FAILED) return failed();
        if (auto ready = wait(PQsocket(connection.get()), state == PGRES_POLLING_WRITING, until); !ready)
            return ready.error();
    }
    if (PQsetnonblocking(connection.get(), 1) != 0) return failed();
    return {boost::system::in_place_value, std::move(connection)};
}

// The rows of the one that is asked, as they come: none of it is held twice.
Result<std::string> PostgresQueries::rows(pg_conn* connection, routes::SqlQuestion const& question,
                                          Clock::time_point until) const {
    auto const cut = [] { return error("cut", "", "the connection ended before the answer"); };
    PQsetSingleRowMode(connection);
    std::string out;
    for (;;) {
        while (PQflush(connection) > 0) {
            if (auto ready = wait(PQsocket(connection), true, until); !ready) return ready.error();
        }
        while (PQisBusy(connection) != 0) {
            if (auto ready = wait(PQsocket(connection), false, until); !ready) return ready.error();
            if (PQconsumeInput(connection) == 0) return cut();
        }
        Answer const answer(PQgetResult(connection));
        if (!answer) return {boost::system::in_place_value, std::move(out)};
        switch (PQresultStatus(answer.get())) {
            case PGRES_SINGLE_TUPLE:
                (out += out.empty() ? "[" : ",") += row_of(answer.get());
                break;
            case PGRES_TUPLES_OK:
            case PGRES_COMMAND_OK:
            case PGRES_EMPTY_QUERY:
                break;
            default:
                return refused(answer.get());
        }
        if (out.size() > question.max_answer)
            return error("too_large", "", "the answer is longer than max_answer");
    }
}

Result<routes::OutsideAnswer> PostgresQueries::ask(routes::SqlQuestion const& question) {
    std::vector<char const*> values;
    for (auto const& value : question.values) values.push_back(value.c_str());
    return ask(question, values);
}

// Planned, which looks at every name and right, and not done. NULL is a value of every type.
Result<void> PostgresQueries::try_out(routes::SqlQuestion question) {
    question.query.insert(0, "EXPLAIN ");
    question.max_answer = std::size_t{64} << 20U;
    std::vector<char const*> const values(question.values.size(), nullptr);
    auto const planned = ask(question, values);
    if (!planned) return planned.error();
    return {};
}

std::string PostgresQueries::shown(std::string const& database) {
    struct Free {
        void operator()(PQconninfoOption* all) const { PQconninfoFree(all); }
    };
    std::unique_ptr<PQconninfoOption, Free> const all(PQconninfoParse(database.c_str(), nullptr));
    auto const value = [&](std::string_view keyword) -> std::string {
        for (auto const* one = all.get(); one != nullptr && one->keyword != nullptr; ++one)
            if (keyword == one->keyword && one->val != nullptr) return one->val;
        return {};
    };
    auto const host = value("host"), port = value("port");
    return (host.empty() ? value("hostaddr") : host) + (port.empty() ? "" : ":" + port) + "/" +
           value("dbname");
}

Result<routes::OutsideAnswer> PostgresQueries::ask(routes::SqlQuestion const& question,
                                                   std::vector<char const*> const& values) {
    auto const until = Clock::now() + question.within;
    auto node = kept_.extract(question.database);
    Connection connection = node.empty() ? nullptr : std::move(node.mapped());
    // A kept connection may be gone: then the question is put once more, on a new one.
    for (bool kept = connection != nullptr;; kept = false) {
        if (!connection) {
            auto fresh = connect(question.database, until);
            if (!fresh) return fresh.error();
            connection = std::move(*fresh);
        }
        auto const send = [&](bool sent) -> Result<std::string> {
            if (!sent) return error("cut", "", "the connection ended before the answer");
            return rows(connection.get(), question, until);
        };
        auto answer = send(PQsendQuery(connection.get(), setup(question.within).c_str()) != 0);
        if (answer)
            answer = send(PQsendQueryParams(connection.get(), question.query.c_str(),
                                            static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                                            nullptr, 0) != 0);
        if (!answer && kept && (answer.error().code == "cut" || answer.error().code == "unreachable")) {
            connection.reset();
            continue;
        }
        bool const idle = PQtransactionStatus(connection.get()) == PQTRANS_IDLE;
        if (idle && kept_.size() < servers_max) kept_[question.database] = std::move(connection);
        if (!answer) return answer.error();
        if (answer->empty()) return routes::OutsideAnswer{};
        return routes::OutsideAnswer{true, *answer + "]"};
    }
}

}  // namespace hilum::outside
