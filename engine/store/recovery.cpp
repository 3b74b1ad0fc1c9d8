#include "engine/store/recovery.h"

#include <algorithm>
#include <random>

#include "engine/store/cursor.h"
#include "engine/store/segment.h"

namespace hilum::store {
namespace {

using Step = SegmentReader::Step;

std::uint64_t random_id() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

// The records of the newest segment, and the places between them that can't be read.
struct Survey {
    struct Gap {
        std::uint64_t from = 0, until = 0;
        Sequence sequence = 0;    // of the message, when its header is good
        bool front_good = false;  // only its body is damaged
    };
    std::vector<Gap> gaps;
    std::uint64_t end = 0;     // behind the last good record
    std::uint64_t proven = 0;  // durable up to here, by what the marks say
};

Result<Survey> survey(std::shared_ptr<File> const& file, Checksum const& checksum, std::uint32_t number,
                      std::uint64_t size) {
    Survey s;
    s.end = s.proven = first_record_offset;
    SegmentReader reader(file, checksum, first_record_offset, size, 1u << 20);
    SegmentReader::Record r;
    for (;;) {
        std::uint64_t const before = reader.offset();
        Step const step = reader.next(r);
        if (step == Step::failed) return *reader.error();
        if (step == Step::end) return s;
        if (step != Step::record) {
            if (step == Step::zeros && reader.first_nonzero(before) >= size) return s;
            bool const more = reader.resync();
            if (reader.error()) return *reader.error();
            s.gaps.push_back({before, reader.offset(), 0, false});
            if (!more) return s;
            continue;
        }
        Position durable;
        bool const mark = r.header.is(Kind::sync_mark) || r.header.is(Kind::clean_end);
        if (mark && r.front_good && decode_mark(r.front, durable) && durable.segment() == number) {
            s.proven = std::max<std::uint64_t>(s.proven, durable.offset());
        }
        if (r.header.is(Kind::checkpoint) && before == first_record_offset)
            s.proven = std::max(s.proven, r.end());
        bool const front_good = r.front_good;
        if (!front_good || !reader.body_good(r)) {
            if (reader.error()) return *reader.error();
            s.gaps.push_back(
                {before, r.end(), r.header.is(Kind::message) ? r.header.sequence : 0, front_good});
        }
        s.end = r.end();
    }
}

class Recovery {
  public:
    Recovery(std::string dir, std::shared_ptr<FileSystem> files, std::uint64_t segment_size,
             std::int64_t now_us, RecoveryMode mode)
        : dir_(std::move(dir)),
          files_(std::move(files)),
          segment_size_(segment_size),
          now_us_(now_us),
          mode_(mode) {}

    Result<Recovered> run() {
        auto const began = std::chrono::steady_clock::now();
        out_.catalogue = std::make_unique<Catalogue>(dir_, files_);
        if (auto r = find_segments(); !r) return r.error();
        if (numbers_.empty()) {
            if (auto r = create(); !r) return r.error();
        } else {
            if (auto r = read_headers(); !r) return r.error();
            if (auto r = load_checkpoint(); !r) return r.error();
            if (auto r = roll_forward(); !r) return r.error();
            if (auto r = settle_tail(); !r) return r.error();
            if (recount_) {
                if (auto r = recount(); !r) return r.error();
            }
        }
        out_.report.took =
            std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
        return std::move(out_);
    }

  private:
    Result<void> find_segments() {
        auto const names = files_->list(journal_dir(dir_));
        if (!names) return names.error();
        for (auto const& name : *names) {
            if (auto const n = segment_number(name)) numbers_.push_back(*n);
            if (name.ends_with(".new") && mode_ == RecoveryMode::repair) {
                if (auto r = files_->remove(journal_dir(dir_) + "/" + name); !r) return r.error();
                out_.report.notes.push_back("removed journal/" + name +
                                            ", a segment that was being made when the last run ended");
            }
        }
        std::sort(numbers_.begin(), numbers_.end());
        return {};
    }

    Result<void> create() {
        if (mode_ == RecoveryMode::look)
            return error("no_journal", journal_dir(dir_), "there is no journal here", "check the folder");
        out_.store_id = random_id();
        auto made = make_segment(dir_, *files_, {1, out_.store_id, now_us_, segment_size_, 0}, out_.ledger);
        if (!made) return made.error();
        out_.catalogue->add({1, 1, now_us_, 0}, made->file);
        out_.active = made->file;
        out_.allocated = made->allocated;
        out_.end = Position::at(1, static_cast<std::uint32_t>(made->end));
        return {};
    }

    Result<void> read_headers() {
        std::vector<std::pair<Segment, bool>> found;
        bool known = false;
        for (auto const number : numbers_) {
            auto const how = number == numbers_.back() && mode_ == RecoveryMode::repair
                                 ? FileSystem::Open::create_or_write
                                 : FileSystem::Open::read;
            auto opened = files_->open(segment_path(dir_, number), how);
            if (!opened) return opened.error();
            std::shared_ptr<File> file(std::move(*opened));
            auto const size = file->size();
            if (!size) return size.error();
            auto const header = read_segment_header(*file);
            if (!header) return header.error();
            Segment segment{number, 0, 0, std::min<std::uint64_t>(*size, 0xffffffffu)};
            bool const good =
                *header && (*header)->number == number && (!known || (*header)->store_id == out_.store_id);
            if (*header && (*header)->version > format_version) {
                return error("store_too_new", "journal/" + segment_name(number),
                             "this journal was written by a newer version (format " +
                                 std::to_string((*header)->version) + ")",
                             "run that version");
            }
            if (number == numbers_.back()) out_.older_format = *header && (*header)->version < format_version;
            if (good) {
                segment.first = (*header)->first;
                segment.created_us = (*header)->created_us;
                out_.store_id = (*header)->store_id;
                known = true;
            } else {
                damaged("journal/" + segment_name(number) +
                        ":0: the segment header can't be read; no message is missing");
            }
            found.emplace_back(segment, good);
            if (number == numbers_.back()) out_.active = file;
        }
        if (!known) {
            return error("journal_unreadable", journal_dir(dir_), "no segment has a readable header",
                         "restore the folder from a backup, or move it away to start with an empty store");
        }
        Segment before;
        for (auto& [segment, good] : found) {
            if (!good) segment.created_us = before.created_us;
            if (before.number != 0 && segment.number != before.number + 1) {
                damaged("journal/" + segment_name(before.number + 1) +
                        ": the file is gone; messages before " + std::to_string(segment.first) +
                        " are missing");
                recount_ = true;
            }
            out_.catalogue->add(segment, segment.number == numbers_.back() ? out_.active : nullptr);
            before = segment;
        }
        return {};
    }

    // The newest segment with a good checkpoint; else the first, from an empty ledger.
    Result<void> load_checkpoint() {
        Checksum const checksum(out_.store_id);
        for (auto number = numbers_.rbegin(); number != numbers_.rend(); ++number) {
            auto file = out_.catalogue->file(*number);
            if (!file) return file.error();
            auto const segment = *out_.catalogue->find(*number);
            SegmentReader reader(*file, checksum, first_record_offset, segment.end);
            SegmentReader::Record r;
            Step const step = reader.next(r);
            if (step == Step::failed) return *reader.error();
            if (step == Step::record && r.front_good && r.header.is(Kind::checkpoint) &&
                out_.ledger.decode(r.header, r.front)) {
                from_ = Position::at(*number, static_cast<std::uint32_t>(reader.offset()));
                return check_previous_end(*number);
            }
            damaged(place(Position::at(*number, first_record_offset)) +
                    ": the checkpoint can't be read; no message is missing");
            recount_ = true;
        }
        out_.ledger = Ledger();
        from_ = Position::at(numbers_.front(), first_record_offset);
        if (numbers_.front() != 1)
            out_.report.notes.push_back(
                "no checkpoint is readable: held and queued entries are counted from what is left");
        return {};
    }

    Result<void> check_previous_end(std::uint32_t number) {
        Position const end = out_.ledger.previous_end;
        auto const segment = end.segment() == number - 1 ? out_.catalogue->find(end.segment()) : std::nullopt;
        if (!segment) return {};
        if (segment->end < end.offset()) {
            damaged(place(Position::at(segment->number, static_cast<std::uint32_t>(segment->end))) +
                    ": the file is " + std::to_string(end.offset() - segment->end) +
                    " bytes short; `hilum store verify` names what is missing");
        } else if (segment->end > end.offset()) {
            // The last run ended before it could cut off what was preallocated.
            out_.catalogue->seal(segment->number, end.offset());
            if (mode_ == RecoveryMode::look) return {};
            auto file = files_->open(segment_path(dir_, segment->number), FileSystem::Open::create_or_write);
            if (!file) return file.error();
            if (auto r = (*file)->truncate(end.offset()); !r) return r;
            return (*file)->sync();
        }
        return {};
    }

    Result<void> roll_forward() {
        Checksum const checksum(out_.store_id);
        std::uint32_t const newest = numbers_.back();
        auto const size = out_.active->size();
        if (!size) return size.error();
        out_.allocated = std::min<std::uint64_t>(*size, 0xffffffffu);
        auto looked = survey(out_.active, checksum, newest, out_.allocated);
        if (!looked) return looked.error();
        Survey const& s = *looked;
        end_ = s.end;
        proven_ = s.proven;
        for (auto const& gap : s.gaps) {
            if (gap.from >= s.proven) {
                end_ = gap.from;
                break;
            }
            if (gap.front_good) {
                damaged(
                    damaged_body(Position::at(newest, static_cast<std::uint32_t>(gap.from)), gap.sequence));
            }
            recount_ = true;
        }
        end_ = std::max<std::uint64_t>(end_, first_record_offset);
        Position const limit = Position::at(newest, static_cast<std::uint32_t>(end_));
        JournalCursor cursor(
            *out_.catalogue, checksum, from_, limit,
            [this](Damage const& d) {
                recount_ = true;
                damaged(d.text());
            },
            1u << 20);
        JournalCursor::Record r;
        bool clean = false;
        for (;;) {
            auto const more = cursor.next(r);
            if (!more) return more.error();
            if (!*more) break;
            clean = r.is(Kind::clean_end);
            if (!apply(out_.ledger, r.position, r.header, r.front)) {
                damaged(place(r.position) + ": a record of kind " + std::to_string(r.header.kind) +
                        " that makes no sense was passed over");
            }
        }
        out_.report.clean = clean;
        return {};
    }

    Result<void> settle_tail() {
        std::uint32_t const newest = numbers_.back();
        out_.end = Position::at(newest, static_cast<std::uint32_t>(end_));
        SegmentReader tail(out_.active, Checksum(out_.store_id), end_, out_.allocated, 1u << 20);
        std::uint64_t stray = end_;
        std::uint64_t last = end_;
        for (stray = tail.first_nonzero(end_); stray < out_.allocated; stray = tail.first_nonzero(last))
            last = stray + 1;
        if (tail.error()) return *tail.error();
        bool const torn = last > end_;
        if (torn) {
            out_.report.cut_bytes = last - end_;
            out_.report.notes.push_back(place(out_.end) + ": a torn tail of " + std::to_string(last - end_) +
                                        " bytes, never acknowledged, was cut off");
        }
        if (mode_ == RecoveryMode::look) return {};
        if (torn) {
            if (auto r = out_.active->truncate(end_); !r) return r.error();
        }
        // Written again: after a failed sync of the last run these bytes may be in memory only, and marked
        // clean.
        if (auto r = rewrite(std::min(proven_, end_), end_); !r) return r.error();
        if (torn || out_.allocated < segment_size_) {
            // No room is no reason not to start: the store then begins as full.
            std::uint64_t const want = std::max(out_.allocated, segment_size_);
            auto const r = out_.active->allocate(want);
            if (r) {
                out_.allocated = want;
            } else if (r.error().code == "disk_full") {
                out_.allocated = end_;
                out_.report.notes.push_back("the disk is full: the store starts without room");
            } else {
                return r.error();
            }
        }
        return out_.active->sync();
    }

    Result<void> rewrite(std::uint64_t from, std::uint64_t until) {
        std::string piece;
        while (from < until) {
            piece.resize(std::min<std::uint64_t>(until - from, 1u << 20));
            auto const n = out_.active->read_at(from, std::span<char>(piece.data(), piece.size()));
            if (!n) return n.error();
            if (*n == 0) break;
            if (auto r = out_.active->write_at(from, std::string_view(piece.data(), *n)); !r)
                return r.error();
            from += *n;
        }
        return {};
    }

    // Damage may have taken entries or results with it, so what is queued is counted anew.
    Result<void> recount() {
        Position first{~std::uint64_t{0}};
        std::map<NameId, std::uint64_t> queued;
        for (auto const& [destination, lane] : out_.ledger.lanes()) {
            if (lane.queued == 0) continue;
            first = std::min(first, lane.cursor.position);
            queued[destination] = 0;
        }
        if (queued.empty()) return {};
        auto const count = [&](NameId destination, LaneKey const& key) {
            auto const q = queued.find(destination);
            if (q == queued.end()) return;
            Lane const& lane = out_.ledger.lanes().at(destination);
            if (unsettled(lane, key)) ++q->second;
        };
        JournalCursor cursor(*out_.catalogue, Checksum(out_.store_id), first, out_.end, nullptr, 1u << 20);
        JournalCursor::Record r;
        for (;;) {
            auto const more = cursor.next(r);
            if (!more) return more.error();
            if (!*more) break;
            if (r.is(Kind::message)) {
                MessageBrief brief;
                for_each_delivery(r.header, r.front, brief, [&](std::uint32_t n, DeliveryEntry const& d) {
                    count(d.destination, {r.position, n});
                });
            } else if (ResendRecord resend; r.is(Kind::resend) && decode_resend(r.header, r.front, resend)) {
                count(resend.destination, {r.position, 0});
            }
        }
        for (auto const& [destination, n] : queued) out_.ledger.set_queued(destination, n);
        return {};
    }

    void damaged(std::string line) {
        if (out_.report.damage.size() < 1000) out_.report.damage.push_back(std::move(line));
    }

    std::string dir_;
    std::shared_ptr<FileSystem> files_;
    std::uint64_t segment_size_;
    std::int64_t now_us_;
    RecoveryMode mode_;
    std::vector<std::uint32_t> numbers_;
    Position from_;
    std::uint64_t end_ = 0;
    std::uint64_t proven_ = 0;
    bool recount_ = false;
    Recovered out_;
};

}  // namespace

Result<std::shared_ptr<void>> lock_store(std::string const& dir, FileSystem& files) {
    if (auto r = files.make_dirs(journal_dir(dir)); !r) return r.error();
    return files.lock(dir + "/LOCK");
}

std::string damaged_body(Position position, Sequence sequence) {
    return place(position) + ": the body of " +
           (sequence == 0 ? "a record" : "message " + std::to_string(sequence)) + " is damaged";
}

bool apply(Ledger& ledger, Position position, RecordHeader const& header, std::string_view front) {
    switch (static_cast<Kind>(header.kind)) {
        case Kind::message: {
            MessageBrief brief;
            bool const good =
                for_each_delivery(header, front, brief, [&](std::uint32_t n, DeliveryEntry const& d) {
                    ledger.delivery(d.destination, {position, n});
                });
            ledger.message(position, header.sequence, brief.state);
            return good;
        }
        case Kind::resend: {
            ResendRecord r;
            if (!decode_resend(header, front, r)) return false;
            ledger.resend(position, r);
            return true;
        }
        case Kind::result: {
            ResultRecord r;
            if (!decode_result(header, front, {}, r)) return false;
            ledger.result(r);
            return true;
        }
        case Kind::name: {
            NameId id = 0;
            std::string_view name;
            if (!decode_name(front, id, name)) return false;
            ledger.names[id] = name;
            return true;
        }
        default:
            return true;
    }
}

Result<Recovered> recover(std::string const& dir, std::shared_ptr<FileSystem> files,
                          std::uint64_t segment_size, std::int64_t now_us, RecoveryMode mode) {
    return Recovery(dir, std::move(files), segment_size, now_us, mode).run();
}

}  // namespace hilum::store
