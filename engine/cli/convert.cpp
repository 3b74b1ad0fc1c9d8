#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/convert_fhir.h"
#include "engine/cli/message_file.h"
#include "engine/cli/output.h"
#include "engine/cli/resource_file.h"
#include "parsers/hl7/message_json.h"
#include "parsers/hl7/version_conversion.h"
#include "parsers/hl7/xml.h"
#include "routes/mapping/to_hl7.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string file, to, version, map;
    std::size_t message = 0;
    bool drop = false;
    FhirConversionOptions fhir;
};

// What a message becomes, with its line end. One row for each word after --to.
struct Target {
    std::string_view name;
    bool one_only;  // several in a row would be no document
    Result<std::string> (*write)(hl7::Message const& message, MessageFile::One const& one);
};

Result<std::string> as_hl7(hl7::Message const& message, MessageFile::One const&) {
    return {boost::system::in_place_value, message.bytes()};
}

Result<std::string> as_xml(hl7::Message const& message, MessageFile::One const&) {
    return hl7::to_xml(message);
}

Result<std::string> as_json(hl7::Message const& message, MessageFile::One const& one) {
    auto json = hl7::to_json(hl7::MessageView(message), one.number, one.bytes.size());
    if (json) *json += '\n';
    return json;
}

constexpr Target targets[] = {{"hl7", false, as_hl7}, {"xml", true, as_xml}, {"json", false, as_json}};

std::string of_message(Options const& options, std::size_t number) {
    return printable(options.file) + "#" + std::to_string(number) + ": ";
}

// The message in another version; what could not be carried goes to stderr.
Result<std::string> in_version(Options const& options, hl7::Message const& message, hl7::Version to,
                               std::size_t number) {
    auto converted =
        hl7::convert(message, to, hl7::Dictionary::standard(), {.from = {}, .drop = options.drop});
    if (!converted) {
        if (converted.error().code == "same_version") return {boost::system::in_place_value, message.bytes()};
        return converted.error();
    }
    for (auto const& note : converted->notes)
        complain(of_message(options, number) + std::string(name(note.kind)) + " " + printable(note.path) +
                 ": " + note.reason);
    if (converted->note_count > converted->notes.size())
        complain(of_message(options, number) +
                 std::to_string(converted->note_count - converted->notes.size()) + " more");
    return {boost::system::in_place_value, std::move(converted->bytes)};
}

// A FHIR resource as a message, by a map.
int convert_to_hl7(Options const& options, std::string const& text) {
    auto const name = printable(options.file);
    config::Diagnostics diagnostics;
    config::NameList with;
    for (auto const& file : options.fhir.maps) with.push_back({file, {}});
    auto const maps = routes::mapping::load_maps({options.map, {}}, {}, diagnostics, with);
    if (!maps) {
        complain("the map can't be used:\n" + diagnostics.text());
        return used_wrongly;
    }
    auto const resource = read_resource(text);
    auto const interaction =
        resource ? fhir::Interaction::read(resource->json()) : Result<fhir::Interaction>(resource.error());
    auto const message = interaction ? routes::mapping::to_hl7(*maps, *interaction, now_us(), nullptr)
                                     : Result<std::string>(interaction.error());
    if (!message) {
        complain(name + ": " + message.error().text());
        return answer_is_no;
    }
    answer(*message);
    return good;
}

// A FHIR resource, between its two forms.
int convert_resource(Options const& options, std::string text) {
    auto const name = printable(options.file);
    if (options.to == "hl7" && !options.map.empty() && options.version.empty())
        return convert_to_hl7(options, text);
    if (options.to == "hl7" || options.to == "fhir" || !options.version.empty()) {
        complain(name + ": a FHIR resource is converted to xml or json, or to hl7 with --map");
        return used_wrongly;
    }
    auto const resource = read_resource(std::move(text));
    if (!resource) {
        complain(name + ": " + resource.error().text());
        return answer_is_no;
    }
    if (options.to == "json") {
        answer(resource->json() + "\n");
        return good;
    }
    auto const xml = resource->xml();
    if (!xml) {
        complain(name + ": " + xml.error().text());
        return answer_is_no;
    }
    answer(*xml);
    return good;
}

int convert(Options const& options) {
    auto const* const target = std::find_if(std::begin(targets), std::end(targets),
                                            [&](Target const& t) { return t.name == options.to; });
    auto const version = hl7::version_named(options.version);
    if (!options.version.empty() && !version) {
        complain("--version: there is no version " + printable(options.version) + " of HL7 v2; one is 2.5.1");
        return used_wrongly;
    }
    auto text = read_file(options.file);
    if (!text) {
        complain(text.error().text());
        return used_wrongly;
    }
    if (is_resource(*text)) return convert_resource(options, std::move(*text));
    auto const file = messages_of(*text, options.message);
    if (!file) {
        complain(printable(options.file) + ": " + file.error().text());
        return answer_is_no;
    }
    std::optional<FhirConversion> to_fhir;
    if (options.to == "fhir" && !(to_fhir = FhirConversion::make(options.fhir))) return used_wrongly;
    if (target != std::end(targets) && target->one_only && file->messages.size() > 1) {
        complain(printable(options.file) + ": there are " + std::to_string(file->messages.size()) +
                 " messages in it; choose one with --message");
        return used_wrongly;
    }
    int code = good;
    for (auto const& one : file->messages) {
        auto const refuse = [&](Error const& e) {
            complain(of_message(options, one.number) + e.text());
            code = answer_is_no;
        };
        auto message = hl7::Message::parse(one.bytes);
        if (!message) {
            refuse(message.error());
            continue;
        }
        if (version) {
            auto bytes = in_version(options, *message, *version, one.number);
            if (bytes) message = hl7::Message::parse(std::move(*bytes));
            if (!bytes || !message) {
                refuse(bytes ? message.error() : bytes.error());
                continue;
            }
        }
        auto const written = to_fhir ? to_fhir->convert(*message, of_message(options, one.number))
                                     : target->write(*message, one);
        if (!written) {
            refuse(written.error());
        } else {
            answer(*written);
        }
    }
    if (file->leftover) complain(printable(options.file) + ": there is text that belongs to no message");
    return code;
}

}  // namespace

void add_convert(App& app, int& exit_code) {
    auto* const command =
        app.add_subcommand("convert", "A message or FHIR resource in another form or version");
    auto const options = std::make_shared<Options>();
    std::vector<std::string> names;
    for (auto const& target : targets) names.emplace_back(target.name);
    names.emplace_back("fhir");
    command
        ->add_option("--to", options->to,
                     "hl7 (with delimiters), xml (HL7 v2 in XML), json, or fhir (a Bundle, by the maps)")
        ->required()
        ->one_of(names);
    command
        ->add_option("FILE", options->file,
                     "HL7 v2 messages: one, several or a batch; or one in XML; or a FHIR resource in "
                     "JSON or XML; - for standard input")
        ->required();
    command->add_option("--version", options->version, "also to this version of HL7 v2: 2.3, 2.5.1");
    command->add_flag("--drop", options->drop,
                      "with --version: leave out what that version has no place for");
    command
        ->add_option("--message", options->message, "only the message with this number in the file, from 1")
        ->positive();
    command
        ->add_option("--bundle", options->fhir.bundle, "with --to fhir: transaction, message or collection")
        ->one_of({"transaction", "message", "collection"});
    command->add_flag("--provenance", options->fhir.provenance, "with --to fhir: Provenance too");
    command->add_option(
        "--maps", options->fhir.maps,
        "a file of rows on top of those of the map, with --to fhir also us_core; may be repeated");
    std::string own = "with --to hl7: the map that makes a message of a FHIR resource; a file, or one of ";
    for (auto const& map : routes::mapping::own_hl7_maps()) own += map + " ";
    own.pop_back();
    command->add_option("--map", options->map, own);
    command->add_option("--time-zone", options->fhir.time_zone,
                        "with --to fhir: of times without one, such as Europe/Berlin; UTC without it");
    command->add_flag(
        "--trace", options->fhir.trace,
        "with --to fhir: instead of the Bundle, for each element the field and the row that made it");
    command->add_flag("--lost", options->fhir.lost, "with --to fhir: list the values that were not carried");
    command->footer(
        "With --version, what was moved, changed, or could not be carried is listed on stderr; what the "
        "version "
        "has no place for\nstays where it is without --drop.\n"
        "Exit code: 0 converted, 1 a message can't be, 2 the file can't be read.\n\n"
        "Example:\n"
        "  hilum convert --to xml adt.hl7\n"
        "  hilum convert --to hl7 adt.xml\n"
        "  hilum convert --to xml patient.json\n"
        "  hilum convert --to hl7 --version 2.5.1 old.hl7\n"
        "  hilum convert --to fhir adt.hl7\n"
        "  hilum convert --to fhir --trace adt.hl7\n"
        "  hilum convert --to hl7 --map fhir-to-v2/oru_r01 report.json");
    command->callback([options, &exit_code] { exit_code = convert(*options); });
}

}  // namespace hilum::cli
