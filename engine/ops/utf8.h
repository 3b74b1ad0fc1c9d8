// Text for people and JSON, under the names the engine has for it.
#pragma once

#include "parsers/utf8.h"

namespace hilum::ops {

using hilum::append_escaped;
using hilum::cut_text;
using hilum::deceives;
using hilum::first_character;
using hilum::is_utf8;
using hilum::to_utf8;

}  // namespace hilum::ops
