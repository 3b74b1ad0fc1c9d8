// Duplicates in: a message that a listener has accepted already is not processed again; its sender, who has
// lost the acknowledgement, is told what it was told before.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flow/duplicate_options.h"
#include "engine/flow/duplicate_table.h"
#include "parsers/result.h"
#include "routes/expression/expression.h"
#include "routes/subject.h"

namespace hilum::store {
class Store;
}

namespace hilum::flow {

// Of one listener. Thread-safe.
class Duplicates {
  public:
    // `options` have passed read_duplicate_options().
    Duplicates(DuplicateOptions const& options, config::Content content);

    // Nothing for a message that nothing can be told of: its expression gives nothing. Errors are the
    // expression's.
    Result<std::optional<Fingerprint>> fingerprint(routes::Subject const& message, std::string_view bytes,
                                                   std::int64_t now_us) const;
    DuplicateTable& table() { return table_; }
    DuplicateOptions const& options() const { return options_; }
    config::Content content() const { return content_; }
    std::int64_t within_us() const { return std::chrono::microseconds(options_.within).count(); }

  private:
    DuplicateOptions options_;
    config::Content content_;
    expression::Expression expression_;
    DuplicateTable table_;
};

// A fresh message on its way to the disk. What is not said to be stored() is forgotten at its end, and the
// next copy is fresh again.
class Claim {
  public:
    Claim() = default;
    Claim(Claim const&) = delete;
    Claim& operator=(Claim const&) = delete;
    ~Claim() {
        if (table_) table_->settled(fingerprint_, std::nullopt);
    }
    void take(DuplicateTable& table, Fingerprint const& fingerprint) {
        table_ = &table;
        fingerprint_ = fingerprint;
    }
    void stored(DuplicateTable::Known const& known) {
        if (table_) table_->settled(fingerprint_, known);
        table_ = nullptr;
    }

  private:
    DuplicateTable* table_ = nullptr;
    Fingerprint fingerprint_;
};

// The listeners whose tables are to be filled from the journal.
struct Recalling {
    store::NameId listener = 0;
    Duplicates* duplicates = nullptr;
    std::optional<hl7::Charset> charset{};  // given to the listener
    std::size_t found = 0;                  // so many messages
    bool complete = true;                   // all that are to be remembered, as far as the journal has them
};
// Reads the newest messages of the journal back, for all of them in one go: as many as they keep, as far as
// they remember, and no longer than a few seconds. Blocks.
Result<void> recall(store::Store& store, std::vector<Recalling>& listeners, std::int64_t now_us);

}  // namespace hilum::flow
