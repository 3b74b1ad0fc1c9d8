// What is left, where a message leaves its routes, of the fields that an `order_by` reads. For
// advice_order.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "parsers/hl7/path.h"
#include "routes/config/config.h"
#include "routes/restriction.h"

namespace hilum::routes {

// The fields on one way of routes, from a listener to a destination. What can't be known from the text of a
// step counts as: anything may have been written.
class OrderKeys {
  public:
    explicit OrderKeys(std::vector<hl7::Path> const& paths);

    void pass(config::Route const& route);

    // The step after which none of the fields tells messages apart any more: nullptr while one may.
    config::Location const* lost() const;
    bool emptied() const;  // they are empty; else all messages have the same in them
    // What the messages are as they leave; nothing once a step may have made others of them.
    std::optional<Restriction> const& restriction() const { return restriction_; }
    // The `when` of the way that says most of them.
    config::Location const& when_where() const { return when_where_; }

  private:
    enum class State : unsigned char { any, constant, empty };
    struct Key {
        hl7::Path path;
        State state = State::any;
        config::Location where;  // the step that did it
    };
    void step(config::Step const& step);
    void narrow(config::Text const& when);
    void write(std::string_view path, State state, config::Location const& where);

    std::vector<Key> keys_;
    std::optional<Restriction> restriction_{Restriction{}};
    config::Location when_where_;
};

}  // namespace hilum::routes
