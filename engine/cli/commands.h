// The subcommands: one file each, one line in the list of main.cpp.
#pragma once

namespace CLI {
class App;
}

namespace hilum::cli {

// What a command ends with (DESIGN §7).
inline constexpr int good = 0;
inline constexpr int answer_is_no = 1;
inline constexpr int used_wrongly = 2;

// Each adds its subcommand to `app`; when it is chosen, parsing runs it and sets `exit_code`, which outlives
// the app.
void add_run(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_convert(CLI::App& app, int& exit_code);
void add_eval(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_send(CLI::App& app, int& exit_code);
void add_listen(CLI::App& app, int& exit_code);
void add_messages(CLI::App& app, int& exit_code);
void add_queues(CLI::App& app, int& exit_code);
void add_reload(CLI::App& app, int& exit_code);
void add_store(CLI::App& app, int& exit_code);
void add_version(CLI::App& app, int& exit_code);

}  // namespace hilum::cli
