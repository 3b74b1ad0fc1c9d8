#include "engine/flow/last_run.h"

#include <fstream>

namespace hilum::flow {

using delivery::Ended;
using delivery::LastRun;

namespace {

struct Kept {
    std::string boot;
    LastRun run;
};

std::string boot_id() {
    std::string line;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> line;
    return line;
}

std::string path_in(std::string const& dir) {
    return dir + "/boot";
}

// Nothing that can be read is an empty boot id, which no kernel has.
Kept read(std::string const& dir) {
    Kept kept;
    unsigned ended = 0;
    std::ifstream file(path_in(dir));
    if (!(file >> kept.boot >> ended >> kept.run.until.value)) return {};
    kept.run.ended = ended >= 2 ? Ended::machine : ended == 1 ? Ended::killed : Ended::clean;
    return kept;
}

void write(std::string const& dir, Kept const& kept) {
    std::ofstream(path_in(dir), std::ios::trunc) << kept.boot << '\n'
                                                 << static_cast<unsigned>(kept.run.ended) << '\n'
                                                 << kept.run.until.value << '\n';
}

}  // namespace

LastRun last_run(std::string const& dir, bool clean, store::Position durable_end) {
    auto kept = read(dir);
    auto const now = boot_id();
    bool const same = !now.empty() && now == kept.boot;
    kept.run = kept.run.and_then(clean ? Ended::clean : same ? Ended::killed : Ended::machine, durable_end);
    kept.boot = now;
    write(dir, kept);
    return kept.run;
}

void note_lost_results(std::string const& dir, store::Position durable_end) {
    auto kept = read(dir);
    kept.run = kept.run.and_then(Ended::killed, durable_end);
    write(dir, kept);
}

}  // namespace hilum::flow
