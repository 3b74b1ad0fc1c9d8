// All of HL7 v2 in one header, for programs that use the parsers as a library (docs/library.md).
#pragma once

#include "parsers/hl7/ack.h"
#include "parsers/hl7/ack_owed.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/charset.h"
#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/group_path.h"
#include "parsers/hl7/igamt.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/path.h"
#include "parsers/hl7/profile.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/validate.h"
#include "parsers/hl7/version_conversion.h"
#include "parsers/hl7/xml.h"
#include "parsers/mllp/decoder.h"
