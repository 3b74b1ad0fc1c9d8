// Log lines: one event is one line on stderr, `2026-11-22T03:04:05.678Z warn frame_refused listener=adt_in
// bytes=17000000`. Values are escaped, so that nothing from a peer can begin a line of its own. Never message
// content: trace ids instead.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace hilum::ops {

enum class Level : unsigned char { debug, info, warn, error };

struct LogField {
    std::string_view key;
    std::string value;
    LogField(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
    LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
    LogField(std::string_view k, char const* v) : key(k), value(v) {}
    template <class N>
    requires std::is_arithmetic_v<N> LogField(std::string_view k, N v) : key(k), value(std::to_string(v)) {}
};

// Thread-safe. Owned by main, passed by reference.
class Log {
  public:
    explicit Log(Level least = Level::info);
    ~Log();
    void event(Level level, std::string_view name, std::initializer_list<LogField> fields = {});
    void info(std::string_view name, std::initializer_list<LogField> fields = {}) {
        event(Level::info, name, fields);
    }
    void warn(std::string_view name, std::initializer_list<LogField> fields = {}) {
        event(Level::warn, name, fields);
    }
    void error(std::string_view name, std::initializer_list<LogField> fields = {}) {
        event(Level::error, name, fields);
    }

    // The line without time, for tests.
    static std::string format(Level level, std::string_view name, std::initializer_list<LogField> fields);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hilum::ops
