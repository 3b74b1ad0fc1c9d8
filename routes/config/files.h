// The files of a configuration: those that the user names, and what they include.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::config {

inline constexpr std::size_t files_max = 1000;
inline constexpr std::size_t includes_deep_max = 16;

// A path as it is meant: what is relative is so to the folder of the file that names it.
std::string beside(std::string_view path, Location const& where);

// The bytes of a file that an option names, which is a `what` ("profile"). Nothing when it can't be read or
// is larger than `mebibytes`: reported at `where`.
std::optional<std::string> read_whole(std::string const& path, Location const& where, std::string_view what,
                                      std::size_t mebibytes, Diagnostics& diagnostics);

// One file as it was read. `include:` has been followed, and still stands in it.
struct SourceFile {
    Node root;
    std::string folder;       // what relative paths in it are relative to
    bool could_parse = true;  // false: what is missing in `root` was cut off by an error
};

// Reads each file once, however often it is included. An included file comes before the one that includes
// it. Includes that find nothing, go in a circle or too deep are errors; so is what is too large together.
class Files {
  public:
    Files(Environment const& environment, Diagnostics& diagnostics)
        : environment_(environment), diagnostics_(diagnostics) {}

    void add_file(std::string const& path);
    void add_folder(std::string const& path);
    void add_text(std::string_view text, std::string file_name, std::string const& folder);

    std::vector<SourceFile> take() { return std::move(files_); }
    // Every file that the user named could be opened.
    bool opened() const { return opened_; }

  private:
    bool read(std::string const& path, std::shared_ptr<Use const> const& used);
    void parse(std::string_view text, std::string file_name, std::string const& folder,
               std::shared_ptr<Use const> const& used);
    void follow(Node const& includes, std::string const& folder);
    void include(Node const& written, std::string const& folder);
    bool in_circle(Node const& written, std::string const& path);

    Environment const& environment_;
    Diagnostics& diagnostics_;
    std::vector<SourceFile> files_;
    std::set<std::string> known_;   // canonical paths, of those being read too
    std::vector<std::string> way_;  // canonical paths from the first file to the one being read
    std::size_t nodes_ = 0;
    std::size_t bytes_ = 0;
    bool opened_ = true;
    bool full_ = false;
};

}  // namespace hilum::config
