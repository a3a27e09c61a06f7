/*
 * doctor: the command "kedge doctor", which looks for what is wrong with a
 * stack or a server and says what to do.
 *
 * Each check is a function in a file cli/doctor_*.c and a row of the table in
 * doctor.c. A check adds findings; it changes nothing, unless --fix is given
 * and the repair cannot lose anything.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#include "site.h"
#include "stack.h"

struct arena;

enum severity {
	SEVERITY_NOTE, /* worth knowing; nothing to do */
	SEVERITY_WARNING, /* works, but should be changed */
	SEVERITY_ERROR, /* does not work, or is not safe */
};

struct finding {
	enum severity severity;
	const char *check; /* the name of the check's row */
	const char *what; /* one sentence without a dot at its end */
	const char *advice; /* what to do; "" for a note */
};

struct doctor {
	struct arena *arena;
	struct stack *stack;
	struct site site;
	const char *url; /* "http://127.0.0.1:8080"; NULL: nothing answers */
	bool fix;
	const char *check; /* the check that runs */
	struct finding *findings;
	size_t n;
	size_t room;
};

/* Adds a finding of the check that runs. `advice` may be "". */
void doctor_add(struct doctor *d, enum severity severity, const char *advice,
    const char *what, ...) PRINTF(4, 5);

void doctor_files(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_processes(struct doctor *d);
void doctor_databases(struct doctor *d);
void doctor_redis(struct doctor *d);
void doctor_certificate(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_mail(struct doctor *d);
void doctor_nginx(struct doctor *d);
void doctor_bypass(struct doctor *d);
void doctor_address(struct doctor *d);

int doctor_command(int argc, char **argv);

#endif
