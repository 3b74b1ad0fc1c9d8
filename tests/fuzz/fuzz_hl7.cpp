// Any bytes: unedited they are written back as they came; edits keep the rest and read back; answers can
// always be built and read; escaping loses nothing. Input: byte 0 chooses paths, the rest is the message.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/continuation.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message.h"

using namespace hilum::hl7;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::array<std::string_view, 12> paths = {
    "MSH-3",    "MSH-9.2",    "PID-3",       "PID-3[2].4.2", "PID-5.1",  "OBX[2]-5",
    "NK1[1]-2", "PID-3[*].1", "OBX[*]-5[*]", "ZZ1-3",        "PV1-44.2", "PID-1[3]",
};

void check_escape(std::string_view text, Delimiters const& delimiters) {
    if (delimiters.escape == '\0') return;
    std::string raw, scratch;
    escape(text, delimiters, raw);
    require(unescape(raw, delimiters, scratch) == text);
    require(raw.find_first_of("\r\n") == std::string::npos);
    require(raw.find(delimiters.field) == std::string::npos);
}

void check_answers(Message const& message, std::string_view bytes) {
    AckError const error{.location = "PID^1^3", .code = "101", .text = std::string(bytes.substr(0, 40))};
    AckOptions const options{.control_id = "C1", .timestamp = "20240102030405+0000"};
    for (AckError const* e : {static_cast<AckError const*>(nullptr), &error}) {
        std::string out;
        build_ack(message, e == nullptr ? AckCode::AA : AckCode::AE, options, e, out);
        auto const answer = Message::view(out);
        require(answer.has_value());
        require(answer->segment_count() == (e == nullptr ? 2U : 3U));
        auto const reading = read_ack(out);
        require(reading.has_value());
        // The bytes: as text they may differ, when a byte order mark before MSH says UTF-8 and MSH-10 is
        // none.
        std::string sent, answered;
        message.append_bytes(message.get(Path::parse("MSH-10").value()).raw, sent);
        answer->append_bytes(answer->get(Path::parse("MSA-2").value()).raw, answered);
        require(answered == sent);
    }
}

void check_edit(std::string const& bytes, Path const& path, Path const& other) {
    auto message = Message::parse(bytes);
    require(message.has_value());
    std::string const text = "n|e^w~\\&\r";
    std::size_t const segments = message->segment_count();
    std::string const untouched = message->text(other.text());
    auto const done = message->set(path, text);
    if (!done) {
        require(message->bytes() == bytes || path.many());
        return;
    }
    std::string scratch;
    if (!path.many()) require(message->text(path, scratch) == text);
    bool const same_place = path.segment_name() == other.segment_name() && path.field == other.field;
    if (!same_place) require(message->text(other.text()) == untouched);
    require(message->segment_count() <= segments + 1);

    std::string const written = message->bytes();
    auto const again = Message::view(written);
    require(again.has_value());
    require(again->bytes() == written);
    require(again->segment_count() == message->segment_count());
    if (!path.many()) require(again->text(path, scratch) == text);

    (void)message->erase(path);
    (void)message->copy(other, path);
    (void)message->erase(other);
    require(Message::view(message->bytes()).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 1) return 0;
    std::size_t const choice = data[0];
    std::string const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);

    check_escape(bytes, {});
    check_escape(bytes, {.truncation = '#'});
    std::string scratch;
    (void)unescape(bytes, {}, scratch);
    auto const prefix = Path::parse_prefix(bytes);
    require(prefix.length <= bytes.size());
    if (prefix.length != 0) {
        auto const path = Path::parse(bytes.substr(0, prefix.length));
        require(path.has_value() && *path == prefix.path);
    }
    std::size_t total = 0;
    BatchCheck check;
    auto const split = split_messages(bytes, &check);
    check.finish();
    require(check.findings().size() <= 20);
    Continuations joining({.bytes = 1000, .fragments = 3, .messages = 2, .bytes_in_all = 1500});
    for (auto const part : split.messages) {
        total += part.size();
        if (auto const one = Message::view(part)) {
            auto const outcome = joining.add(*one);
            require(outcome.message.size() <= bytes.size() + split.messages.size() * 4096);
        }
    }
    require(total <= bytes.size());
    std::string const answer = build_batch_answer(split, {}, {.control_id = "1", .timestamp = "2"}, bytes);
    require(is_batch(answer));
    require(split_messages(answer).messages.empty());
    (void)read_ack(bytes);
    auto const nak = build_nak_for_fragment(bytes, {.control_id = "1"}, {.text = bytes.substr(0, 40)});
    if (!nak.empty()) require(read_ack(nak).has_value());

    auto const message = Message::view(bytes);
    if (!message) return 0;
    require(message->bytes() == bytes);
    check_escape(bytes, message->delimiters());
    check_answers(*message, bytes);
    for (auto const text : paths) {
        auto const path = Path::parse(text);
        std::size_t values = 0;
        message->for_each(*path, [&](Value const& value) { values += value.raw.size(); });
        (void)message->repetitions(*path);
    }
    check_edit(bytes, *Path::parse(paths[choice % paths.size()]),
               *Path::parse(paths[choice / 16 % paths.size()]));
    return 0;
}
