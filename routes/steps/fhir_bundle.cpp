// split: { each: Bundle.entry, otherwise: pass }
// bundle: transaction      bundle: { type: transaction, method: PUT }
#include <utility>

#include "parsers/json.h"
#include "routes/steps/fhir_steps.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

constexpr std::size_t bytes_max = std::size_t{256} << 20U;  // of all parts together

enum class NoParts : unsigned char { unsaid, pass, stop, hold };

struct SplitOptions {
    config::Text each;
    NoParts otherwise = NoParts::unsaid;
};

template <class V>
void describe(V& v, SplitOptions& o) {
    v.required(
        "each", o.each,
        "of FHIR: an expression for the entries or resources that become messages, such as Bundle.entry");
    v.choice("otherwise", o.otherwise,
             {{"pass", NoParts::pass}, {"stop", NoParts::stop}, {"hold", NoParts::hold}},
             "what becomes of a message that has none of them: pass it as it is, end the route, or hold it");
}

// An entry of a batch or transaction keeps what it asks for; another, or a resource, is one to create.
Result<std::string> part_of(fhir::Element element) {
    bool const is_resource = !element.resource_type().empty();
    auto const resource = is_resource ? element : element.child("resource");
    auto const written = is_resource ? fhir::Element() : element.child("request");
    if (!resource.exists() && !written.exists())
        return error("no_part", "", "there is neither a resource nor a request in it",
                     "name entries of a Bundle, or resources");
    if (!written.exists()) return {boost::system::in_place_value, fhir::resource_text(resource.json())};
    fhir::Request request;
    request.method = written.text_of("method");
    request.url = written.text_of("url");
    request.if_none_match = written.text_of("ifNoneMatch");
    request.if_match = written.text_of("ifMatch");
    request.if_none_exist = written.text_of("ifNoneExist");
    auto const json = resource.exists() ? resource.json() : std::string();
    auto const interaction = fhir::Interaction::read(fhir::interaction_text(request, json));
    if (!interaction) return interaction.error();
    return {boost::system::in_place_value, interaction->text()};
}

class FhirSplit final : public Step {
  public:
    FhirSplit(expression::Expression each, NoParts otherwise)
        : each_(std::move(each)), otherwise_(otherwise) {}

    StepResult run(Work& work) const override {
        auto const elements = each_.elements(work.context());
        StepResult result;
        if (!elements) return held("each", elements.error());
        if (elements->empty()) {
            if (otherwise_ == NoParts::stop) result.next = StepResult::Next::stop;
            if (otherwise_ == NoParts::hold) result.next = StepResult::Next::hold;
            if (otherwise_ != NoParts::pass)
                result.reason = "the message has no " + std::string(each_.source());
            return result;
        }
        std::size_t bytes = 0;
        for (auto const& element : *elements) {
            auto part = part_of(element);
            if (!part) return held("each", part.error());
            bytes += part->size();
            if (result.parts.size() == StepResult::parts_max || bytes > bytes_max)
                return held("", error("too_many", "",
                                      "the message has more than " + std::to_string(StepResult::parts_max) +
                                          " parts, or is too large for so many"));
            result.parts.push_back(std::move(*part));
        }
        result.next = StepResult::Next::split;
        return result;
    }

  private:
    expression::Expression each_;
    NoParts otherwise_;
};

enum class BundleType : unsigned char { unsaid, transaction, batch, collection };
std::string_view name(BundleType type) {
    return type == BundleType::batch        ? "batch"
           : type == BundleType::collection ? "collection"
                                            : "transaction";
}

struct BundleOptions {
    BundleType type = BundleType::unsaid;
};

template <class V>
void describe(V& v, BundleOptions& o) {
    v.choice("type", o.type,
             {{"transaction", BundleType::transaction},
              {"batch", BundleType::batch},
              {"collection", BundleType::collection}},
             "of the Bundle: what is to be done all or not at all, one by one, or nothing");
}

// The interaction as the one entry of a Bundle.
class BundleStep final : public Step {
  public:
    explicit BundleStep(BundleType type) : type_(type), detail_(name(type)) {}

    StepResult run(Work& work) const override {
        auto& interaction = work.piece.interaction();
        if (interaction.type() == "Bundle") return StepResult::ok();
        if (type_ == BundleType::collection && !interaction.has_body)
            return held("",
                        error("no_resource", "", "a request without a resource has no place in a collection",
                              "make a transaction or a batch of it"));
        auto const& request = interaction.request;
        auto const request_json = fhir::request_as_element(request).json();
        json::Writer w;
        w.object([&] {
            w.field("resourceType", "Bundle");
            w.field("type", detail_);
        });
        auto text = w.text();
        text.pop_back();
        text += R"(,"entry":[{)";
        if (interaction.has_body) text += R"("resource":)" + interaction.resource.json();
        if (type_ != BundleType::collection)
            text += std::string(interaction.has_body ? "," : "") + R"("request":)" + request_json;
        text += "}]}";
        auto bundle = fhir::Interaction::read(text);
        if (!bundle) return held("", bundle.error());
        work.piece.become(std::move(*bundle));
        return StepResult::ok();
    }
    std::string_view detail() const override { return detail_; }

  private:
    BundleType type_;
    std::string detail_;
};

std::unique_ptr<Step> compile_bundle(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    BundleOptions o;
    if (step.options.is_scalar()) {
        if (step.options.unusable) return nullptr;
        auto node = step.options;  // bundle: batch is bundle: { type: batch }
        config::Node mapping;
        mapping.kind = config::Node::Kind::mapping;
        mapping.where = step.options.where;
        config::Entry entry;
        entry.key = "type";
        entry.where = step.options.where;
        entry.value = std::move(node);
        mapping.entries.push_back(std::move(entry));
        o = config::decode_options<BundleOptions>(mapping, "bundle", diagnostics);
    } else {
        o = config::decode_options<BundleOptions>(step.options, "bundle", diagnostics);
    }
    if (diagnostics.errors() == before && o.type == BundleType::unsaid)
        diagnostics.error(step.where, "bundle does not say of which type",
                          "write bundle: transaction, bundle: batch or bundle: collection");
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<BundleStep>(o.type);
}

std::string bundle_schema() {
    return R"({"anyOf":[{"enum":["transaction","batch","collection"]},)" +
           config::SchemaWriter::of<BundleOptions>() + "]}";
}

}  // namespace

std::unique_ptr<Step> compile_fhir_split(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<SplitOptions>(step.options, "split", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (o.otherwise == NoParts::unsaid)
        diagnostics.error(step.where, "split does not say what becomes of a message that has none of them",
                          "add otherwise: pass, otherwise: stop, or otherwise: hold");
    if (context.depth != 0)
        diagnostics.error(
            step.where, "split stands inside another step",
            "put it among the route's own steps, or into a route that this one names in \"to\"");
    auto each = expression::Expression::compile(o.each, 0, diagnostics, context.language());
    check_answer_named(each.reads_answer(), o.each.where, context);
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<FhirSplit>(std::move(each), o.otherwise);
}

std::string fhir_split_schema() {
    return config::SchemaWriter::of<SplitOptions>();
}

StepKind bundle_step() {
    return {"bundle",       "puts a FHIR resource and what is asked for it into a Bundle",
            compile_bundle, bundle_schema,
            false,          false,
            WorksOn::fhir};
}

}  // namespace hilum::routes
