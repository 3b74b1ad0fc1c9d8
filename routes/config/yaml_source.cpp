#include "routes/config/yaml_source.h"

#include <algorithm>

#include "routes/config/environment.h"

namespace hilum::config {
namespace {

constexpr std::size_t file_bytes_max = 16u << 20;
// yaml-cpp holds the tokens of a whole flow collection (and of anything that may turn out to be a key) before
// it tells of the first one. These characters are what can make tokens of one byte each, so their number
// bounds that memory.
constexpr std::size_t marks_max = 1'000'000;

bool is_mark(char c) {
    return std::string_view("[]{},:\"'&*!?|>").find(c) != std::string_view::npos;
}

struct Explained {
    std::string_view message;  // how yaml-cpp's begins (its exceptions.h)
    std::string_view what;
    std::string_view remedy;
};
constexpr Explained explained[] = {
    {"end of map flow not found", "a { is not closed before this",
     "add the } or a comma between the entries, or close a quote above"},
    {"end of sequence flow not found", "a [ is not closed before this",
     "add the ] or a comma between the items, or close a quote above"},
    {"end of map not found", "this doesn't fit into the mapping above it",
     "align the keys of one mapping; put a text that begins with a quote but goes on after it wholly in "
     "quotes"},
    {"end of sequence not found", "this doesn't fit into the list above it",
     "align the dashes of one list; put a text that begins with a quote but goes on after it wholly in "
     "quotes"},
    {"illegal flow end", "a ] or } that closes nothing", "remove it, or open it before"},
    {"illegal block entry", "a \"- \" where no list may begin", "begin the list on a line of its own"},
    {"illegal map key", "a key where none may stand", "begin it on a line of its own"},
    {"illegal map value", "a \": \" where no value may stand",
     "put a text that holds \": \" in quotes, align the keys of one mapping, and write a space after each "
     "key's colon"},
    {"illegal EOF in scalar", "a quoted text is not closed", "add the closing quote"},
    {"illegal document indicator in scalar", "a quoted text is not closed before the next document",
     "add the closing quote"},
    {"unknown escape character", "an escape that YAML doesn't know",
     "write \\\\ for a backslash, or use single quotes"},
    {"bad character found while scanning hex", "an escape with characters that are no hex digits",
     "write \\\\ for a backslash, or use single quotes"},
    {"invalid unicode", "an escape that is no Unicode character", "write the character itself"},
    {"unknown token", "a character that can't begin a text", "put the text in quotes"},
    {"the referenced anchor is not defined", "the alias names an anchor that is not defined above",
     "define it with & before, or put a text that begins with * in quotes"},
    {"alias not found", "a * without a name", "put a text that begins with * in quotes"},
    {"anchor not found", "an & without a name", "put a text that begins with & in quotes"},
    {"illegal character found while scanning alias", "a character that can't be in an alias",
     "put a text that begins with * in quotes"},
    {"illegal character found while scanning anchor", "a character that can't be in an anchor",
     "put a text that begins with & in quotes"},
    {"illegal tab when looking for indentation", "a tab in the indentation", "indent with spaces"},
    {"unexpected character in block scalar", "a character after | or > that doesn't belong there",
     "begin the text on the next line"},
};

}  // namespace

YamlSource::YamlSource(std::string_view text, std::string file_name, std::shared_ptr<Use const> used)
    : text_(text), file_(std::make_shared<std::string const>(std::move(file_name))), used_(std::move(used)) {}

bool YamlSource::check_bytes(Diagnostics& diagnostics) const {
    if (text_.size() > file_bytes_max) {
        diagnostics.error(file(), "the file is larger than 16 MiB",
                          "split it, or move tables into CSV files");
        return false;
    }
    if (std::size_t const bad = find_bad_byte(text_); bad != std::string_view::npos) {
        auto const begin = text_.begin(), end = begin + static_cast<std::ptrdiff_t>(bad);
        std::size_t const line_begin = bad == 0 ? 0 : text_.rfind('\n', bad - 1) + 1;
        Location const where =
            at(bad, static_cast<int>(std::count(begin, end, '\n')), static_cast<int>(bad - line_begin));
        std::string const what = text_[bad] == '\0' ? "a NUL byte at offset " : "not UTF-8 at offset ";
        diagnostics.error(where, what + std::to_string(bad), "save the file as UTF-8");
        return false;
    }
    if (static_cast<std::size_t>(std::count_if(text_.begin(), text_.end(), is_mark)) > marks_max) {
        diagnostics.error(file(), "the file has more than 1000000 brackets, quotes, commas and colons",
                          "split it, or move tables into CSV files");
        return false;
    }
    return true;
}

Location YamlSource::place(Mark const& mark) const {
    if (mark.pos < 0) return file();
    return at(static_cast<std::size_t>(mark.pos), mark.line, mark.column);
}

Location YamlSource::place_of_scalar(Mark const& mark) const {
    if (mark.pos < 0) return file();
    std::size_t pos = static_cast<std::size_t>(mark.pos);
    while (pos < text_.size() && (text_[pos] == '&' || text_[pos] == '!')) {
        std::size_t const end = text_.find_first_of(" \t\r\n", pos);
        std::size_t const next = text_.find_first_not_of(" \t", end);
        if (end == std::string_view::npos || next == std::string_view::npos || text_[next] == '\n' ||
            text_[next] == '\r') {
            return place(mark);
        }
        pos = next;
    }
    if (pos < text_.size() && (text_[pos] == '|' || text_[pos] == '>')) {
        std::size_t const end = text_.find('\n', pos);
        if (end == std::string_view::npos) return place(mark);
        std::size_t const first = text_.find_first_not_of(' ', end + 1);
        std::size_t const column = first == std::string_view::npos ? 0 : first - end - 1;
        return at(end + 1 + column, mark.line + 1, static_cast<int>(column));
    }
    if (pos < text_.size() && (text_[pos] == '"' || text_[pos] == '\'')) ++pos;
    return at(pos, mark.line, mark.column + static_cast<int>(pos - static_cast<std::size_t>(mark.pos)));
}

Location YamlSource::place_of_missing_item(Mark const& mark) const {
    if (mark.pos <= 0 || static_cast<std::size_t>(mark.pos) > text_.size()) return place(mark);
    std::size_t const before = text_.find_last_not_of(" \t\r\n", static_cast<std::size_t>(mark.pos) - 1);
    if (before == std::string_view::npos ||
        std::string_view("-,[").find(text_[before]) == std::string_view::npos) {
        return place(mark);
    }
    auto const from = text_.begin() + static_cast<std::ptrdiff_t>(before);
    auto const lines = std::count(from, text_.begin() + mark.pos, '\n');
    std::size_t const line_begin = before == 0 ? 0 : text_.rfind('\n', before - 1) + 1;
    return at(before, mark.line - static_cast<int>(lines), static_cast<int>(before - line_begin));
}

bool YamlSource::begins_document(Mark const& mark) const {
    if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) > text_.size()) return false;
    return text_.substr(static_cast<std::size_t>(mark.pos)).starts_with("---");
}

Location YamlSource::at(std::size_t pos, int line, int column) const {
    constexpr std::size_t counted_max =
        2000;  // a longer line is counted in bytes, else this would be quadratic
    std::size_t const bytes = column < 0 ? 0 : static_cast<std::size_t>(column);
    std::size_t characters = bytes;
    if (bytes <= counted_max && bytes <= pos && pos <= text_.size()) {
        std::string_view const before = text_.substr(pos - bytes, bytes);
        characters = static_cast<std::size_t>(std::count_if(before.begin(), before.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
        }));
    }
    return {file_, static_cast<std::uint32_t>(std::max(line, 0)) + 1,
            static_cast<std::uint32_t>(characters) + 1, used_};
}

// Tabs may not indent YAML; yaml-cpp then complains of something further on. The first such line up to the
// error, else 0.
std::uint32_t YamlSource::line_indented_by_tab(std::uint32_t last_line) const {
    std::size_t begin = 0;
    for (std::uint32_t line = 1; line <= last_line && begin < text_.size(); ++line) {
        std::size_t const end = std::min(text_.find('\n', begin), text_.size());
        std::string_view const content = text_.substr(begin, end - begin);
        std::size_t const indent = std::min(content.find_first_not_of(" \t\r"), content.size());
        if (indent < content.size() && content.substr(0, indent).find('\t') != std::string_view::npos)
            return line;
        begin = end + 1;
    }
    return 0;
}

void YamlSource::report_syntax(std::string_view message, Mark const& mark, Diagnostics& diagnostics) const {
    Location where = place(mark);
    if (std::uint32_t const line = line_indented_by_tab(where.line); line > 0) {
        where.line = line;
        where.column = 1;
        return diagnostics.error(where, "a tab in the indentation", "indent with spaces");
    }
    std::size_t const line_begin =
        mark.pos < 0 ? 0 : static_cast<std::size_t>(std::max(mark.pos - mark.column, 0));
    std::string_view const line = text_.substr(std::min(line_begin, text_.size()));
    if (message.find("flow not found") != std::string_view::npos &&
        line.substr(0, line.find('\n')).find("${") != std::string_view::npos) {
        return diagnostics.error(where, "a ${ inside { } or [ ] that is not in quotes",
                                 "put the text with ${...} in quotes");
    }
    for (Explained const& e : explained) {
        if (message.starts_with(e.message)) {
            return diagnostics.error(where, std::string(e.what), std::string(e.remedy));
        }
    }
    diagnostics.error(where, "not valid YAML: " + std::string(message),
                      "look at the line and the one above it");
}

}  // namespace hilum::config
