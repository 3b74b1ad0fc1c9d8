// Files and folders of files.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "routes/config/loader.h"

namespace hilum::config {
namespace {

constexpr std::size_t file_bytes_max =
    (16u << 20) + 1;  // one more than read_yaml accepts, so that it can tell
constexpr std::size_t files_max = 1000;

Location whole_file(std::string const& path) {
    return {std::make_shared<std::string const>(path), 0, 0};
}

bool read_file(std::string const& path, std::string& out, Diagnostics& diagnostics) {
    std::ifstream in(path, std::ios::binary);
    std::error_code ignored;
    if (!in || std::filesystem::is_directory(path, ignored)) {
        diagnostics.error(whole_file(path), "cannot read this file",
                          "check that it exists and may be read by this user");
        return false;
    }
    out.clear();
    char chunk[64 * 1024];
    while (out.size() < file_bytes_max && (in.read(chunk, sizeof chunk) || in.gcount() > 0)) {
        out.append(chunk, static_cast<std::size_t>(in.gcount()));
    }
    return true;
}

// Tests stand beside what they test.
bool is_test(std::filesystem::path const& path) {
    return path.stem().extension() == ".test";
}

// The *.yaml and *.yml files of a directory, sorted by name, without route tests.
std::vector<std::string> files_of(std::string const& folder, Diagnostics& diagnostics) {
    namespace fs = std::filesystem;
    std::vector<std::string> out;
    std::error_code problem;
    for (fs::directory_iterator it(folder, problem), end; !problem && it != end; it.increment(problem)) {
        std::string const extension = it->path().extension().string();
        std::error_code ignored;
        if ((extension == ".yaml" || extension == ".yml") && !is_test(it->path()) &&
            fs::is_regular_file(it->path(), ignored)) {
            out.push_back(it->path().string());
        }
    }
    std::sort(out.begin(), out.end());
    if (problem) {
        diagnostics.error(whole_file(folder), "cannot list this folder: " + problem.message(),
                          "check that it may be read by this user");
        out.clear();
    } else if (out.empty()) {
        diagnostics.error(whole_file(folder), "no *.yaml or *.yml file in this folder",
                          "name the configuration file or put one there");
    } else if (out.size() > files_max) {
        diagnostics.error(whole_file(folder), "more than 1000 configuration files in this folder",
                          "name the right folder, or join some files");
        out.clear();
    }
    return out;
}

std::string folder_of(std::string const& path) {
    std::string const folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

}  // namespace

Config load(std::string const& path, Catalogue const& catalogue, Environment const& environment,
            Diagnostics& diagnostics) {
    std::error_code ignored;
    bool const is_folder = std::filesystem::is_directory(path, ignored);
    std::vector<std::string> const files =
        is_folder ? files_of(path, diagnostics) : std::vector<std::string>{path};
    Loader loader(catalogue, environment, diagnostics);
    std::string text;
    bool all_read = !files.empty();
    for (std::string const& file : files) {
        if (read_file(file, text, diagnostics)) {
            loader.read(text, file, folder_of(file));
        } else {
            all_read = false;
        }
    }
    if (!all_read) {
        Config nothing;
        nothing.source = path;
        return nothing;
    }
    return loader.finish(path);
}

Config load_text(std::string_view text, std::string file_name, std::string const& folder,
                 Catalogue const& catalogue, Environment const& environment, Diagnostics& diagnostics) {
    Loader loader(catalogue, environment, diagnostics);
    loader.read(text, file_name, folder);
    return loader.finish(std::move(file_name));
}

}  // namespace hilum::config
