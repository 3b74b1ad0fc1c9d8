#include "routes/testing/junit.h"

#include <algorithm>

namespace hilum::testing {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\n':
                out += "&#10;";
                break;
            default:
                out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
        }
    }
    return out;
}

std::string attribute(std::string_view name, std::string_view text) {
    return " " + std::string(name) + "=\"" + escaped(text) + "\"";
}

std::string details(Failure const& failure) {
    std::string out = failure.where.text() + ": " + failure.what;
    for (auto const& d : failure.differences)
        out += "\n" + d.path + " " + std::string(d.name) + ": " + d.before.value_or("(nothing)") + " -> " +
               d.after.value_or("(nothing)");
    return out;
}

}  // namespace

std::string junit(std::vector<FileResult> const& files) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
    for (auto const& file : files) {
        auto const failed = std::count_if(file.cases.begin(), file.cases.end(),
                                          [](CaseResult const& c) { return !c.passed(); });
        out += "  <testsuite" + attribute("name", file.file) +
               attribute("tests", std::to_string(file.cases.size())) +
               attribute("failures", std::to_string(failed)) + ">\n";
        for (auto const& one : file.cases) {
            out += "    <testcase" + attribute("classname", file.file) + attribute("name", one.name);
            if (one.passed()) {
                out += "/>\n";
                continue;
            }
            out += ">\n";
            for (auto const& failure : one.failures)
                out += "      <failure" + attribute("message", failure.what) + ">" +
                       escaped(details(failure)) + "</failure>\n";
            out += "    </testcase>\n";
        }
        out += "  </testsuite>\n";
    }
    return out + "</testsuites>\n";
}

}  // namespace hilum::testing
