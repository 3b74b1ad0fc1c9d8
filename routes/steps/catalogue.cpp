#include "routes/steps/steps.h"

namespace hilum::routes {

std::vector<StepKind> const& step_catalogue() {
    static std::vector<StepKind> const kinds{
        set_step(), copy_step(), delete_step(), lookup_step(), when_step(), stop_step(),
    };
    return kinds;
}

}  // namespace hilum::routes
