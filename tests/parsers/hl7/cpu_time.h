// Processor time of this process: on a busy machine the clock on the wall says nothing about linear time.
#pragma once

#include <ctime>

inline double cpu_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}
