// A folder that others put files into: which are complete, which is ours, how far we are with it, where it
// goes afterwards. All blocking.
//
//   dir/adt.hl7                      a file that came
//   dir/.processing/adt.hl7          claimed: ours alone
//   dir/.processing/.adt.hl7.progress  how many of its messages are accepted; which file that is true of
//   dir/.processing/.adt.hl7.errors    one line for each that was refused
//   dir/done/, dir/failed/           where it ends; failed/adt.hl7.errors.txt beside it
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/listeners/message_file.h"
#include "engine/net/posix_file.h"

namespace hilum::listeners {

struct FolderOptions {
    std::string dir;
    std::vector<std::string> patterns;
    std::string done;
    std::string failed;
    std::uint64_t max_file = 0;
    std::chrono::milliseconds settle{0};
};

class Folder;

// One claimed file.
class ClaimedFile {
  public:
    // Messages in order; none at the end. An error is noted in the file's errors: then finish().
    Result<std::vector<std::string>> next();
    // So many of the first messages were accepted or refused before (by a run that was stopped or crashed).
    std::uint64_t settled_before() const { return settled_before_; }
    // Durable when they return.
    Result<void> note_settled(std::uint64_t count);
    Result<void> note_error(std::string_view line);
    // Moves the file to done, or to failed when an error was noted now or before the restart. May be called
    // again after an error.
    Result<void> finish();
    std::string const& name() const { return name_; }
    // About the batches in it, once next() has given none.
    std::vector<Error> const& findings() const { return findings_; }
    // After finish(): it went to failed.
    bool failed() const { return failed_; }

  private:
    friend class Folder;
    ClaimedFile(Folder& folder, std::string name) : folder_(folder), name_(std::move(name)) {}
    Result<void> open();
    std::string identity() const;
    Folder& folder_;
    std::string name_;
    struct stat about_ {};
    net::Descriptor file_;
    net::Descriptor progress_;
    std::unique_ptr<MessageReader> reader_;
    std::uint64_t settled_before_ = 0;
    std::uint64_t messages_ = 0;
    std::vector<Error> findings_;
    bool failed_ = false;
};

// Used by one thread at a time; outlives its ClaimedFiles.
class Folder {
  public:
    // Makes dir (its parent must be there), .processing, done and failed.
    static Result<std::unique_ptr<Folder>> open(FolderOptions options);

    // True when this object alone may work in the folder; false while another one, in this process or
    // another, does.
    Result<bool> lock();
    // False when the path now leads elsewhere (a disk was mounted, the folder was replaced): open it anew.
    bool is_current() const;
    // Claimed by a run that ended before it was done; in the order of their names. Call between files.
    Result<std::vector<std::string>> unfinished();
    // Complete files in the order of their names: of the first 10,000, those whose size and time have stayed
    // the same for `settle`. Not looked at: names that begin with a dot, end in .tmp or .part or match no
    // pattern; links, folders, devices.
    Result<std::vector<std::string>> ready(std::chrono::steady_clock::time_point now);
    // Nothing when it is not there any more, or has changed since ready().
    Result<std::unique_ptr<ClaimedFile>> claim(std::string const& name);
    Result<std::unique_ptr<ClaimedFile>> resume(std::string const& name);

  private:
    friend class ClaimedFile;
    struct Seen {
        std::int64_t size = 0;
        std::int64_t mtime_ns = 0;
        std::uint64_t inode = 0;
        std::chrono::steady_clock::time_point since;
        bool same(Seen const& other) const {
            return size == other.size && mtime_ns == other.mtime_ns && inode == other.inode;
        }
    };
    explicit Folder(FolderOptions options) : options_(std::move(options)) {}
    static Seen seen(struct stat const& about);
    bool wanted(std::string const& name) const;
    // Moves out of .processing under `name` or, when that is taken, one with the time in it; gives the name.
    Result<std::string> move_out(std::string const& from, std::string const& to_folder,
                                 std::string const& name);

    FolderOptions options_;
    net::Descriptor dir_;
    net::Descriptor processing_;
    bool locked_ = false;
    std::map<std::string, Seen> seen_;
};

}  // namespace hilum::listeners
