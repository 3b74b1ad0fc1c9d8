// Any message against the dictionary of every version: ends, and every finding has a place in the message.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "parsers/hl7/igamt.h"
#include "parsers/hl7/validate.h"

using namespace hilum::hl7;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static Rules const rules = Rules::of(Dictionary::standard(), {1, 4});
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    if (bytes.starts_with("<")) {
        auto const ignored = read_igamt(bytes, {});
        return ignored && ignored->messages.empty() ? std::abort(), 1 : 0;
    }
    auto const message = Message::view(bytes);
    if (!message) return 0;
    Report report;
    validate(*message, rules, report);
    if (report.findings.size() > Report::kept_max) std::abort();
    for (auto const& f : report.findings) {
        if (f.segment == 0 || f.segment > message->segment_count() + 1) std::abort();
        if (f.text().empty() || f.place.err_location().size() < 5) std::abort();
    }
    return 0;
}
