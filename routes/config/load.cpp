// From files to a configuration.
#include <filesystem>

#include "routes/config/files.h"
#include "routes/config/loader.h"

namespace hilum::config {

Config load(std::string const& path, Catalogue const& catalogue, Environment const& environment,
            Diagnostics& diagnostics) {
    std::error_code ignored;
    Files files(environment, diagnostics);
    if (std::filesystem::is_directory(path, ignored)) {
        files.add_folder(path);
    } else {
        files.add_file(path);
    }
    if (!files.opened()) {
        Config nothing;
        nothing.source = path;
        nothing.effective = std::make_shared<Node const>();
        return nothing;
    }
    return Loader(catalogue, diagnostics).load(files.take(), path);
}

Config load_text(std::string_view text, std::string file_name, std::string const& folder,
                 Catalogue const& catalogue, Environment const& environment, Diagnostics& diagnostics) {
    Files files(environment, diagnostics);
    files.add_text(text, file_name, folder);
    return Loader(catalogue, diagnostics).load(files.take(), std::move(file_name));
}

}  // namespace hilum::config
