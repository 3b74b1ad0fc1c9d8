// The sequence number protocol (HL7 v2.8.2 §2.10.1) as its receiver sees it: each sender counts its messages
// up by one in MSH-13.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace hilum::flow {

// The last number of each sender, for one listener. Thread-safe. It knows what came since the listener
// started and of at most `max_senders`, those heard of last; the first number of one it doesn't know counts
// as the beginning.
class SequenceTable {
  public:
    explicit SequenceTable(std::size_t max_senders = 1024) : max_senders_(max_senders) {}

    enum class Verdict : unsigned char {
        unnumbered,  // MSH-13 is empty: nothing to check
        in_order,    // to be stored, then settled()
        link,        // 0 or -1, which start or resynchronise the link: acknowledged, nothing to process
        repeated,    // the last one again (its acknowledgement was lost): it is on disk
        unsettled,   // the last one again, while it is being stored: not now
        gap,         // another number than the expected one
        unreadable   // no number
    };
    struct Check {
        Verdict verdict = Verdict::unnumbered;
        std::int64_t number = 0;
        std::int64_t expected = 0;  // MSA-4 of the answer; not for unnumbered and unreadable
    };
    // `sender` tells senders apart (MSH-3, MSH-4); `number` is MSH-13, `control_id` MSH-10.
    Check arrive(std::string_view sender, std::string_view number, std::string_view control_id);
    // What became of a message that was in_order.
    void settled(std::string_view sender, std::int64_t number, bool stored);

  private:
    struct Sender {
        std::string name;
        std::int64_t last = none;
        std::string control_id;  // of the last
        std::int64_t before = none;
        bool stored = true;
    };
    static constexpr std::int64_t none = -1;  // the next positive number is the beginning
    Sender& sender(std::string_view name);

    std::size_t max_senders_;
    std::mutex mutex_;
    std::list<Sender> senders_;  // the one heard of last in front
    std::unordered_map<std::string_view, std::list<Sender>::iterator> by_name_;
};

}  // namespace hilum::flow
