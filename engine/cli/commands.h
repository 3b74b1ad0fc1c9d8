// The subcommands: one file each, one line in the list of main.cpp.
#pragma once

namespace hilum::cli {

class App;  // command_line.h

// What a command ends with (DESIGN §7).
inline constexpr int good = 0;
inline constexpr int answer_is_no = 1;
inline constexpr int used_wrongly = 2;

// Each adds its subcommand to `app`; when it is chosen, parsing runs it and sets `exit_code`, which outlives
// the app.
void add_run(App& app, int& exit_code);
void add_check(App& app, int& exit_code);
void add_convert(App& app, int& exit_code);
void add_eval(App& app, int& exit_code);
void add_explain(App& app, int& exit_code);
void add_inspect(App& app, int& exit_code);
void add_send(App& app, int& exit_code);
void add_listen(App& app, int& exit_code);
void add_messages(App& app, int& exit_code);
void add_queues(App& app, int& exit_code);
void add_rehearse(App& app, int& exit_code);
void add_reload(App& app, int& exit_code);
void add_replay(App& app, int& exit_code);
void add_store(App& app, int& exit_code);
void add_test(App& app, int& exit_code);
void add_version(App& app, int& exit_code);

}  // namespace hilum::cli
