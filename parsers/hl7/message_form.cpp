#include "parsers/hl7/message_form.h"

#include <array>
#include <utility>

#include "parsers/hl7/message_json.h"
#include "parsers/hl7/xml.h"

namespace hilum::hl7 {
namespace {

constexpr std::array<std::string_view, 3> names{"er7", "xml", "json"};

}  // namespace

std::string_view name(Form form) {
    return names[static_cast<std::size_t>(form)];
}

std::optional<Form> form_named(std::string_view name) {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) return static_cast<Form>(i);
    return std::nullopt;
}

Result<std::string> in_form(Message const& message, Form form, Dictionary const& dictionary) {
    switch (form) {
        case Form::xml:
            return to_xml(message, dictionary);
        case Form::json: {
            MessageView const view(message, dictionary);
            return to_json(view, 1, message.bytes().size());
        }
        case Form::er7:
            break;
    }
    return {boost::system::in_place_value, message.bytes()};
}

Form form_of(std::string_view body) {
    if (body.starts_with('<')) return Form::xml;
    return body.starts_with('{') ? Form::json : Form::er7;
}

Result<Message> read_body(std::string_view body) {
    auto const form = form_of(body);
    if (form == Form::er7) return Message::view(body);
    auto er7 = form == Form::xml ? from_xml(body, {.bytes_max = std::size_t{256} << 20U}) : from_json(body);
    if (!er7) return er7.error();
    return Message::parse(std::move(*er7));
}

}  // namespace hilum::hl7
