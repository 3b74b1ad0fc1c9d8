// A map makes of any resource a message that reads back, or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parsers/hl7/message.h"
#include "routes/mapping/to_hl7.h"

using namespace hilum;

namespace {

constexpr std::string_view text = R"(
message: ADT^A31^ADT_A05
rows:
  - { to: MSH-3, from: meta.source }
  - { to: EVN-2, value: =now() }
  - { to: PID, map: pid }
  - { to: INSURANCE, from: contact | communication | entry.resource, map: group }
  - { to: ZZZ-3.2.1, from: id }
maps:
  pid:
    - { to: PID-3, from: identifier, map: cx }
    - { to: PID-5, from: name, map: xpn }
    - { to: PID-7, from: birthDate }
    - { to: PID-8, from: gender }
    - { to: PID-30, value: Y, when: deceased.ofType(boolean) = true }
  cx:
    - { to: .1, from: value }
    - { to: .4, from: assigner, map: hd }
  hd:
    - { to: .1, from: display }
    - { to: .2, from: reference }
  xpn:
    - { to: .1, from: family }
    - { to: .2, from: given, join: " " }
  group:
    - { to: IN1, map: in1 }
    - { to: IN2-3, from: id }
  in1:
    - { to: IN1-3, from: name.family | name.text | language.text }
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static auto const maps = [] {
        config::Diagnostics diagnostics;
        return routes::mapping::read_maps(text, "map.yaml", {}, diagnostics);
    }();
    if (!maps) __builtin_trap();
    auto const interaction = fhir::Interaction::read({reinterpret_cast<char const*>(data), size});
    if (!interaction) return 0;
    auto const message = routes::mapping::to_hl7(*maps, *interaction, 1'767'323'045'000'000, nullptr);
    if (message && !hl7::Message::view(*message)) __builtin_trap();
    return 0;
}
