/*
 * timezone: names of the IANA time zone database, as this host has it.
 *
 * A name is accepted when its spelling is one that the database uses and a
 * zone of that name is installed (package tzdata), so a name we stored can be
 * computed with.  Case counts.
 */
#ifndef CORE_TIMEZONE_H
#define CORE_TIMEZONE_H

#include <stdbool.h>

#include "base/attr.h"

#define TIMEZONE_DIR "/usr/share/zoneinfo"
enum { TIMEZONE_NAME_MAX = 64 };

/* `dir` is TIMEZONE_DIR, or another directory in a test. */
MUST_CHECK bool timezone_valid(const char *dir, const char *name);

#endif
