#include "routes/steps/steps.h"

namespace hilum::routes {

std::vector<StepKind> const& step_catalogue() {
    static std::vector<StepKind> const kinds{
        set_step(),     copy_step(),     move_step(),        delete_step(), append_step(),  rename_step(),
        replace_step(), lookup_step(),   date_step(),        number_step(), convert_step(), validate_step(),
        when_step(),    for_each_step(), split_step(),       bundle_step(), map_step(),     call_step(),
        lua_step(),     enrich_step(),   deduplicate_step(), detach_step(), attach_step(),  stop_step(),
        hold_step(),    reject_step(),
    };
    return kinds;
}

}  // namespace hilum::routes
