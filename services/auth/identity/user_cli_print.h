/*
 * user_cli_print: what the commands of user_cli print: users, sessions and
 * errors, for people or as JSON.
 */
#ifndef AUTH_USER_CLI_PRINT_H
#define AUTH_USER_CLI_PRINT_H

#include <stdbool.h>

#include "base/err.h"

struct arena;
struct session_listed;
struct user_facts;
struct user_listed;

/* The exit status of a command that failed. */
enum { USER_CLI_FAILED = 1 };

/* Prints the error; returns USER_CLI_FAILED. */
int user_cli_fail(const char *what);
/* The exit status of a call; prints an error unless it is ERR_OK. */
int user_cli_result(enum err e);

/*
 * Prints one user; `password` is one that was generated, or NULL. Returns the
 * exit status.
 */
int user_cli_print_facts(struct arena *a, const struct user_facts *u,
    const char *password, bool as_json);
/* Prints one user of a list; `n` counts from 0. False: it failed. */
bool user_cli_print_listed(
    struct arena *a, const struct user_listed *u, int n, bool as_json);
int user_cli_print_sessions(struct arena *a,
    const struct session_listed *sessions, int count, bool as_json);

#endif
