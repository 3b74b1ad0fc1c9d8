#include <algorithm>

#include "parsers/hl7/scan.h"
#include "routes/mapping/mapper.h"

namespace hilum::routes::mapping {

namespace {

constexpr std::size_t nodes_max = 5'000'000;

}  // namespace

// Of the innermost row that failed.
void Mapper::name_row(FhirRow const& row) {
    if (error_.place.starts_with("row ")) return;
    auto const column = error_.place.empty() ? std::string() : " (" + error_.place + ")";
    error_.place = "row " + row.at;
    error_.place += " of " + row.map;
    error_.place += column;
}

// Something but delimiters, and not the explicit null: what is deleted has no value to carry.
bool Mapper::valued(std::string_view raw) const {
    if (raw == "\"\"") return false;
    return std::any_of(raw.begin(), raw.end(), [this](char c) {
        return c != delimiters_.component && c != delimiters_.subcomponent && c != delimiters_.repetition &&
               c != ' ';
    });
}

// The field that a path names: of the segment that the map is at, or of the first of its name.
std::string_view Mapper::field(hl7::Path const& path) {
    if (latest_.is_here(path.segment_name())) return latest_.field(path.field);
    auto number = latest_.of(path.segment_name());
    if (number == 0) number = message_.find(path.segment_name());
    if (number == 0) return {};
    auto const segment = message_.segment(number);
    bool const header = segment.starts_with("MSH");
    if (header && path.field < 3) return {};
    return hl7::part(segment, delimiters_.field, header ? path.field : path.field + 1);
}

hl7::Part Mapper::part_at(hl7::Path const& path) {
    hl7::Part found;
    if (path.segment[0] == '\0') {
        if (!context_.part) return {};
        found = context_.part->piece(path.component);
        return path.subcomponent == 0 ? found : found.piece(path.subcomponent, delimiters_);
    }
    auto const repetition = path.repetition == hl7::Path::all ? 1 : path.repetition;
    found = {hl7::part(field(path), delimiters_.repetition, repetition), hl7::Part::Level::repetition};
    if (path.component != 0) found = found.piece(path.component, delimiters_);
    if (path.subcomponent != 0) found = found.piece(path.subcomponent, delimiters_);
    return found;
}

void Mapper::decided(std::vector<hl7::Path> const& paths) {
    if (!carried_.wanted()) return;
    for (auto const& path : paths) {
        if (!path.many()) {
            carried_.mark(part_at(path).leaf(delimiters_).raw);
            continue;
        }
        auto const number = path.occurrence == hl7::Path::all ? 0 : latest_.of(path.segment_name());
        auto const mark = [this](hl7::Value const& value) { carried_.mark(value.raw); };
        if (number != 0) {
            message_.for_each_in(number, path, mark);
        } else {
            message_.for_each(path, mark);
        }
    }
}

// Decoded, and kept where that is not the message's own text.
std::string_view Mapper::text_of(std::string_view raw) {
    if (context_.plain) return raw;
    auto const text = message_.decode(raw, scratch_);
    return text.data() == raw.data() ? raw : tree_.keep(text);
}

// Most rows have nothing to do: told before any work is done for them.
bool Mapper::nothing_at(HlField const& from) const {
    if (from.kind == HlField::Kind::part)
        return !context_.part || context_.part->piece(from.path.component).raw.empty();
    return from.kind == HlField::Kind::field && latest_.is_here(from.path.segment_name()) &&
           latest_.field(from.path.field).empty();
}

Mapper::Outcome Mapper::run_map(std::size_t number, Target target) {
    bool any = false, sourced = false;
    auto const before = given_;
    auto const& map = maps_.maps[number];
    expression::Conditions::Round round(map.conditions, context_);
    for (auto const& row : map.rows) {
        sourced = sourced || row.from.kind != HlField::Kind::none;
        if (nothing_at(row.from)) continue;
        auto const done = run_row(row, target, round);
        if (done == Outcome::failed) {
            name_row(row);
            return done;
        }
        any = any || done == Outcome::made;
    }
    // Constants alone say nothing of the message.
    return any && (!sourced || given_ > before) ? Outcome::made : Outcome::nothing;
}

Mapper::Outcome Mapper::run_row(FhirRow const& row, Target target, expression::Conditions::Round& round) {
    using Kind = HlField::Kind;
    auto const& from = row.from;
    using Answer = expression::Conditions::Answer;
    if (row.when != FhirRow::none && round.ruled_out(row.when)) return Outcome::nothing;
    std::string_view all;
    hl7::Part single;
    if (from.kind == Kind::field) {
        all = field(from.path);
        if (!valued(all)) return Outcome::nothing;
    } else if (from.kind == Kind::whole) {
        if (context_.part) single = context_.part->whole();
    } else if (from.kind == Kind::part) {
        single = part_at(from.path);
    }
    if ((from.kind == Kind::whole || from.kind == Kind::part) && !valued(single.raw)) return Outcome::nothing;
    if (row.when != FhirRow::none) {
        auto const answer = round.ask(row.when, error_);
        if (answer != Answer::yes) return answer == Answer::failed ? Outcome::failed : Outcome::nothing;
    }
    if (from.kind != Kind::field) return apply(row, target, single, 0);

    bool any = false;
    std::uint32_t number = 0;
    std::size_t index = 0;
    for (bool more = true; more;) {
        auto const end =
            delimiters_.repetition == '\0' ? std::string_view::npos : all.find(delimiters_.repetition);
        hl7::Part item{all.substr(0, end), hl7::Part::Level::repetition};
        more = end != std::string_view::npos;
        if (more) all.remove_prefix(end + 1);
        repetition_ = ++number;
        if (!from.repetitions && number != from.path.repetition) continue;
        if (from.path.component != 0) item = item.piece(from.path.component, delimiters_);
        if (from.path.subcomponent != 0) item = item.piece(from.path.subcomponent, delimiters_);
        if (!valued(item.raw)) continue;
        auto const done = apply(row, target, item, index);
        if (done == Outcome::failed) return done;
        // What made nothing leaves its place to the next.
        if (done == Outcome::made) ++index;
        any = any || done == Outcome::made;
        if (!from.repetitions) break;
    }
    return any ? Outcome::made : Outcome::nothing;
}

Mapper::Outcome Mapper::apply(FhirRow const& row, Target target, hl7::Part item, std::size_t index) {
    if (tree_.size() > nodes_max)
        return fail(error("too_many", "", "the message would become more than 5,000,000 elements",
                          "split it before it is mapped"));
    auto const done = row.reference                ? apply_reference(row, target, item, index)
                      : row.calls != FhirRow::none ? apply_map(row, target, item, index)
                                                   : apply_value(row, target, item, index);
    if (done == Outcome::made) {
        if (row.from.kind != HlField::Kind::none) ++given_;
        decided(row.decided_by);
    }
    return done;
}

// Whether an element of several types has one of another type.
bool Mapper::other_choice(Tree::Id parent, FhirStep const& step) const {
    for (auto c = tree_.at(parent).first; c != Tree::none; c = tree_.at(c).next_name)
        if (tree_.at(c).choice == step.choice) return true;
    return false;
}

// Walks to where the row puts something, making what is missing on the way; none: FHIR has room for one, and
// it is taken.
Tree::Id Mapper::reach(std::vector<FhirStep> const& to, Target target, std::size_t index, Way& way) {
    // Of several repetitions each gets an item of its own, in the last list on the way.
    std::size_t own = to.size();
    if (index > 0) {
        // One that a number tells apart is the same for all of them.
        while (own > 0 && (!to[own - 1].list || (own < to.size() && to[own - 1].label != 0))) --own;
        if (own == 0) return Tree::none;
        --own;
    }
    auto at = target.node;
    for (std::size_t i = 0; i < to.size(); ++i) {
        auto const& step = to[i];
        bool const last = i + 1 == to.size();
        auto found = Tree::none;
        bool const anew = i == own || (last && step.list && step.label == 0 && step.url.empty());
        if (!anew) {
            auto const label = step.label == 0 ? 1 : step.label;
            for (auto c = tree_.child(at, step.name); c != Tree::none; c = tree_.at(c).next_same) {
                auto const& node = tree_.at(c);
                bool const fits = !step.list || (node.run == target.run && node.label == label);
                if (!fits) continue;
                if (!step.url.empty()) {
                    auto const url = tree_.child(c, "url");
                    if (url == Tree::none || tree_.at(url).value != step.url) continue;
                }
                found = c;
                if (!step.list) break;
            }
        }
        if (found == Tree::none && !step.choice.empty() && other_choice(at, step)) {
            leave(way);
            way.clear();
            return Tree::none;
        }
        if (found == Tree::none) {
            found = tree_.add(at, step.name, step.list);
            auto& node = tree_.at(found);
            node.run = target.run;
            node.label = step.label == 0 ? 1 : step.label;
            node.primitive = step.primitive;
            node.type = step.type;
            node.choice = step.choice;
            way.emplace_back(at, found);
            if (!step.url.empty()) tree_.set_text(found, "url", step.url);
        }
        at = found;
    }
    return at;
}

// Takes away what reach() has made and nothing came into.
void Mapper::leave(Way const& way) {
    for (auto i = way.rbegin(); i != way.rend(); ++i) {
        auto const [parent, child] = *i;
        auto const& node = tree_.at(child);
        auto const first = node.first;
        bool const bare_extension = first != Tree::none && node.name == "extension" &&
                                    tree_.at(first).name == "url" && tree_.at(first).next_name == Tree::none;
        if (!tree_.empty(child) && !bare_extension) return;
        tree_.remove_last(parent, child);
    }
}

// Runs the map of a row on a part of the message.
Mapper::Outcome Mapper::run_of(FhirRow const& row, Target target, hl7::Part item) {
    hl7::Pieces const pieces(item, delimiters_);
    auto const* const outer = std::exchange(context_.part, &pieces);
    sources_.push_back({&row.from, repetition_});
    auto const done = run_map(row.calls, target);
    sources_.pop_back();
    context_.part = outer;
    return done;
}

// The same on an empty element, with a map that reads its part alone: the second time it is kept what came of
// it, and from the third on that is taken.
Mapper::Outcome Mapper::run_again(FhirRow const& row, Target target, hl7::Part item) {
    auto* known = repeated_.find(row.calls, item);
    bool const usable = known && known->complete && (known->noted.empty() || known->field == outermost(row));
    if (usable) {
        tree_.paste(known->element, target.node, known->part.raw, item.raw);
        carried_.mark_again(known->marks_from, known->marks_to, known->part.raw, item.raw);
        given_ += known->given;
        for (auto const finding : known->noted)
            ++(finding == unlisted ? out_.more_findings : out_.findings[finding].count);
        return known->made ? Outcome::made : Outcome::nothing;
    }
    if (!known) {
        repeated_.add(row.calls, item);
        return run_of(row, target, item);
    }
    auto const marks = carried_.count(), elements = tree_.size(), resources = made_.count(), given = given_,
               noted = noted_.size();
    auto const done = run_of(row, target, item);
    // Resources are made once more, not copied.
    if (done == Outcome::failed || made_.count() != resources) return done;
    known = repeated_.find(row.calls, item);
    known->complete = true;
    known->part = item;
    known->element = tree_.copy(target.node, elements);
    known->made = done == Outcome::made;
    known->given = given_ - given;
    known->noted.assign(noted_.begin() + static_cast<std::ptrdiff_t>(noted), noted_.end());
    known->field = outermost(row);
    known->marks_from = marks;
    known->marks_to = carried_.count();
    return done;
}

Mapper::Outcome Mapper::apply_map(FhirRow const& row, Target target, hl7::Part item, std::size_t index) {
    Way way;
    auto const node = row.to.empty() ? target.node : reach(row.to, target, index, way);
    if (node == Tree::none) return Outcome::nothing;
    bool const there = way.empty() || way.back().second != node;
    if (tree_.at(node).kind != Tree::Kind::object) return Outcome::nothing;  // a primitive that has its value
    bool const alone = !there && tree_.empty(node) && maps_.maps[row.calls].of_part_alone && !observer_;
    auto done = alone ? run_again(row, {node, ++runs_}, item) : run_of(row, {node, ++runs_}, item);
    if (done == Outcome::failed) return done;
    if (row.primitive != Primitive::other && tree_.at(node).kind == Tree::Kind::text) {
        // The codes of the element itself, behind what the map has made of it.
        auto text = tree_.at(node).value;
        auto const translated = translate(row, text);
        if (translated == Outcome::failed) return translated;
        bool const good = translated == Outcome::made && right_code(row, text);
        tree_.at(node).value = text;
        if (!good) {
            tree_.at(node).kind = Tree::Kind::object;
            tree_.at(node).value = {};
            done = Outcome::nothing;
        }
    } else if (row.table && done == Outcome::made) {
        if (!translate_coding(row, node)) return Outcome::failed;
    }
    if (done == Outcome::nothing && !there) {
        // Constants that a map has put there on its own go with it.
        tree_.at(node).first = Tree::none;
        leave(way);
        return done;
    }
    if (done == Outcome::made) drop_repeated(way, node);
    return done;
}

Mapper::Outcome Mapper::apply_reference(FhirRow const& row, Target target, hl7::Part item,
                                        std::size_t index) {
    Way way;
    auto const node = row.to.empty() ? target.node : reach(row.to, target, index, way);
    if (node == Tree::none || tree_.child(node, "reference") != Tree::none) return Outcome::nothing;
    auto resource = MadeResources::none;
    if (referred_to(row, item, resource) == Outcome::failed) return Outcome::failed;
    if (resource == MadeResources::none) {
        leave(way);
        return Outcome::nothing;
    }
    auto& made = tree_.at(tree_.set_reference(node, resource));
    made.row = &row;
    made.from = item.leaf(delimiters_).raw;
    drop_repeated(way, node);
    return Outcome::made;
}

// The resource that a map makes of a part of the message, or has made of the same before; none: nothing.
Mapper::Outcome Mapper::referred_to(FhirRow const& row, hl7::Part item, std::uint32_t& resource) {
    auto const& map = maps_.maps[row.calls];
    if (map.of_part_alone) {
        auto const* const known = repeated_.find(row.calls, item);
        if (known && known->resource != MadeResources::none) {
            carried_.mark_again(known->marks_from, known->marks_to, known->part.raw, item.raw);
            resource = known->resource;
            return Outcome::made;
        }
    }
    auto const marks = carried_.count();
    auto const made = made_.add(map.type);
    hl7::Pieces const pieces(item, delimiters_);
    auto const* const outer = std::exchange(context_.part, &pieces);
    sources_.push_back({&row.from, repetition_});
    auto const done = run_map(row.calls, {made_.root(made), ++runs_});
    sources_.pop_back();
    if (done == Outcome::made) {
        made_.identify(made, identity_of(map.identity));
        resource = made_.settle(made);
    } else {
        made_.discard(made);
    }
    context_.part = outer;
    if (!map.of_part_alone || resource == MadeResources::none) return done;
    if (auto* const known = repeated_.add(row.calls, item)) {
        known->resource = resource;
        known->marks_from = marks;
        known->marks_to = carried_.count();
    }
    return done;
}

Mapper::Outcome Mapper::apply_value(FhirRow const& row, Target target, hl7::Part item, std::size_t index) {
    if (!row.has_value) {
        auto const leaf = item.leaf(delimiters_);
        if (!valued(leaf.raw)) return Outcome::nothing;
        auto const done = put(row, target, leaf, index, text_of(leaf.raw));
        if (done == Outcome::made) carried_.mark(leaf.raw);
        return done;
    }
    if (!row.value.computed()) return put(row, target, item, index, row.value.literal());
    auto const* const outer = context_.part;
    hl7::Pieces const pieces =
        row.from.kind == HlField::Kind::field ? hl7::Pieces(item, delimiters_) : hl7::Pieces();
    if (row.from.kind == HlField::Kind::field) context_.part = &pieces;
    auto text = row.value.get(context_);
    context_.part = outer;
    if (!text) return fail(text.error());
    return put(row, target, item, index, tree_.keep(*text));
}

}  // namespace hilum::routes::mapping
