#include "routes/steps/question.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "parsers/percent.h"
#include "routes/config/files.h"

namespace hilum::routes {
namespace {

constexpr std::size_t values_max = 100;
constexpr auto within_max = std::chrono::minutes(5);

// A header is one line.
std::string one_line(std::string_view text) {
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
        ' ');
    return out;
}

class HttpGet final : public Question {
  public:
    struct Header {
        std::string name;
        expression::Template value;
    };
    HttpGet(expression::Template url, std::vector<Header> headers, HttpOptions const& o)
        : url_(std::move(url)),
          headers_(std::move(headers)),
          within_(o.within),
          max_answer_(o.max_answer.count) {}

    Result<OutsideAnswer> ask(Work& work, Keeping keeping) const override {
        HttpQuestion question;
        auto url = url_.fill(work.context(), percent_encoded);
        if (!url) return url.error();
        question.url = std::move(*url);
        for (auto const& header : headers_) {
            auto value = header.value.fill(work.context(), one_line);
            if (!value) return value.error();
            question.headers.emplace_back(header.name, std::move(*value));
        }
        question.within = within_;
        question.max_answer = max_answer_;
        question.keeping = keeping;
        return work.outside->ask(question);
    }
    std::string_view kind() const override { return "http"; }

  private:
    expression::Template url_;
    std::vector<Header> headers_;
    config::Duration within_;
    std::size_t max_answer_;
};

class SqlQuery final : public Question {
  public:
    SqlQuery(SqlQuestion question, std::vector<expression::ValueSource> values)
        : question_(std::move(question)), values_(std::move(values)) {}

    Result<OutsideAnswer> ask(Work& work, Keeping keeping) const override {
        auto question = question_;
        question.keeping = keeping;
        for (auto const& source : values_) {
            auto value = source.get(work.context());
            if (!value) return value.error();
            question.values.push_back(std::move(*value));
        }
        return work.outside->ask(question);
    }
    std::string_view kind() const override {
        return question_.system == SqlQuestion::System::sqlite ? "sqlite" : "postgres";
    }

  private:
    SqlQuestion question_;
    std::vector<expression::ValueSource> values_;
};

void check_limits(config::Duration within, config::Bytes max_answer, config::Location const& where,
                  config::Diagnostics& diagnostics) {
    if (within.count() <= 0 || within > within_max)
        diagnostics.error(where, "within must be some time, and at most 5m", "leave it out for the default");
    if (max_answer.count == 0 || max_answer.count > (64u << 20))
        diagnostics.error(where, "max_answer must be from 1 byte to 64MiB", "leave it out for 1MiB");
}

std::unique_ptr<Question> compile_http(HttpOptions const& o, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const& url = o.url.value;
    if (!url.empty() && !url.starts_with("http://"))
        diagnostics.error(o.url.where, "the url does not begin with http://",
                          url.starts_with("https://")
                              ? "https comes with TLS; until then put a proxy in between"
                              : "write it like http://mpi.example/patients/{PID-3.1}");
    std::vector<HttpGet::Header> headers;
    for (auto const& entry : o.headers.mapping.entries) {
        config::Text text;
        if (!config::decode_value(entry.value, text, diagnostics)) continue;
        constexpr std::string_view name_bytes =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
        if (entry.key.empty() || entry.key.find_first_not_of(name_bytes) != std::string::npos)
            diagnostics.error(entry.where, config::in_quotes(entry.key) + " is not the name of a header",
                              "use letters, digits and -");
        headers.push_back({entry.key, expression::Template::compile(text, diagnostics, context.language())});
    }
    return std::make_unique<HttpGet>(expression::Template::compile(o.url, diagnostics, context.language()),
                                     std::move(headers), o);
}

template <class Options>
std::unique_ptr<Question> compile_sql(SqlQuestion question, Options const& o, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    question.query = o.query.value;
    question.within = o.within;
    question.max_answer = o.max_answer.count;
    auto const& list = o.values;
    if (list.kind != config::Node::Kind::null && list.kind != config::Node::Kind::sequence)
        diagnostics.error(list.where, "values should be a list, not " + std::string(list.kind_name()),
                          "write values: [=PID-3.1]");
    if (list.items.size() > values_max)
        diagnostics.error(list.where, "more than 100 values", "give the query fewer");
    if (context.asked) {
        context.asked->push_back({context.route, {}, question});
        context.asked->back().sql->values.resize(list.items.size());
    }
    std::vector<expression::ValueSource> values;
    for (auto const& item : list.items) {
        config::Text text;
        if (!config::decode_value(item, text, diagnostics)) continue;
        values.push_back(expression::ValueSource::compile(text, diagnostics, context.language()));
        check_answer_named(values.back().reads_answer(), text.where, context);
    }
    return std::make_unique<SqlQuery>(std::move(question), std::move(values));
}

}  // namespace

std::unique_ptr<Question> compile_question(config::Step const& step, QuestionOptions const& o,
                                           CompileContext& context) {
    std::vector<config::Node const*> said;
    for (auto const* key : {"http", "sqlite", "postgres"})
        if (auto const* node = step.options.find(key)) said.push_back(node);
    if (said.size() != 1) {
        context.diagnostics.error(
            step.where, said.empty() ? "enrich does not say what it asks" : "enrich asks in several ways",
            "give it one of http:, sqlite: and postgres:");
        return nullptr;
    }
    auto const checked = [&](auto const& options) {
        check_limits(options.within, options.max_answer, said[0]->where, context.diagnostics);
    };
    if (step.options.find("http")) {
        checked(o.http);
        if (context.asked) context.asked->push_back({context.route, o.http.url.value, {}});
        return compile_http(o.http, context);
    }
    SqlQuestion question;
    if (step.options.find("sqlite")) {
        checked(o.sqlite);
        question.system = SqlQuestion::System::sqlite;
        question.database = config::beside(o.sqlite.file.value, o.sqlite.file.where);
        return compile_sql(std::move(question), o.sqlite, context);
    }
    checked(o.postgres);
    question.system = SqlQuestion::System::postgres;
    question.database = o.postgres.connect.value;
    return compile_sql(std::move(question), o.postgres, context);
}

}  // namespace hilum::routes
