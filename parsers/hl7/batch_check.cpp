#include <algorithm>
#include <charconv>

#include "parsers/hl7/batch.h"
#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

namespace {

constexpr std::size_t findings_at_most = 20;

std::string place(std::string_view segment, std::size_t number, std::string_view rest = {}) {
    std::string out(segment);
    out += "[" + std::to_string(number) + "]";
    return out.append(rest);
}

}  // namespace

void BatchCheck::missing(std::string_view code, std::string where, std::string_view name) {
    if (findings_.size() >= findings_at_most) return;
    findings_.push_back(error(std::string(code), std::move(where), std::string(name) + " is missing",
                              "check whether the sender's batch was cut off"));
}

// BTS-1 or FTS-1 against what came.
void BatchCheck::count(std::string_view trailer, std::string_view where, std::string_view code,
                       std::size_t came, std::string_view what) {
    if (findings_.size() >= findings_at_most || trailer.size() < 5) return;
    // The delimiters are those of the header, which may lie in an earlier piece: what stands behind the name
    // is the field delimiter, and a number ends at anything else.
    std::string_view field = part(trailer, trailer[3], 2);
    while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
    while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
    if (field.empty()) return;
    std::size_t said = 0;
    auto const [end, failed] = std::from_chars(field.data(), field.data() + field.size(), said);
    if (failed != std::errc{} || end != field.data() + field.size()) {
        findings_.push_back(
            error("bad_count", std::string(where), "the count is no number",
                  "have the sender write the number of " + std::string(what) + ", or nothing"));
    } else if (said != came) {
        findings_.push_back(error(std::string(code), std::string(where),
                                  "the trailer counts " + std::to_string(said) + " " + std::string(what) +
                                      ", " + std::to_string(came) + " came",
                                  "check with the sender whether any are missing"));
    }
}

void BatchCheck::open_batch() {
    if (in_batch_) missing("batch_trailer_missing", place("BHS", batches_), "BTS");
    in_batch_ = true;
    ++batches_;
    ++batches_in_file_;
    messages_in_batch_ = 0;
}

void BatchCheck::close_batch(std::string_view trailer) {
    ++batch_ends_;
    if (!in_batch_) return missing("batch_header_missing", place("BTS", batch_ends_), "BHS");
    in_batch_ = false;
    count(trailer, place("BTS", batch_ends_, "-1"), "batch_count", messages_in_batch_, "messages");
}

void BatchCheck::open_file() {
    if (in_batch_) missing("batch_trailer_missing", place("BHS", batches_), "BTS");
    if (in_file_) missing("file_trailer_missing", place("FHS", files_), "FTS");
    in_batch_ = false;
    in_file_ = true;
    ++files_;
    batches_in_file_ = 0;
}

void BatchCheck::close_file(std::string_view trailer) {
    ++file_ends_;
    if (in_batch_) missing("batch_trailer_missing", place("BHS", batches_), "BTS");
    in_batch_ = false;
    if (!in_file_) return missing("file_header_missing", place("FTS", file_ends_), "FHS");
    in_file_ = false;
    count(trailer, place("FTS", file_ends_, "-1"), "file_count", batches_in_file_, "batches");
}

void BatchCheck::segment(std::string_view text) {
    std::string_view const name = text.substr(0, 3);
    if (name == "BHS") {
        open_batch();
    } else if (name == "BTS") {
        close_batch(text);
    } else if (name == "FHS") {
        open_file();
    } else if (name == "FTS") {
        close_file(text);
    }
}

void BatchCheck::message() {
    if (in_batch_) ++messages_in_batch_;
}

void BatchCheck::finish() {
    if (in_batch_) missing("batch_trailer_missing", place("BHS", batches_), "BTS");
    if (in_file_) missing("file_trailer_missing", place("FHS", files_), "FTS");
    in_batch_ = in_file_ = false;
}

}  // namespace hilum::hl7
