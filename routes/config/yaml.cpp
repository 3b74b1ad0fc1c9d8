// The only file that knows yaml-cpp. It is used as a stream of events, never as its node graph: the tree is
// built here, under our own bounds, and an alias is copied only after its cost has been counted.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>
#include <numeric>
#include <streambuf>
#include <unordered_map>

#include "routes/config/environment.h"
#include "routes/config/node.h"
#include "routes/config/yaml_source.h"

namespace hilum::config {
namespace {

constexpr std::size_t levels_max = 64;

struct Stop {};  // thrown through yaml-cpp once a bound is hit; the finding has been reported

// Reads from a view without copying it.
class ViewBuffer final : public std::streambuf {
  public:
    explicit ViewBuffer(std::string_view text) {
        char* begin = const_cast<char*>(text.data());  // the get area is only read
        setg(begin, begin, begin + text.size());
    }
};

Mark mark_of(YAML::Mark const& mark) {
    return {mark.pos, mark.line, mark.column};
}

class Builder final : public YAML::EventHandler {
  public:
    Builder(YamlSource const& source, Environment const& environment, Diagnostics& diagnostics)
        : source_(source), environment_(environment), diagnostics_(diagnostics) {}

    Node take() { return std::move(root_); }

    void OnDocumentStart(YAML::Mark const& mark) override {
        if (++documents_ < 2) return;
        Location const where = source_.place(mark_of(mark));
        if (source_.begins_document(mark_of(mark))) {
            diagnostics_.error(where, "a second YAML document begins here",
                               "keep one document in a file: remove the \"---\" or split the file");
        } else {
            // What doesn't fit behind a complete value at the top, yaml-cpp takes for the next document.
            diagnostics_.error(
                where, "a text where none may stand",
                "align the keys; put a text that begins with a quote but goes on after it wholly in quotes");
        }
        throw Stop();
    }
    void OnDocumentEnd() override {}

    void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
        Node node;
        node.where = source_.place(mark_of(mark));
        // "key:" and "-" with nothing after them: yaml-cpp gives the place of whatever comes next.
        if (!frames_.empty() && frames_.back().has_key) {
            node.where = frames_.back().key_where;
        } else if (!frames_.empty() && frames_.back().node.kind == Node::Kind::sequence) {
            node.where = source_.place_of_missing_item(mark_of(mark));
        }
        charge({}, node.where);
        complete(std::move(node), anchor);
    }

    void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override {
        Location const where = source_.place(mark_of(mark));
        auto const found = anchors_.find(anchor);
        if (found == anchors_.end() || !found->second.complete) {
            diagnostics_.error(where, "an alias stands inside what it names", "write the part out instead");
            throw Stop();
        }
        if (frames_.size() + found->second.size.levels > levels_max) too_deep(where);
        charge(found->second.size, where);
        complete(found->second.node, 0);
    }

    void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  std::string const& value) override {
        bool const tag_known = check_tag(mark, tag);
        Node node;
        node.kind = Node::Kind::scalar;
        node.where = source_.place_of_scalar(mark_of(mark));
        node.quoted = tag == "!";
        if (wants_key()) {
            node.scalar = value;
        } else {
            Filled filled = fill_in(value, node.where, environment_, text_bytes_max, diagnostics_);
            node.scalar = std::move(filled.text);
            node.filled = filled.any;
            node.secret = filled.secret;
            node.holes = std::move(filled.holes);
            if (filled.any || !node.holes.empty()) node.written = std::make_shared<std::string const>(value);
            node.unusable = filled.failed || !tag_known;
        }
        if (node.scalar.find('\0') != std::string::npos) {  // from an escape such as "\0"
            diagnostics_.error(node.where, "a NUL character in a text", "remove it");
            std::erase(node.scalar, '\0');
        }
        Size size;
        size.bytes = node.scalar.size();
        charge(size, node.where);
        complete(std::move(node), anchor);
    }

    void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(Node::Kind::sequence, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(Node::Kind::mapping, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

  private:
    struct Frame {
        Node node;
        YAML::anchor_t anchor = 0;
        bool has_key = false;  // of a mapping: the key has been read, its value comes next
        bool key_is_usable = false;
        std::string key;
        Location key_where;
    };
    struct Anchor {
        Node node;
        Size size;
        bool complete = false;
    };

    bool wants_key() const {
        return !frames_.empty() && frames_.back().node.kind == Node::Kind::mapping && !frames_.back().has_key;
    }

    void open(Node::Kind kind, YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor) {
        check_tag(mark, tag);
        Location const where = source_.place(mark_of(mark));
        if (frames_.size() >= levels_max) too_deep(where);
        charge({}, where);
        if (anchor != 0) anchors_[anchor] = Anchor();
        Frame frame;
        frame.node.kind = kind;
        frame.node.where = where;
        frame.anchor = anchor;
        frames_.push_back(std::move(frame));
    }

    void close() {
        Frame frame = std::move(frames_.back());
        frames_.pop_back();
        if (frame.node.kind == Node::Kind::mapping) {
            drop_duplicates(frame.node);
            merge(frame.node);
        }
        complete(std::move(frame.node), frame.anchor);
    }

    void complete(Node node, YAML::anchor_t anchor) {
        if (anchor != 0) {
            Anchor saved{node.kind == Node::Kind::scalar ? node : Node(), measure(node), true};
            charge(saved.size, node.where);  // the copy kept for the aliases
            saved.node = node;
            anchors_[anchor] = std::move(saved);
        }
        if (frames_.empty()) {
            root_ = std::move(node);
            return;
        }
        Frame& frame = frames_.back();
        if (frame.node.kind == Node::Kind::sequence) {
            frame.node.items.push_back(std::move(node));
        } else if (!frame.has_key) {
            frame.has_key = true;
            frame.key_is_usable = node.is_scalar();
            frame.key_where = node.where;
            if (frame.key_is_usable) {
                frame.key = std::move(node.scalar);
            } else {
                diagnostics_.error(node.where,
                                   "a key must be a text, this is " + std::string(node.kind_name()),
                                   "write it as \"key: value\"");
            }
        } else {
            frame.has_key = false;
            if (frame.key_is_usable) {
                frame.node.entries.push_back({std::move(frame.key), frame.key_where, std::move(node)});
            }
        }
    }

    // Keeps the first of each key. Sorted, for a mapping may be large.
    void drop_duplicates(Node& mapping) {
        std::vector<std::size_t> order(mapping.entries.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return mapping.entries[a].key < mapping.entries[b].key;
        });
        std::vector<bool> drop(order.size());
        bool any = false;
        std::size_t first = 0;
        for (std::size_t i = 1; i < order.size(); ++i) {
            Entry const& kept = mapping.entries[order[first]];
            Entry const& entry = mapping.entries[order[i]];
            if (entry.key != kept.key) {
                first = i;
                continue;
            }
            diagnostics_.error(entry.where, "duplicate key " + in_quotes(entry.key),
                               "the first is at " + kept.where.text() + "; keep one of the two");
            drop[order[i]] = any = true;
        }
        if (!any) return;
        std::vector<Entry> kept;
        for (std::size_t i = 0; i < drop.size(); ++i) {
            if (!drop[i]) kept.push_back(std::move(mapping.entries[i]));
        }
        mapping.entries = std::move(kept);
    }

    // `<<: *defaults` (or a list of them) adds the keys that the mapping doesn't have itself. What is merged
    // was charged when its alias was read, and is moved here, not copied.
    void merge(Node& mapping) {
        auto const at = std::find_if(mapping.entries.begin(), mapping.entries.end(),
                                     [](Entry const& e) { return e.key == "<<"; });
        if (at == mapping.entries.end()) return;
        Node source = std::move(at->value);
        Location const where = at->where;
        mapping.entries.erase(at);
        std::vector<Node> sources;
        if (source.kind == Node::Kind::sequence) {
            sources = std::move(source.items);
        } else {
            sources.push_back(std::move(source));
        }
        std::unordered_map<std::string, bool> known;
        for (Entry const& entry : mapping.entries) known.emplace(entry.key, true);
        for (Node& one : sources) {
            if (one.kind != Node::Kind::mapping) {
                diagnostics_.error(where, "\"<<\" merges mappings, this is " + std::string(one.kind_name()),
                                   "give it an alias of a mapping, such as <<: *defaults");
                continue;
            }
            for (Entry& entry : one.entries) {
                if (known.emplace(entry.key, true).second) mapping.entries.push_back(std::move(entry));
            }
        }
    }

    void charge(Size const& size, Location const& where) {
        nodes_ += size.nodes;
        bytes_ += size.bytes;
        if (nodes_ > nodes_max) {
            diagnostics_.error(
                where, "the configuration has more than 1000000 values",
                "aliases count each time they are used: use fewer of them or split the configuration");
            throw Stop();
        }
        if (bytes_ > text_bytes_max) {
            diagnostics_.error(where, "the configuration has more than 64 MiB of text",
                               "aliases and ${...} count each time they are used: use fewer of them");
            throw Stop();
        }
    }

    [[noreturn]] void too_deep(Location const& where) {
        diagnostics_.error(where, "more than 64 levels of lists and mappings", "flatten it");
        throw Stop();
    }

    bool check_tag(YAML::Mark const& mark, std::string const& tag) {
        constexpr std::string_view core = "tag:yaml.org,2002:";
        if (tag.empty() || tag == "?" || tag == "!") return true;
        constexpr std::array<std::string_view, 7> plain{"str", "int", "bool", "float", "null", "map", "seq"};
        std::string_view const name =
            std::string_view(tag).starts_with(core) ? std::string_view(tag).substr(core.size()) : "";
        if (std::find(plain.begin(), plain.end(), name) != plain.end()) return true;
        diagnostics_.error(source_.place(mark_of(mark)),
                           "the YAML tag " + in_quotes(tag) + " means nothing here",
                           "remove it, or put the text in quotes");
        return false;
    }

    YamlSource const& source_;
    Environment const& environment_;
    Diagnostics& diagnostics_;
    Node root_;
    std::vector<Frame> frames_;
    std::unordered_map<YAML::anchor_t, Anchor> anchors_;
    std::size_t nodes_ = 0;
    std::size_t bytes_ = 0;
    int documents_ = 0;
};

}  // namespace

Node read_yaml(std::string_view text, std::string file_name, Environment const& environment,
               Diagnostics& diagnostics, std::shared_ptr<Use const> used) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    YamlSource const source(text, std::move(file_name), std::move(used));
    if (!source.check_bytes(diagnostics)) {
        Node nothing;
        nothing.where = source.file();
        return nothing;
    }
    Builder builder(source, environment, diagnostics);
    try {
        ViewBuffer buffer(text);
        std::istream in(&buffer);
        YAML::Parser parser(in);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (Stop const&) {
    } catch (YAML::Exception const& problem) {
        source.report_syntax(problem.msg, mark_of(problem.mark), diagnostics);
    } catch (std::exception const& problem) {
        diagnostics.error(source.file(), std::string("the YAML reader failed: ") + problem.what(),
                          "simplify the file");
    }
    Node root = builder.take();
    if (!root.where.file) root.where = source.file();
    return root;
}

}  // namespace hilum::config
