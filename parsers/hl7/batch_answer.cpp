#include <algorithm>

#include "parsers/hl7/batch.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

namespace {

// The header that answers FHS or BHS: sender and receiver swapped (§2.14.1, §2.14.2; both have the same
// fields in the places used here).
class Header {
  public:
    explicit Header(std::string_view received) : received_(received) {
        // The delimiters are checked as those of a message are.
        std::string const as_msh =
            "MSH" + std::string(received.substr(std::min<std::size_t>(3, received.size())));
        auto const message = Message::view(as_msh);
        usable_ = message.has_value();
        if (usable_) delimiters_ = message->delimiters();
    }

    Delimiters const& delimiters() const { return delimiters_; }

    void append(std::string_view name, AckOptions const& options, std::string& out) const {
        out += name;
        for (int field = 2; field <= 12; ++field) {
            out += delimiters_.field;
            switch (field) {
                case 2:
                    out += usable_ ? raw(2) : std::string_view("^~\\&");
                    break;
                case 3:
                case 4:
                    out += raw(field + 2);
                    break;
                case 5:
                case 6:
                    out += raw(field - 2);
                    break;
                case 7:
                    out += options.timestamp;
                    break;
                case 11:
                    escape(options.control_id, delimiters_, out);
                    break;
                case 12:
                    out += raw(11);
                    break;
                default:
                    break;
            }
        }
        out += '\r';
    }

  private:
    std::string_view raw(int field) const {
        return usable_ ? part(received_, delimiters_.field, static_cast<std::uint32_t>(field))
                       : std::string_view{};
    }

    std::string_view received_;
    Delimiters delimiters_;
    bool usable_ = false;
};

void append_trailer(std::string_view name, std::size_t count, std::string_view comment,
                    Delimiters const& delimiters, std::string& out) {
    out += name;
    out += delimiters.field;
    out += std::to_string(count);
    if (!comment.empty()) {
        out += delimiters.field;
        escape(comment, delimiters, out);
    }
    out += '\r';
}

}  // namespace

std::string build_batch_answer(Split const& batch, std::span<std::string const> acks,
                               AckOptions const& options, std::string_view comment) {
    Header const file(batch.file_header);
    Header const header(batch.batch_header.empty() ? batch.file_header : batch.batch_header);
    std::string out;
    if (!batch.file_header.empty()) file.append("FHS", options, out);
    header.append("BHS", options, out);
    for (auto const& ack : acks) {
        out += ack;
        if (!ack.empty() && ack.back() != '\r') out += '\r';
    }
    append_trailer("BTS", acks.size(), comment, header.delimiters(), out);
    if (!batch.file_header.empty()) append_trailer("FTS", 1, {}, file.delimiters(), out);
    return out;
}

}  // namespace hilum::hl7
