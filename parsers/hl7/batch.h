// Files with several messages: batches (HL7 v2.8.2 §2.10.3 FHS/BHS/BTS/FTS) or plain concatenation.
#pragma once

#include <string_view>
#include <vector>

namespace hilum::hl7 {

// The messages in `bytes`, each from its MSH to before the next MSH or batch segment; MLLP framing bytes
// around them are left out. Views into `bytes`. `leftover` is true when there is text that belongs to no
// message (besides batch segments and white space).
struct Split {
    std::vector<std::string_view> messages;
    bool leftover = false;
    bool batch = false;  // FHS or BHS was there
};
Split split_messages(std::string_view bytes);

}  // namespace hilum::hl7
