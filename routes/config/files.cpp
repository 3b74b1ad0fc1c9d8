#include "routes/config/files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace hilum::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max =
    (16u << 20) + 1;  // one more than read_yaml accepts, so that it can tell

Location whole_file(std::string const& path) {
    return {std::make_shared<std::string const>(path), 0, 0};
}

bool contents(std::string const& path, std::string& out) {
    std::error_code ignored;
    // A folder can't be read, and a pipe or device could keep us waiting.
    if (!fs::is_regular_file(path, ignored)) return false;
    std::ifstream in(path, std::ios::binary);
    if (!in) return false;
    out.clear();
    char chunk[64 * 1024];
    while (out.size() < file_bytes_max && (in.read(chunk, sizeof chunk) || in.gcount() > 0)) {
        out.append(chunk, static_cast<std::size_t>(in.gcount()));
    }
    return true;
}

// Route tests stand beside what they test.
bool is_test(fs::path const& path) {
    return path.stem().extension() == ".test";
}

std::string folder_of(std::string const& path) {
    std::string const folder = fs::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

std::string canonical(std::string const& path) {
    std::error_code problem;
    auto const out = fs::weakly_canonical(path, problem);
    return problem ? path : out.string();
}

// `*` stands for any text, `?` for one character. Without recursion: a mismatch goes back to the last `*`.
bool matches(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0, star = std::string_view::npos, tried = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            tried = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++tried;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

// The files of a folder whose names fit, sorted; hidden ones only when the pattern begins with a dot.
std::vector<std::string> matching(fs::path const& folder, std::string const& pattern,
                                  std::error_code& problem) {
    std::vector<std::string> out;
    for (fs::directory_iterator it(folder, problem), end; !problem && it != end; it.increment(problem)) {
        std::string const name = it->path().filename().string();
        std::error_code ignored;
        if (!matches(pattern, name) || is_test(it->path())) continue;
        if (name.front() == '.' && pattern.front() != '.') continue;
        if (fs::is_regular_file(it->path(), ignored)) out.push_back(it->path().lexically_normal().string());
    }
    std::sort(out.begin(), out.end());
    return out;
}

bool is_glob(std::string_view text) {
    return text.find_first_of("*?") != std::string_view::npos;
}

}  // namespace

std::string beside(std::string_view path, Location const& where) {
    namespace fs = std::filesystem;
    fs::path meant(path);
    if (meant.is_relative() && where.file) meant = fs::path(*where.file).parent_path() / meant;
    return meant.lexically_normal().string();
}

std::optional<std::string> read_whole(std::string const& path, Location const& where, std::string_view what,
                                      std::size_t mebibytes, Diagnostics& diagnostics) {
    std::ifstream in(path, std::ios::binary);
    std::error_code ignored;
    auto const named = "the " + std::string(what) + " " + in_quotes(path);
    if (!in || !fs::is_regular_file(path, ignored)) {
        diagnostics.error(where, "cannot read " + named,
                          "create it or correct the path, which is relative to this file's folder");
        return std::nullopt;
    }
    std::string out;
    char chunk[64 * 1024];
    while (in.read(chunk, sizeof chunk) || in.gcount() > 0) {
        out.append(chunk, static_cast<std::size_t>(in.gcount()));
        if (out.size() <= mebibytes << 20U) continue;
        diagnostics.error(where, named + " is larger than " + std::to_string(mebibytes) + " MiB");
        return std::nullopt;
    }
    return out;
}

void Files::add_file(std::string const& path) {
    if (read(path, nullptr)) return;
    opened_ = false;
    diagnostics_.error(whole_file(path), "cannot read this file",
                       "check that it exists and may be read by this user");
}

void Files::add_folder(std::string const& path) {
    std::error_code problem;
    std::vector<std::string> files;
    for (fs::directory_iterator it(path, problem), end; !problem && it != end; it.increment(problem)) {
        std::string const extension = it->path().extension().string();
        std::error_code ignored;
        if ((extension == ".yaml" || extension == ".yml") && !is_test(it->path()) &&
            fs::is_regular_file(it->path(), ignored))
            files.push_back(it->path().string());
    }
    std::sort(files.begin(), files.end());
    opened_ = !problem && !files.empty() && files.size() <= files_max;
    if (problem) {
        diagnostics_.error(whole_file(path), "cannot list this folder: " + problem.message(),
                           "check that it may be read by this user");
    } else if (files.empty()) {
        diagnostics_.error(whole_file(path), "no *.yaml or *.yml file in this folder",
                           "name the configuration file or put one there");
    } else if (files.size() > files_max) {
        diagnostics_.error(whole_file(path), "more than 1000 configuration files in this folder",
                           "name the right folder, or join some files");
    } else {
        for (std::string const& file : files) {
            if (!known_.contains(canonical(file))) add_file(file);
        }
    }
}

void Files::add_text(std::string_view text, std::string file_name, std::string const& folder) {
    parse(text, std::move(file_name), folder, nullptr);
}

// False when it can't be opened, which is for the caller to say.
bool Files::read(std::string const& path, std::shared_ptr<Use const> const& used) {
    std::string text;
    if (!contents(path, text)) return false;
    std::string const key = canonical(path);
    known_.insert(key);
    way_.push_back(key);
    parse(text, path, folder_of(path), used);
    way_.pop_back();
    return true;
}

void Files::parse(std::string_view text, std::string file_name, std::string const& folder,
                  std::shared_ptr<Use const> const& used) {
    std::size_t const errors_before = diagnostics_.errors();
    SourceFile file{read_yaml(text, std::move(file_name), environment_, diagnostics_, used), folder};
    file.could_parse = file.root.kind != Node::Kind::null || diagnostics_.errors() == errors_before;
    Size const size = measure(file.root);
    nodes_ += size.nodes;
    bytes_ += size.bytes;
    if ((nodes_ > nodes_max || bytes_ > text_bytes_max) && !full_) {
        full_ = true;
        diagnostics_.error(
            file.root.where,
            "the configuration has more than 1000000 values or 64 MiB of text in all its files",
            "aliases count each time they are used: use fewer of them or include less");
    }
    if (Node const* includes = file.root.find("include"); includes && !full_) follow(*includes, folder);
    files_.push_back(std::move(file));
}

void Files::follow(Node const& includes, std::string const& folder) {
    if (includes.is_scalar()) return include(includes, folder);
    if (includes.kind != Node::Kind::sequence) {
        return diagnostics_.error(
            includes.where,
            "\"include\" should be a path or a list of paths, not " + std::string(includes.kind_name()),
            "write include: parts/*.yaml, or [first.yaml, second.yaml]");
    }
    for (Node const& one : includes.items) {
        if (one.is_scalar()) {
            include(one, folder);
        } else {
            diagnostics_.error(one.where, "here should be a path, not " + std::string(one.kind_name()),
                               "write each path as one text, such as parts/*.yaml");
        }
    }
}

void Files::include(Node const& written, std::string const& folder) {
    if (written.unusable) return;
    std::string const shown = written.filled ? "the path from ${...}" : in_quotes(written.scalar);
    fs::path path(written.scalar);
    if (path.is_relative()) path = (fs::path(folder) / path).lexically_normal();
    std::string const last = path.filename().string();
    if (last.empty() || is_glob(path.parent_path().string())) {
        return diagnostics_.error(written.where, shown + " names no file",
                                  last.empty()
                                      ? "end it with a file's name or a pattern, such as parts/*.yaml"
                                      : "use * and ? only behind the last slash, such as parts/*.yaml");
    }
    std::vector<std::string> paths{path.string()};
    if (is_glob(last)) {
        std::error_code problem;
        paths = matching(path.parent_path().empty() ? "." : path.parent_path(), last, problem);
        if (problem || paths.empty()) {
            return diagnostics_.error(written.where, "no file matches " + shown,
                                      "correct the pattern, which is relative to the folder of this file");
        }
    }
    auto const used = std::make_shared<Use const>(Use{"included", written.where});
    for (std::string const& one : paths) {
        // A pattern may well match the file that it stands in.
        std::string const key = canonical(one);
        if (is_glob(last) && !way_.empty() && key == way_.back()) continue;
        if (in_circle(written, key)) return;
        if (full_ || known_.contains(key)) continue;
        if (way_.size() >= includes_deep_max || known_.size() >= files_max) {
            full_ = true;
            return diagnostics_.error(written.where,
                                      known_.size() >= files_max ? "more than 1000 files are included"
                                                                 : "includes go more than 16 files deep",
                                      "name more of the files in the first one, or join some of them");
        }
        if (!read(one, used)) {
            diagnostics_.error(written.where, "cannot read the included file " + shown,
                               "create it or correct the path, which is relative to the folder of this file");
        }
    }
}

bool Files::in_circle(Node const& written, std::string const& path) {
    auto const first = std::find(way_.begin(), way_.end(), path);
    if (first == way_.end()) return false;
    std::string chain;
    for (auto file = first; file != way_.end(); ++file) chain += fs::path(*file).filename().string() + " -> ";
    diagnostics_.error(written.where,
                       "includes go in a circle: " + chain + fs::path(path).filename().string(),
                       "remove one of these includes");
    return true;
}

}  // namespace hilum::config
