#include "engine/net/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace hilum::net {
namespace {

constexpr rlim_t kept_back_at_most = 256;

}  // namespace

void use_all_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);  // else it stays as it was
}

bool descriptors_to_spare(int open) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return true;
    // The lowest free one is given out: its number says how many are in use.
    int const next = ::fcntl(open, F_DUPFD_CLOEXEC, 0);
    if (next < 0) return false;
    ::close(next);
    return static_cast<rlim_t>(next) + std::min(limit.rlim_cur / 4, kept_back_at_most) < limit.rlim_cur;
}

}  // namespace hilum::net
