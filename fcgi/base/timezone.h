/*
 * timezone: names of the IANA time zone database, as this host has it.
 *
 * A name is one when it is spelled as the database spells names and a zone of
 * that name is installed (package tzdata), or when the database has it as a
 * link (a former or another name) to one that is.  Browsers report links:
 * Asia/Calcutta.  Debian 13 and Ubuntu 24.04 install the files of many in
 * another package (tzdata-legacy); the list of links, tzdata.zi, is in tzdata.
 * Case counts.
 */
#ifndef BASE_TIMEZONE_H
#define BASE_TIMEZONE_H

#include <stdbool.h>

#include "base/attr.h"

#define TIMEZONE_DIR "/usr/share/zoneinfo"
enum { TIMEZONE_NAME_MAX = 64 };

/* `dir` is TIMEZONE_DIR, or another directory in a test. */
MUST_CHECK bool timezone_valid(const char *dir, const char *name);
/*
 * What to compute with, on any host: the target of a link, any other name as
 * it is.  The name need not be valid, and fits when it is.
 */
void timezone_resolve(
    const char *dir, const char *name, char out[TIMEZONE_NAME_MAX + 1]);

#endif
