// The one expression language (DESIGN §6): FHIRPath with HL7 v2 paths as primaries. Compiled once, at load;
// evaluated on any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/interaction.h"
#include "parsers/fhir/resource.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/part.h"
#include "parsers/hl7/structure.h"
#include "parsers/result.h"
#include "routes/config/describe.h"

namespace hilum::expression {

// What an expression is evaluated against. Borrowed for the call.
struct Context {
    hl7::Message const* message = nullptr;
    std::int64_t now_us = 0;  // Unix time in microseconds: no clock of our own
    // Of `message`, for paths through groups; without one each evaluation that needs it works it out anew.
    hl7::StructureCache* structures = nullptr;
    // What FHIR names start from, for expressions compiled with Options::fhir: the resource, or an element in
    // it.
    fhir::Resource const* resource = nullptr;
    fhir::Element focus = {};
    // What another system answered, under the property "answer": %answer. The steps of an enrich have one.
    fhir::Resource const* answer = nullptr;
    // Of `focus`, where the caller knows it; else it is found from the resource down.
    fhir::Type focus_type = {};
    // What is to be done with `resource`: %request, as Bundle.entry.request has it.
    fhir::Request const* request = nullptr;
    // In a map: the segments that paths to the first of a name mean, where there is one; and what the paths
    // that begin with a dot are in.
    hl7::LatestSegments const* latest = nullptr;
    hl7::Pieces const* part = nullptr;
    bool plain = false;  // nothing in `message` has to be decoded (Message::plain())

    fhir::Element element() const {
        return focus.exists() ? focus : resource ? resource->root() : fhir::Element();
    }
};

// How a text is read.
struct Options {
    bool fhir =
        false;  // a bare name is an element of the resource, as in FHIRPath; else only HL7 paths are names
    std::string_view root;  // the FHIR type it starts from: names it does not have are then errors
    bool parts = false;     // ".4.2" is a path: what stands there in the part that a map is about
    bool ordered =
        false;  // the order of children() counts as unknown: first(), skip() and the like are errors
};

// A path that a condition names, and what was there.
struct Read {
    std::string path;
    std::vector<std::string> values;
    bool more = false;         // there were more values than these
    std::string text() const;  // `PV1-2 is "I"`; holds what is in the message: never for logs
};

class Program;  // the compiled tree; its shape is private to this folder

class Expression {
  public:
    // Errors have a code, the 1-based column in `text` as place ("column 12"), and a next step with the
    // nearest known function.
    static Result<Expression> compile(std::string_view text, Options const& options);
    static Result<Expression> compile(std::string_view text) { return compile(text, Options{}); }
    // The same, reporting to `diagnostics` at the text's own place in the file. Empty optional-like: check
    // with valid().
    static Expression compile(config::Text const& text, std::size_t skip, config::Diagnostics& diagnostics,
                              Options const& options = {});

    Expression();
    Expression(Expression&&) noexcept;
    Expression& operator=(Expression&&) noexcept;
    ~Expression();
    bool valid() const { return program_ != nullptr; }

    // As a condition: a single boolean, or one of another type which then counts as true (FHIRPath singleton
    // rule); an empty result is false. Errors: more than one item ("not_singleton").
    Result<bool> test(Context const& context) const;
    // The same; when it gives false, `failed_clause` is the text of the first operand of a top-level `and`
    // that does not hold, of another expression the whole. It is text of the configuration, never of the
    // message, and lives as long as the expression.
    Result<bool> test(Context const& context, std::string_view& failed_clause) const;
    // The paths of the first operand of a top-level `and` that does not hold, else of the whole expression.
    std::vector<Read> reads(Context const& context) const;
    std::string_view source() const;
    bool reads_answer() const;  // it names %answer
    // Every HL7 path in it; those in a part have no segment.
    std::vector<hl7::Path> paths() const;
    // What a condition asks of a field in its simplest parts: it holds only where the text there is one of
    // these. The more conditions ask it of the same field, the more one look at the field decides.
    struct Need {
        hl7::Path path;
        std::vector<std::string> texts;
    };
    std::vector<Need> needs() const;
    // As text: the single item as text; empty gives "". More than one item: error "not_singleton".
    Result<std::string> text(Context const& context) const;
    // Every item as text, for `hilum eval`.
    Result<std::vector<std::string>> items(Context const& context) const;
    // The elements of the resource that it selects. Error "no_element": an item is none (a text that was
    // made, say).
    Result<std::vector<fhir::Element>> elements(Context const& context) const;
    // The same with their types, where they are known.
    struct Found {
        fhir::Element element;
        fhir::Type type;
    };
    Result<std::vector<Found>> found(Context const& context) const;
    // Every item as text with its type's name: items() and types() in one.
    struct TypedText {
        std::string text, type;
    };
    Result<std::vector<TypedText>> typed_items(Context const& context) const;
    // For each item its type's name, beside items(), for `eval --json`: "string", "boolean", "integer",
    // "decimal", "date", "dateTime", "time", "Quantity", of an element of a resource that of FHIR ("code",
    // "HumanName").
    Result<std::vector<std::string>> types(Context const& context) const;

  private:
    std::unique_ptr<Program const> program_;
};

// Text with {expression} holes: "{MSH-7}-{MSH-10}.hl7". "{{" and "}}" stand for braces.
class Template {
  public:
    static Result<Template> compile(std::string_view text, Options const& options = {});  // place: "column N"
    static Template compile(config::Text const& text, config::Diagnostics& diagnostics,
                            Options const& options = {});
    Template();
    Template(Template&&) noexcept;
    Template& operator=(Template&&) noexcept;
    ~Template();

    // `clean` is applied to what each hole gives (file names need it); nullptr: as is.
    Result<std::string> fill(Context const& context, std::string (*clean)(std::string_view) = nullptr) const;

  private:
    struct Part;
    std::vector<Part> parts_;
};

// A configured value: text, or an expression when it begins with "=" ("\=" for a text that does).
class ValueSource {
  public:
    static ValueSource compile(config::Text const& text, config::Diagnostics& diagnostics,
                               Options const& options = {});
    Result<std::string> get(Context const& context) const;
    bool computed() const { return expression_.valid(); }
    bool reads_answer() const { return expression_.reads_answer(); }
    std::vector<hl7::Path> paths() const { return expression_.paths(); }
    std::string const& literal() const { return literal_; }  // when it isn't computed

  private:
    std::string literal_;
    Expression expression_;
};

}  // namespace hilum::expression
