// detach: { field: OBX-5.5, file: { dir: ./documents, name: "{MSH-10}-{OBX-1}.pdf" }, otherwise: hold }
// attach: { field: OBX-5.5, file: { dir: ./documents, name: "{OBX-5.5}" }, otherwise: hold }
#include <utility>

#include "parsers/base64.h"
#include "routes/file_name.h"
#include "routes/steps/places.h"

namespace hilum::routes {
namespace {

enum class NoDocument : unsigned char { unsaid, hold, pass };

constexpr config::Choice<NoDocument> words[] = {{"hold", NoDocument::hold}, {"pass", NoDocument::pass}};

struct FileOptions {
    config::Text dir, name;
};
template <class V>
void describe(V& v, FileOptions& o) {
    v.required("dir", o.dir, "the folder");
    v.required("name", o.name, "the file's name in it, with {expression} holes; / makes folders");
}

struct DetachOptions {
    config::Text field;
    FileOptions file;
    config::Text address;
    NoDocument otherwise = NoDocument::unsaid;
};
template <class V>
void describe(V& v, DetachOptions& o) {
    v.required("field", o.field, "the path whose value, in base64, goes into the file, such as OBX-5.5");
    v.required("file", o.file, "where it goes");
    v.optional("address", o.address,
               "what the receiver finds it by, such as https://documents.example/: written in the field, "
               "with the name "
               "behind it; left out, the name alone");
    v.choice(
        "otherwise", o.otherwise, words,
        "what becomes of a message whose field is empty or holds no base64: hold it, or pass it as it is");
}

struct AttachOptions {
    config::Text field;
    FileOptions file;
    config::Bytes max_size{16u << 20};
    NoDocument otherwise = NoDocument::unsaid;
};
template <class V>
void describe(V& v, AttachOptions& o) {
    v.required("field", o.field, "the path that gets the file in base64, such as OBX-5.5");
    v.required("file", o.file, "where it is");
    v.optional("max_size", o.max_size, "a larger file is not taken");
    v.choice("otherwise", o.otherwise, words,
             "what becomes of a message whose file is not there or too large: hold it, or pass it as it is");
}

StepResult no_document(NoDocument otherwise, std::string reason) {
    if (otherwise == NoDocument::pass) return StepResult::ok();
    StepResult result;
    result.next = StepResult::Next::hold;
    result.reason = std::move(reason);
    return result;
}

StepResult again(Error const& why) {
    StepResult result;
    result.next = StepResult::Next::retry;
    result.reason = why.what;
    return result;
}

std::string joined(std::vector<std::string> const& components) {
    std::string out;
    for (auto const& component : components) (out += out.empty() ? "" : "/") += component;
    return out;
}

// A file below a folder, whose name the message fills in.
struct FileName {
    std::string dir;
    expression::Template name;

    // What holes give is one part of a name, or with `whole` may itself have folders; it never leaves `dir`.
    Result<FilePlace> of(Work const& work, bool whole) const {
        auto filled = name.fill(work.context(), whole ? nullptr : clean_part);
        if (!filled) return filled.error();
        return FilePlace{dir, joined(name_components(*filled))};
    }
};

class DetachStep final : public Step {
  public:
    DetachStep(ValuePath field, FileName file, DetachOptions const& o)
        : field_(std::move(field)),
          file_(std::move(file)),
          address_(o.address.value),
          otherwise_(o.otherwise) {}

    StepResult run(Work& work) const override {
        bool any = false;
        auto result = each_value(work, field_, [&](Place const& place, std::string_view text) {
            any = true;
            return detach(work, place, text);
        });
        return any ? result : no_document(otherwise_, field_.text() + " is empty");
    }

  private:
    StepResult detach(Work& work, Place const& place, std::string_view text) const {
        auto const bytes = from_base64(text);
        if (!bytes) return no_document(otherwise_, place.text() + " holds no base64");
        auto const file = file_.of(work, false);
        if (!file) return held("name", file.error());
        if (auto const written = work.outside->write(*file, *bytes); !written) {
            // Another document under the same name stays: trying again would not help.
            return written.error().code == "exists" ? held("file", written.error()) : again(written.error());
        }
        return write(work, place, address_ + file->name);
    }

    ValuePath field_;
    FileName file_;
    std::string address_;
    NoDocument otherwise_;
};

class AttachStep final : public Step {
  public:
    AttachStep(ValuePath field, FileName file, AttachOptions const& o)
        : field_(std::move(field)),
          file_(std::move(file)),
          max_size_(static_cast<std::size_t>(o.max_size.count)),
          otherwise_(o.otherwise) {}

    StepResult run(Work& work) const override {
        auto const file = file_.of(work, true);
        if (!file) return held("name", file.error());
        auto const bytes = work.outside->read(*file, max_size_);
        if (!bytes) {
            bool const lasting = bytes.error().code == "not_found" || bytes.error().code == "too_large";
            return lasting ? no_document(otherwise_, bytes.error().what) : again(bytes.error());
        }
        auto const done = field_.set(work, to_base64(*bytes));
        return done ? StepResult::ok() : held(field_.text(), done.error());
    }

  private:
    ValuePath field_;
    FileName file_;
    std::size_t max_size_;
    NoDocument otherwise_;
};

template <class Options, class MadeStep>
std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<Options>(step.options, step.kind, diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (o.otherwise == NoDocument::unsaid)
        diagnostics.error(step.where,
                          step.kind + " does not say what becomes of a message without a document",
                          "add otherwise: hold, or otherwise: pass");
    (void)single_group_path(o.field, diagnostics);
    auto field = diagnostics.errors() == before ? ValuePath::compile(o.field, context) : std::nullopt;
    FileName file{o.file.dir.value, expression::Template::compile(o.file.name, diagnostics)};
    if (diagnostics.errors() != before || !field) return nullptr;
    return std::make_unique<MadeStep>(std::move(*field), std::move(file), o);
}

}  // namespace

StepKind detach_step() {
    return {"detach",
            "puts a document out of a field into a file, and its name into the field",
            compile<DetachOptions, DetachStep>,
            config::SchemaWriter::of<DetachOptions>,
            false,
            true};
}

StepKind attach_step() {
    return {"attach",
            "puts a file into a field, in base64",
            compile<AttachOptions, AttachStep>,
            config::SchemaWriter::of<AttachOptions>,
            false,
            true};
}

}  // namespace hilum::routes
