// Any text as an expression, a template and a path: compiled, then evaluated on one message and on one
// resource. No crash, bounded time.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parsers/hl7/message.h"
#include "routes/expression/expression.h"
#include "routes/expression/hints.h"

using namespace hilum;

namespace {

constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB|SOUTH|20260102030405||ADT^A01^ADT_A01|MSG1|P|2.5\r"
    "PID|1||4711^^^NORTH&1.2.3&ISO~0815^^^SOUTH||DOE^JANE^M\\T\\N||19800203|F|||\xc3\xbc\xff||+49 228 "
    "1~2|\"\"\r"
    "NK1|1|DOE^JOHN\rNK1|2|ROE^RICHARD\r"
    "OBX|1|NM|718-7^Hb||13.50|g/dL\rOBX|2|NM|789-8^RBC||-4.7\rOBX|3|ST|X^Note||negative\r";

constexpr std::string_view sample_resource =
    R"({"resourceType":"Bundle","id":"b","entry":[{"fullUrl":"urn:1","resource":{"resourceType":"Patient","id":"p",)"
    R"("name":[{"use":"official","family":"Doe","given":[null,"Jane"],"_given":[{"id":"g"},null]}],)"
    R"("birthDate":"1980-02-03","active":true,"contained":[{"resourceType":"Organization","id":"o"}],)"
    R"("managingOrganization":{"reference":"#o"}}},{"resource":{"resourceType":"Observation","status":"final",)"
    R"("subject":{"reference":"urn:1"},"valueQuantity":{"value":1.50,"system":"http://unitsofmeasure.org","code":"g"},)"
    R"("effectiveDateTime":"2026-01-02T03:04:05+01:00"}}]})";

void evaluate(expression::Expression const& compiled, expression::Context const& context) {
    std::string_view clause;
    auto const plain = compiled.test(context);
    auto const named = compiled.test(context, clause);
    // Both ways of asking agree wherever neither had to give up.
    if (plain && named && *plain != *named) __builtin_trap();
    auto const items = compiled.items(context);
    auto const types = compiled.types(context);
    if (items && types && items->size() != types->size()) __builtin_trap();
    (void)compiled.text(context);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static auto const message = hl7::Message::view(sample);
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    expression::Context const context{&*message, 0};
    if (auto const compiled = expression::Expression::compile(text)) evaluate(*compiled, context);
    static auto const resource = fhir::Resource::read_json(std::string(sample_resource));
    for (std::string_view const root : {"", "Bundle"}) {
        expression::Options options;
        options.fhir = true;
        options.root = root;
        expression::Context fhir_context;
        fhir_context.resource = &*resource;
        if (auto const compiled = expression::Expression::compile(text, options))
            evaluate(*compiled, fhir_context);
    }
    if (auto const compiled = expression::Template::compile(text)) (void)compiled->fill(context);
    (void)expression::path_remedy(text.substr(0, 64), "");
    return 0;
}
