// Subcommands and their options, as the commands describe them. CLI11 is behind this door: reading its header
// costs a compiler more than most commands do.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace hilum::cli {

// An option or argument; owned by the App it was added to.
class Option {
  public:
    explicit Option(CLI::Option* option) : option_(option) {}
    Option* required();
    Option* one_of(std::vector<std::string> words);
    Option* between(std::size_t least, std::size_t most);
    Option* positive();  // a number above 0
    Option* show_default();
    Option* or_variable(std::string name);  // of the environment, where the option is not given
    Option* excludes(Option* other);

  private:
    CLI::Option* option_;
};

// The program or a subcommand. What options write to must live as long as the program's App.
class App {
  public:
    App(std::string description, std::string name);
    ~App();
    App(App const&) = delete;
    App& operator=(App const&) = delete;

    App* add_subcommand(std::string name, std::string summary);
    // Names as in "--json" or, for an argument by its place, "FILE".
    Option* add_option(std::string name, std::string& value, std::string help);
    Option* add_option(std::string name, std::vector<std::string>& values, std::string help);
    Option* add_option(std::string name, std::size_t& value, std::string help);
    Option* add_option(std::string name, unsigned& value, std::string help);
    Option* add_flag(std::string name, bool& value, std::string help);
    void set_version_flag(std::string name, std::string text);
    void require_subcommand();
    void footer(std::string text);
    // Called when this subcommand was chosen, once all is read.
    void callback(std::function<void()> chosen);

    // Reads the arguments and runs the chosen callback. `good` when that ran or help was asked for, which is
    // printed; `used_wrongly` after telling what is wrong. Never throws.
    int parse(int argc, char** argv);

  private:
    explicit App(CLI::App* app);
    Option* keep(CLI::Option* option);

    std::unique_ptr<CLI::App> own_;  // of the program; subcommands belong to CLI11
    CLI::App* app_;
    std::deque<Option> options_;
    std::vector<std::unique_ptr<App>> subcommands_;
};

}  // namespace hilum::cli
