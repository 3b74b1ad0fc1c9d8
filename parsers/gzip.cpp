#include "parsers/gzip.h"

#include <zlib.h>

#include <algorithm>

namespace hilum {
namespace {

constexpr int gzip_window = 15 + 16;
constexpr std::size_t input_max = std::size_t{1} << 30U;  // zlib counts in unsigned int

// zlib takes its input as bytes that it never writes.
Bytef* input(std::string_view bytes) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

Error not_gzip() {
    return error("not_gzip", "", "it is no gzip, is cut off, or there is more behind it",
                 "compress it with gzip");
}

}  // namespace

Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max) {
    z_stream stream{};
    if (bytes.size() > input_max || inflateInit2(&stream, gzip_window) != Z_OK) return not_gzip();
    std::string out;
    char buffer[65536];
    stream.next_in = input(bytes);
    stream.avail_in = static_cast<uInt>(bytes.size());
    int state = Z_OK;
    while (state == Z_OK && out.size() <= bytes_max) {
        stream.next_out = reinterpret_cast<Bytef*>(buffer);
        stream.avail_out = sizeof buffer;
        state = inflate(&stream, Z_NO_FLUSH);
        out.append(buffer, sizeof buffer - stream.avail_out);
    }
    auto const left = stream.avail_in;
    inflateEnd(&stream);
    if (out.size() > bytes_max)
        return error("too_large", "", "unpacked, it is larger than " + std::to_string(bytes_max) + " bytes",
                     "raise the limit, or send it in parts");
    if (state != Z_STREAM_END || left != 0) return not_gzip();
    return {boost::system::in_place_value, std::move(out)};
}

std::string gzip(std::string_view bytes) {
    z_stream stream{};
    if (bytes.size() > input_max ||
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return {};
    std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
    stream.next_in = input(bytes);
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    int const state = deflate(&stream, Z_FINISH);
    out.resize(std::min<std::size_t>(stream.total_out, out.size()));
    deflateEnd(&stream);
    return state == Z_STREAM_END ? out : std::string();
}

}  // namespace hilum
