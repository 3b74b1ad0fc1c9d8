#include <csignal>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"

int main(int argc, char** argv) {
    // A peer that closes early is an error of one write, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);

    hilum::cli::App app("Hilum, an interface engine for HL7 v2 and FHIR.", "hilum");
    app.require_subcommand();
    app.set_version_flag("--version", "hilum " HILUM_VERSION);
    app.footer(
        "Exit codes: 0 good, 1 the answer is no, 2 used wrongly. Answers go to stdout, log lines to stderr.\n"
        "`hilum COMMAND --help` explains a command with an example.");

    int exit_code = hilum::cli::good;
    for (auto* const add :
         {hilum::cli::add_run, hilum::cli::add_check, hilum::cli::add_test, hilum::cli::add_inspect,
          hilum::cli::add_convert, hilum::cli::add_eval, hilum::cli::add_explain, hilum::cli::add_send,
          hilum::cli::add_listen, hilum::cli::add_messages, hilum::cli::add_queues, hilum::cli::add_rehearse,
          hilum::cli::add_reload, hilum::cli::add_replay, hilum::cli::add_store, hilum::cli::add_version}) {
        add(app, exit_code);
    }
    if (int const read = app.parse(argc, argv); read != hilum::cli::good) return read;
    return exit_code;
}
