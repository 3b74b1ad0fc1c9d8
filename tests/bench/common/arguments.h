// `--name value` and `--flag`, nothing more.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace hilum::bench {

class Arguments {
  public:
    Arguments(int argc, char** argv, std::set<std::string_view> const& with_value,
              std::set<std::string_view> const& flags, char const* usage) {
        for (int i = 1; i < argc; ++i) {
            std::string_view const name = argv[i];
            if (flags.contains(name)) {
                values_[std::string(name)] = "1";
            } else if (with_value.contains(name) && i + 1 < argc) {
                values_[std::string(name)] = argv[++i];
            } else {
                std::fprintf(stderr, "unknown or incomplete: %s\n%s\n", argv[i], usage);
                std::exit(2);
            }
        }
    }
    bool has(std::string const& name) const { return values_.contains(name); }
    std::string text(std::string const& name, std::string fallback = {}) const {
        auto it = values_.find(name);
        return it == values_.end() ? std::move(fallback) : it->second;
    }
    double number(std::string const& name, double fallback) const {
        auto it = values_.find(name);
        return it == values_.end() ? fallback : std::strtod(it->second.c_str(), nullptr);
    }

  private:
    std::map<std::string, std::string> values_;
};

}  // namespace hilum::bench
