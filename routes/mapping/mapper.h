// Runs maps over one message. The message's segments in order: mapper_segments.cpp; the rows of a map:
// mapper_rows.cpp; values and codes: mapper_values.cpp.
#pragma once

#include <boost/container/small_vector.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/hl7/message.h"
#include "parsers/hl7/part.h"
#include "routes/mapping/carried.h"
#include "routes/mapping/repeated_parts.h"
#include "routes/mapping/to_fhir.h"

namespace hilum::routes::mapping {

class Mapper {
  public:
    Mapper(FhirMaps const& maps, FhirOptions const& options, hl7::Message const& message, Observer* observer);

    Result<FhirBundle> run();

  private:
    // What a map fills, and in which of its runs.
    struct Target {
        Tree::Id node = Tree::none;
        std::uint32_t run = 0;
    };
    using Way =
        boost::container::small_vector<std::pair<Tree::Id, Tree::Id>, 8>;  // parent, child: made on it
    struct Label {
        std::string_view name;
        std::uint32_t resource = 0;
        std::size_t level = 0;
    };

    // mapper_segments.cpp
    Result<void> segment(std::size_t number, std::string_view name);
    void enter_groups(std::string_view name);
    Result<void> segment_row(SegmentRow const& row);
    void refer(SegmentRow const& row, std::uint32_t self, std::uint32_t run);
    std::vector<MadeResources::Part> identity_of(std::vector<IdentityPart> const& parts);
    std::size_t level() const;
    Label* label(std::string_view name);
    void name(std::string_view label, std::uint32_t resource);
    bool holds(expression::Expression const& when, bool& wanted);  // false: it failed
    void list_traces(FhirBundle& out);
    void trace_children(Tree::Id id, std::string const& path, FhirBundle& out);

    // Whether something was made; failed: error_ says why. A Result would cost as much as a row does.
    enum class Outcome : unsigned char { nothing, made, failed };

    // mapper_rows.cpp
    bool nothing_at(HlField const& from) const;
    Outcome run_map(std::size_t number, Target target);
    Outcome run_row(FhirRow const& row, Target target, expression::Conditions::Round& round);
    Outcome run_of(FhirRow const& row, Target target, hl7::Part item);
    Outcome run_again(FhirRow const& row, Target target, hl7::Part item);
    HlField const* outermost(FhirRow const& row) const {
        return sources_.empty() ? &row.from : sources_.front().from;
    }
    Outcome apply(FhirRow const& row, Target target, hl7::Part item, std::size_t index);
    Outcome apply_reference(FhirRow const& row, Target target, hl7::Part item, std::size_t index);
    Outcome referred_to(FhirRow const& row, hl7::Part item, std::uint32_t& resource);
    Outcome no_code(FhirRow const& row);
    Outcome apply_map(FhirRow const& row, Target target, hl7::Part item, std::size_t index);
    Outcome apply_value(FhirRow const& row, Target target, hl7::Part item, std::size_t index);
    Outcome put(FhirRow const& row, Target target, hl7::Part item, std::size_t index, std::string_view text);
    Outcome value_for(FhirRow const& row, std::string_view text, FhirValue& value);
    void drop_repeated(Way const& way, Tree::Id node);
    Outcome translate(FhirRow const& row, std::string_view& text);  // nothing: do without
    bool translate_coding(FhirRow const& row, Tree::Id node);
    bool right_code(FhirRow const& row, std::string_view& text);
    Tree::Id reach(std::vector<FhirStep> const& to, Target target, std::size_t index, Way& way);
    bool other_choice(Tree::Id parent, FhirStep const& step) const;
    void leave(Way const& way);
    void set_text(Tree::Id parent, std::string_view name, std::string_view text, FhirRow const& row);

    std::string_view field(hl7::Path const& path);
    hl7::Part part_at(hl7::Path const& path);
    bool valued(std::string_view raw) const;
    void decided(std::vector<hl7::Path> const& paths);
    std::string_view text_of(std::string_view raw);
    void find(std::string code, std::string place, std::string row);
    void find(std::string code, FhirRow const& row);
    std::string place_of(FhirRow const& row) const;
    std::uint32_t occurrence(std::string_view segment) const;
    Outcome fail(Error why) {
        error_ = std::move(why);
        return Outcome::failed;
    }
    void name_row(FhirRow const& row);

    FhirMaps const& maps_;
    FhirOptions const& options_;
    hl7::Message const& message_;
    Observer* observer_;
    hl7::Delimiters const& delimiters_;
    hl7::LatestSegments latest_;
    expression::Context context_;
    Zone zone_;
    MadeResources made_;
    Tree& tree_;
    Carried carried_;
    FhirBundle out_;

    MessageMap const* map_ = nullptr;
    std::vector<Label> labels_;
    std::vector<std::size_t> seen_;  // of each group how far it has come, from 1; 0: it has not begun
    std::string_view anchor_;
    RepeatedParts repeated_;
    // Of the rows whose maps are being run, the outermost first: where they take it from.
    struct Source {
        HlField const* from = nullptr;
        std::uint32_t repetition = 1;
    };
    std::vector<Source> sources_;
    std::uint32_t repetition_ = 1;  // of the field that a row is at
    struct Found {
        FhirRow const* row = nullptr;
        HlField const* field = nullptr;
        std::size_t finding = 0;
    };
    std::vector<Found> found_;
    std::uint32_t runs_ = 0;
    std::size_t given_ = 0;  // rows with a source that have made something
    std::vector<std::size_t>
        noted_;  // findings by their numbers, each time; unlisted: those that are only counted
    static constexpr std::size_t unlisted = static_cast<std::size_t>(-1);
    std::string scratch_;
    Error error_;
};

}  // namespace hilum::routes::mapping
