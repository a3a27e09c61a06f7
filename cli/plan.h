/*
 * plan: the children of a stack, from kedge.json: what runs, what it needs
 * first, and how it is asked whether it serves.
 */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include <stdbool.h>

#include "base/attr.h"

#include "database.h"
#include "process.h"
#include "spec.h"
#include "stack.h"

/*
 * PostgreSQL and its two steps, nginx; of each service itself, its Redis and
 * its migrations.
 */
enum { PLAN_PROCESSES_MAX = 4 + 3 * SPEC_SERVICES_MAX };

struct plan {
	struct process processes[PLAN_PROCESSES_MAX];
	int nprocesses;
	struct database_task databases;
};

/*
 * Complains of a program that is missing.  `secrets` must live as long as the
 * plan; the environment files and nginx's must have been written.
 */
MUST_CHECK bool plan_make(struct plan *p, const struct stack *s,
    const struct environment *secrets, int port);

#endif
