// The promise of message.h: a view of up to 32 segments, and reading from it, allocate nothing.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "parsers/hl7/message.h"

// A sanitizer brings its own operator new, which is to stay; there the test is left out.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HILUM_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HILUM_SANITIZED
#endif

#ifndef HILUM_SANITIZED

namespace {
std::atomic<std::size_t> allocations = 0;

void* counted(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
}  // namespace

void* operator new(std::size_t size) {
    return counted(size);
}
void* operator new[](std::size_t size) {
    return counted(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

TEST_CASE("allocation: view and six reads make none") {
    using hilum::hl7::Path;
    std::string bytes =
        "MSH|^~\\&|ADT|HOSP|LAB|HOSP|20240102030405||ADT^A01^ADT_A01|MSG1|P|2.5||||||UNICODE UTF-8\r"
        "PID|1||1^^^H~2||\xc3\x84^B\r";
    for (int i = 0; i < 30; ++i) bytes += "OBX|1|ST|a||value|\r";
    Path const paths[] = {
        Path::parse("MSH-9.1").value(),    Path::parse("MSH-9.2").value(), Path::parse("MSH-10").value(),
        Path::parse("PID-3[2].1").value(), Path::parse("PID-5.1").value(), Path::parse("OBX[30]-5").value(),
    };
    std::string scratch;
    std::size_t read = 0;
    std::size_t const before = allocations.load();
    {
        auto const message = hilum::hl7::Message::view(bytes);
        if (message) {
            for (auto const& path : paths) read += message->text(path, scratch).size();
        }
    }
    std::size_t const made = allocations.load() - before;
    CHECK(read == 3 + 3 + 4 + 1 + 2 + 5);
    CHECK(made == 0);
    auto const owned = std::make_unique<int>(1);
    CHECK(allocations.load() > before);  // the counter does count
}

#endif
