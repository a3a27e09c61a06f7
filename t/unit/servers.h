/*
 * servers: a throw-away PostgreSQL and a throw-away Redis for one unit test
 * program, on unix sockets in a directory of their own.
 *
 * Start them in main(), before check runs anything: they die with the process
 * that started them, and the directory goes at its exit.  Programs that stop
 * and start a server inside a test run with CK_NOFORK.  When a server is not
 * installed all tests are skipped; when it does not start, the program fails.
 */
#ifndef UNIT_SERVERS_H
#define UNIT_SERVERS_H

#include <sys/types.h>

/* A libpq connection string for a superuser; static storage. */
const char *servers_start_postgres(void);
/* Stops without ceremony (immediate), so a start afterwards recovers. */
void servers_stop_postgres(void);
/* The postmaster; its backends are its children. */
pid_t servers_postgres_pid(void);

/* "unix:/path"; static storage. */
const char *servers_start_redis(void);
/* Kills it; what SAVE wrote is loaded by the next start. */
void servers_stop_redis(void);
pid_t servers_redis_pid(void);
/*
 * Sends one line to Redis and returns the first line of its answer, for the
 * payload of a bulk answer its first line; static storage.
 */
const char *servers_redis_do(const char *command);

/* Sends a signal to a process and to all its children. */
void servers_signal_tree(pid_t pid, int sig);

/* A path in the directory of the servers, for sockets of a test; static. */
const char *servers_path(const char *name);

#endif
