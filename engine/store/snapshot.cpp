#include "engine/store/snapshot.h"

#include <algorithm>

#include "engine/store/ledger.h"

namespace hilum::store {
namespace {

constexpr std::size_t chunk = 1u << 20;

}  // namespace

Result<std::unique_ptr<Snapshot>> Snapshot::open(std::string const& dir, std::shared_ptr<FileSystem> files,
                                                 std::int64_t since_us) {
    std::unique_ptr<Snapshot> snapshot(new Snapshot(dir, files));
    if (auto const found = snapshot->find_segments(dir, *files, since_us); !found) return found.error();
    return snapshot;
}

Result<void> Snapshot::find_segments(std::string const& dir, FileSystem& files, std::int64_t since_us) {
    since_us_ = since_us;
    auto const listed = files.list(journal_dir(dir));
    if (!listed)
        return error("no_journal", dir, "there is no store here", "name the folder of store: { dir: ... }");
    std::vector<std::uint32_t> numbers;
    for (auto const& name : *listed)
        if (auto const number = segment_number(name)) numbers.push_back(*number);
    std::sort(numbers.begin(), numbers.end());
    std::uint32_t first = 0;
    Position limit;
    for (auto const number : numbers) {
        auto opened = files.open(segment_path(dir, number), FileSystem::Open::read);
        if (!opened) {
            if (number == numbers.back()) return opened.error();
            continue;  // retention was here
        }
        std::shared_ptr<File> file(std::move(*opened));
        auto const header = read_segment_header(*file);
        auto const size = file->size();
        if (!header || !size) return header ? size.error() : header.error();
        if (!*header) {
            ++unreadable_;
            continue;
        }
        if ((*header)->version > format_version)
            return error("store_too_new", "journal/" + segment_name(number),
                         "this journal was written by a newer version", "run that version");
        auto const end = end_of_records(*file, std::min<std::uint64_t>(*size, 0xffffffffU - chunk));
        if (!end) return end.error();
        checksum_.emplace((*header)->store_id);
        catalogue_.add({number, (*header)->first, (*header)->created_us, *end}, nullptr);
        limit = Position::at(number, static_cast<std::uint32_t>(*end));
        // The last one that was made before: messages of that time may be in it.
        if (first == 0 || (*header)->created_us <= since_us) first = number;
    }
    if (first == 0)
        return error("no_journal", dir, "there is no journal here", "name the folder of store: { dir: ... }");
    cursor_.emplace(
        catalogue_, *checksum_, Position::at(first, 0), limit, [this](Damage const&) { ++unreadable_; },
        chunk);
    return {};
}

void Snapshot::learn_names(JournalCursor::Record const& record) {
    if (record.is(Kind::name)) {
        NameId id = 0;
        std::string_view name;
        if (decode_name(record.front, id, name)) names_[id] = name;
    } else if (record.is(Kind::checkpoint)) {
        Ledger ledger;
        if (ledger.decode(record.header, record.front)) names_.merge(ledger.names);
    }
}

Result<bool> Snapshot::next(MessageRecord& message) {
    for (;;) {
        JournalCursor::Record record;
        auto const more = cursor_->next(record);
        if (!more || !*more) return more;
        if (!record.is(Kind::message)) {
            learn_names(record);
            continue;
        }
        MessageBrief brief;
        if (!for_each_delivery(record.header, record.front, brief,
                               [](std::uint32_t, DeliveryEntry const&) {}) ||
            brief.received_us < since_us_)
            continue;
        front_ = record.front;
        message = {};
        auto const body = cursor_->body(record.header.body_length);
        bool const whole =
            body.size() == record.header.body_length && (*checksum_)(body) == record.header.body_crc;
        if (whole && decode_message(record.header, front_, body, message)) return true;
        ++unreadable_;
    }
}

std::string_view Snapshot::name(NameId id) const {
    auto const found = names_.find(id);
    return found == names_.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace hilum::store
