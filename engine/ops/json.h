// JSON as the ops API and the command line use it.
#pragma once

#include "parsers/json.h"

namespace hilum::ops {

namespace json = hilum::json;

}  // namespace hilum::ops
