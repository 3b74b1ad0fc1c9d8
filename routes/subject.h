// A message as routes read it: an HL7 v2 message or a FHIR interaction, one of the two.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/fhir/edit.h"
#include "parsers/fhir/interaction.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/structure.h"
#include "routes/config/content.h"
#include "routes/expression/expression.h"

namespace hilum::routes {

using config::Content;

// Borrowed.
struct Subject {
    hl7::Message const* message = nullptr;
    hl7::StructureCache* structures = nullptr;  // of `message`; null: worked out anew by whoever needs it
    fhir::Interaction const* interaction = nullptr;

    Content content() const { return interaction ? Content::fhir : Content::hl7; }
    expression::Context context(std::int64_t now_us, fhir::Resource const* answer = nullptr) const {
        expression::Context context{message, now_us, structures};
        context.answer = answer;
        if (interaction) {
            context.resource = &interaction->resource;
            context.request = &interaction->request;
        }
        return context;
    }
    // As it would be stored and sent now.
    std::string text() const { return interaction ? interaction->text() : message->bytes(); }
};

// One of its own, to be changed. Stays where it is once it has been read.
class Workpiece {
  public:
    Workpiece() = default;
    Workpiece(Workpiece const&) = delete;
    Workpiece& operator=(Workpiece const&) = delete;

    // `bytes` outlive it. Errors: those of the two readers.
    Result<void> read(Content content, std::string_view bytes, std::optional<hl7::Charset> charset,
                      hl7::Dictionary const& dictionary) {
        if (content == Content::fhir) {
            auto interaction = fhir::Interaction::read(bytes);
            if (!interaction) return interaction.error();
            interaction_ = std::move(*interaction);
            return {};
        }
        auto message = hl7::Message::view(bytes, charset);
        if (!message) return message.error();
        message_ = std::move(*message);
        structures_.emplace(*message_, dictionary);
        return {};
    }

    Content content() const { return interaction_ ? Content::fhir : Content::hl7; }
    Subject subject() {
        if (interaction_) return {nullptr, nullptr, &*interaction_};
        return {&*message_, &*structures_, nullptr};
    }
    hl7::Message& message() { return *message_; }               // only of HL7 v2
    hl7::StructureCache& structures() { return *structures_; }  // only of HL7 v2
    fhir::Interaction& interaction() { return *interaction_; }  // only of FHIR; changed through edit()
    fhir::Editor edit() {
        changed_ = true;
        return fhir::Editor(interaction_->resource);
    }
    // Another one takes its place.
    void become(hl7::Message&& other) {
        message_ = std::move(other);
        changed_ = true;
        structures_->forget();
    }
    // A message of HL7 v2 in the place of a FHIR interaction.
    void become(hl7::Message&& other, hl7::Dictionary const& dictionary) {
        interaction_.reset();
        message_ = std::move(other);
        structures_.emplace(*message_, dictionary);
        changed_ = true;
    }
    void become(fhir::Interaction&& other) {
        interaction_ = std::move(other);
        changed_ = true;
    }
    // It may differ from what was read.
    bool changed() const { return changed_ || (message_ && message_->edited()); }

  private:
    std::optional<hl7::Message> message_;
    std::optional<hl7::StructureCache> structures_;
    std::optional<fhir::Interaction> interaction_;
    bool changed_ = false;
};

}  // namespace hilum::routes
