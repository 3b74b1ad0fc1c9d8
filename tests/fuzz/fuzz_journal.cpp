// Any bytes as a segment file: open, scan, read and verify must neither crash nor hang, and what is served
// must be consistent. First byte even: the rest is the file. Odd: the rest is a list of records (kind,
// number, front length, body length, bytes), which get good checksums, so that the decoders behind them are
// reached.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/store/codec.h"
#include "engine/store/ledger.h"
#include "engine/store/segment.h"
#include "engine/store/store.h"
#include "tests/engine/support/memory_file_system.h"

namespace {

using namespace hilum;
using namespace hilum::store;

constexpr std::uint64_t store_id = 0x1122334455667788;

class Deaf final : public CommitListener {
  public:
    void committed(std::span<Ticket* const>) noexcept override {}
};

std::string segment_of_records(std::string_view in) {
    Checksum const checksum(store_id);
    std::string bytes = encode_segment_header({format_version, 1, store_id, 1, 0});
    while (in.size() >= 4) {
        auto const at = [&](std::size_t i) { return static_cast<unsigned char>(in[i]); };
        Kind const kind = static_cast<Kind>(at(0) % 9);
        Sequence const number = at(1);
        std::size_t const front = at(2);
        std::size_t const body = at(3);
        in.remove_prefix(4);
        std::string_view const f = in.substr(0, front);
        in.remove_prefix(f.size());
        std::string_view const b = in.substr(0, body);
        in.remove_prefix(b.size());
        append_record(bytes, kind, number, f, b, checksum);
    }
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const rest(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto disk = std::make_shared<testing::MemoryFileSystem>();
    disk->put(segment_path("data", 1), data[0] % 2 == 0 ? std::string(rest) : segment_of_records(rest));
    (void)verify("data", disk);
    Deaf listener;
    Options options;
    options.dir = "data";
    options.segment_size = 64u << 10;
    options.index = false;
    auto opened = open_store(options, disk, listener);
    if (!opened) return 0;
    Store& s = **opened;
    auto lanes = s.lanes();
    if (lanes.size() > 8) lanes.resize(8);
    for (auto const& lane : lanes) {
        LaneKey from = lane.cursor;
        for (int i = 0; i < 1000; ++i) {
            auto const scan = s.scan(lane.destination, from, 3, 4096);
            if (!scan) break;
            for (auto const& entry : scan->entries) {
                if (entry.key < from) std::abort();
                if (auto const m = s.read(entry.message)) (void)m->body(entry.ordinal);
            }
            if (scan->at_end) break;
            if (scan->reached <= from) std::abort();  // would never end
            from = scan->reached;
        }
    }
    for (Sequence n = 1; n < 4; ++n) {
        if (auto const p = s.find(n); p && s.read(*p)) (void)s.read(*p)->record.received.size();
    }
    (void)s.close();
    return 0;
}
