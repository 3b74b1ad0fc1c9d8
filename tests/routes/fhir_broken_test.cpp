// Resources broken on purpose: each is a valid one with a single change, and has to get the expected finding
// at the expected place, and no other of an error.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "parsers/fhir/validate.h"
#include "routes/fhir_invariants.h"

using namespace hilum;

namespace {

constexpr std::string_view patient =
    R"({"resourceType":"Patient","id":"p1","meta":{"versionId":"1","lastUpdated":"2024-01-02T03:04:05.678+01:00"},)"
    R"("text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>P</p></div>"},)"
    R"("contained":[{"resourceType":"Organization","id":"o1","name":"O"}],)"
    R"("extension":[{"url":"http://example.org/e","valueString":"x"}],)"
    R"("identifier":[{"use":"official","system":"urn:oid:1.2.36","value":"1"}],"active":true,)"
    R"("name":[{"use":"usual","family":"Doe","given":["John","Q"]}],)"
    R"("telecom":[{"system":"phone","value":"1","rank":1}],"gender":"male","birthDate":"1974-12-25",)"
    R"("_birthDate":{"extension":[{"url":"http://example.org/t","valueDateTime":"1974-12-25T14:35:45-05:00"}]},)"
    R"("deceasedBoolean":false,"address":[{"line":["1 Street"],"period":{"start":"1974","end":"1980-01"}}],)"
    R"("multipleBirthInteger":2,"contact":[{"name":{"family":"X"}}],)"
    R"("communication":[{"language":{"text":"en"},"preferred":true}],)"
    R"("generalPractitioner":[{"reference":"Practitioner/1"},{"reference":"#o1"}],"managingOrganization":{"reference":"#o1"},)"
    R"("link":[{"other":{"reference":"Patient/2"},"type":"seealso"}]})";

constexpr std::string_view observation =
    R"({"resourceType":"Observation","id":"ob","status":"final","code":{"coding":[{"system":"http://loinc.org",)"
    R"("code":"8480-6"}]},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2024-01-01",)"
    R"("issued":"2024-01-01T00:00:00Z","valueQuantity":{"value":1.50,"comparator":"<","unit":"mm",)"
    R"("system":"http://unitsofmeasure.org","code":"mm[Hg]"},"referenceRange":[{"low":{"value":1.0}}],)"
    R"("component":[{"code":{"coding":[{"system":"http://loinc.org","code":"1"}]},"valueInteger":3}]})";

constexpr std::string_view transaction =
    R"({"resourceType":"Bundle","type":"transaction","entry":[)"
    R"({"fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a","resource":{"resourceType":"Patient",)"
    R"("name":[{"family":"A"}]},"request":{"method":"POST","url":"Patient"}},)"
    R"({"fullUrl":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059","resource":{"resourceType":"Observation",)"
    R"("status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"},)"
    R"("performer":[{"reference":"Practitioner?identifier=1"}],"valueString":"v"},)"
    R"("request":{"method":"POST","url":"Observation"}},)"
    R"({"fullUrl":"http://x.example/fhir/Device/d1","resource":{"resourceType":"Device","id":"d1"},)"
    R"("request":{"method":"PUT","url":"Device/d1"}}]})";

constexpr std::string_view request =
    R"({"resourceType":"MedicationRequest","status":"active","intent":"order",)"
    R"("medicationCodeableConcept":{"text":"m"},"subject":{"reference":"Patient/p1"},)"
    R"("dosageInstruction":[{"timing":{"repeat":{"boundsDuration":{"value":1,"unit":"d",)"
    R"("system":"http://unitsofmeasure.org","code":"d"},"count":1,"duration":1,"durationUnit":"h","frequency":1,)"
    R"("period":2,"periodUnit":"d"}},"asNeededBoolean":false,)"
    R"("doseAndRate":[{"doseRange":{"low":{"value":1},"high":{"value":2}}}]}]})";

constexpr std::string_view allergy =
    R"({"resourceType":"AllergyIntolerance","clinicalStatus":{"coding":[{"system":)"
    R"("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},)"
    R"("patient":{"reference":"Patient/1"},"reaction":[{"manifestation":[{"text":"rash"}],"severity":"mild"}]})";

constexpr std::string_view questionnaire =
    R"({"resourceType":"Questionnaire","status":"draft","name":"Quest","item":[{"linkId":"1","text":"g",)"
    R"("type":"group","item":[{"linkId":"1.1","type":"choice","answerOption":[{"valueString":"a"}]},)"
    R"({"linkId":"1.2","type":"integer","enableWhen":[{"question":"1.1","operator":"exists","answerBoolean":true}]}]}]})";

struct Row {
    std::string_view from, to;  // the one change
    std::string_view rule, location;
    std::string_view also = {};  // what follows from it
};

constexpr Row of_patient[] = {
    // Structure.
    {R"("resourceType":"Patient",)", R"("resourceType":"Patiens",)", "resource-type", "Patiens"},
    {R"("active":true)", R"("active":true,"activ":true)", "unknown-element", "Patient.activ"},
    {R"("active":true)", R"("active":true,"J. Doe":true)", "unknown-element", "Patient.unknown"},
    {R"("active":true)", R"("active":true,"\u001a":true)", "unknown-element", "Patient.unknown"},
    {R"("family":"Doe")", R"("familyName":"Doe")", "unknown-element", "Patient.name[0].familyName"},
    {R"("active":true)", R"("active":true,"_name":[{"id":"a"}])", "unknown-element", "Patient._name"},
    {R"("active":true)", R"("active":true,"_activ":{"id":"a"})", "unknown-element", "Patient._activ"},
    {R"("active":true)", R"("active":"true")", "json-type", "Patient.active"},
    {R"("active":true)", R"("active":1)", "json-type", "Patient.active"},
    {R"("active":true)", R"("active":{"id":"a"})", "json-type", "Patient.active"},
    {R"("active":true)", R"("active":[true])", "json-type", "Patient.active"},
    {R"("active":true)", R"("active":[])", "empty", "Patient.active"},
    {R"("active":true)", R"("active":null)", "null", "Patient.active"},
    {R"("active":true)", R"("active":true,"_active":null)", "null", "Patient.active"},
    {R"("active":true)", R"("active":true,"_active":{})", "empty", "Patient.active"},
    {R"("active":true)", R"("active":true,"_active":"a")", "json-type", "Patient.active"},
    {R"("active":true)", R"("active":true,"_active":[{"id":"a"}])", "json-type", "Patient.active"},
    {R"("family":"Doe")", R"("family":1)", "json-type", "Patient.name[0].family"},
    {R"("family":"Doe")", R"("family":true)", "json-type", "Patient.name[0].family"},
    {R"("given":["John","Q"])", R"("given":"John")", "json-type", "Patient.name[0].given"},
    {R"("given":["John","Q"])", R"("given":["John",null])", "null", "Patient.name[0].given"},
    {R"("given":["John","Q"])", R"("given":["John",{"a":"b"}])", "json-type", "Patient.name[0].given[1]"},
    {R"("given":["John","Q"])", R"("given":["John",7])", "json-type", "Patient.name[0].given[1]"},
    {R"("given":["John","Q"])", R"("given":[])", "empty", "Patient.name[0].given"},
    {R"("given":["John","Q"])", R"("given":["John",""])", "format", "Patient.name[0].given[1]"},
    {R"("given":["John","Q"])", R"("given":["John"," "])", "format", "Patient.name[0].given[1]"},
    {R"("given":["John","Q"])", R"("given":["John","Q"],"_given":{"id":"a"})", "json-type",
     "Patient.name[0].given"},
    {R"("contact":[{"name":{"family":"X"}}])", R"("contact":[{"name":[{"family":"X"}]}])", "json-type",
     "Patient.contact[0].name"},
    {R"("contact":[{"name":{"family":"X"}}])", R"("contact":{"name":{"family":"X"}})", "json-type",
     "Patient.contact"},
    {R"("contact":[{"name":{"family":"X"}}])", R"("contact":[{"name":{"family":"X"}},{}])", "empty",
     "Patient.contact[1]"},
    {R"("contact":[{"name":{"family":"X"}}])", R"("contact":["x"])", "json-type", "Patient.contact[0]"},
    {R"("contact":[{"name":{"family":"X"}}])", R"("contact":[{"gender":"male"}])", "pat-1",
     "Patient.contact[0]"},
    {R"("deceasedBoolean":false)", R"("deceasedBoolean":false,"deceasedDateTime":"2020")", "choice",
     "Patient.deceased"},
    {R"("deceasedBoolean":false)", R"("deceasedString":"no")", "choice-type", "Patient.deceased"},
    {R"("deceasedBoolean":false)", R"("deceased":false)", "choice-type", "Patient.deceased"},
    {R"("multipleBirthInteger":2)", R"("multipleBirthInteger":2.5)", "format", "Patient.multipleBirth"},
    {R"("multipleBirthInteger":2)", R"("multipleBirthInteger":99999999999)", "format",
     "Patient.multipleBirth"},
    {R"("link":[{"other":{"reference":"Patient/2"},"type":"seealso"}])", R"("link":[{"type":"seealso"}])",
     "cardinality", "Patient.link[0].other"},
    {R"("type":"seealso")", R"("_type":{"id":"a"})", "ele-1", "Patient.link[0].type"},
    {R"("language":{"text":"en"},)", "", "cardinality", "Patient.communication[0].language"},
    // Formats.
    {R"("id":"p1")", R"("id":"p_1")", "format", "Patient.id"},
    {R"("id":"p1")", R"("id":"12345678901234567890123456789012345678901234567890123456789012345")", "format",
     "Patient.id"},
    {R"("birthDate":"1974-12-25")", R"("birthDate":"1974-02-30")", "format", "Patient.birthDate"},
    {R"("birthDate":"1974-12-25")", R"("birthDate":"25.12.1974")", "format", "Patient.birthDate"},
    {R"(2024-01-02T03:04:05.678+01:00)", R"(2024-01-02T03:04:05.678)", "format", "Patient.meta.lastUpdated"},
    {R"(2024-01-02T03:04:05.678+01:00)", R"(2024-01-02)", "format", "Patient.meta.lastUpdated"},
    {R"("rank":1)", R"("rank":0)", "format", "Patient.telecom[0].rank"},
    {R"("rank":1)", R"("rank":-1)", "format", "Patient.telecom[0].rank"},
    {R"(1974-12-25T14:35:45-05:00)", R"(1974-12-25T14:35-05:00)", "format",
     "Patient.birthDate.extension[0].value"},
    // Bindings.
    {R"("gender":"male")", R"("gender":"m")", "binding", "Patient.gender"},
    {R"("gender":"male")", R"("gender":"Male")", "binding", "Patient.gender"},
    {R"("use":"usual")", R"("use":"normal")", "binding", "Patient.name[0].use"},
    {R"("use":"official")", R"("use":"offical")", "binding", "Patient.identifier[0].use"},
    {R"("system":"phone")", R"("system":"telephone")", "binding", "Patient.telecom[0].system"},
    {R"("type":"seealso")", R"("type":"see-also")", "binding", "Patient.link[0].type"},
    {R"("status":"generated")", R"("status":"made")", "binding", "Patient.text.status"},
    // Narrative.
    {R"(<p>P</p>)", R"(<script>P</script>)", "txt-1", "Patient.text.div"},
    {R"(<p>P</p>)", R"(<p onclick=\"x()\">P</p>)", "txt-1", "Patient.text.div"},
    {R"(<p>P</p>)", R"(<a href=\"javascript:x()\">P</a>)", "txt-1", "Patient.text.div"},
    {R"(<p>P</p>)", R"(<form>P</form>)", "txt-1", "Patient.text.div"},
    {R"(<p>P</p>)", R"(<p>P)", "txt-1", "Patient.text.div"},
    {R"(<p>P</p>)", R"(<p>&nbsp;</p>)", "txt-1", "Patient.text.div"},
    {R"(<p>P</p>)", R"(<p> </p>)", "txt-2", "Patient.text.div"},
    {R"( xmlns=\"http://www.w3.org/1999/xhtml\")", "", "txt-1", "Patient.text.div"},
    {R"("status":"generated",)", "", "cardinality", "Patient.text.status"},
    // Extensions and contained resources.
    {R"("valueString":"x")", R"("valueString":"x","extension":[{"url":"a","valueCode":"b"}])", "ext-1",
     "Patient.extension[0]"},
    {R"({"url":"http://example.org/e","valueString":"x"})", R"({"url":"http://example.org/e"})", "ext-1",
     "Patient.extension[0]"},
    {R"("url":"http://example.org/e",)", "", "cardinality", "Patient.extension[0].url"},
    {R"("valueString":"x")", R"("valueText":"x")", "unknown-element", "Patient.extension[0].valueText"},
    {R"("valueString":"x")", R"("valueContactPoints":"x")", "unknown-element",
     "Patient.extension[0].valueContactPoints"},
    {R"("valueString":"x")", R"("valueString":"x","valueCode":"y")", "choice", "Patient.extension[0].value"},
    {R"("reference":"#o1")", R"("reference":"#o2")", "ref-1", "Patient.generalPractitioner[1]"},
    {R"("id":"o1","name":"O"})",
     R"("id":"o1","name":"O"},{"resourceType":"Organization","id":"o1","name":"P"})", "contained-id",
     "Patient.contained[1]"},
    {R"("id":"o1","name":"O"})",
     R"("id":"o1","name":"O"},{"resourceType":"Organization","id":"o3","name":"P"})", "dom-3", "Patient"},
    {R"("id":"o1","name":"O")", R"("id":"o1","name":"O","meta":{"versionId":"1"})", "dom-4", "Patient"},
    {R"("id":"o1","name":"O")", R"("id":"o1","name":"O","meta":{"security":[{"code":"x"}]})", "dom-5",
     "Patient"},
    {R"("resourceType":"Organization","id":"o1","name":"O")", R"("id":"o1","name":"O")", "resource-type",
     "Patient.contained[0]"},
    {R"("resourceType":"Organization","id":"o1","name":"O")",
     R"("resourceType":"Organization","id":"o1","active":true)", "org-1", "Patient.contained[0]"},
    {R"("name":"O")", R"("name":"O","alias":"P")", "json-type", "Patient.contained[0].alias"},
    // References.
    {R"("reference":"Practitioner/1")", R"("reference":"Patient/1")", "reference-target",
     "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("reference":"http://x.example/fhir/Device/1")", "reference-target",
     "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("reference":"Practitioner/1/2")", "reference-format",
     "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("reference":"Practitioner")", "reference-format",
     "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("reference":"practitioner/1")", "reference-format",
     "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("reference":"Practitioner?identifier=1")", "reference-format",
     "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("reference":"Practitioner/1","type":"Organization")",
     "reference-type", "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("reference":"Practitioner/1","type":"Doctor")", "reference-type",
     "Patient.generalPractitioner[0]"},
    {R"("reference":"Practitioner/1")", R"("display":"x","type":"Device")", "reference-target",
     "Patient.generalPractitioner[0]"},
    {R"("managingOrganization":{"reference":"#o1"})",
     R"("managingOrganization":{"reference":"Practitioner/1"})", "reference-target",
     "Patient.managingOrganization"},
    // Invariants of datatypes.
    {R"("start":"1974","end":"1980-01")", R"("start":"1990","end":"1980-01")", "per-1",
     "Patient.address[0].period"},
    {R"("system":"phone",)", "", "cpt-2", "Patient.telecom[0]"},
};

constexpr Row of_observation[] = {
    {R"("status":"final",)", "", "cardinality", "Observation.status"},
    {R"("status":"final")", R"("status":"finished")", "binding", "Observation.status"},
    {R"("code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},)", "", "cardinality",
     "Observation.code"},
    {R"("comparator":"<")", R"("comparator":"=")", "binding", "Observation.value.comparator"},
    {R"("value":1.50)", R"("value":"1.50")", "json-type", "Observation.value.value"},
    {R"("value":1.50)", R"("value":1e-999)", "format", "Observation.value.value"},
    {R"("system":"http://unitsofmeasure.org",)", "", "qty-3", "Observation.value"},
    {R"("low":{"value":1.0})", R"("low":{"value":1.0,"comparator":"<"})", "sqty-1",
     "Observation.referenceRange[0].low"},
    {R"({"low":{"value":1.0}})", R"({"type":{"text":"x"}})", "obs-3", "Observation.referenceRange[0]"},
    {R"("component":)", R"("dataAbsentReason":{"text":"x"},"component":)", "obs-6", "Observation"},
    {R"("code":"1"}]})", R"("code":"8480-6"}]})", "obs-7", "Observation"},
    {R"("valueInteger":3)", R"("valueMoney":{"value":3})", "choice-type", "Observation.component[0].value"},
    {R"("valueInteger":3)", R"("valueInteger":3,"valueBoolean":true)", "choice",
     "Observation.component[0].value"},
    {R"("issued":"2024-01-01T00:00:00Z")", R"("issued":"2024-01-01T00:00:00")", "format",
     "Observation.issued"},
    {R"("issued":"2024-01-01T00:00:00Z")", R"("issued":"2024-01-01T24:00:00Z")", "format",
     "Observation.issued"},
    {R"("effectiveDateTime":"2024-01-01")", R"("effectiveDateTime":"2024-01-01T10:00")", "format",
     "Observation.effective"},
    {R"("effectiveDateTime":"2024-01-01")", R"("effectiveDateTime":"2024-1-1")", "format",
     "Observation.effective"},
    {R"("effectiveDateTime":"2024-01-01")", R"("effectiveDateTime":"2023-02-29")", "format",
     "Observation.effective"},
    {R"("effectiveDateTime":"2024-01-01")", R"("effectivePeriod":{"start":"2024-02","end":"2024-01"})",
     "per-1", "Observation.effective"},
    {R"("reference":"Patient/p1")", R"("reference":"Encounter/p1")", "reference-target",
     "Observation.subject"},
    {R"("subject":{"reference":"Patient/p1"})", R"("subject":{"id":"a"})", "ele-1", "Observation.subject"},
    {R"("subject":{"reference":"Patient/p1"})", R"("subject":[{"reference":"Patient/p1"}])", "json-type",
     "Observation.subject"},
    {R"("code":"mm[Hg]")", R"("code":"mm[Hg] ")", "format", "Observation.value.code"},
    {R"("code":"mm[Hg]")", R"("code":"mm  [Hg]")", "format", "Observation.value.code"},
};

constexpr Row of_transaction[] = {
    {R"("type":"transaction")", R"("type":"transactions")", "binding", "Bundle.type",
     "reference-format at Bundle.entry[1].resource.performer[0]; bdl-3 at Bundle; "},
    {R"("type":"transaction",)", "", "reference-format", "Bundle.entry[1].resource.performer[0]",
     "cardinality at Bundle.type; "},
    {R"("type":"transaction")", R"("type":"transaction","total":3)", "bdl-1", "Bundle"},
    {R"(,"request":{"method":"PUT","url":"Device/d1"})", "", "bdl-3", "Bundle"},
    {R"("method":"PUT")", R"("method":"put")", "binding", "Bundle.entry[2].request.method"},
    {R"("method":"PUT",)", "", "cardinality", "Bundle.entry[2].request.method"},
    {R"("reference":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a")",
     R"("reference":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0b")", "reference-unresolved",
     "Bundle.entry[1].resource.subject"},
    {R"("subject":{"reference":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"})",
     R"("subject":{"reference":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"})", "reference-target",
     "Bundle.entry[1].resource.subject"},
    {R"("fullUrl":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059")",
     R"("fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a")", "bdl-7", "Bundle"},
    {R"("fullUrl":"http://x.example/fhir/Device/d1")", R"("fullUrl":"http://x.example/fhir/Device/d2")",
     "full-url", "Bundle.entry[2].fullUrl"},
    {R"("fullUrl":"http://x.example/fhir/Device/d1")",
     R"("fullUrl":"http://x.example/fhir/Device/d1/_history/1")", "bdl-8", "Bundle.entry[2]"},
    {R"("id":"d1"})", R"("id":"d1","status":"on"})", "binding", "Bundle.entry[2].resource.status"},
    {R"("resource":{"resourceType":"Device","id":"d1"})", R"("resource":{"resourceType":"Devise","id":"d1"})",
     "resource-type", "Bundle.entry[2].resource"},
    {R"("family":"A")", R"("family":"A","x":1)", "unknown-element", "Bundle.entry[0].resource.name[0].x"},
    {R"({"method":"POST","url":"Patient"})", R"({"method":"POST","url":"Patient"},"search":{"mode":"match"})",
     "bdl-2", "Bundle"},
    {R"({"method":"POST","url":"Patient"})",
     R"({"method":"POST","url":"Patient"},"response":{"status":"200"})", "bdl-4", "Bundle"},
    {R"(?identifier=1)", R"(/)", "reference-format", "Bundle.entry[1].resource.performer[0]"},
};

constexpr Row of_request[] = {
    {R"("periodUnit":"d")", R"("periodUnit":"day")", "binding",
     "MedicationRequest.dosageInstruction[0].timing.repeat.periodUnit"},
    {R"(,"durationUnit":"h")", "", "tim-1", "MedicationRequest.dosageInstruction[0].timing.repeat"},
    {R"(,"periodUnit":"d")", "", "tim-2", "MedicationRequest.dosageInstruction[0].timing.repeat"},
    {R"("duration":1,)", R"("duration":-1,)", "tim-4",
     "MedicationRequest.dosageInstruction[0].timing.repeat"},
    {R"("period":2)", R"("period":-2)", "tim-5", "MedicationRequest.dosageInstruction[0].timing.repeat"},
    {R"("frequency":1)", R"("frequency":0)", "format",
     "MedicationRequest.dosageInstruction[0].timing.repeat.frequency"},
    {R"("code":"d"},"count")", R"("code":"kg"},"count")", "", ""},
    {R"("low":{"value":1})", R"("low":{"value":3})", "rng-2",
     "MedicationRequest.dosageInstruction[0].doseAndRate[0].dose"},
    {R"("status":"active")", R"("status":"actve")", "binding", "MedicationRequest.status"},
    {R"("intent":"order",)", "", "cardinality", "MedicationRequest.intent"},
    {R"("medicationCodeableConcept":{"text":"m"},)", "", "cardinality", "MedicationRequest.medication"},
    {R"("medicationCodeableConcept":{"text":"m"})",
     R"("medicationCodeableConcept":{"text":"m"},"medicationReference":{"reference":"Medication/1"})",
     "choice", "MedicationRequest.medication"},
    {R"("asNeededBoolean":false)", R"("asNeededBoolean":"false")", "json-type",
     "MedicationRequest.dosageInstruction[0].asNeeded"},
};

constexpr Row of_allergy[] = {
    {R"("code":"active")", R"("code":"aktiv")", "binding", "AllergyIntolerance.clinicalStatus"},
    {R"("system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active")",
     R"("code":"active")", "binding", "AllergyIntolerance.clinicalStatus"},
    {R"("severity":"mild")", R"("severity":"bad")", "binding", "AllergyIntolerance.reaction[0].severity"},
    {R"("manifestation":[{"text":"rash"}],)", "", "cardinality",
     "AllergyIntolerance.reaction[0].manifestation"},
    {R"("patient":{"reference":"Patient/1"})", R"("patient":{"reference":"Group/1"})", "reference-target",
     "AllergyIntolerance.patient"},
    {R"("clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},)",
     "", "ait-1", "AllergyIntolerance"},
};

constexpr Row of_questionnaire[] = {
    {R"("linkId":"1.2")", R"("linkId":"1.1")", "que-2", "Questionnaire"},
    {R"("type":"integer")", R"("type":"number")", "binding", "Questionnaire.item[0].item[1].type"},
    {R"("operator":"exists")", R"("operator":"is")", "binding",
     "Questionnaire.item[0].item[1].enableWhen[0].operator"},
    {R"("answerBoolean":true)", R"("answerInteger":1)", "que-7",
     "Questionnaire.item[0].item[1].enableWhen[0]"},
    {R"("linkId":"1.1",)", "", "cardinality", "Questionnaire.item[0].item[0].linkId"},
    {R"("type":"choice")", R"("type":"display")", "que-5", "Questionnaire.item[0].item[0]"},
    {R"("answerOption":[{"valueString":"a"}])",
     R"("answerOption":[{"valueString":"a"}],"answerValueSet":"http://x.example/v")", "que-4",
     "Questionnaire.item[0].item[0]"},
    {R"("answerOption":[{"valueString":"a"}])", R"("answerOption":[{"initialSelected":true}])", "cardinality",
     "Questionnaire.item[0].item[0].answerOption[0].value"},
};

// Values that their type does not have, each instead of a good one.
struct Format {
    std::string_view type, good;
    std::vector<std::string_view> bad;
};
Format const formats[] = {
    {"Base64Binary", R"("aGk=")", {R"("aGk")", R"("a*k=")", R"("")"}},
    {"Boolean", "true", {R"("true")", "1"}},
    {"Canonical", R"("http://x.example|1")", {R"("a b")", R"("")"}},
    {"Code", R"("a b")", {R"(" a")", R"("a ")", R"("a\tb")", R"("")"}},
    {"Date",
     R"("2024-02-29")",
     {R"("2024-13")", R"("2024-00-01")", R"("20240101")", R"("0000")", R"("2024-01-01T00:00:00Z")"}},
    {"DateTime",
     R"("2024-02-29T23:59:59.001-03:30")",
     {R"("2024-02-29T23:59:59")", R"("2024-02-29 23:59:59Z")", R"("2024-02-29T25:00:00Z")",
      R"("2024-02-29T23:60:00Z")", R"("2024-02-29T23:59:59+15:00")", R"("2024T10:00:00Z")",
      R"("2024-02-29T23:59:59.Z")"}},
    {"Decimal", "1.10", {R"("1.10")", "1e-400"}},
    {"Id", R"("a-1.B")", {R"("a/b")", R"("")"}},
    {"Instant", R"("2024-01-01T00:00:00Z")", {R"("2024-01-01")", R"("2024-01")"}},
    {"Integer", "-5", {"1.0", "1e2", R"("5")", "2147483648"}},
    {"Markdown", R"("# a")", {R"("\u0001")", R"("")"}},
    {"Oid",
     R"("urn:oid:1.2.3")",
     {R"("1.2.3")", R"("urn:oid:3.1")", R"("urn:oid:1.02")", R"("urn:oid:1..2")", R"("urn:oid:1.")"}},
    {"PositiveInt", "1", {"0", "-1"}},
    {"String", R"("a\nb")", {R"("a\u0000b")", R"("\n")", "5"}},
    {"Time", R"("23:59:00")", {R"("24:00:00")", R"("23:59")", R"("23:59:00Z")"}},
    {"UnsignedInt", "0", {"-1", "0.5"}},
    {"Uri", R"("urn:a:b")", {R"("a b")", R"("")"}},
    {"Url", R"("http://x.example/")", {R"("http://x.example/ ")"}},
    {"Uuid",
     R"("urn:uuid:c757873d-ec9a-4326-a141-556f43239520")",
     {R"("c757873d-ec9a-4326-a141-556f43239520")", R"("urn:uuid:C757873D-EC9A-4326-A141-556F43239520")",
      R"("urn:uuid:c757873dec9a4326a141556f43239520")"}},
};

std::vector<fhir::Finding> errors_of(std::string const& json) {
    auto const resource = fhir::Resource::read_json(json);
    REQUIRE_MESSAGE(resource.has_value(), json);
    auto all = fhir::validate(resource->root(), {&FhirInvariants::r4()});
    std::erase_if(all, [](fhir::Finding const& f) { return f.severity > fhir::Severity::error; });
    return all;
}

std::string listed(std::vector<fhir::Finding> const& all) {
    std::string out;
    for (auto const& f : all) out += f.rule + " at " + f.location + "; ";
    return out;
}

template <std::size_t N>
void check(std::string_view valid, Row const (&rows)[N], std::size_t& count) {
    auto const none = errors_of(std::string(valid));
    CHECK_MESSAGE(none.empty(), listed(none));
    for (auto const& row : rows) {
        std::string json(valid);
        auto const at = json.find(row.from);
        REQUIRE_MESSAGE(at != std::string::npos, std::string(row.from));
        json.replace(at, row.from.size(), row.to);
        auto const found = errors_of(json);
        std::string const expected =
            row.rule.empty()
                ? ""
                : std::string(row.rule) + " at " + std::string(row.location) + "; " + std::string(row.also);
        CHECK_MESSAGE(listed(found) == expected, std::string(row.from), " -> ", std::string(row.to));
        ++count;
    }
}

}  // namespace

TEST_CASE("resources broken on purpose get the expected finding at the expected place") {
    std::size_t count = 0;
    check(patient, of_patient, count);
    check(observation, of_observation, count);
    check(transaction, of_transaction, count);
    check(request, of_request, count);
    check(allergy, of_allergy, count);
    check(questionnaire, of_questionnaire, count);
    for (auto const& format : formats) {
        auto const json = [&](std::string_view value) {
            return R"({"resourceType":"Basic","code":{"text":"x"},"extension":[{"url":"u","value)" +
                   std::string(format.type) + "\":" + std::string(value) + "}]}";
        };
        auto const none = errors_of(json(format.good));
        CHECK_MESSAGE(none.empty(), json(format.good), listed(none));
        for (auto const bad : format.bad) {
            auto const found = errors_of(json(bad));
            CAPTURE(json(bad));
            REQUIRE(found.size() == 1);
            CHECK((found[0].rule == "format" || found[0].rule == "json-type"));
            CHECK(found[0].location == "Basic.extension[0].value");
            ++count;
        }
    }
    CHECK(count >= 150);
}
