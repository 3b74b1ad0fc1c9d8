#include "engine/flow/validation.h"

#include <algorithm>

#include "parsers/hl7/msh.h"

namespace hilum::flow {

namespace {

using listeners::Strength;

constexpr std::size_t sender_part_max = 64;

// MSH-3 and MSH-4 as the search index writes them: "LAB|NORTH".
std::string sender_of(hl7::Message const& message) {
    auto const name = [&message](std::uint32_t field) {
        return std::string(message.get(hl7::msh_field(field, 1)).raw.substr(0, sender_part_max));
    };
    return name(3) + "|" + name(4);
}

hl7::AckError told(hl7::Finding const& finding) {
    return {finding.place.err_location(), std::to_string(finding.code), finding.text(), finding.severity};
}

// The errors first, then the warnings, each in the order of the message.
std::vector<hl7::Finding const*> worst(hl7::Report const& report) {
    std::vector<hl7::Finding const*> out;
    for (char const severity : {'E', 'W'}) {
        for (auto const& f : report.findings) {
            if (f.severity == severity && out.size() < Conformance::errors_told) out.push_back(&f);
        }
    }
    return out;
}

std::string note_of(hl7::Report const& report) {
    std::string out = std::to_string(report.errors) + (report.errors == 1 ? " error, " : " errors, ") +
                      std::to_string(report.warnings) + (report.warnings == 1 ? " warning" : " warnings");
    for (auto const* f : worst(report)) {
        out += "; ";
        out += f->severity;
        out += " " + f->place.text() + " ";
        out += name(f->rule);
        out += ": " + f->text();
    }
    return out;
}

template <class Counts>
std::vector<ops::ConformanceView::RuleCount> rules_of(Counts const& counts) {
    std::vector<ops::ConformanceView::RuleCount> out;
    for (std::size_t r = 0; r < hl7::rule_count; ++r) {
        if (counts.findings_by_rule[r] == 0) continue;
        out.push_back({std::string(hl7::name(static_cast<hl7::Rule>(r))), counts.messages_by_rule[r],
                       counts.findings_by_rule[r]});
    }
    return out;
}

}  // namespace

std::vector<std::shared_ptr<Validator const>> make_validators(config::Config const& config) {
    std::vector<std::shared_ptr<Validator const>> out;
    std::optional<hl7::Rules> base;
    for (auto const& component : config.listeners) {
        auto const wanted = listeners::validation_of(component);
        out.emplace_back();
        if (component.content == config::Content::fhir) {
            auto validator = std::make_shared<Validator>();
            validator->strength = wanted.strength;
            validator->fhir = wanted.fhir;
            out.back() = std::move(validator);
            continue;
        }
        if (wanted.strength == Strength::off) continue;
        if (!base) base = hl7::Rules::of(config.dictionary, config.closed_tables);
        auto validator = std::make_shared<Validator>();
        validator->strength = wanted.strength;
        validator->rules = wanted.profile ? base->with(wanted.profile) : *base;
        out.back() = std::move(validator);
    }
    return out;
}

void Conformance::Counts::add(hl7::Report const& report) {
    ++messages;
    conformant += report.conforms() ? 1 : 0;
    for (std::size_t r = 0; r < hl7::rule_count; ++r) {
        messages_by_rule[r] += report.by_rule[r] != 0 ? 1 : 0;
        findings_by_rule[r] += report.by_rule[r];
    }
}

std::optional<hl7::AckError> Conformance::judge(Validator const& validator, std::string const& listener,
                                                hl7::Message const& message, std::string& note) {
    auto const report = hl7::validate(message, validator.rules);
    {
        auto sender = sender_of(message);
        std::lock_guard const lock(mutex_);
        auto& counts = listeners_[listener];
        counts.all.add(report);
        if (counts.senders.size() >= senders_max && !counts.senders.contains(sender)) sender = "(others)";
        counts.senders[sender].add(report);
    }
    if (report.errors + report.warnings != 0) note = note_of(report);
    if (validator.strength != Strength::enforce || report.conforms()) return std::nullopt;
    std::optional<hl7::AckError> fault;
    for (auto const* f : worst(report)) {
        if (f->severity != 'E') break;
        if (!fault) {
            fault = told(*f);
        } else {
            fault->further.push_back(told(*f));
        }
    }
    // More errors than are kept may have been warnings first: there is always one to tell.
    if (!fault) fault = hl7::AckError{"", "199", "the message does not conform", 'E'};
    return fault;
}

std::vector<ops::ConformanceView> Conformance::view() const {
    std::vector<ops::ConformanceView> out;
    std::lock_guard const lock(mutex_);
    for (auto const& [name, listener] : listeners_) {
        out.push_back({name, "", listener.all.messages, listener.all.conformant, rules_of(listener.all)});
        for (auto const& [sender, counts] : listener.senders)
            out.push_back({name, sender, counts.messages, counts.conformant, rules_of(counts)});
    }
    return out;
}

void Conformance::render(std::string& out) const {
    std::lock_guard const lock(mutex_);
    if (listeners_.empty()) return;
    auto const head = [&out](std::string_view name, std::string_view help) {
        out.append("# HELP ")
            .append(name)
            .append(" ")
            .append(help)
            .append("\n# TYPE ")
            .append(name)
            .append(" counter\n");
    };
    // Names of listeners have letters, digits, _ and - alone.
    head("hilum_messages_validated_total", "Messages held against the standard or a profile.");
    for (auto const& [name, l] : listeners_)
        out += "hilum_messages_validated_total{listener=\"" + name + "\"} " + std::to_string(l.all.messages) +
               "\n";
    head("hilum_messages_conformant_total", "Validated messages without errors.");
    for (auto const& [name, l] : listeners_)
        out += "hilum_messages_conformant_total{listener=\"" + name + "\"} " +
               std::to_string(l.all.conformant) + "\n";
    head("hilum_validation_findings_total", "Errors found by validation, by rule.");
    for (auto const& [name, l] : listeners_) {
        for (auto const& rule : rules_of(l.all))
            out += "hilum_validation_findings_total{listener=\"" + name + "\",rule=\"" + rule.rule + "\"} " +
                   std::to_string(rule.findings) + "\n";
    }
}

}  // namespace hilum::flow
