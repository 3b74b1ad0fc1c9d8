// The forms in which a message may leave: with delimiters (ER7, "vertical bars"), in XML, as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/message.h"
#include "parsers/result.h"

namespace hilum::hl7 {

enum class Form : unsigned char { er7, xml, json };
std::string_view name(Form form);  // "er7"
std::optional<Form> form_named(std::string_view name);

// The message in that form. Errors: "xml_too_large", "json_too_large".
Result<std::string> in_form(Message const& message, Form form,
                            Dictionary const& dictionary = Dictionary::standard());

// By its first character; what is none of the others is ER7, or nothing.
Form form_of(std::string_view body);
// The message in a body of any of them; a view of ER7, whose bytes must outlive it. Errors: those of
// Message::view, from_xml and from_json.
Result<Message> read_body(std::string_view body);

}  // namespace hilum::hl7
