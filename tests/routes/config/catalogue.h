// Kinds like the engine's, with a few described options each, so that the loader can be tested without it.
#pragma once

#include <string>
#include <string_view>

#include "routes/config/config.h"
#include "routes/steps/step.h"

namespace hilum::config::test {

struct MllpListener {
    Endpoint listen;
    Bytes max_frame{16u << 20};
    Duration idle{300'000};
    Duration frame_time{30'000};
    std::uint32_t max_connections = 1000;
};
template <class V>
void describe(V& v, MllpListener& o) {
    v.required("listen", o.listen, "address and port to listen on, such as 0.0.0.0:2575");
    v.optional("max_frame", o.max_frame, "largest message taken");
    v.optional("idle", o.idle, "close a connection on which nothing has come for this long");
    v.optional("frame_time", o.frame_time, "time from a frame's first byte to its last");
    v.optional("max_connections", o.max_connections, "connections at one time");
}

struct HttpListener {
    Endpoint listen;
    std::string path = "/";
    Bytes max_body{16u << 20};
};
template <class V>
void describe(V& v, HttpListener& o) {
    v.required("listen", o.listen, "address and port to listen on, such as 0.0.0.0:8088");
    v.optional("path", o.path, "path of the URL that takes messages");
    v.optional("max_body", o.max_body, "largest body taken");
}

struct FileListener {
    Text dir;
    Duration poll{1000};
};
template <class V>
void describe(V& v, FileListener& o) {
    v.required("dir", o.dir, "folder that is watched");
    v.optional("poll", o.poll, "how often it is looked at");
}

struct MllpDestination {
    Endpoint connect;
    Duration answer_within{30'000};
};
template <class V>
void describe(V& v, MllpDestination& o) {
    v.required("connect", o.connect, "address and port to send to, such as lab.example:2575");
    v.optional("answer_within", o.answer_within, "how long the receiver may take for its answer");
}

struct HttpDestination {
    Text url;
};
template <class V>
void describe(V& v, HttpDestination& o) {
    v.required("url", o.url, "where messages are posted, such as https://ehr.example/hl7");
}

struct FileDestination {
    Text dir;
    Text name;
};
template <class V>
void describe(V& v, FileDestination& o) {
    v.required("dir", o.dir, "folder that is written to");
    v.required("name", o.name, "name of each file, such as {MSH-10}.hl7");
}

struct Retry {
    Duration first{1000};
    Duration max{60'000};
    std::string give_up = "never";
};
template <class V>
void describe(V& v, Retry& o) {
    v.optional("first", o.first, "wait before the first retry");
    v.optional("max", o.max, "longest wait between retries");
    v.optional("give_up", o.give_up, "never, or how long is tried");
}

struct Common {
    Retry retry;
    Text order_by;
};
template <class V>
void describe(V& v, Common& o) {
    v.optional("retry", o.retry, "when a delivery fails");
    v.optional("order_by", o.order_by, "what keeps its order");
}

template <class Options>
void check_listener(Component const& component, Diagnostics& diagnostics) {
    decode_options<Options>(component.options, "listener \"" + component.name + "\" (" + component.kind + ")",
                            diagnostics);
}
template <class Options>
void check_destination(Component const& component, Diagnostics& diagnostics) {
    std::string const what = "destination \"" + component.name + "\"";
    decode_options<Options>(component.options, what + " (" + component.kind + ")", diagnostics);
    decode_options<Common>(component.common, what, diagnostics);
}

inline std::vector<std::string_view> step_names() {
    std::vector<std::string_view> names;
    for (auto const& kind : routes::step_catalogue()) names.push_back(kind.name);
    return names;
}

inline Catalogue catalogue() {
    return {{{"mllp", check_listener<MllpListener>, SchemaWriter::of<MllpListener>},
             {"http", check_listener<HttpListener>, SchemaWriter::of<HttpListener>},
             {"file", check_listener<FileListener>, SchemaWriter::of<FileListener>}},
            {{"mllp", check_destination<MllpDestination>, SchemaWriter::of<MllpDestination>},
             {"http", check_destination<HttpDestination>, SchemaWriter::of<HttpDestination>},
             {"file", check_destination<FileDestination>, SchemaWriter::of<FileDestination>}},
            {"answer", "ack"},
            {"retry", "order_by"},
            step_names()};
}

class FakeEnvironment final : public Environment {
  public:
    bool variable(std::string const& name, std::string& value) const override {
        return get(variables, name, value);
    }
    bool file(std::string const& path, std::string& value) const override { return get(files, path, value); }

    std::vector<std::pair<std::string, std::string>> variables;
    std::vector<std::pair<std::string, std::string>> files;

  private:
    static bool get(std::vector<std::pair<std::string, std::string>> const& from, std::string const& name,
                    std::string& value) {
        for (auto const& [known, known_value] : from) {
            if (known == name) {
                value = known_value;
                return true;
            }
        }
        return false;
    }
};

}  // namespace hilum::config::test
