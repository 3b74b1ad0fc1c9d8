#include "engine/flow/duplicate_options.h"

namespace hilum::flow {

namespace {

constexpr auto within_max = std::chrono::hours(24 * 31);
constexpr std::uint32_t keep_max = 10'000'000;

// Where a key of the mapping stands; of the short form: the whole.
config::Location place_of(config::Node const& written, std::string_view key) {
    auto const* const node = written.is_scalar() ? nullptr : written.find(key);
    return node ? node->where : written.where;
}

}  // namespace

expression::Expression same_expression(config::Text const& by, config::Content content,
                                       config::Diagnostics& diagnostics) {
    expression::Options language;
    language.fhir = content == config::Content::fhir;
    return expression::Expression::compile(by, 1, diagnostics, language);
}

std::string duplicate_options_schema() {
    return R"({"anyOf":[{"type":"string"},)" + config::SchemaWriter::of<DuplicateOptions>() + "]}";
}

std::optional<DuplicateOptions> read_duplicate_options(config::Node const& written, std::string const& owner,
                                                       config::Content content,
                                                       config::Diagnostics& diagnostics) {
    auto const before = diagnostics.errors();
    DuplicateOptions options;
    if (written.is_scalar()) {
        config::decode_value(written, options.by, diagnostics);
    } else {
        options =
            config::decode_options<DuplicateOptions>(written, "\"deduplicate\" of " + owner, diagnostics);
    }
    if (diagnostics.errors() != before) return std::nullopt;
    bool const fhir = content == config::Content::fhir;
    bool const by_control_id = options.same_by() == SameBy::control_id;
    std::string const id = fhir ? "message_id" : "control_id";
    if (options.same_by() == SameBy::expression) {
        if (options.by.value.starts_with('=')) {
            (void)same_expression(options.by, content, diagnostics);
        } else {
            diagnostics.error(options.by.where,
                              config::in_quotes(options.by.value) + " does not tell duplicates",
                              "write " + id + ", content, or an expression that begins with =");
        }
    } else if (options.same_by() == (fhir ? SameBy::control_id : SameBy::message_id)) {
        diagnostics.error(options.by.where,
                          options.by.value + " is about " +
                              (fhir ? "HL7 v2 messages, and this listener takes FHIR"
                                    : "FHIR, and this listener takes HL7 v2 messages"),
                          "write " + id);
    }
    if (options.within.count() <= 0 || options.within > within_max)
        diagnostics.error(place_of(written, "within"), "within must be some time, and at most 31d",
                          "write how long a sender may take to send the same again, such as 24h");
    if (options.keep == 0 || options.keep > keep_max)
        diagnostics.error(place_of(written, "keep"), "keep must be from 1 to 10000000",
                          "leave it out for 100000");
    if (options.content_differs == ContentDiffers::is_duplicate && !by_control_id)
        diagnostics.error(place_of(written, "content_differs"),
                          "content_differs has an effect only by: control_id", "leave it out");
    if (diagnostics.errors() != before) return std::nullopt;
    return options;
}

}  // namespace hilum::flow
