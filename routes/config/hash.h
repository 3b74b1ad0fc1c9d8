// The short fingerprint of a configuration, for the trace. Not for security.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "routes/config/node.h"

namespace hilum::config {

// FNV-1a, 64 bit. Lengths are hashed too, so that different trees give different bytes.
class Hash {
  public:
    void add(std::string_view text) {
        number(text.size());
        for (char c : text) byte(static_cast<unsigned char>(c));
    }
    void add(Node const& node) {
        byte(static_cast<unsigned char>(node.kind));
        add(node.scalar);
        for (Hole const& hole : node.holes) {
            add(hole.param);
            number(hole.at);
        }
        number(node.items.size());
        for (Node const& item : node.items) add(item);
        number(node.entries.size());
        for (Entry const& entry : node.entries) {
            add(entry.key);
            add(entry.value);
        }
    }
    std::string text() const {
        char out[17];
        std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(state_));
        return std::string(out + 4);
    }

  private:
    void number(std::uint64_t n) {
        for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(n >> (8 * i)));
    }
    void byte(unsigned char b) { state_ = (state_ ^ b) * 0x100000001b3ull; }
    std::uint64_t state_ = 0xcbf29ce484222325ull;
};

}  // namespace hilum::config
