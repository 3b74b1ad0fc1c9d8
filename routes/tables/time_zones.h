// The tz database of this machine, read while a configuration is loaded: its one door.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "routes/tables/time_zone.h"

namespace hilum::routes {

class TimeZones {
  public:
    static constexpr std::string_view default_folder = "/usr/share/zoneinfo";

    explicit TimeZones(std::string folder = std::string(default_folder)) : folder_(std::move(folder)) {}

    // By its name in the database, "Europe/Berlin"; each file is read once. Errors: "no_zone", "no_zones"
    // (there is no database), "bad_zone".
    Result<std::shared_ptr<TimeZone const>> find(std::string_view name);

    // Letters, digits, _ + - and / between parts, each of which begins with a capital letter: nothing that
    // leaves the folder, and none of the files in it that are no zones or differ from machine to machine.
    static bool is_name(std::string_view name);

  private:
    std::string nearest_to(std::string_view name) const;

    std::string folder_;
    std::map<std::string, std::shared_ptr<TimeZone const>, std::less<>> known_;
};

}  // namespace hilum::routes
