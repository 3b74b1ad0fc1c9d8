// The section "dictionary": what a site adds to the HL7 v2 standard. Declared once for the loader and for
// the JSON Schema.
#pragma once

#include <string>

#include "parsers/hl7/dictionary.h"
#include "routes/config/describe.h"

namespace hilum::config {

// One field under `segments: { ZPI: { fields: { 3: {...} } } }`. What is not written stays as it is in the
// standard.
struct DictionaryField {
    std::string name;
    Text datatype;
    std::uint32_t length = 0;
    Node repetitions;
    std::uint16_t table = 0;
    hl7::Usage usage = hl7::Usage::optional;
};

template <class V>
void describe(V& v, DictionaryField& o) {
    v.optional("name", o.name, "what it is called, such as Species");
    v.optional("datatype", o.datatype, "a datatype of the standard, such as ST, NM, CWE or CX");
    v.optional("length", o.length, "the most characters it may have; 0: any number");
    v.optional("repetitions", o.repetitions, "how often it may be repeated: a number, or any");
    v.optional("table", o.table, "the number of the table that its codes are in; 0: none");
    v.choice("usage", o.usage,
             {{"R", hl7::Usage::required},
              {"O", hl7::Usage::optional},
              {"C", hl7::Usage::conditional},
              {"B", hl7::Usage::backward},
              {"W", hl7::Usage::withdrawn},
              {"X", hl7::Usage::unused}},
             "R required, O optional, C conditional, B for older versions, W withdrawn, X not used");
}

struct DictionarySegment {
    std::string title;
    Node fields;
};

template <class V>
void describe(V& v, DictionarySegment& o) {
    v.optional("title", o.title, "what it holds, such as Pet information");
    v.optional("fields", o.fields, "its fields by number");
}

struct DictionaryTable {
    std::string name;
    Node codes;
    bool closed = false;
};

template <class V>
void describe(V& v, DictionaryTable& o) {
    v.optional("name", o.name, "what it is called");
    v.optional("codes", o.codes, "its further codes, each with its meaning");
    v.optional("closed", o.closed, "whether any other code is wrong");
}

struct DictionarySection {
    Node segments;
    Node tables;
};

template <class V>
void describe(V& v, DictionarySection& o) {
    v.optional("segments", o.segments,
               "segments by name: those of a site (ZPI) and changes to standard ones");
    v.optional("tables", o.tables, "tables by number: those of a site and further codes of standard ones");
}

// The standard with what the section adds; after an error the standard alone.
hl7::Dictionary read_dictionary(Node const& node, Diagnostics& diagnostics);
std::string dictionary_schema();

}  // namespace hilum::config
