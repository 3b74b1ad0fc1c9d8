#include <algorithm>

#include "parsers/hl7/scan.h"
#include "routes/mapping/mapper.h"

namespace hilum::routes::mapping {

Mapper::Mapper(FhirMaps const& maps, FhirOptions const& options, hl7::Message const& message,
               Observer* observer)
    : maps_(maps),
      options_(options),
      message_(message),
      observer_(observer),
      delimiters_(message.delimiters()),
      made_(message.text("MSH-4.1")),
      tree_(made_.tree()),
      carried_(options.lost_max > 0) {
    context_.message = &message;
    context_.now_us = options.now_us;
    context_.latest = &latest_;
    context_.plain = message.plain();
    tree_.reserve(std::min<std::size_t>(message.segment_count() * 64, 16'384));
    zone_.place = options.zone.get();
    zone_.offset = offset_of(message.text("MSH-7"));
}

Result<FhirBundle> Mapper::run() {
    auto const type = message_.text("MSH-9.1"), event = message_.text("MSH-9.2"),
               structure = message_.text("MSH-9.3");
    map_ = maps_.message(type, event, structure);
    if (!map_)
        return error("no_map", "MSH-9", "no map is for this type of message",
                     "write a message map for it, or keep it from the step with when:");
    seen_.assign(map_->groups.size(), 0);

    auto const bundle = made_.add(fhir::Type::find("Bundle"));
    name("Bundle", bundle);
    tree_.set_text(made_.root(bundle), "type",
                   options_.bundle == BundleType::transaction ? "transaction"
                   : options_.bundle == BundleType::message   ? "message"
                                                              : "collection");
    for (std::size_t n = 1; n <= message_.segment_count(); ++n) {
        auto const done = segment(n, message_.segment(n).substr(0, 3));
        if (!done) return done.error();
    }
    made_.discard(bundle);
    for (auto const& element : made_.drop_incomplete(maps_.required)) find("incomplete", {}, element);
    for (auto const& name : options_.only_refer) made_.only_refer_to(name);
    made_.finish();
    bool header = false;
    for (std::uint32_t i = 0; i < made_.count(); ++i) {
        if (!made_.counts(i)) continue;
        ++out_.entries;
        header = header || made_.type(i).name() == "MessageHeader";
    }
    if (out_.entries == 0) return error("nothing", "", "the map made no resource of this message");
    if (options_.bundle == BundleType::message && !header)
        return error("no_header", "",
                     "the map made no MessageHeader, which a Bundle of type message begins with",
                     "ask for a transaction or a collection");
    out_.json = made_.bundle(made_.root(bundle), options_.bundle);
    if (options_.lost_max > 0) {
        auto ignored = options_.lost_ignore;
        // The envelope of a message is nothing that a transaction would carry.
        if (options_.bundle != BundleType::message) ignored.emplace_back("MSH");
        out_.lost = carried_.lost(message_, options_.lost_max, ignored);
    }
    if (options_.trace) list_traces(out_);
    return std::move(out_);
}

Result<void> Mapper::segment(std::size_t number, std::string_view name) {
    bool split = false;
    enter_groups(name);
    latest_.set(name, number, level());
    for (auto const& row : map_->rows) {
        if (row.segment != name) continue;
        if (!std::exchange(split, true)) latest_.here(name, message_.segment(number), delimiters_);
        if (!row.after.empty() && row.after != anchor_) continue;
        if (row.only == SegmentRow::Only::message && options_.bundle != BundleType::message) continue;
        if (row.only == SegmentRow::Only::provenance && !options_.provenance) continue;
        auto const done = segment_row(row);
        if (!done) return done;
    }
    if (std::find(map_->anchors.begin(), map_->anchors.end(), name) != map_->anchors.end()) anchor_ = name;
    return {};
}

// A group begins with a segment that stands at or before one it has seen already; those within it, and what
// was made in them, are then over.
void Mapper::enter_groups(std::string_view name) {
    for (std::size_t g = 0; g < map_->groups.size(); ++g) {
        auto const& segments = map_->groups[g].segments;
        auto const place = std::find(segments.begin(), segments.end(), name);
        if (place == segments.end()) continue;
        auto const number = static_cast<std::size_t>(place - segments.begin()) + 1;
        bool const begins = seen_[g] == 0 || number <= seen_[g];
        seen_[g] = number;
        if (!begins) continue;
        std::fill(seen_.begin() + static_cast<std::ptrdiff_t>(g) + 1, seen_.end(), 0);
        latest_.end(g);
        std::erase_if(labels_, [g](Label const& label) { return label.level > g; });
        anchor_ = {};
    }
}

bool Mapper::holds(expression::Expression const& when, bool& wanted) {
    auto const answer = when.test(context_);
    if (!answer) return fail(answer.error()), false;
    wanted = *answer;
    return true;
}

// 0: of the message; else the innermost group that has begun, from 1.
std::size_t Mapper::level() const {
    auto out = seen_.size();
    while (out > 0 && seen_[out - 1] == 0) --out;
    return out;
}

Mapper::Label* Mapper::label(std::string_view name) {
    auto const found =
        std::find_if(labels_.begin(), labels_.end(), [&](Label const& l) { return l.name == name; });
    return found == labels_.end() ? nullptr : &*found;
}

void Mapper::name(std::string_view name, std::uint32_t resource) {
    if (auto* const known = label(name)) {
        *known = {known->name, resource, level()};
    } else {
        labels_.push_back({name, resource, level()});
    }
}

Result<void> Mapper::segment_row(SegmentRow const& row) {
    if (row.when.valid()) {
        bool wanted = false;
        if (!holds(row.when, wanted)) return error_;
        if (!wanted) return {};
    }
    auto* const known = row.into ? label(row.label) : nullptr;
    auto const self = known ? known->resource : made_.add(row.type);
    auto const run = ++runs_;
    auto const done = run_map(row.calls, {made_.root(self), run});
    if (done == Outcome::failed) return error_;
    if (done == Outcome::nothing && !known) {
        made_.discard(self);
        return {};
    }
    decided(row.decided_by);
    if (!known) name(row.label, self);
    auto const& identity = row.identity.empty() && !known ? maps_.maps[row.calls].identity : row.identity;
    if (!identity.empty()) made_.identify(self, identity_of(identity));
    refer(row, self, run);
    return {};
}

std::vector<MadeResources::Part> Mapper::identity_of(std::vector<IdentityPart> const& parts) {
    std::vector<MadeResources::Part> out;
    for (auto const& part : parts) {
        MadeResources::Part made;
        if (!part.label.empty()) {
            if (auto const* const other = label(part.label)) made.resource = other->resource;
        }
        for (auto const& field : part.fields) {
            if (field.kind == HlField::Kind::whole) {
                if (context_.part) made.text = context_.part->whole().raw;
            } else {
                made.text = part_at(field.path).raw;
            }
            if (valued(made.text)) break;
            made.text.clear();
        }
        out.push_back(std::move(made));
    }
    return out;
}

void Mapper::refer(SegmentRow const& row, std::uint32_t self, std::uint32_t run) {
    for (auto const& reference : row.references) {
        auto const* const of = reference.of.empty() ? nullptr : label(reference.of);
        auto const* const to = label(reference.to);
        if (!to || (!reference.of.empty() && !of)) continue;
        auto const from = of ? of->resource : self;
        Way way;
        auto const node = reach(reference.element, {made_.root(from), of ? ++runs_ : run}, 0, way);
        if (node == Tree::none || tree_.child(node, "reference") != Tree::none) continue;
        tree_.set_reference(node, to->resource);
        drop_repeated(way, node);
    }
}

void Mapper::list_traces(FhirBundle& out) {
    for (std::uint32_t i = 0; i < made_.count(); ++i)
        if (made_.counts(i))
            trace_children(made_.root(i), std::string(made_.type(i).name()) + '/' + made_.id(i), out);
}

void Mapper::trace_children(Tree::Id id, std::string const& path, FhirBundle& out) {
    for (auto head = tree_.at(id).first; head != Tree::none; head = tree_.at(head).next_name) {
        std::size_t index = 0;
        for (auto i = head; i != Tree::none; i = tree_.at(i).next_same, ++index) {
            auto const& node = tree_.at(i);
            auto element = path + '.' + std::string(node.name);
            if (node.list) element += '[' + std::to_string(index) + ']';
            if (node.row) {
                auto const value = node.kind == Tree::Kind::reference
                                       ? std::string(made_.type(node.made).name()) + '/' + made_.id(node.made)
                                       : std::string(node.value);
                out.traces.push_back({element, value, mapping::place_of(message_, node.from),
                                      node.row->map + ": " + node.row->at});
            }
            trace_children(i, element, out);
        }
    }
}

std::string FhirBundle::Finding::text() const {
    if (code == "incomplete") return row + " is required and was not there: what lacks it is left out";
    std::string const what = code == "no_code"    ? "a code is not in the table"
                             : code == "bad_code" ? "a code is none of those that FHIR allows"
                                                  : "a value can't be said in FHIR";
    return place + ": " + what + " (" + row + (count > 1 ? ", " + std::to_string(count) + " times)" : ")");
}

Result<FhirBundle> to_fhir(FhirMaps const& maps, FhirOptions const& options, hl7::Message const& message,
                           Observer* observer) {
    return Mapper(maps, options, message, observer).run();
}

}  // namespace hilum::routes::mapping
