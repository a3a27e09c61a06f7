/*
 * timezone: names of the IANA time zone database, as installed on this host.
 *
 * A name is valid when it is spelled as the database spells names and a zone of
 * that name is installed (package tzdata), or when the database lists it as a
 * link (a former or another name) to an installed zone.  Browsers send links:
 * Asia/Calcutta.  Debian 13 and Ubuntu 24.04 install the files of many links in
 * another package (tzdata-legacy); the list of links, tzdata.zi, is in tzdata.
 * Names are case-sensitive.
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
 * The name to use for calculations on any host: the target of a link, or the
 * name itself.  The name need not be valid; a valid name always fits into the
 * buffer.
 */
void timezone_resolve(
    const char *dir, const char *name, char out[TIMEZONE_NAME_MAX + 1]);

#endif
