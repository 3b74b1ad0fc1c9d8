// The message that load sends: a synthetic ADT^A01 of a chosen size, built once per connection; only the
// control id and the send time are patched in place for each message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hilum::bench {

// Writes `value` right-aligned with leading zeros.
void write_digits(char* at, std::size_t width, std::uint64_t value);

class PatchedMessage {
  public:
    // Control ids are `run` (6 characters), the connection's number (5 digits) and a counter (9 digits): 20
    // characters, the most that MSH-10 may have up to version 2.6. `size` is of the content in bytes, at
    // least 700.
    PatchedMessage(std::string_view run, std::uint32_t connection, std::size_t size);
    // The same as a FHIR resource that is posted: a Patient of about `size` bytes, from 4 KB on a transaction
    // of a Patient and Observations. The control id is the patient's identifier. `path` is where it is
    // posted.
    PatchedMessage(std::string_view run, std::uint32_t connection, std::size_t size, std::string_view path);

    // The next message; its framed bytes live in framed() until the next call.
    void next(std::uint64_t counter, std::uint64_t sent_ns);
    std::string_view framed() const { return bytes_; }
    std::string_view control_id() const { return std::string_view(bytes_).substr(control_id_, 20); }

  private:
    std::string bytes_;
    std::size_t control_id_ = 0;
    std::size_t sent_ = 0;  // 0: the time is not in it
};

}  // namespace hilum::bench
