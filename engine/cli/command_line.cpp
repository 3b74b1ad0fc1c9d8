#include "engine/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

#include "engine/cli/commands.h"

namespace hilum::cli {

Option* Option::required() {
    option_->required();
    return this;
}
Option* Option::one_of(std::vector<std::string> words) {
    option_->check(CLI::IsMember(std::move(words)));
    return this;
}
Option* Option::between(std::size_t least, std::size_t most) {
    option_->check(CLI::Range(least, most));
    return this;
}
Option* Option::positive() {
    option_->check(CLI::PositiveNumber);
    return this;
}
Option* Option::show_default() {
    option_->capture_default_str();
    return this;
}
Option* Option::or_variable(std::string name) {
    option_->envname(std::move(name));
    return this;
}
Option* Option::excludes(Option* other) {
    option_->excludes(other->option_);
    return this;
}

App::App(std::string description, std::string name)
    : own_(std::make_unique<CLI::App>(std::move(description), std::move(name))), app_(own_.get()) {}
App::App(CLI::App* app) : app_(app) {}
App::~App() = default;

App* App::add_subcommand(std::string name, std::string summary) {
    subcommands_.emplace_back(new App(app_->add_subcommand(std::move(name), std::move(summary))));
    return subcommands_.back().get();
}
Option* App::add_option(std::string name, std::string& value, std::string help) {
    return keep(app_->add_option(std::move(name), value, std::move(help)));
}
Option* App::add_option(std::string name, std::vector<std::string>& values, std::string help) {
    return keep(app_->add_option(std::move(name), values, std::move(help)));
}
Option* App::add_option(std::string name, std::size_t& value, std::string help) {
    return keep(app_->add_option(std::move(name), value, std::move(help)));
}
Option* App::add_option(std::string name, unsigned& value, std::string help) {
    return keep(app_->add_option(std::move(name), value, std::move(help)));
}
Option* App::add_flag(std::string name, bool& value, std::string help) {
    return keep(app_->add_flag(std::move(name), value, std::move(help)));
}
void App::set_version_flag(std::string name, std::string text) {
    app_->set_version_flag(std::move(name), std::move(text));
}
void App::require_subcommand() {
    app_->require_subcommand(1);
}
void App::footer(std::string text) {
    app_->footer(std::move(text));
}
void App::callback(std::function<void()> chosen) {
    app_->callback(std::move(chosen));
}

int App::parse(int argc, char** argv) {
    try {
        app_->parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app_->exit(e) == 0 ? good : used_wrongly;  // --help ends here too, with 0
    } catch (std::exception const& e) {
        std::fprintf(stderr, "hilum: %s\n", e.what());
        return answer_is_no;
    }
    return good;
}

Option* App::keep(CLI::Option* option) {
    return &options_.emplace_back(option);
}

}  // namespace hilum::cli
