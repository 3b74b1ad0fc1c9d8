#include "engine/store/index_fields.h"

#include "parsers/fhir/interaction.h"
#include "parsers/hl7/message.h"

namespace hilum::store {
namespace {
hl7::Path path(std::string_view text) {
    return hl7::Path::parse(text).value();
}

fhir::Element first_resource(fhir::Element bundle, std::string_view type) {
    for (auto entry = bundle.child("entry"); entry.exists(); entry = entry.next()) {
        auto const resource = entry.name() == "entry" ? entry.child("resource") : fhir::Element();
        if (resource.exists() && resource.resource_type() == type) return resource;
    }
    return {};
}

// Of a patient the identifier, of what is about one whom it names.
std::string patient_of(fhir::Element resource) {
    if (!resource.exists()) return {};
    if (resource.resource_type() == "Patient") {
        std::string id(resource.child("identifier").text_of("value"));
        return id.empty() ? std::string(resource.text_of("id")) : id;
    }
    for (char const* name : {"subject", "patient", "beneficiary"})
        if (auto const reference = resource.child(name).text_of("reference"); !reference.empty())
            return std::string(reference);
    return {};
}

// "POST Patient", "PUT Observation", "Bundle transaction".
void read_fhir(std::string_view bytes, IndexFields& out) {
    auto const interaction = fhir::Interaction::read(bytes);
    if (!interaction) return;
    auto const root = interaction->resource.root();
    std::string const type(root.resource_type());
    bool const bundle = type == "Bundle";
    out.type =
        bundle ? type + " " + std::string(root.text_of("type")) : interaction->request.method + " " + type;
    out.control_id = root.text_of("id");
    if (!bundle) {
        out.patient_id = patient_of(root);
        return;
    }
    auto const header = first_resource(root, "MessageHeader");
    if (header.exists()) {
        out.control_id = header.text_of("id");
        out.sender = header.child("source").text_of("endpoint");
    }
    out.patient_id = patient_of(first_resource(root, "Patient"));
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
    if (fhir::looks_like_interaction(bytes)) return read_fhir(bytes, out);
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
