// A piece of a segment by itself: a repetition of a field, a component of one, or a subcomponent. What stands
// in it is found by numbers alone: component 4, and in it subcomponent 2.
#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "parsers/hl7/delimiters.h"
#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

struct Part {
    enum class Level : unsigned char { none, repetition, component, subcomponent };

    std::string_view raw;  // still escaped; data() == nullptr when it is not there
    Level level = Level::none;

    bool there() const { return !raw.empty(); }
    // HL7 v2.8.2 §2.5.3.5: the explicit null, which is no value.
    bool is_null() const { return raw == "\"\""; }

    // The n-th piece of the next level, from 1. What has no pieces below it is its own first one.
    Part piece(std::uint32_t n, Delimiters const& d) const {
        if (level == Level::repetition) return {part(raw, d.component, n), Level::component};
        if (level == Level::component) return {part(raw, d.subcomponent, n), Level::subcomponent};
        return {n == 1 ? raw : std::string_view(), Level::subcomponent};
    }
    // The text it begins with: of a composite its first component, of that the first subcomponent.
    Part leaf(Delimiters const& d) const {
        auto found = *this;
        while (found.level == Level::repetition || found.level == Level::component) found = found.piece(1, d);
        return found;
    }
};

// A part with what stands in it found once: maps ask for its pieces again and again.
class Pieces {
  public:
    Pieces() = default;
    Pieces(Part whole, Delimiters const& d) : whole_(whole) {
        char const delimiter = whole.level == Part::Level::repetition  ? d.component
                               : whole.level == Part::Level::component ? d.subcomponent
                                                                       : '\0';
        auto rest = whole.raw;
        while (true) {
            auto const end = delimiter == '\0' ? rest.npos : rest.find(delimiter);
            pieces_.push_back(rest.substr(0, end));
            if (end == rest.npos) break;
            rest.remove_prefix(end + 1);
        }
    }

    Part const& whole() const { return whole_; }
    // As Part::piece().
    Part piece(std::uint32_t n) const {
        auto const level =
            whole_.level == Part::Level::repetition ? Part::Level::component : Part::Level::subcomponent;
        return {n != 0 && n <= pieces_.size() ? pieces_[n - 1] : std::string_view(), level};
    }

  private:
    Part whole_;
    boost::container::small_vector<std::string_view, 24> pieces_;
};

// Of each segment name the last one up to where a message has been read, within the groups that are open
// there: what stood in one that is over means nothing any more.
class LatestSegments {
  public:
    static constexpr std::size_t over = static_cast<std::size_t>(-1);

    // `level` counts the groups around it.
    void set(std::string_view name, std::size_t number, std::size_t level) {
        for (auto& one : all_) {
            if (one.name != name) continue;
            one = {name, number, level};
            return;
        }
        all_.push_back({name, number, level});
    }
    // The groups inside the first `level` ones are over.
    void end(std::size_t level) {
        for (auto& one : all_)
            if (one.level > level) one.number = over;
    }
    // The fields of the segment that the message has been read to, from 0: its name, or nothing there.
    void here(std::string_view name, std::string_view segment, Delimiters const& d) {
        name_ = name;
        fields_.clear();
        // MSH-1 is the delimiter itself, so that MSH-n is the n-th part.
        bool const header = segment.starts_with("MSH");
        if (header) fields_.emplace_back();
        for (std::size_t begin = 0; begin <= segment.size();) {
            auto const end = std::min(segment.find(d.field, begin), segment.size());
            fields_.push_back(segment.substr(begin, end - begin));
            begin = end + 1;
        }
        auto const fixed = header ? std::min<std::size_t>(3, fields_.size()) : 1;
        std::fill_n(fields_.begin(), fixed, std::string_view());
    }
    bool is_here(std::string_view name) const { return name == name_; }
    std::string_view field(std::size_t number) const {
        return number < fields_.size() ? fields_[number] : std::string_view();
    }
    Part first_repetition(std::size_t number, Delimiters const& d) const {
        return {part(field(number), d.repetition, 1), Part::Level::repetition};
    }
    // 0: there was none yet; over: none that counts.
    std::size_t of(std::string_view name) const {
        for (auto const& one : all_)
            if (one.name == name) return one.number;
        return 0;
    }

  private:
    struct One {
        std::string_view name;  // a view of the message
        std::size_t number = 0, level = 0;
    };
    std::vector<One> all_;
    std::string_view name_;
    std::vector<std::string_view> fields_;
};

}  // namespace hilum::hl7
