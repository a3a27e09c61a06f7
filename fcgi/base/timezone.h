/*
 * timezone: names of the IANA time zone database, as installed on this host.
 *
 * A name is valid when it is spelled as the database spells names, and a zone
 * of that name is installed (package tzdata) or the database lists the name as
 * a link (a former or another name) to an installed zone.  Browsers send links,
 * for example Asia/Calcutta.  Debian 13 and Ubuntu 24.04 have the files of many
 * links in another package (tzdata-legacy); the list of links, tzdata.zi, is in
 * tzdata.  Names are case-sensitive.
 */
#ifndef BASE_TIMEZONE_H
#define BASE_TIMEZONE_H

#include <stdbool.h>

#include "base/attr.h"

#define TIMEZONE_DIR "/usr/share/zoneinfo"
enum { TIMEZONE_NAME_MAX = 64 };

/*
 * Whether the name is valid.  `dir` is TIMEZONE_DIR, or another directory in a
 * test.
 */
MUST_CHECK bool timezone_valid(const char *dir, const char *name);
/*
 * Writes the name under which any host finds the zone: the target if `name` is
 * a link, otherwise `name` itself.  `name` need not be valid; a valid name
 * always fits into `out`.
 */
void timezone_resolve(
    const char *dir, const char *name, char out[TIMEZONE_NAME_MAX + 1]);

#endif
