#include "engine/store/index_fields.h"

#include "parsers/hl7/message.h"

namespace hilum::store {
namespace {
hl7::Path path(std::string_view text) {
    return hl7::Path::parse(text).value();
}
}  // namespace

FieldReader::FieldReader()
    : code_(path("MSH-9.1")),
      trigger_(path("MSH-9.2")),
      control_id_(path("MSH-10")),
      application_(path("MSH-3.1")),
      facility_(path("MSH-4.1")),
      patient_(path("PID-3.1")),
      visit_(path("PV1-19.1")) {}

void FieldReader::read(std::string_view bytes, IndexFields& out) {
    out.type.clear();
    out.control_id.clear();
    out.sender.clear();
    out.patient_id.clear();
    out.visit.clear();
    auto const message = hl7::Message::view(bytes);
    if (!message) return;
    auto const add = [&](hl7::Path const& p, std::string& to) { to += message->text(p, scratch_); };
    add(code_, out.type);
    out.type += '^';
    add(trigger_, out.type);
    if (out.type.back() == '^') out.type.pop_back();
    add(control_id_, out.control_id);
    add(application_, out.sender);
    out.sender += '|';
    add(facility_, out.sender);
    add(patient_, out.patient_id);
    add(visit_, out.visit);
}

}  // namespace hilum::store
