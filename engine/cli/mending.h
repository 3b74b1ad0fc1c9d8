// Subcommands of `messages` and `queues` that send again, cancel and move.
#pragma once

namespace hilum::cli {

class App;

void add_resend(App& messages, int& exit_code);
void add_cancel(App& messages, int& exit_code);
void add_move(App& queues, int& exit_code);

}  // namespace hilum::cli
