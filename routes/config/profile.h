// Conformance profiles from files: YAML as docs/validation.md describes it, or NIST IGAMT XML.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "parsers/hl7/profile.h"
#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::config {

// By the file's name: *.xml is IGAMT, anything else YAML. nullptr when something was wrong; every finding is
// reported, at `where` when the file can't be read. At most 16 MiB.
std::shared_ptr<hl7::Profile const> load_profile(std::string const& path, Location const& where,
                                                 Diagnostics& diagnostics);

// One that an option names: a relative path counts from the folder of the file it stands in.
std::shared_ptr<hl7::Profile const> load_profile(Text const& named, Diagnostics& diagnostics);

// From YAML text. `folder` is what the paths of `igamt:` are relative to.
std::shared_ptr<hl7::Profile const> read_profile(std::string_view text, std::string file_name,
                                                 std::string const& folder, Diagnostics& diagnostics);

// The tables that the configuration's "dictionary" section closes: what is wrong in it is reported elsewhere.
std::set<std::uint16_t> closed_tables(Node const& dictionary);

}  // namespace hilum::config
