// Any bytes as a configuration: no crash, no exception, and what is wrong is said with bounded effort.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/routes/config/catalogue.h"

using namespace hilum::config;

namespace {

// Never the process's own variables and files, so that an input means the same everywhere.
class FuzzEnvironment final : public Environment {
  public:
    bool variable(std::string const& name, std::string& value) const override {
        value = "lab.example";
        return name.size() % 2 == 0;
    }
    bool file(std::string const& path, std::string& value) const override {
        value = path;
        return path.size() % 2 == 0;
    }
};

void load_and_look(std::string_view text, Catalogue const& catalogue) {
    Diagnostics diagnostics;
    Config const config =
        load_text(text, "fuzz.yaml", "no-such-folder", catalogue, FuzzEnvironment(), diagnostics);
    if (config.hash.size() != 12) std::abort();
    if (diagnostics.errors() > 0 && diagnostics.text().empty()) std::abort();
    if (diagnostics.sorted().size() > 200) std::abort();
    // Promise 6: what is accepted has all that it needs.
    if (!diagnostics.failed() && (config.listeners.empty() || config.routes.empty())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    load_and_look(text, Catalogue());
    load_and_look(text, test::catalogue());
    return 0;
}
