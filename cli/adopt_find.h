/*
 * adopt_find: what the facts of a BetterAuth database mean for its adoption:
 * what works, what does not yet, what would be lost, and what is a reason to
 * stop, each with what to do.
 */
#ifndef CLI_ADOPT_FIND_H
#define CLI_ADOPT_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct adopt_facts;
struct buf;

enum adopt_level {
	ADOPT_STOP, /* the database cannot be adopted in its present state */
	/* users could not sign in; may be accepted with --accept-lockout */
	ADOPT_LOCKOUT,
	ADOPT_LOST,
	ADOPT_NOT_YET,
	ADOPT_NOTE,
	ADOPT_WORKS,
	ADOPT_LEVEL__MAX
};

struct adopt_finding {
	enum adopt_level level;
	const char *what;
	const char *todo; /* NULL: nothing */
};

enum { ADOPT_FINDINGS_MAX = 200 };

struct adopt_findings {
	struct adopt_finding items[ADOPT_FINDINGS_MAX];
	int count;
	/* the value of AUTH_ADDITIONAL_FIELDS for the columns; NULL: none */
	const char *fields;
	bool ids_need_change; /* sql/adopt_ids.sql must be run */
};

void adopt_find(const struct adopt_facts *f, struct adopt_findings *ret);
/* Adds a finding; after ADOPT_FINDINGS_MAX findings it does nothing. */
void adopt_add(struct adopt_findings *found, enum adopt_level level,
    const char *todo, const char *what);
/*
 * The type of BetterAuth's additionalFields for a type of PostgreSQL; NULL:
 * there is none.
 */
const char *adopt_field_type(const char *type);
/* How many findings have the level. */
int adopt_count(const struct adopt_findings *found, enum adopt_level level);

/* Prints the facts and the findings for a person. */
void
adopt_print(const struct adopt_facts *f, const struct adopt_findings *found);
/*
 * Writes the facts and the findings as JSON. `accepted` is the number after
 * --accept-lockout.
 */
void adopt_write_json(struct buf *b, const struct adopt_facts *f,
    const struct adopt_findings *found, int64_t accepted);

#endif
