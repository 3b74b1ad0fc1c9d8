// All of HL7 v2 in one header, for programs that use the parsers as a library (docs/library.md).
#pragma once

#include "parsers/hl7/ack.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/path.h"
#include "parsers/mllp/decoder.h"
