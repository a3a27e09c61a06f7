/*
 * postgres: the private cluster of a stack.
 *
 * pg/ holds the cluster (pg/data), its configuration, written anew at each
 * start, and its socket.  There is no TCP port.  Services come in with their
 * role and password; the superuser "kedge" and the NAME_owner roles have no
 * password and are open to the operating system's user that runs the stack.
 *
 * PostgreSQL refuses to run as root.  As root it runs as the user postgres, and
 * when that one cannot reach the stack's directory, pg is a symbolic link to a
 * directory below /var/lib/kedge.
 */
#ifndef CLI_POSTGRES_H
#define CLI_POSTGRES_H

#include <stdbool.h>

#include "base/attr.h"

#include "process.h"
#include "stack.h"

struct postgres {
	const char *bin; /* where its programs are */
	struct process_user user;
	bool other_user; /* `user` is not ours */
	bool made; /* there is a cluster */
};

/* Finds the programs, makes pg/ and writes the configuration. */
MUST_CHECK bool
postgres_prepare(const struct stack *s, struct postgres *ret_postgres);
/* The step that makes the cluster. */
void postgres_plan_cluster(const struct stack *s, const struct postgres *p,
    struct process *ret_process);
void postgres_plan_server(const struct stack *s, const struct postgres *p,
    struct process *ret_process);

#endif
