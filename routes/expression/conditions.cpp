#include "routes/expression/conditions.h"

#include <algorithm>

#include "routes/expression/quick.h"

namespace hilum::expression {

std::size_t Conditions::add(Expression condition) {
    if (!condition.valid()) return none;
    auto const known = std::find_if(all_.begin(), all_.end(), [&](One const& one) {
        return one.condition.source() == condition.source();
    });
    if (known != all_.end()) return static_cast<std::size_t>(known - all_.begin());
    all_.push_back({std::move(condition), none, 0});
    return all_.size() - 1;
}

void Conditions::share() {
    std::vector<std::vector<Expression::Need>> needs;
    for (auto const& one : all_) needs.push_back(one.condition.needs());
    auto const askers = [&](hl7::Path const& path) {
        return std::count_if(needs.begin(), needs.end(), [&](auto const& of_one) {
            return std::any_of(of_one.begin(), of_one.end(),
                               [&](Expression::Need const& need) { return need.path == path; });
        });
    };
    for (std::size_t i = 0; i < all_.size(); ++i) {
        // Of what it needs that which most others ask for as well.
        std::ptrdiff_t most = 1;
        Expression::Need const* best = nullptr;
        for (auto const& need : needs[i]) {
            auto const count = askers(need.path);
            if (count <= most) continue;
            most = count;
            best = &need;
        }
        if (!best) continue;
        auto choice = std::find_if(choices_.begin(), choices_.end(),
                                   [&](Choice const& known) { return known.path == best->path; });
        if (choice == choices_.end()) {
            if (choices_.size() == choices_max) continue;
            choice = choices_.insert(choice, {best->path, {}});
        }
        auto& texts = choice->texts;
        std::uint64_t among = 0;
        bool room = true;
        for (auto const& text : best->texts) {
            auto at = std::find(texts.begin(), texts.end(), text);
            room = room && (at != texts.end() || texts.size() < texts_max);
            if (!room) break;
            if (at == texts.end()) at = texts.insert(at, text);
            among |= std::uint64_t(1) << static_cast<unsigned>(at - texts.begin());
        }
        if (!room) continue;
        all_[i].choice = static_cast<std::size_t>(choice - choices_.begin());
        all_[i].among = among;
    }
}

unsigned char Conditions::Round::choose(std::size_t choice) const {
    auto const& [path, texts] = conditions_.choices_[choice];
    std::string_view raw;
    if (!Quick::raw_at(path, context_, raw)) return undecided;
    auto const at = std::find(texts.begin(), texts.end(), raw);
    return at == texts.end() ? another : static_cast<unsigned char>(at - texts.begin());
}

bool Conditions::Round::ruled_out(std::size_t number) {
    if (number < remembered && no_[number]) return true;
    auto const& one = conditions_.all_[number];
    if (one.choice == none) return false;
    auto& chosen = chosen_[one.choice];
    if (chosen == unknown) chosen = choose(one.choice);
    if (chosen == undecided) return false;
    return chosen == another || (one.among & (std::uint64_t(1) << chosen)) == 0;
}

Conditions::Answer Conditions::Round::ask(std::size_t number, Error& why) {
    if (ruled_out(number)) return Answer::no;
    if (number < remembered && yes_[number]) return Answer::yes;
    auto const tried = conditions_.all_[number].condition.test(context_);
    if (!tried) {
        why = tried.error();
        return Answer::failed;
    }
    if (number < remembered) (*tried ? yes_ : no_).set(number);
    return *tried ? Answer::yes : Answer::no;
}

}  // namespace hilum::expression
