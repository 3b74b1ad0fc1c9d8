// The file destination: one message or batch a file, named by a template, whole or not there.
#include <sys/stat.h>

#include <algorithm>

#include "engine/destinations/destination.h"
#include "engine/net/file_writer.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/message_form.h"
#include "routes/expression/expression.h"
#include "routes/file_name.h"
#include "routes/subject.h"

namespace hilum::destinations {

namespace {

struct Options {
    std::string dir;
    config::Text name;
};

template <class V>
void describe(V& v, Options& o) {
    v.required("dir", o.dir, "the folder that files are written to; made if its parent is there");
    v.required("name", o.name,
               "the file's name with {expression} holes, such as \"{MSH-7}-{MSH-10}.hl7\"; / makes folders");
}

Options decode(config::Component const& component, config::Diagnostics& diagnostics) {
    return config::decode_options<Options>(component.options, "destination \"" + component.name + "\" (file)",
                                           diagnostics);
}

// A name is about what comes: HL7 v2 or FHIR. Where it can be read as either, the message decides.
struct Names {
    std::optional<expression::Template> hl7, fhir;
};

Names names_of(config::Text const& text, config::Diagnostics& diagnostics) {
    Names names;
    expression::Options language;
    language.fhir = true;
    auto fhir = expression::Template::compile(text.value, language);
    auto hl7 = expression::Template::compile(text.value);
    if (!hl7 && !fhir) expression::Template::compile(text, diagnostics);
    if (hl7) names.hl7 = std::move(*hl7);
    if (fhir) names.fhir = std::move(*fhir);
    return names;
}

// The name with every hole filled by one letter: what the template itself says.
std::string skeleton(Names const& names) {
    auto const letter = [](std::string_view) { return std::string("x"); };
    auto const message = hl7::Message::view("MSH|^~\\&|\r");
    if (!message) return {};
    auto const filled = names.hl7    ? names.hl7->fill({&*message, 0}, letter)
                        : names.fhir ? names.fhir->fill({}, letter)
                                     : Result<std::string>();
    return filled ? *filled : std::string();
}

void check_skeleton(std::string const& text, config::Location const& at, config::Diagnostics& diagnostics) {
    if (text.empty()) return;
    if (text.starts_with('/')) {
        diagnostics.error(at, "the name begins with /, but it is relative to dir",
                          "leave out the / in front");
        return;
    }
    if (std::count(text.begin(), text.end(), '/') > 7)
        diagnostics.error(at, "the name has more than seven folders", "use fewer /");
    for (std::string_view rest = text;;) {
        auto const part = rest.substr(0, rest.find('/'));
        if (part.empty())
            diagnostics.error(at, "the name has a folder or file without a name",
                              "write something before and after each /");
        if (part.starts_with('.')) {
            diagnostics.error(at, "the name has a part that begins with a dot",
                              "files can't be hidden, and .. would leave the folder");
        }
        if (part.size() == rest.size()) break;
        rest.remove_prefix(part.size() + 1);
    }
    if (text.find('\\') != std::string::npos)
        diagnostics.warning(at, "a \\ in the name becomes _", "use / for folders");
}

void check(config::Component const& component, config::Diagnostics& diagnostics) {
    auto const o = decode(component, diagnostics);
    if (!o.name.value.empty()) {
        auto const errors = diagnostics.errors();
        auto const name = names_of(o.name, diagnostics);
        if (diagnostics.errors() == errors) check_skeleton(skeleton(name), o.name.where, diagnostics);
    } else if (component.options.find("name")) {
        diagnostics.error(o.name.where, "the name is empty", "write it as \"{MSH-10}.hl7\"");
    }
    auto const* const dir = component.options.find("dir");
    if (!dir || !dir->is_scalar()) return;
    if (o.dir.empty()) return diagnostics.error(dir->where, "dir is empty", "name a folder, such as ./out");
    struct stat about {};
    if (::stat(o.dir.c_str(), &about) == 0) {
        if (!S_ISDIR(about.st_mode))
            diagnostics.error(dir->where, "dir is not a folder", "name a folder, such as ./out");
        return;
    }
    auto const end = o.dir.find_last_not_of('/');
    auto const slash = o.dir.rfind('/', end);
    auto const parent =
        slash == std::string::npos ? std::string(".") : o.dir.substr(0, std::max<std::size_t>(slash, 1));
    if (::stat(parent.c_str(), &about) != 0) {
        diagnostics.warning(dir->where, "neither dir nor the folder it would be made in is here",
                            "make the folder before messages come; until then they wait");
    }
}

class FileDestination final : public Destination {
  public:
    FileDestination(Options options, DestinationContext context)
        : options_(std::move(options)), context_(std::move(context)) {
        config::Diagnostics ignored;  // check has seen it
        names_ = names_of(options_.name, ignored);
        auto const text = skeleton(names_);
        folders_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
    }

    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override {}  // what the disk has begun can't be given up
    std::string where() const override { return "file " + options_.dir; }

  private:
    Result<std::string> fill(Outgoing const& outgoing) const;

    Options options_;
    DestinationContext context_;
    Names names_;
    std::size_t folders_ = 0;
    bool cleaned_ = false;
};

Result<std::string> FileDestination::fill(Outgoing const& outgoing) const {
    auto const message = hl7::read_body(outgoing.body);
    if (message && names_.hl7) return names_.hl7->fill({&*message, outgoing.received_us}, routes::clean_part);
    auto const interaction = fhir::Interaction::read(outgoing.body);
    if (!interaction || !names_.fhir)
        return message ? error("bad_name", "name", "the name is about FHIR, and this is an HL7 v2 message",
                               "name the file by paths such as MSH-10")
                       : message.error();
    routes::Subject const subject{nullptr, nullptr, &*interaction};
    return names_.fhir->fill(subject.context(outgoing.received_us), routes::clean_part);
}

net::Task<Attempt> FileDestination::deliver(Outgoing const& outgoing) {
    auto const filled = fill(outgoing);
    if (!filled) co_return Attempt{AttemptClass::local, filled.error().code, filled.error().text(), {}, {}};
    struct Job {
        std::string root;
        std::vector<std::string> components;
        std::string_view bytes;
        std::string owner;
        std::size_t folders;
        bool clean;
    };
    // Each connection has half-written files of its own.
    auto const owner =
        context_.connection == 0 ? context_.name : context_.name + "." + std::to_string(context_.connection);
    Job const job{options_.dir,
                  routes::name_components(*filled),
                  outgoing.batch.empty() ? outgoing.body : outgoing.batch,
                  owner,
                  folders_,
                  !cleaned_};
    auto const written = co_await net::run_blocking(context_.runtime, [&job] {
        // Once, before the first file: what a crash left half-written.
        if (job.clean) (void)net::remove_leftovers(job.root, job.owner, job.folders);
        return net::write_message(job.root, job.components, job.bytes, job.owner);
    });
    if (!written)
        co_return Attempt{AttemptClass::local, written.error().code, written.error().text(), {}, {}};
    cleaned_ = true;
    co_return Attempt{
        AttemptClass::delivered, written->was_there ? "was there" : "written", written->name, {}, {}};
}

std::unique_ptr<Destination> make(config::Component const& component, DestinationContext context) {
    config::Diagnostics ignored;  // check has seen it
    return std::make_unique<FileDestination>(decode(component, ignored), std::move(context));
}

}  // namespace

DestinationKind file_destination() {
    return {"file", "one file a message or batch, named by a template",
            check,  config::SchemaWriter::of<Options>,
            make,   {},
            true};
}

}  // namespace hilum::destinations
