#include "engine/store/new_segment.h"

#include <algorithm>

#include "engine/ops/kill_point.h"
#include "engine/store/codec.h"
#include "engine/store/segment.h"

namespace hilum::store {
namespace {

std::string new_path(std::string const& dir, std::uint32_t number) {
    std::string name = segment_path(dir, number);
    return name.replace(name.size() - 3, 3, "new");
}

}  // namespace

Result<std::shared_ptr<File>> start_segment(std::string const& dir, FileSystem& files,
                                            NewSegmentPlan const& plan, Ledger const& ledger,
                                            std::string& head, std::uint64_t& allocated) {
    head = encode_segment_header(
        {format_version, plan.number, plan.store_id, ledger.next_sequence, plan.created_us});
    std::string front;
    ledger.encode(front);
    append_record(head, Kind::checkpoint, ledger.next_sequence, front, {}, Checksum(plan.store_id));
    allocated = std::max(plan.size, head.size() + plan.room);
    if (allocated > 0xffffffffu)
        return error("record_too_large", "journal", "a record does not fit into a segment");
    std::string const path = new_path(dir, plan.number);
    auto opened = files.open(path, FileSystem::Open::create_or_write);
    if (!opened) return opened.error();
    std::shared_ptr<File> file(std::move(*opened));
    auto r = file->truncate(0);
    if (r) r = file->allocate(allocated);
    if (!r) {
        file.reset();
        (void)files.remove(path);  // it holds nothing; the next try or the next start removes it otherwise
        return r.error();
    }
    return file;
}

Result<void> finish_segment(std::string const& dir, FileSystem& files, std::uint32_t number, File& file,
                            std::string_view head) {
    auto r = file.write_at(0, head);
    if (!r) {
        (void)files.remove(new_path(dir, number));
        return r;
    }
    if (r = file.sync(); !r) return r;
    ops::kill_point(ops::KillPoint::roll_synced);
    if (r = files.rename(new_path(dir, number), segment_path(dir, number)); !r) return r;
    return files.sync_dir(journal_dir(dir));
}

Result<NewSegment> make_segment(std::string const& dir, FileSystem& files, NewSegmentPlan const& plan,
                                Ledger const& ledger) {
    NewSegment made;
    std::string head;
    auto file = start_segment(dir, files, plan, ledger, head, made.allocated);
    if (!file) return file.error();
    made.file = *file;
    made.end = head.size();
    if (auto r = finish_segment(dir, files, plan.number, *made.file, head); !r) return r.error();
    return made;
}

}  // namespace hilum::store
