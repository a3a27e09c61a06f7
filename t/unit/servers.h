/*
 * servers: a temporary PostgreSQL and a temporary Redis for one unit test
 * program, on unix sockets in a separate directory.
 *
 * Start them in main(), before check runs anything: they die with the process
 * that started them, which removes the directory when it exits.  Programs that
 * stop and start a server inside a test run with CK_NOFORK.  When a server is
 * not installed, all tests are skipped; when it does not start, the program
 * fails.
 */
#ifndef UNIT_SERVERS_H
#define UNIT_SERVERS_H

#include <sys/types.h>

/*
 * Starts PostgreSQL; returns a libpq connection string for a superuser, in
 * static storage.
 */
const char *servers_start_postgres(void);
/*
 * Stops PostgreSQL immediately, without a clean shutdown, so that a later start
 * must recover.
 */
void servers_stop_postgres(void);
/* Returns the process id of the postmaster; the backends are its children. */
pid_t servers_postgres_pid(void);

/* Starts Redis; returns its address "unix:/path", in static storage. */
const char *servers_start_redis(void);
/* Kills Redis; its next start loads what the command SAVE has written. */
void servers_stop_redis(void);
pid_t servers_redis_pid(void);
/*
 * Sends one line to Redis and returns the first line of its reply (for a bulk
 * reply, the first line of its payload), in static storage.
 */
const char *servers_redis_do(const char *command);

/* Sends a signal to a process and to all its children. */
void servers_signal_tree(pid_t pid, int sig);

/*
 * Returns the path of a file, such as a socket, in the servers' directory, in
 * static storage.
 */
const char *servers_path(const char *name);

#endif
