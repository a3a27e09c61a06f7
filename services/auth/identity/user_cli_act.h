/*
 * user_cli_act: the commands of user_cli about one user who exists.
 *
 *   auth user show EMAIL [--json]
 *   auth user ban EMAIL [--reason TEXT] [--until TIME]
 *   auth user unban EMAIL
 *   auth user sign-out EMAIL
 */
#ifndef AUTH_USER_CLI_ACT_H
#define AUTH_USER_CLI_ACT_H

#include <stdbool.h>

struct arena;
struct auth;

/*
 * Runs the command if argv[0] is one of these; *ret_status is its exit status,
 * or -1 if its arguments are wrong. Returns whether it is.
 */
bool user_cli_act(
    struct auth *auth, struct arena *a, int argc, char **argv, int *ret_status);

#endif
