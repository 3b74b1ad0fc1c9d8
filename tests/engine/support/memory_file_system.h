// A disk that can be told to fail, to fill up, to be cut off from power, and to rot (RELIABILITY R2-R6).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/store/file_system.h"

namespace hilum::testing {

class MemoryFileSystem : public store::FileSystem, public std::enable_shared_from_this<MemoryFileSystem> {
  public:
    // What has been asked of the disk so far; every change counts as one step.
    struct Counts {
        std::uint64_t steps = 0, writes = 0, syncs = 0;
    };
    Counts counts() const {
        std::lock_guard const lock(mutex_);
        return counts_;
    }
    // The step with this number (from 1) fails with an I/O error. A failed sync forgets what it should have
    // made durable, and the next one says yes, as Linux does.
    void fail_step(std::uint64_t number) {
        std::lock_guard const lock(mutex_);
        fail_at_ = number;
    }
    void fail_next_sync() {
        std::lock_guard const lock(mutex_);
        fail_sync_ = true;
    }
    // From this step on nothing reaches the disk: the power is off.
    void cut_power_at(std::uint64_t number) {
        std::lock_guard const lock(mutex_);
        cut_at_ = number;
    }
    void set_capacity(std::uint64_t bytes) {
        std::lock_guard const lock(mutex_);
        capacity_ = bytes;
    }
    // False: as a file system without fallocate, where room is found (or not) at each write.
    void set_allocates(bool yes) {
        std::lock_guard const lock(mutex_);
        allocates_ = yes;
    }
    bool synced_after_failure() const {
        std::lock_guard const lock(mutex_);
        return synced_after_failure_;
    }

    // What another process finds after this one was killed: the kernel still has everything.
    std::shared_ptr<MemoryFileSystem> after_kill() const {
        std::lock_guard const lock(mutex_);
        auto next = std::make_shared<MemoryFileSystem>();
        for (auto const& [path, node] : names_) next->names_[path] = std::make_shared<Node>(*node);
        next->durable_names_ = durable_names_;
        for (auto& [path, node] : next->durable_names_) {
            auto const i = names_.find(path);
            node =
                i != names_.end() && i->second == node ? next->names_[path] : std::make_shared<Node>(*node);
        }
        return next;
    }

    // What is found after a power cut: what was synced, and of the rest whatever `seed` says, sector by
    // sector.
    std::shared_ptr<MemoryFileSystem> after_power_cut(std::uint64_t seed) const {
        std::lock_guard const lock(mutex_);
        std::mt19937_64 random(seed);
        unsigned const kept_percent = std::array{0u, 20u, 50u, 90u, 100u}[random() % 5];
        auto const keep = [&] { return random() % 100 < kept_percent; };
        auto next = std::make_shared<MemoryFileSystem>();
        std::set<std::string> paths;
        for (auto const& [path, node] : durable_names_) paths.insert(path);
        for (auto const& [path, node] : names_) paths.insert(path);
        for (auto const& path : paths) {
            auto const now = names_.find(path);
            auto const before = durable_names_.find(path);
            std::shared_ptr<Node> node;
            bool const same =
                now != names_.end() && before != durable_names_.end() && now->second == before->second;
            if (same || keep()) {
                if (now != names_.end()) node = now->second;
            } else if (before != durable_names_.end()) {
                node = before->second;
            }
            if (!node) continue;
            auto copy = std::make_shared<Node>();
            copy->content = node->durable;
            for (auto const& change : node->unsynced) copy->apply_partly(change, keep);
            copy->durable = copy->content;
            next->names_[path] = copy;
        }
        next->durable_names_ = next->names_;
        return next;
    }

    std::shared_ptr<MemoryFileSystem> copy() const { return after_kill(); }
    std::string content(std::string const& path) const {
        std::lock_guard const lock(mutex_);
        auto const i = names_.find(path);
        return i == names_.end() ? std::string() : i->second->content;
    }
    void put(std::string const& path, std::string bytes) {
        std::lock_guard const lock(mutex_);
        auto node = std::make_shared<Node>();
        node->content = node->durable = std::move(bytes);
        names_[path] = durable_names_[path] = node;
    }
    void flip_bit(std::string const& path, std::uint64_t offset, unsigned bit) {
        std::lock_guard const lock(mutex_);
        auto& node = *names_.at(path);
        node.content[offset] = static_cast<char>(node.content[offset] ^ (1 << bit));
        node.durable = node.content;
    }
    void cut(std::string const& path, std::uint64_t size) {
        std::lock_guard const lock(mutex_);
        auto& node = *names_.at(path);
        node.content.resize(size);
        node.durable = node.content;
    }

    Result<std::unique_ptr<store::File>> open(std::string const& path, Open how) override {
        std::lock_guard const lock(mutex_);
        auto i = names_.find(path);
        if (i == names_.end()) {
            if (how == Open::read) return error("io_error", path, "open: no such file");
            if (off()) return dead(path);
            i = names_.emplace(path, std::make_shared<Node>()).first;
        }
        return std::unique_ptr<store::File>(std::make_unique<Handle>(shared_from_this(), i->second, path));
    }
    Result<std::vector<std::string>> list(std::string const& dir) override {
        std::lock_guard const lock(mutex_);
        std::vector<std::string> out;
        for (auto const& [path, node] : names_) {
            if (path.starts_with(dir + "/")) out.push_back(path.substr(dir.size() + 1));
        }
        return out;
    }
    Result<void> make_dirs(std::string const&) override { return {}; }
    Result<void> remove(std::string const& path) override {
        std::lock_guard const lock(mutex_);
        if (auto r = step(path); !r) return r;
        names_.erase(path);
        return {};
    }
    Result<void> rename(std::string const& from, std::string const& to) override {
        std::lock_guard const lock(mutex_);
        if (auto r = step(from); !r) return r;
        auto const i = names_.find(from);
        if (i == names_.end()) return error("io_error", from, "rename: no such file");
        names_[to] = i->second;
        names_.erase(from);
        return {};
    }
    Result<void> sync_dir(std::string const& dir) override {
        std::lock_guard const lock(mutex_);
        if (auto r = step(dir); !r) return r;
        std::erase_if(durable_names_, [&](auto const& n) { return n.first.starts_with(dir + "/"); });
        for (auto const& [path, node] : names_) {
            if (path.starts_with(dir + "/")) durable_names_[path] = node;
        }
        return {};
    }
    Result<std::shared_ptr<void>> lock(std::string const& path) override {
        std::lock_guard const guard(mutex_);
        if (auto const held = lock_.lock())
            return error("store_locked", path, "another process has this store open");
        auto mine = std::make_shared<int>(0);
        lock_ = mine;
        return std::shared_ptr<void>(mine);
    }
    Result<std::uint64_t> free_bytes(std::string const&) override {
        std::lock_guard const lock(mutex_);
        std::uint64_t const taken = used();
        return capacity_ > taken ? capacity_ - taken : 0;
    }

  private:
    struct Change {
        std::uint64_t offset = 0;
        std::string bytes;
        bool resize = false;  // to `offset`
    };
    struct Node {
        std::string content;  // what a reader sees
        std::string durable;  // what a power cut leaves
        std::vector<Change> unsynced;

        static void write(std::string& to, std::uint64_t offset, std::string_view bytes) {
            if (to.size() < offset + bytes.size()) to.resize(offset + bytes.size());
            std::memcpy(to.data() + offset, bytes.data(), bytes.size());
        }
        template <class Keep>
        void apply_partly(Change const& c, Keep const& keep) {
            if (c.resize) {
                if (keep()) content.resize(c.offset);
                return;
            }
            constexpr std::uint64_t sector = 512;
            std::string_view rest = c.bytes;
            for (std::uint64_t at = c.offset; !rest.empty();) {
                std::size_t const n = std::min<std::size_t>(rest.size(), sector - at % sector);
                if (keep()) write(content, at, rest.substr(0, n));
                rest.remove_prefix(n);
                at += n;
            }
        }
    };

    class Handle final : public store::File {
      public:
        Handle(std::shared_ptr<MemoryFileSystem> system, std::shared_ptr<Node> node, std::string path)
            : system_(std::move(system)), node_(std::move(node)), path_(std::move(path)) {}

        Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
            std::lock_guard const lock(system_->mutex_);
            ++system_->counts_.writes;
            if (auto r = system_->step(path_); !r) return r;
            std::uint64_t const grows = offset + bytes.size() > node_->content.size()
                                            ? offset + bytes.size() - node_->content.size()
                                            : 0;
            if (grows > 0 && system_->used() + grows > system_->capacity_) {
                // The disk takes what there is room for.
                std::uint64_t const room =
                    system_->capacity_ > system_->used() ? system_->capacity_ - system_->used() : 0;
                std::uint64_t const fits = bytes.size() - grows + std::min(room, grows);
                put(offset, bytes.substr(0, fits));
                return error("disk_full", path_, "write: no room");
            }
            put(offset, bytes);
            return {};
        }
        Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
            std::lock_guard const lock(system_->mutex_);
            if (offset >= node_->content.size()) return std::size_t{0};
            std::size_t const n = std::min<std::size_t>(into.size(), node_->content.size() - offset);
            std::memcpy(into.data(), node_->content.data() + offset, n);
            return n;
        }
        Result<void> sync() override {
            std::lock_guard const lock(system_->mutex_);
            ++system_->counts_.syncs;
            bool const fail = std::exchange(system_->fail_sync_, false);
            auto r = system_->step(path_);
            if (fail) r = error("io_error", path_, "sync: injected");
            if (!r) {
                node_->unsynced.clear();
                failed_ = true;
                return r;
            }
            if (failed_) system_->synced_after_failure_ = true;
            for (auto const& c : node_->unsynced) {
                if (c.resize) {
                    node_->durable.resize(c.offset);
                } else {
                    Node::write(node_->durable, c.offset, c.bytes);
                }
            }
            node_->unsynced.clear();
            return r;
        }
        Result<void> allocate(std::uint64_t size) override {
            std::lock_guard const lock(system_->mutex_);
            if (auto r = system_->step(path_); !r) return r;
            if (!system_->allocates_ || size <= node_->content.size()) return {};
            if (system_->used() + size - node_->content.size() > system_->capacity_)
                return error("disk_full", path_, "allocate: no room");
            resize(size);
            return {};
        }
        Result<void> truncate(std::uint64_t size) override {
            std::lock_guard const lock(system_->mutex_);
            if (auto r = system_->step(path_); !r) return r;
            resize(size);
            return {};
        }
        Result<std::uint64_t> size() override {
            std::lock_guard const lock(system_->mutex_);
            return std::uint64_t{node_->content.size()};
        }

      private:
        void put(std::uint64_t offset, std::string_view bytes) {
            Node::write(node_->content, offset, bytes);
            node_->unsynced.push_back({offset, std::string(bytes), false});
        }
        void resize(std::uint64_t size) {
            node_->content.resize(size);
            node_->unsynced.push_back({size, {}, true});
        }
        std::shared_ptr<MemoryFileSystem> system_;
        std::shared_ptr<Node> node_;
        std::string path_;
        bool failed_ = false;
    };

    bool off() const { return cut_at_ != 0 && counts_.steps >= cut_at_; }
    static Error dead(std::string const& path) { return error("io_error", path, "the power is off"); }
    Result<void> step(std::string const& path) {
        if (off()) return dead(path);
        ++counts_.steps;
        if (off()) return dead(path);
        if (counts_.steps == fail_at_) return error("io_error", path, "injected");
        return {};
    }
    std::uint64_t used() const {
        std::uint64_t n = 0;
        for (auto const& [path, node] : names_) n += node->content.size();
        return n;
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Node>> names_, durable_names_;
    Counts counts_;
    std::uint64_t fail_at_ = 0, cut_at_ = 0;
    std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
    bool allocates_ = true, fail_sync_ = false, synced_after_failure_ = false;
    std::weak_ptr<void> lock_;
};

}  // namespace hilum::testing
