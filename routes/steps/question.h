// What an enrich asks: a server with GET, or a database with one query; filled in for each message.
#pragma once

#include <memory>

#include "routes/steps/steps.h"

namespace hilum::routes {

struct HttpOptions {
    config::Text url;
    config::MappingNode headers;
    config::Duration within = std::chrono::seconds(5);
    config::Bytes max_answer{1u << 20};
};
template <class V>
void describe(V& v, HttpOptions& o) {
    v.required("url", o.url, "what is asked for with GET; what an {expression} gives is escaped for it");
    v.optional("headers", o.headers, "header lines, name: value, with {expression} holes");
    v.optional("within", o.within, "time limit for the whole question");
    v.optional("max_answer", o.max_answer, "a longer answer counts as none");
}

struct SqliteOptions {
    config::Text file, query;
    config::Node values;
    config::Duration within = std::chrono::seconds(2);
    config::Bytes max_answer{1u << 20};
};
template <class V>
void describe(V& v, SqliteOptions& o) {
    v.required("file", o.file, "the database; it is only read");
    v.required("query", o.query, "one SELECT, with ?1, ?2 ... for the values");
    v.optional("values", o.values, "a list: texts, or expressions behind =");
    v.optional("within", o.within, "time limit for the query");
    v.optional("max_answer", o.max_answer, "more rows count as no answer");
}

struct PostgresOptions {
    config::Text connect, query;
    config::Node values;
    config::Duration within = std::chrono::seconds(5);
    config::Bytes max_answer{1u << 20};
};
template <class V>
void describe(V& v, PostgresOptions& o) {
    v.required("connect", o.connect, "the connection string, such as host=db.example dbname=mpi user=hilum");
    v.required("query", o.query, "one SELECT, with $1, $2 ... for the values");
    v.optional("values", o.values, "a list: texts, or expressions behind =");
    v.optional("within", o.within, "time limit for connection and query");
    v.optional("max_answer", o.max_answer, "more rows count as no answer");
}

// One of them, and of that which is meant the key's own options.
struct QuestionOptions {
    HttpOptions http;
    SqliteOptions sqlite;
    PostgresOptions postgres;
};
template <class V>
void describe(V& v, QuestionOptions& o) {
    v.optional("http", o.http, "ask a server, which answers in JSON or text");
    v.optional("sqlite", o.sqlite, "ask a database in a file");
    v.optional("postgres", o.postgres, "ask a PostgreSQL server");
}

class Question {
  public:
    virtual ~Question() = default;
    // Errors: those of Outside, and of expressions that can't be evaluated for this message.
    virtual Result<OutsideAnswer> ask(Work& work, Keeping keeping) const = 0;
    virtual std::string_view kind() const = 0;  // "http"
};

// nullptr after a diagnostic.
std::unique_ptr<Question> compile_question(config::Step const& step, QuestionOptions const& options,
                                           CompileContext& context);

}  // namespace hilum::routes
