#include "engine/flow/loading.h"

#include <algorithm>
#include <filesystem>

#include "engine/delivery/policy.h"
#include "engine/destinations/destination.h"
#include "engine/flow/acknowledgement.h"
#include "engine/listeners/listener.h"
#include "engine/ops/admin_server.h"
#include "routes/advice.h"
#include "routes/advice_order.h"
#include "routes/contents.h"
#include "routes/steps/step.h"

namespace hilum::flow {
namespace {

struct Bound {
    std::string what;  // `listener "adt_in"`
    net::tcp::endpoint endpoint;
};

// Whether two binds to these can't both succeed.
bool collide(net::tcp::endpoint const& a, net::tcp::endpoint const& b) {
    if (a.port() != b.port() || a.port() == 0) return false;  // 0: any free port
    if (a.address() == b.address()) return true;
    // "::" takes IPv4 too unless told otherwise, which Asio doesn't tell it.
    auto const everything = [](net::asio::ip::address const& x) { return x.is_v6() && x.is_unspecified(); };
    if (everything(a.address()) || everything(b.address())) return true;
    return a.address().is_v4() == b.address().is_v4() &&
           (a.address().is_unspecified() || b.address().is_unspecified());
}

void add_bound(std::vector<Bound>& all, Bound bound, config::Location const& where,
               config::Diagnostics& diagnostics) {
    for (Bound const& other : all) {
        if (!collide(other.endpoint, bound.endpoint)) continue;
        diagnostics.error(where,
                          bound.what + " listens where " + other.what + " does: " + net::text(bound.endpoint),
                          "give each its own port");
        return;
    }
    all.push_back(std::move(bound));
}

// The address a listener's options name; nullopt when there is none, or when it is already reported as
// unreadable.
std::optional<net::tcp::endpoint> listen_endpoint(config::Node const& listen,
                                                  config::Diagnostics& diagnostics) {
    config::Endpoint address;
    config::Diagnostics already_reported;
    if (!config::decode_value(listen, address, already_reported)) return std::nullopt;
    auto const endpoint = net::resolve_listen(address);
    if (endpoint) return *endpoint;
    diagnostics.error(listen.where, endpoint.error().what, endpoint.error().next);
    return std::nullopt;
}

std::string step_schema(std::string_view kind) {
    for (auto const& step : routes::step_catalogue()) {
        if (step.name == kind) return config::described(step.schema(), step.summary);
    }
    return "{}";
}

// Where a destination's application acknowledgements come in has to be a listener.
void check_answers_at(config::Config const& config, config::Diagnostics& diagnostics) {
    std::vector<std::string_view> listeners;
    for (auto const& listener : config.listeners) listeners.push_back(listener.name);
    for (auto const& destination : config.destinations) {
        auto const* at = destination.options.find("answers_at");
        if (!at || !at->is_scalar() || std::ranges::find(listeners, at->scalar) != listeners.end()) continue;
        diagnostics.error(at->where, "there is no listener " + config::in_quotes(at->scalar),
                          config::suggest(at->scalar, listeners, "listeners"));
    }
}

// A batch needs a destination that can send one.
void check_batches(config::Config const& config, config::Diagnostics& diagnostics) {
    auto const& kinds = destinations::destination_catalogue();
    std::string able;
    for (auto const& kind : kinds)
        if (kind.takes_batches) (able += able.empty() ? "" : " or ") += kind.name;
    for (auto const& destination : config.destinations) {
        auto const* batch = destination.common.find("batch");
        auto const kind = std::ranges::find(kinds, destination.kind, &destinations::DestinationKind::name);
        if (!batch || kind == kinds.end() || kind->takes_batches) continue;
        diagnostics.error(batch->where,
                          "destination " + config::in_quotes(destination.name) + " (" + destination.kind +
                              ") sends messages one by one",
                          "leave out batch, or send to one of kind " + able);
    }
}

// What stands at an endpoint has to be a subscription.
void check_subscriptions(config::Config const& config, config::Diagnostics& diagnostics) {
    for (auto const& listener : config.listeners) {
        for (auto const& name : listener_subscriptions(listener)) {
            auto const other = std::ranges::find_if(config.destinations, [&](config::Component const& one) {
                return one.name == name.name && one.kind != "subscription";
            });
            if (other != config.destinations.end())
                diagnostics.error(name.where,
                                  "destination " + config::in_quotes(name.name) + " is no subscription",
                                  "name one of the kind subscription");
        }
    }
}

// A restart knows of duplicates what the journal knows.
void check_remembered(config::Component const& listener, config::Store const& store,
                      config::Diagnostics& diagnostics) {
    auto const options = intake_options(listener).deduplicate;
    if (!options || options->within <= store.retain.age) return;
    diagnostics.warning(
        options->by.where,
        "listener " + config::in_quotes(listener.name) +
            " is to remember messages for longer than the store keeps them: a restart forgets those",
        "make \"within\" shorter, or store.retain longer");
}

}  // namespace

config::Catalogue engine_catalogue() {
    config::Catalogue catalogue;
    for (auto const& kind : listeners::listener_catalogue())
        catalogue.listeners.push_back({kind.name, kind.check, kind.schema, kind.summary, kind.content});
    for (auto const& kind : destinations::destination_catalogue()) {
        catalogue.destinations.push_back({kind.name, kind.check, kind.schema, kind.summary, kind.content});
    }
    catalogue.listener_keys = listener_keys();
    catalogue.listener_keys_schema = listener_keys_schema;
    catalogue.destination_keys_schema = config::SchemaWriter::properties_of<delivery::PolicyOptions>;
    catalogue.listener_destinations = listener_destinations;
    catalogue.destination_keys = delivery::destination_keys();
    for (auto const& step : routes::step_catalogue()) catalogue.steps.push_back(step.name);
    return catalogue;
}

std::string configuration_schema() {
    return config::json_schema(engine_catalogue(), step_schema);
}

void check_together(config::Config const& config, config::Diagnostics& diagnostics) {
    std::vector<Bound> bound;
    std::map<std::string, std::string> folders;  // to the listener that watches it
    for (auto const& listener : config.listeners) {
        std::string const what = "listener " + config::in_quotes(listener.name);
        check_listener_common(listener, diagnostics);
        check_remembered(listener, config.store, diagnostics);
        if (auto const* listen = listener.options.find("listen"); listen && listen->is_scalar()) {
            if (auto const endpoint = listen_endpoint(*listen, diagnostics)) {
                add_bound(bound, {what, *endpoint}, listen->where, diagnostics);
            }
        }
        if (auto const* dir = listener.options.find("dir"); dir && dir->is_scalar() && !dir->scalar.empty()) {
            std::error_code ec;  // the closing slash makes ./in and in/ the same
            auto const folder =
                std::filesystem::weakly_canonical(std::filesystem::absolute(dir->scalar, ec) / "", ec);
            auto const [other, is_new] = folders.emplace(ec ? dir->scalar : folder.string(), what);
            if (!is_new) {
                diagnostics.error(dir->where, what + " watches the folder that " + other->second + " watches",
                                  "give each its own folder");
            }
        }
    }
    config::Location const admin_where =
        config.admin.where.file ? config.admin.where
                                : config::Location{std::make_shared<std::string const>(config.source), 0, 0};
    auto const admin = ops::AdminServer::check(config.admin.listen);
    if (!admin) {
        diagnostics.error(admin_where, admin.error().what, admin.error().next);
    } else {
        add_bound(bound, {"the admin port", *admin}, admin_where, diagnostics);
    }
    config::Diagnostics told_by_the_pipeline;
    auto const contents = routes::contents_of(config, told_by_the_pipeline);
    for (std::size_t i = 0; i < config.destinations.size(); ++i) {
        bool const fhir = contents.of_destination[i].contains(config::Content::fhir);
        delivery::check_destination_common(config.destinations[i],
                                           fhir ? config::Content::fhir : config::Content::hl7, diagnostics);
    }
    check_batches(config, diagnostics);
    check_answers_at(config, diagnostics);
    check_subscriptions(config, diagnostics);
}

std::optional<Loaded> load_configuration(std::string const& path, config::Environment const& environment,
                                         config::Diagnostics& diagnostics) {
    Loaded loaded;
    loaded.config = config::load(path, engine_catalogue(), environment, diagnostics);
    check_together(loaded.config, diagnostics);
    // Also after errors: what is wrong in the routes is better told now than at the next try.
    loaded.pipeline = routes::Pipeline::compile(loaded.config, routes::step_catalogue(), diagnostics);
    if (diagnostics.failed()) return std::nullopt;
    routes::advise(loaded.config, diagnostics);
    routes::advise_on_order(loaded.config, *loaded.pipeline, diagnostics);
    return loaded;
}

std::optional<Loaded> load_configuration(std::string const& path, config::Diagnostics& diagnostics) {
    return load_configuration(path, config::SystemEnvironment{}, diagnostics);
}

}  // namespace hilum::flow
