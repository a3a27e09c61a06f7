/*
 * plan: the processes of a stack, from kedge.json: how each process is run,
 * which other processes must be ready before it starts, and how to see that it
 * is ready.
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
 * The largest number of processes: PostgreSQL, the two steps that prepare it,
 * and nginx; for each service its own process, its Redis and its migrations.
 */
enum { PLAN_PROCESSES_MAX = 4 + 3 * SPEC_SERVICES_MAX };

struct plan {
	struct process processes[PLAN_PROCESSES_MAX];
	int nprocesses;
	struct database_task databases;
};

/*
 * Makes the plan. `secrets` must live as long as the plan. The environment
 * files and nginx's configuration must have been written before. False: a
 * program is missing; an error was printed.
 */
MUST_CHECK bool plan_make(struct plan *p, const struct stack *s,
    const struct environment *secrets, int port);

#endif
