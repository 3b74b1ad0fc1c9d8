// docs/expressions.md is run: every example of its function tables gives what stands beside it, and no
// function is missing.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "routes/expression/expression.h"
#include "routes/expression/functions.h"

using namespace hilum;

namespace {

std::string page() {
    std::ifstream file(HILUM_SOURCE "/docs/expressions.md");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// The message that the page shows, with CR for its line ends.
std::string message_of(std::string const& text) {
    auto const begin = text.find("\nMSH|") + 1;
    auto message = text.substr(begin, text.find("\n```", begin) + 1 - begin);
    for (char& c : message)
        if (c == '\n') c = '\r';
    return message;
}

// The texts in backticks that a table cell begins with.
std::vector<std::string> quoted(std::string_view cell) {
    std::vector<std::string> out;
    while (cell.starts_with("`")) {
        auto const end = cell.find('`', 1);
        out.emplace_back(cell.substr(1, end - 1));
        cell.remove_prefix(end + 1);
        if (cell.starts_with(" ")) cell.remove_prefix(1);
    }
    return out;
}

// The resource that the page shows.
fhir::Resource resource_of(std::string const& text) {
    auto const begin = text.find("```json\n") + 8;
    auto resource = fhir::Resource::read_json(text.substr(begin, text.find("```", begin) - begin));
    REQUIRE(resource.has_value());
    return std::move(*resource);
}

// Evaluates the table that begins with `head`; gives how many examples it has.
std::size_t run_table(std::string const& text, std::string_view head, expression::Options const& options,
                      expression::Context const& context) {
    std::istringstream lines(text.substr(text.find(head)));
    std::string line;
    std::size_t examples = 0;
    while (std::getline(lines, line) && line.starts_with("|")) {
        auto const first = line.find("| ", 2);
        auto const second = line.find(" | `", first + 2);
        if (!line.starts_with("| `") || second == std::string::npos) continue;
        auto const example = quoted(std::string_view(line).substr(first + 2, second - first - 2));
        auto const expected = quoted(std::string_view(line).substr(second + 3));
        CAPTURE(line);
        REQUIRE(example.size() == 1);
        auto const compiled = expression::Expression::compile(example[0], options);
        REQUIRE(compiled.has_value());
        auto const items = compiled->items(context);
        REQUIRE(items.has_value());
        CHECK(*items == expected);
        ++examples;
    }
    return examples;
}

}  // namespace

TEST_CASE("the examples of docs/expressions.md give what it says") {
    auto const text = page();
    auto const bytes = message_of(text);
    auto const message = hl7::Message::view(bytes);
    REQUIRE(message.has_value());
    expression::Context context{&*message, 1'767'323'045'000'000};
    CHECK(run_table(text, "| Function | Example |", {}, context) >= 40);
    auto const resource = resource_of(text);
    context = {nullptr, 0};
    context.resource = &resource;
    expression::Options options;
    options.fhir = true;
    options.root = "Patient";
    CHECK(run_table(text, "| Over FHIR | Example |", options, context) >= 7);
}

TEST_CASE("every function is in docs/expressions.md, and its usage compiles") {
    auto const text = page();
    for (auto const& f : expression::functions()) {
        CAPTURE(f.name);
        bool const converts = f.name.starts_with("convertsTo");  // shown once for all
        CHECK((converts || text.find("`" + std::string(f.name) + "(") != std::string::npos));
        std::string usage(f.usage);
        if (usage.starts_with("x.")) usage.replace(0, 1, "(1 = 1)");
        CAPTURE(usage);
        CHECK(expression::Expression::compile(usage).has_value());
    }
}
