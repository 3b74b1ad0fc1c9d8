#include "engine/ops/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "engine/ops/utf8.h"

namespace hilum::ops {
namespace {

constexpr std::size_t value_bytes_max = 512;

bool is_bare(std::string_view value) {
    if (value.empty()) return false;
    for (char const c : value) {
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
    }
    return true;
}

std::string_view word(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
    }
    return "error";
}

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

}  // namespace

struct Log::Impl {
    spdlog::logger logger{"hilum", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

Log::Log(Level least) : impl_(std::make_unique<Impl>()) {
    impl_->logger.set_level(spdlog_level(least));
    impl_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %v",
                                                                            spdlog::pattern_time_type::utc));
}

Log::~Log() = default;

void Log::event(Level level, std::string_view name, std::initializer_list<LogField> fields) {
    if (!impl_->logger.should_log(spdlog_level(level))) return;
    std::string const line = format(level, name, fields);
    impl_->logger.log(spdlog_level(level),
                      spdlog::string_view_t(line));  // this overload takes the text as it is
}

std::string Log::format(Level level, std::string_view name, std::initializer_list<LogField> fields) {
    std::string line;
    line.reserve(128);
    line += word(level);
    line += ' ';
    line += name;
    for (LogField const& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        std::string_view const kept = cut_text(field.value, value_bytes_max);
        if (kept.size() == field.value.size() && is_bare(kept)) {
            line += kept;
            continue;
        }
        line += '"';
        append_escaped(line, kept);
        if (kept.size() < field.value.size()) {
            line += "...(+" + std::to_string(field.value.size() - kept.size()) + " bytes)";
        }
        line += '"';
    }
    return line;
}

}  // namespace hilum::ops
